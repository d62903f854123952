import { randomInt } from 'node:crypto';
import { basename } from 'node:path';
import type { WorkSource, WorkTarget } from '../../domain/documents.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import { ERRORS, IdMinterError } from '../../domain/errors.ts';
import type { Identified } from '../../domain/identified-work.ts';
import { newJobId } from '../../domain/job-id.ts';
import type { StoppedBy } from '../../domain/notices.ts';
import type { ComparisonCounts, RunReport, RunSummary } from '../../domain/run-report.ts';
import { RunTally, tellAll } from '../../domain/run-report.ts';
import { boundHeap } from '../../runtime/heap.ts';
import {
  compareWithIndex,
  nowhere,
  openIndexedDocuments,
  openIndexedWorks,
  openIndexTarget,
  openWaitingRoom,
  openWorks,
  openWorksTarget,
  readList,
  STANDARD,
} from '../../runtime/open-documents.ts';
import { RegistryMeter, remembering } from '../../runtime/open-registry.ts';
import type { WaitingWork } from '../../steps/mint-works.ts';
import { mintWorks } from '../../steps/mint-works.ts';
import { asDocumentIds, selectWorks } from '../../steps/select-works.ts';
import { EXIT, exitFor } from '../exit.ts';
import type { Io, Speech } from '../io.ts';
import { speech } from '../io.ts';
import type { End, Ends, MintOptions } from '../mint-ends.ts';
import { isFile, locateEnds, readEnds, usage } from '../mint-ends.ts';
import { openMintNotices, pipelineDateOf } from '../mint-notices.ts';
import { describeRun, shareDone, startProgress } from '../progress.ts';
import { openFor, survey } from '../session.ts';

/** `id-minter mint`: works in, works with canonical IDs out. */
export async function mint(
  file: string | undefined,
  options: MintOptions,
  io: Io
): Promise<number> {
  const named = readEnds(file, options, io);
  const staysLocal = isFile(named.source) && isFile(named.target) && named.against === undefined;
  // Before a cluster, or what keeps its name, is asked for anything.
  if (!staysLocal) survey(io, options, staysLocal);
  const ends = await locateEnds(named);
  boundHeap();
  const began = performance.now();
  const speak = speech(io, options);
  const tally = new RunTally();
  const meter = new RegistryMeter();
  const jobId = options.jobId ?? newJobId(new Date(), randomInt);
  const dryRun = options.dryRun === true;
  const isIntoIndex = !isFile(ends.target) && !dryRun;
  await using resources = new AsyncDisposableStack();

  const wanted = await readWanted(options, ends.source, io);
  const source = await openSource(ends, wanted, { io, resources });
  const held = ends.against && resources.use(await openIndexedDocuments(ends.against, io));
  const written = dryRun ? nowhere() : await openTarget(ends, io);
  resources.defer(() => written.discard());
  const notices = resources.use(await openMintNotices(options, { io, jobId, isIntoIndex }));
  // Last, so that a wrong path is known before a registry is made or changed.
  const registry = resources.use(
    await openFor(io, options, {
      ...options,
      purpose: dryRun ? 'dry-run' : 'write',
      staysLocal,
      onRetry: meter.onRetry,
    })
  );
  const waiting = openWaitingRoom<WaitingWork>();
  resources.defer(() => waiting.close());

  const told = tellAll([onTerminal(speak), ...notices.reports]);
  const comparison =
    held &&
    (await compareWithIndex(held, {
      registry,
      tell: async difference => {
        tally.warned(difference);
        await told.warned(difference);
      },
    }));
  const target = comparison?.target ?? written;

  using progress = startProgress(io, options, seconds => {
    const done = tally.works.succeeded + tally.works.failed;
    const share = source.reading && shareDone(done, source.reading());
    return describeRun({ done, unit: 'works', share, whole: basename(source.name) }, seconds);
  });
  const stop = await endOf(
    mintWorks({
      registry: remembering(meter.timing(registry)),
      source,
      target,
      report: comparison ? tellAll([told, comparison.report]) : told,
      tally,
      waiting,
      batchSize: options.batchSize,
      concurrency: options.concurrency,
      signal: io.signal,
    }),
    io
  );
  progress.stop();
  // A file appears only as a whole; what is in an index stays, and those whom it concerns are told.
  if (stop && !isIntoIndex) return stop.end();
  if (!stop) await target.complete();

  const counts = {
    job_id: jobId,
    works: tally.works,
    identifiers: tally.identifiers,
    warnings: tally.warnings,
    elapsed_ms: Math.round(performance.now() - began),
    ...(comparison && { against: comparison.counts }),
  };
  const { reportUri, problems } = await notices.tell({
    head: {
      ...counts,
      window: ends.window
        ? { start_time: ends.window.start.toISOString(), end_time: ends.window.end.toISOString() }
        : null,
      pipeline_date: pipelineDateOf(options, io) ?? null,
      dry_run: dryRun,
      ...(stop && { stopped_by: stop.because }),
    },
    figures: () => meter.take(registry),
  });
  for (const { code, message } of problems) speak.tell('error', code, message);
  if (stop) return stop.end();

  const summary: RunSummary = { ...counts, report: options.report ?? reportUri };
  if (options.json) speak.data(JSON.stringify(summary));
  if (source.reading?.().items === 0) speak.say(`There are no works in ${source.name}.`);
  speak.say(describe(summary, tally, dryRun));
  return exitFor([
    ...codesIn(tally.errors),
    ...problems.map(({ code }) => code),
    ...codesIn(tally.warnings).filter(isDifference),
  ]);
}

function codesIn<Code extends ErrorCode>(counts: Readonly<Partial<Record<Code, number>>>): Code[] {
  return Object.keys(counts) as Code[];
}

/** What is told beside an answer harms nothing; but a comparison that found something says so by its status too. */
function isDifference(code: ErrorCode): boolean {
  return ERRORS[code].exit === EXIT.differences;
}

/** Why a run did not come to its end, and how the command ends then. */
interface Stop {
  readonly because: StoppedBy;
  /** @throws what stopped it, where that was an error */
  end(): number;
}

async function endOf(run: Promise<void>, { signal }: Io): Promise<Stop | undefined> {
  const interrupted = { code: null, message: 'It was interrupted.' };
  try {
    await run;
  } catch (error) {
    return {
      // What was on its way fails then too.
      because: signal.aborted ? interrupted : reasonOf(error),
      end: () => {
        throw error;
      },
    };
  }
  return signal.aborted ? { because: interrupted, end: () => EXIT.done } : undefined;
}

function reasonOf(error: unknown): StoppedBy {
  const code = error instanceof IdMinterError ? error.code : 'INTERNAL';
  return { code, message: error instanceof Error ? error.message : String(error) };
}

async function openSource(
  { source, window }: Ends,
  wanted: readonly string[] | undefined,
  { io, resources }: { io: Io; resources: AsyncDisposableStack }
): Promise<WorkSource<Identified>> {
  if (isFile(source)) {
    const works = await openWorks(source, io);
    return wanted ? selectWorks(works, wanted) : works;
  }
  const selection = wanted ? { ids: asDocumentIds(wanted) } : window ? { window } : 'all';
  const works = resources.use(await openIndexedWorks(source, selection, io));
  return wanted ? selectWorks(works, wanted) : works;
}

async function openTarget({ target }: Ends, io: Io): Promise<WorkTarget> {
  return isFile(target) ? await openWorksTarget(target, io) : await openIndexTarget(target, io);
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

function describe(
  { works, identifiers, warnings, elapsed_ms, report, against }: RunSummary,
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
  if (against) lines.push(describeComparison(against));
  lines.push(
    `Took ${(elapsed_ms / 1000).toFixed(1)} s.${report === null ? '' : ` Report: ${report}`}`
  );
  return lines.join('\n');
}

function describeComparison({
  same,
  different,
  absent,
  newly_failing: failing,
  new: unknown,
}: ComparisonCounts): string {
  const counts = `Against the index: ${same} same, ${different} different, ${absent} absent, ${failing} newly failing.`;
  if (unknown === 0) return counts;
  const works = unknown === 1 ? '1 work has' : `${unknown} works have`;
  return `${counts} ${works} no canonical ID yet, and could not be compared.`;
}
