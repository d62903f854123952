import { randomUUID } from 'node:crypto';
import type { DestinationStream } from 'pino';
import { pino } from 'pino';
import { IdMinterError } from '../domain/errors.ts';
import type { Answer, Registry } from '../domain/registry.ts';
import type { RunReport } from '../domain/run-report.ts';
import { formatSourceIdentifier } from '../domain/source-identifier.ts';
import type { Environment, Settings } from './settings.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The levels of the pipeline's other steps, by their names. */
const LEVELS = { debug: 10, info: 20, warning: 30, error: 40, critical: 50 } as const;

/** How a line says that an ID was got; those of the pipeline's other minter. */
const METHODS = { existing: 'looked_up', inherited: 'inherited', minted: 'minted' } as const;

/** Members that never stand in a log, whatever they hold. */
const SECRET_NAME = /api_?key|password|authorization|secret|token|credential/i;

/** Variables whose values never stand in a log, wherever a message has them from. */
const SECRET_VARIABLES = [
  ...['RDS_PASSWORD', 'ES_API_KEY', 'ES_LOCAL_API_KEY'],
  ...['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
];
/** Shorter ones would blot out what is no secret. */
const SECRET_LENGTH_MIN = 4;
const HIDDEN = '[hidden]';

/** The log of one run: a line of JSON an event, on standard error. */
export interface RunLog {
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warning(event: string, fields?: Fields): void;
  /** @param error - of which the code and the messages are written, and the stack where it is a fault of ours */
  error(event: string, error: unknown, fields?: Fields): void;
  /** Hides a text that became known in the run, as a password out of a store of secrets. */
  hide(secret: string): void;
  /** To be told of a run while it goes on. */
  readonly report: RunReport;
  /** The registry, each batch logged, and at `debug` each identifier. */
  following(registry: Registry): Registry;
}

export interface LogOptions {
  readonly environment: Environment;
  readonly settings: Settings;
  /** The id of the request; a random one where there is none. */
  readonly traceId?: string | undefined;
  /** Standard error, where nothing else is said. */
  readonly destination?: DestinationStream;
}

export function openLog({ environment, settings, traceId, destination }: LogOptions): RunLog {
  const secrets = new Set(SECRET_VARIABLES.flatMap(name => environment[name] ?? []));
  const clean = (text: string): string => hideIn(text, secrets);
  const logger = pino(
    {
      level: settings.LOG_LEVEL,
      customLevels: LEVELS,
      useOnlyCustomLevels: true,
      base: {
        logger: 'id_minter',
        trace_id: traceId ?? randomUUID(),
        pipeline_step: settings.PIPELINE_STEP,
        started_at: new Date().toISOString(),
      },
      messageKey: 'event',
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: level => ({ level }) },
      hooks: { streamWrite: clean },
    },
    // Written before the process can be frozen.
    destination ?? pino.destination({ fd: 2, sync: true })
  );
  const line =
    (level: keyof typeof LEVELS) =>
    (event: string, fields: Fields = {}): void =>
      logger[level](withoutSecrets(fields), event);
  const log = { debug: line('debug'), info: line('info'), warning: line('warning') };
  const error: RunLog['error'] = (event, cause, fields = {}) =>
    line('error')(event, { ...fields, ...describe(cause) });
  return {
    ...log,
    error,
    hide: secret => void secrets.add(secret),
    report: reportTo({ ...log, error: line('error') }),
    following: registry => following(registry, { ...log, isDebug: logger.isLevelEnabled('debug') }),
  };
}

type Line = (event: string, fields?: Fields) => void;

function reportTo({ info, warning, error }: Record<'info' | 'warning' | 'error', Line>): RunReport {
  return {
    succeeded: async ids => {
      if (ids.length > 0) info('Indexed batch', { success_count: ids.length });
    },
    unconfirmed: async ids => warning('Indexing not confirmed', { ids }),
    failed: async ({ row_id, stage, code, detail }, place) =>
      error(stage === 'index' ? 'Indexing error' : 'Work failed', {
        ...{ row_id, stage, code, detail, place },
      }),
    answered: async ({ warning: met }) => {
      if (met) warning('Warning', { code: met.code, detail: met.message });
    },
    warned: async ({ code, message }) => warning('Warning', { code, detail: message }),
  };
}

function following(
  registry: Registry,
  { info, debug, isDebug }: { info: Line; debug: Line; isDebug: boolean }
): Registry {
  const mint: Registry['mint'] = async requests => {
    const result = await registry.mint(requests);
    info('Batch minted', { total: requests.length, ...countOutcomes(result.answers) });
    if (!isDebug) return result;
    for (const { source, canonicalId, outcome, error } of result.answers) {
      const identifier = formatSourceIdentifier(source);
      if (error) debug('Refused ID', { source_identifier: identifier, code: error.code });
      else {
        debug('Resolved ID', {
          ...{ source_identifier: identifier, canonical_id: canonicalId, method: METHODS[outcome] },
        });
      }
    }
    return result;
  };
  return {
    ...registry,
    mint,
    dryRun: () => following(registry.dryRun(), { info, debug, isDebug }),
  };
}

function countOutcomes(answers: readonly Answer[]): Record<string, number> {
  const counts = { existing: 0, inherited: 0, minted: 0, refused: 0 };
  for (const { outcome } of answers) counts[outcome ?? 'refused'] += 1;
  return counts;
}

/** Nothing of its other members: clients keep whole requests there, with their headers. */
function describe(cause: unknown): Fields {
  if (!(cause instanceof Error)) return { detail: String(cause) };
  const isFault = !(cause instanceof IdMinterError) || cause.code === 'INTERNAL';
  return {
    code: cause instanceof IdMinterError ? cause.code : 'INTERNAL',
    detail: cause.message,
    ...(cause.cause instanceof Error && {
      cause: `${cause.cause.name}: ${cause.cause.message}`,
    }),
    ...(isFault && { stack: cause.stack }),
  };
}

function withoutSecrets(value: Fields): Fields {
  const text = JSON.stringify(value, (name, member) =>
    SECRET_NAME.test(name) && member !== undefined ? HIDDEN : member
  );
  return JSON.parse(text);
}

function hideIn(line: string, secrets: ReadonlySet<string>): string {
  let clean = line;
  for (const secret of secrets) {
    if (secret.length < SECRET_LENGTH_MIN) continue;
    // As it stands in JSON.
    clean = clean.replaceAll(JSON.stringify(secret).slice(1, -1), HIDDEN);
  }
  return clean;
}
