import { z } from 'zod';
import type { IndexSelection } from '../domain/documents.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { TimeWindow } from '../domain/time-window.ts';
import { parseWindow } from '../domain/time-window.ts';
import { PARTITION_SIZE_MAX } from '../steps/batch-defaults.ts';

/** What one run shall mint. */
export interface MintingRequest {
  /** undefined where the run names itself */
  readonly jobId: string | undefined;
  readonly selection: IndexSelection | { readonly partition: Partition };
}

/** An object in S3 that holds a minting request with ids, as find_work writes it. */
export interface Partition {
  /** `s3://BUCKET/KEY` */
  readonly uri: string;
  readonly bucket: string;
  readonly key: string;
  /** The ids that it has to hold; undefined where nobody said. */
  readonly count: number | undefined;
}

/** A message of a batch, which fails by itself. */
export interface BatchItem {
  /** The id of an SQS message; of a bare request its place in the array, from 0. */
  readonly itemIdentifier: string;
  readonly request: MintingRequest | IdMinterError;
}

export type MintingEvent =
  | { readonly kind: 'one'; readonly request: MintingRequest }
  | { readonly kind: 'batch'; readonly items: readonly BatchItem[] };

/** What find_work shall cut into partitions. */
export interface FindWorkRequest {
  readonly selection: IndexSelection;
  /** Ids a partition; undefined for what is usual. */
  readonly partitionSize: number | undefined;
  readonly jobId: string | undefined;
  /** undefined where the environment says it */
  readonly pipelineDate: string | undefined;
  readonly graphDate: string | undefined;
}

/** An index is some minutes behind what happens. */
const SCHEDULE_DELAY_MS = 5 * 60 * 1000;
/** Keys in S3, which are made of it, have 1,024 bytes. */
const JOB_ID_MAX = 200;
const SHOWN_MAX = 200;

const label = z.string().trim().min(1).max(JOB_ID_MAX);
const time = z.string();
const windowed = {
  window: z
    .preprocess(inSnakeCase, z.object({ start_time: time.optional(), end_time: time }))
    .optional(),
  start_time: time.optional(),
  end_time: time.optional(),
};
const identifiers = z.array(z.string().trim().min(1)).min(1);

const MINTING = z.object({
  ...windowed,
  job_id: label.optional(),
  source_identifiers: identifiers.optional(),
  full: z.boolean().optional(),
  s3_uri: z
    .string()
    .regex(/^s3:\/\/[^/]+\/./)
    .optional(),
  count: z.int().min(1).optional(),
});

const FIND_WORK = z.object({
  ...windowed,
  job_id: label.optional(),
  ids: identifiers.optional(),
  source_identifiers: identifiers.optional(),
  full: z.boolean().optional(),
  scheduled_time: time.optional(),
  partition_size: z.int().min(1).max(PARTITION_SIZE_MAX).optional(),
  pipeline_date: label.optional(),
  graph_date: label.optional(),
});

const LABEL = `a text of 1 to ${JOB_ID_MAX} characters`;
const IDENTIFIERS =
  'a list of at least one text that is not empty, such as "Work[sierra-system-number/b1000001]"';
const TIME = 'a time such as "2026-08-20T03:15:00Z"';

/** By the name of the key, in snake case. */
const ALLOWED: Readonly<Record<string, string>> = {
  job_id: LABEL,
  pipeline_date: LABEL,
  graph_date: LABEL,
  source_identifiers: IDENTIFIERS,
  ids: IDENTIFIERS,
  window: 'an object with start_time and end_time',
  start_time: TIME,
  end_time: TIME,
  scheduled_time: TIME,
  full: 'true',
  s3_uri: '"s3://BUCKET/KEY"',
  count: 'a whole number from 1',
  partition_size: `a whole number from 1 to ${PARTITION_SIZE_MAX}`,
};

/**
 * Reads what the minter is invoked with: one request, an array of requests or of SQS messages as EventBridge Pipes
 * deliver them, or `{"Records": […]}` as SQS does. Keys are snake or camel case, and the camel case one counts where
 * both are there; unknown keys and nulls are ignored.
 *
 * @throws IdMinterError INVALID_REQUEST; what is wrong with a message of a batch stands in the place of its request
 */
export function readMintingEvent(event: unknown): MintingEvent {
  const items = isRecord(event) && 'Records' in event ? event['Records'] : event;
  if (Array.isArray(items)) return { kind: 'batch', items: items.map(readItem) };
  return { kind: 'one', request: readMintingRequest(event) };
}

/**
 * Reads one request, as an event or an object in S3 holds it.
 *
 * @throws IdMinterError INVALID_REQUEST
 */
export function readMintingRequest(value: unknown): MintingRequest {
  const given = parse(MINTING, value);
  const { job_id: jobId, source_identifiers: ids, full, s3_uri: uri, count } = given;
  const named = new Map<string, MintingRequest['selection']>();
  if (ids) named.set('source_identifiers', { ids: [...new Set(ids)] });
  for (const [key, window] of readWindows(given)) named.set(key, { window });
  if (full) named.set('full', 'all');
  if (uri !== undefined) named.set('s3_uri', { partition: { ...locate(uri), count } });
  return { jobId, selection: theOnly(named, ['source_identifiers', 'window', 'full', 's3_uri']) };
}

/**
 * Reads what find_work is invoked with. Ids or a window beat the time of a schedule, and that beats `full`.
 *
 * @throws IdMinterError INVALID_REQUEST
 */
export function readFindWorkEvent(event: unknown): FindWorkRequest {
  const given = parse(FIND_WORK, event);
  return {
    selection: readSelection(given),
    partitionSize: given.partition_size,
    jobId: given.job_id,
    pipelineDate: given.pipeline_date,
    graphDate: given.graph_date,
  };
}

function readItem(item: unknown, place: number): BatchItem {
  const isMessage = isRecord(item) && 'body' in item;
  const id = isRecord(item) ? item['messageId'] : undefined;
  const itemIdentifier = isMessage && typeof id === 'string' ? id : String(place);
  try {
    return {
      itemIdentifier,
      request: readMintingRequest(isMessage ? parseBody(item['body']) : item),
    };
  } catch (error) {
    if (error instanceof IdMinterError) return { itemIdentifier, request: error };
    throw error;
  }
}

function parseBody(body: unknown): unknown {
  try {
    return JSON.parse(String(body));
  } catch (cause) {
    throw refused('body', body, 'a request as JSON', cause);
  }
}

function readSelection(given: z.output<typeof FIND_WORK>): IndexSelection {
  const { ids = given.source_identifiers, scheduled_time: scheduled, full } = given;
  const named = new Map<string, IndexSelection>();
  if (ids) named.set('ids', { ids: [...new Set(ids)] });
  for (const [key, window] of readWindows(given)) named.set(key, { window });
  if (named.size === 0 && scheduled !== undefined) {
    named.set('scheduled_time', { window: windowBefore(scheduled) });
  } else if (named.size === 0 && full) named.set('full', 'all');
  return theOnly(named, ['ids', 'window', 'scheduled_time', 'full']);
}

/** The windows that a request names, by key: in an object of its own, or beside the other keys. */
function* readWindows({
  window,
  start_time,
  end_time,
}: Pick<z.output<typeof MINTING>, keyof typeof windowed>): Generator<[string, TimeWindow]> {
  if (window) yield ['window', asWindow(window)];
  if (end_time !== undefined) yield ['end_time', asWindow({ start_time, end_time })];
  else if (start_time !== undefined) throw refused('end_time', undefined, TIME);
}

function windowBefore(scheduled: string): TimeWindow {
  const { start, end } = asWindow({ end_time: scheduled });
  const earlier = (moment: Date) => new Date(moment.getTime() - SCHEDULE_DELAY_MS);
  return { start: earlier(start), end: earlier(end) };
}

function asWindow(window: { start_time?: string | undefined; end_time: string }): TimeWindow {
  try {
    return parseWindow({ start: window.start_time, end: window.end_time });
  } catch (error) {
    if (!(error instanceof IdMinterError)) throw error;
    const details = { key: 'window', value: window, allowed: TIME, cause: error };
    throw new IdMinterError('INVALID_REQUEST', error.message, details);
  }
}

function theOnly<T>(named: ReadonlyMap<string, T>, allowed: readonly string[]): T {
  const [only, ...more] = named.values();
  if (only !== undefined && more.length === 0) return only;
  const keys = [...named.keys()];
  const said =
    only === undefined ? 'does not say which works are meant' : `has ${keys.join(' and ')}`;
  throw new IdMinterError(
    'INVALID_REQUEST',
    `The request ${said}: one of ${allowed.join(', ')} is needed. Nothing was done. Correct the request.`,
    { key: allowed, value: keys, allowed: 'one of them' }
  );
}

function locate(uri: string): Omit<Partition, 'count'> {
  const [, , bucket = '', ...path] = uri.split('/');
  return { uri, bucket, key: path.join('/') };
}

function parse<Schema extends z.ZodObject>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(inSnakeCase(value), { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path ?? [];
  const key = path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${String(part)}`),
    ''
  );
  const name = path.findLast(part => typeof part === 'string') ?? '';
  throw refused(key.slice(1), issue?.input, ALLOWED[name] ?? 'an object');
}

function refused(key: string, value: unknown, allowed: string, cause?: unknown): IdMinterError {
  const is = value === undefined ? 'is missing' : `is ${JSON.stringify(value).slice(0, SHOWN_MAX)}`;
  return new IdMinterError(
    'INVALID_REQUEST',
    `${key === '' ? 'The request' : `The request’s ${key}`} ${is}: ${allowed} is needed. Nothing was done. Correct the request.`,
    { key, value, allowed, ...(cause !== undefined && { cause }) }
  );
}

/** Without nulls, which are what some programs write for what is absent. */
function inSnakeCase(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const given = Object.entries(value).filter(([, one]) => one !== null);
  const [camel, snake] = [given.filter(isCamel), given.filter(entry => !isCamel(entry))];
  const renamed = camel.map(([key, one]): [string, unknown] => [toSnakeCase(key), one]);
  return Object.fromEntries([...snake, ...renamed]);
}

function isCamel([key]: readonly [string, unknown]): boolean {
  return /[A-Z]/.test(key);
}

function toSnakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
