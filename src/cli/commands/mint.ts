import { randomInt } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { IdMinterError } from '../../domain/errors.ts';
import type { RunReport, RunSummary } from '../../domain/run-report.ts';
import { RunTally } from '../../domain/run-report.ts';
import {
  nowhere,
  openIdentifiedWorks,
  openReport,
  openWaitingRoom,
  openWorks,
  openWorksTarget,
  readList,
  STANDARD,
} from '../../runtime/open-documents.ts';
import { remembering } from '../../runtime/open-registry.ts';
import { readSettings } from '../../runtime/settings.ts';
import type { WaitingWork } from '../../steps/mint-works.ts';
import { mintWorks } from '../../steps/mint-works.ts';
import { selectWorks } from '../../steps/select-works.ts';
import { exitFor } from '../exit.ts';
import { boundHeap } from '../heap.ts';
import type { CommonOptions, Io, Speech } from '../io.ts';
import { speech } from '../io.ts';
import { describeRun, shareDone, startProgress } from '../progress.ts';
import { openFor } from '../session.ts';

export interface MintOptions extends CommonOptions {
  readonly source?: string;
  readonly target?: string;
  readonly sourceIdentifiers?: readonly string[];
  readonly windowStart?: string;
  readonly windowEnd?: string;
  readonly full?: boolean;
  readonly sourceIndex?: string;
  readonly targetIndex?: string;
  readonly sourceIndexPrefix?: string;
  readonly targetIndexPrefix?: string;
  readonly sourceIndexDateSuffix?: string;
  readonly targetIndexDateSuffix?: string;
  readonly sourceEsMode?: string;
  readonly targetEsMode?: string;
  readonly pipelineDate?: string;
  readonly resolver?: string;
  readonly jobId?: string;
  readonly batchSize: number;
  readonly concurrency: number;
  readonly report?: string;
  readonly dryRun?: boolean;
  readonly applyMigrations?: boolean;
  readonly topUp?: boolean;
}

/** What says something of an index, and would be passed over in silence where the works come from a file. */
const OF_INDEXES = [
  'windowStart',
  'windowEnd',
  'full',
  'sourceIndex',
  'targetIndex',
  'sourceIndexPrefix',
  'targetIndexPrefix',
  'sourceIndexDateSuffix',
  'targetIndexDateSuffix',
  'sourceEsMode',
  'targetEsMode',
] as const satisfies (keyof MintOptions)[];

/** `id-minter mint`: works in, works with canonical IDs out. */
export async function mint(
  file: string | undefined,
  options: MintOptions,
  io: Io
): Promise<number> {
  const { source: sourcePath, targetPath } = readPaths(file, options);
  boundHeap();
  const began = performance.now();
  const speak = speech(io, options);
  const tally = new RunTally();
  await using resources = new AsyncDisposableStack();

  const wanted = await readWanted(options, sourcePath, io);
  // Which works are meant may be told by members that identified ones have no more.
  const whole = wanted && (await openWorks(sourcePath, io));
  const works = whole ?? (await openIdentifiedWorks(sourcePath, io));
  const target = options.dryRun ? nowhere() : await openWorksTarget(targetPath, io);
  resources.defer(() => target.discard());
  const reportFile =
    options.report === undefined ? undefined : await openReport(options.report, io);
  resources.defer(async () => await reportFile?.close());
  // Last, so that a wrong path is known before a registry is made or changed.
  const registry = resources.use(
    await openFor(io, options, { ...options, purpose: options.dryRun ? 'dry-run' : 'write' })
  );
  const waiting = openWaitingRoom<WaitingWork>();
  resources.defer(() => waiting.close());

  const source = whole && wanted ? selectWorks(whole, wanted) : works;
  using progress = startProgress(io, options, seconds => {
    const done = tally.works.succeeded + tally.works.failed;
    const share = source.reading && shareDone(done, source.reading());
    return describeRun({ done, unit: 'works', share, whole: basename(works.name) }, seconds);
  });
  await mintWorks({
    registry: remembering(registry),
    source,
    target,
    report: tellAll(reportFile ? [onTerminal(speak), reportFile] : [onTerminal(speak)]),
    tally,
    waiting,
    batchSize: options.batchSize,
    concurrency: options.concurrency,
    signal: io.signal,
  });
  progress.stop();
  if (io.signal.aborted) return exitFor([]);

  await target.complete();
  const summary: RunSummary = {
    job_id: options.jobId ?? newJobId(new Date()),
    works: tally.works,
    identifiers: tally.identifiers,
    warnings: tally.warnings,
    elapsed_ms: Math.round(performance.now() - began),
    report: options.report ?? null,
  };
  const pipelineDate = options.pipelineDate ?? readSettings(io.environment).PIPELINE_DATE ?? null;
  const dryRun = options.dryRun === true;
  await reportFile?.complete({
    ...summary,
    window: null,
    pipeline_date: pipelineDate,
    dry_run: dryRun,
  });
  if (options.json) speak.data(JSON.stringify(summary));
  if (works.reading?.().items === 0) speak.say(`There are no works in ${works.name}.`);
  speak.say(describe(summary, tally, dryRun));
  return exitFor(Object.keys(tally.errors) as (keyof typeof tally.errors)[]);
}

/** @throws IdMinterError USAGE, or NOT_AVAILABLE where the source is an index */
function readPaths(
  file: string | undefined,
  options: MintOptions
): { source: string; targetPath: string } {
  if (options.resolver !== undefined && options.resolver !== 'local') {
    throw usage(
      `--resolver ${options.resolver} is gone: it could only look up. Use \`id-minter lookup\` for that.`
    );
  }
  if (file !== undefined && options.source !== undefined) {
    throw usage(`Two sources are named, ${file} and ${options.source}: give one.`);
  }
  const source = options.source ?? file;
  const isIndex =
    options.sourceIdentifiers ?? options.windowStart ?? options.windowEnd ?? options.full;
  if ((source === undefined && isIndex !== undefined) || isUrl(source) || isUrl(options.target)) {
    throw new IdMinterError(
      'NOT_AVAILABLE',
      'This version does not read or write Elasticsearch indexes. Nothing was minted. Give the works as a file: ' +
        'id-minter mint --source works.ndjson --target minted.ndjson, with --source-identifiers to select among them.'
    );
  }
  if (source === undefined)
    throw usage('No works are named: give a file, or - for standard input.');
  const idle = OF_INDEXES.find(name => options[name] !== undefined);
  if (idle !== undefined) {
    const flag = `--${idle.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
    throw usage(
      `${flag} says something of an index, and the works come from ${source}: leave it out.`
    );
  }
  const targetPath = options.target ?? STANDARD;
  if (options.json && targetPath === STANDARD && !options.dryRun) {
    throw usage('With --json standard output holds the summary: give the works a --target FILE.');
  }
  refuseSharedReport(options, targetPath);
  return { source, targetPath };
}

/** One of the two would overwrite the other, or stand in the midst of it. */
function refuseSharedReport({ report, dryRun, json }: MintOptions, targetPath: string): void {
  if (report === undefined) return;
  const isStandard = report === STANDARD;
  const isTarget = isStandard ? targetPath === STANDARD : resolve(report) === resolve(targetPath);
  if (isTarget && !dryRun) throw usage('--report and --target name the same place: give two.');
  if (isStandard && json)
    throw usage('With --json standard output holds the summary: give --report a file.');
}

async function readWanted(
  { sourceIdentifiers }: MintOptions,
  source: string,
  io: Io
): Promise<string[] | undefined> {
  if (sourceIdentifiers === undefined) return undefined;
  if (source === STANDARD && sourceIdentifiers.includes(STANDARD)) {
    throw usage('Works and identifiers cannot both come from standard input.');
  }
  const wanted: string[] = [];
  for (const id of sourceIdentifiers) {
    if (id === STANDARD) wanted.push(...(await readList(STANDARD, io)));
    else if (id.startsWith('@')) wanted.push(...(await readList(id.slice(1), io)));
    else wanted.push(id.trim());
  }
  return wanted;
}

/** Failures and warnings one a line, as they come. */
function onTerminal({ tell }: Speech): RunReport {
  return {
    succeeded: async () => {},
    failed: async ({ row_id: row, code, detail }) =>
      tell('error', code, detail.startsWith(row) ? detail : `${row}: ${detail}`),
    answered: async ({ warning }) => {
      if (warning) tell('warning', warning.code, warning.message);
    },
    warned: async ({ code, message }) => tell('warning', code, message),
  };
}

function tellAll(reports: readonly RunReport[]): RunReport {
  return {
    succeeded: async ids => {
      for (const report of reports) await report.succeeded(ids);
    },
    failed: async (error, place) => {
      for (const report of reports) await report.failed(error, place);
    },
    answered: async (answer, place) => {
      for (const report of reports) await report.answered(answer, place);
    },
    warned: async (warning, place) => {
      for (const report of reports) await report.warned(warning, place);
    },
  };
}

function describe(
  { works, identifiers, warnings, elapsed_ms, report }: RunSummary,
  tally: RunTally,
  dryRun: boolean
): string {
  const { existing, inherited, minted } = identifiers;
  const would = dryRun ? 'would be ' : '';
  const count = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([code, number]) => `${number} ${code}`)
      .join(', ');
  const lines = [
    `Works: ${works.succeeded} succeeded, ${works.failed} failed${dryRun ? ' (dry run: nothing was written)' : ''}.`,
    `Identifiers: ${existing} existing, ${inherited} ${would}inherited, ${minted} ${would}minted.`,
  ];
  if (Object.keys(tally.errors).length > 0) lines.push(`Errors: ${count(tally.errors)}.`);
  if (Object.keys(warnings).length > 0) lines.push(`Warnings: ${count(warnings)}.`);
  lines.push(
    `Took ${(elapsed_ms / 1000).toFixed(1)} s.${report === null ? '' : ` Report: ${report}`}`
  );
  return lines.join('\n');
}

/** UTC to the second and four random characters, so that no two runs share a report. */
function newJobId(now: Date): string {
  const time = now.toISOString().replace(/[-:]|\..*/g, '');
  const random = randomInt(36 ** 4)
    .toString(36)
    .padStart(4, '0');
  return `${time}-${random}`;
}

function isUrl(text: string | undefined): boolean {
  return text !== undefined && /^https?:\/\//.test(text);
}

function usage(message: string): IdMinterError {
  return new IdMinterError('USAGE', `${message} Nothing was done.`);
}
