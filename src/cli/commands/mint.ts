import { randomInt } from 'node:crypto';
import { basename, resolve } from 'node:path';
import type { SourceWork, UnreadableWork, WorkSource, WorkTarget } from '../../domain/documents.ts';
import { IdMinterError } from '../../domain/errors.ts';
import type { Identified } from '../../domain/identified-work.ts';
import type { RunReport, RunSummary } from '../../domain/run-report.ts';
import { RunTally } from '../../domain/run-report.ts';
import type { TimeWindow } from '../../domain/time-window.ts';
import { parseWindow } from '../../domain/time-window.ts';
import type { IndexAddress, IndexFlags, IndexPlace } from '../../runtime/index-location.ts';
import { findIndex } from '../../runtime/index-location.ts';
import {
  nowhere,
  openIdentifiedWorks,
  openIndexedWorks,
  openIndexTarget,
  openReport,
  openWaitingRoom,
  openWorks,
  openWorksTarget,
  readList,
  STANDARD,
} from '../../runtime/open-documents.ts';
import { remembering } from '../../runtime/open-registry.ts';
import type { Environment, Settings } from '../../runtime/settings.ts';
import { readSettings } from '../../runtime/settings.ts';
import type { WaitingWork } from '../../steps/mint-works.ts';
import { mintWorks } from '../../steps/mint-works.ts';
import { selectWorks } from '../../steps/select-works.ts';
import { exitFor } from '../exit.ts';
import { boundHeap } from '../heap.ts';
import type { CommonOptions, Io, Speech } from '../io.ts';
import { speech } from '../io.ts';
import { describeRun, shareDone, startProgress } from '../progress.ts';
import { openFor, survey } from '../session.ts';

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

/** What says something of an index, and would be passed over in silence where the works are in a file. */
const OF_SOURCE_INDEXES = [
  'windowStart',
  'windowEnd',
  'full',
  'sourceIndex',
  'sourceIndexPrefix',
  'sourceIndexDateSuffix',
  'sourceEsMode',
] as const satisfies (keyof MintOptions)[];
const OF_TARGET_INDEXES = [
  'targetIndex',
  'targetIndexPrefix',
  'targetIndexDateSuffix',
  'targetEsMode',
] as const satisfies (keyof MintOptions)[];

/** `id-minter mint`: works in, works with canonical IDs out. */
export async function mint(
  file: string | undefined,
  options: MintOptions,
  io: Io
): Promise<number> {
  const named = readEnds(file, options, io);
  const staysLocal = isFile(named.source) && isFile(named.target);
  // Before a cluster, or what keeps its name, is asked for anything.
  if (!staysLocal) survey(io, options, staysLocal);
  const ends = await locateEnds(named);
  boundHeap();
  const began = performance.now();
  const speak = speech(io, options);
  const tally = new RunTally();
  await using resources = new AsyncDisposableStack();

  const wanted = await readWanted(options, ends.source, io);
  const source = await openSource(ends, wanted, { io, resources });
  const target = options.dryRun ? nowhere() : await openTarget(ends, io);
  resources.defer(() => target.discard());
  const reportFile =
    options.report === undefined ? undefined : await openReport(options.report, io);
  resources.defer(async () => await reportFile?.close());
  // Last, so that a wrong path is known before a registry is made or changed.
  const registry = resources.use(
    await openFor(io, options, {
      ...options,
      purpose: options.dryRun ? 'dry-run' : 'write',
      staysLocal,
    })
  );
  const waiting = openWaitingRoom<WaitingWork>();
  resources.defer(() => waiting.close());

  using progress = startProgress(io, options, seconds => {
    const done = tally.works.succeeded + tally.works.failed;
    const share = source.reading && shareDone(done, source.reading());
    return describeRun({ done, unit: 'works', share, whole: basename(source.name) }, seconds);
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
    window: ends.window
      ? { start_time: ends.window.start.toISOString(), end_time: ends.window.end.toISOString() }
      : null,
    pipeline_date: pipelineDate,
    dry_run: dryRun,
  });
  if (options.json) speak.data(JSON.stringify(summary));
  if (source.reading?.().items === 0) speak.say(`There are no works in ${source.name}.`);
  speak.say(describe(summary, tally, dryRun));
  return exitFor(Object.keys(tally.errors) as (keyof typeof tally.errors)[]);
}

/** A file, `-` or an index, which has its address once it is located. */
type End<Index> = string | Index;

/** Where works come from and go to. */
interface Ends<Index = IndexAddress> {
  readonly source: End<Index>;
  readonly target: End<Index>;
  /** Set where the works of a window are meant, which only an index can tell. */
  readonly window?: TimeWindow | undefined;
}

/** @throws IdMinterError USAGE, and what `findIndex` throws, before anything is asked */
function readEnds(file: string | undefined, options: MintOptions, io: Io): Ends<IndexPlace> {
  if (options.resolver !== undefined && options.resolver !== 'local') {
    throw usage(
      `--resolver ${options.resolver} is gone: it could only look up. Use \`id-minter lookup\` for that.`
    );
  }
  if (file !== undefined && options.source !== undefined) {
    throw usage(`Two sources are named, ${file} and ${options.source}: give one.`);
  }
  const source = readSource(options.source ?? file, options, io);
  const window = isFile(source) ? undefined : readWindow(options);
  const target = readTarget(options, { isFromIndex: !isFile(source), io });
  if (options.json && target === STANDARD && !options.dryRun) {
    throw usage('With --json standard output holds the summary: give the works a --target FILE.');
  }
  if (isFile(target)) refuseSharedReport(options, target);
  else if (!isFile(source) && source.name === target.name && !options.dryRun) {
    throw usage(`The works come from ${source.name} and would go there: name another target.`);
  }
  return { source, target, window };
}

/** @throws IdMinterError as the `address` of an index does */
async function locateEnds({ source, target, window }: Ends<IndexPlace>): Promise<Ends> {
  const locate = async (end: End<IndexPlace>) => (isFile(end) ? end : await end.address());
  return { source: await locate(source), target: await locate(target), window };
}

function readSource(named: string | undefined, options: MintOptions, io: Io): End<IndexPlace> {
  const { sourceIdentifiers, windowStart, windowEnd, full } = options;
  const isSelected = (sourceIdentifiers ?? windowStart ?? windowEnd ?? full) !== undefined;
  if (named === undefined && !isSelected) {
    throw usage(
      'No works are named: give a file, or - for standard input; or of an index --source-identifiers, --window-end or --full.'
    );
  }
  if (named === undefined || isUrl(named)) {
    return findIndex('SOURCE', indexFlags(options, 'source', named), surroundings(io));
  }
  refuseIdle(options, OF_SOURCE_INDEXES, `the works come from ${named}`);
  return named;
}

function readTarget(
  options: MintOptions,
  { isFromIndex, io }: { isFromIndex: boolean; io: Io }
): End<IndexPlace> {
  const { target } = options;
  const isNamed = OF_TARGET_INDEXES.some(name => options[name] !== undefined);
  if (isUrl(target) || (target === undefined && (isFromIndex || isNamed))) {
    return findIndex('TARGET', indexFlags(options, 'target', target), surroundings(io));
  }
  if (target !== undefined) refuseIdle(options, OF_TARGET_INDEXES, `the works go to ${target}`);
  return target ?? STANDARD;
}

function indexFlags(
  options: MintOptions,
  side: 'source' | 'target',
  url: string | undefined
): IndexFlags {
  return {
    url,
    index: options[`${side}Index`],
    prefix: options[`${side}IndexPrefix`],
    dateSuffix: options[`${side}IndexDateSuffix`],
    mode: options[`${side}EsMode`],
    pipelineDate: options.pipelineDate,
  };
}

function surroundings({ environment }: Io): { environment: Environment; settings: Settings } {
  return { environment, settings: readSettings(environment) };
}

/** Exactly one of ids, window and full says which works of an index are meant. */
function readWindow(options: MintOptions): TimeWindow | undefined {
  const { sourceIdentifiers, windowStart: start, windowEnd: end, full } = options;
  const isWindow = start !== undefined || end !== undefined;
  const named = [sourceIdentifiers !== undefined, isWindow, full === true].filter(Boolean).length;
  if (named !== 1) {
    throw usage(
      `${named === 0 ? 'Nothing says which' : 'Several flags say which'} works of the index are meant: give one of ` +
        '--source-identifiers, --window-start with --window-end, and --full.'
    );
  }
  return isWindow ? parseWindow({ start, end }) : undefined;
}

function refuseIdle(
  options: MintOptions,
  names: readonly (keyof MintOptions)[],
  because: string
): void {
  const idle = names.find(name => options[name] !== undefined);
  if (idle === undefined) return;
  const flag = `--${idle.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
  throw usage(`${flag} says something of an index, and ${because}: leave it out.`);
}

async function openSource(
  { source, window }: Ends,
  wanted: readonly string[] | undefined,
  { io, resources }: { io: Io; resources: AsyncDisposableStack }
): Promise<WorkSource<SourceWork | UnreadableWork | Identified>> {
  if (isFile(source)) {
    // Which works are meant may be told by members that identified ones have no more.
    if (wanted) return selectWorks(await openWorks(source, io), wanted);
    return await openIdentifiedWorks(source, io);
  }
  const selection = wanted ? { ids: asDocumentIds(wanted) } : window ? { window } : 'all';
  const works = resources.use(await openIndexedWorks(source, selection, io));
  return wanted ? selectWorks(works, wanted) : works;
}

/** An index names its documents by the text form; `system/value` alone means a work. */
function asDocumentIds(wanted: readonly string[]): string[] {
  const ids = wanted.flatMap(id => (/^[^[]+\//.test(id) ? [id, `Work[${id}]`] : [id]));
  return [...new Set(ids)];
}

async function openTarget({ target }: Ends, io: Io): Promise<WorkTarget> {
  return isFile(target) ? await openWorksTarget(target, io) : await openIndexTarget(target, io);
}

function isFile(end: End<unknown>): end is string {
  return typeof end === 'string';
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
  source: End<unknown>,
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
