import { randomInt } from 'node:crypto';
import { certain } from '../domain/certain.ts';
import type { IndexSelection } from '../domain/documents.ts';
import { IdMinterError } from '../domain/errors.ts';
import { newJobId } from '../domain/job-id.ts';
import type { RegistryFigures, ReportHead, StoppedBy } from '../domain/notices.ts';
import type { RunReport } from '../domain/run-report.ts';
import { RunTally, tellAll } from '../domain/run-report.ts';
import type { IndexAddress } from '../runtime/index-location.ts';
import { locateIndex } from '../runtime/index-location.ts';
import { openIndexedWorks, openIndexTarget } from '../runtime/open-documents.ts';
import { remembering } from '../runtime/open-registry.ts';
import type { Settings } from '../runtime/settings.ts';
import { BATCHES_AT_ONCE, WORKS_A_BATCH } from '../steps/batch-defaults.ts';
import { mintWorks } from '../steps/mint-works.ts';
import { asDocumentIds, selectWorks } from '../steps/select-works.ts';
import type { Call } from './call.ts';
import { readPartition } from './read-partition.ts';
import type { MintingRequest } from './requests.ts';
import { openRunNotices } from './run-notices.ts';
import { Unfinished } from './unfinished.ts';
import { closeRegistry, withRegistry } from './warm-registry.ts';

/** What a request came to. */
export interface MintReply {
  readonly job_id: string;
  readonly window: { readonly start_time: string; readonly end_time: string } | null;
  readonly success_count: number;
  readonly failure_count: number;
  readonly report_s3_uri: string | null;
}

/** A request whose works are known: the ids of a partition are ids. */
interface Selected {
  readonly jobId: string | undefined;
  readonly selection: IndexSelection;
}

/** A run, while it goes on and after it. */
interface Run extends Selected {
  readonly jobId: string;
  readonly began: number;
  readonly tally: RunTally;
  /** Where the works are named. */
  readonly unfinished: Unfinished | undefined;
  /** Of the works, once the source was asked. */
  total: number | undefined;
  /** Set once the registry is open: from there on there may be something to tell. */
  figures: (() => Promise<RegistryFigures>) | undefined;
}

/** Why a run ended before it was through. */
type Stop = 'deadline' | { readonly error: unknown };

/**
 * Mints the works of one request out of the source index into the target index, and tells what came of it. What was
 * written before a run stopped is told as well.
 *
 * @throws IdMinterError DEADLINE, ALL_WORKS_FAILED, REPORT_FAILED, ANNOUNCEMENT_FAILED, METRICS_FAILED, or what failed
 *   as a whole
 */
export async function mintRequest(request: MintingRequest, call: Call): Promise<MintReply> {
  const { settings, log } = call;
  const ends = await locateEnds(settings);
  for (const { apiKey } of [ends.source, ends.target]) if (apiKey) log.hide(apiKey);
  const run = beginRun(await readPartitioned(request, call));
  const window = describeWindow(run.selection);
  log.info('Processing minting request', {
    ...{ job_id: run.jobId, window, ids: run.unfinished?.ids.length },
    ...{ source: ends.source.name, target: ends.target.name },
  });
  await using notices = await openRunNotices(run.jobId, call);
  const stop = await mintUntilStopped(run, ends, { call, report: notices.report });
  const { reportUri, problems } = await notices.tell({
    head: describeRun(run, { stop, settings }),
    figures: certain(run.figures, 'The figures of a run that began'),
  });
  const { succeeded, failed } = run.tally.works;
  log.info('Minting complete', { success_count: succeeded, failure_count: failed });
  for (const problem of problems) log.error('Not told', problem);
  if (stop === 'deadline') throw stoppedByDeadline(run, reportUri);
  if (stop) throw stop.error;
  if (succeeded === 0 && failed > 0) throw allFailed(run, reportUri);
  if (problems[0]) throw problems[0];
  return {
    job_id: run.jobId,
    window,
    success_count: succeeded,
    failure_count: failed,
    report_s3_uri: reportUri,
  };
}

/** Where a batch is not begun any more, or a run was stopped. */
export function beforeDeadline(done: string, details: Record<string, unknown> = {}): IdMinterError {
  return new IdMinterError(
    'DEADLINE',
    `The time that Lambda gives the function was nearly over: ${done}. Send the same request again: it goes on.`,
    details
  );
}

interface Ends {
  readonly source: IndexAddress;
  readonly target: IndexAddress;
}

/** @throws IdMinterError INVALID_CONFIGURATION, and what `locateIndex` throws */
async function locateEnds(settings: Settings): Promise<Ends> {
  const surroundings = { environment: process.env, settings };
  const [source, target] = await Promise.all([
    locateIndex('SOURCE', {}, surroundings),
    locateIndex('TARGET', {}, surroundings),
  ]);
  if (source.name !== target.name) return { source, target };
  throw new IdMinterError(
    'INVALID_CONFIGURATION',
    `Works come from ${source.name} and would go there. Nothing was started. Name another index in ES_TARGET_INDEX.`,
    { index: source.name }
  );
}

async function readPartitioned(request: MintingRequest, { deadline }: Call): Promise<Selected> {
  const { jobId, selection } = request;
  if (selection === 'all' || !('partition' in selection)) return { jobId, selection };
  const surroundings = { environment: process.env, signal: deadline.stop };
  const read = await readPartition(selection.partition, surroundings);
  return { jobId: jobId ?? read.jobId, selection: { ids: read.ids } };
}

function beginRun({ jobId = newJobId(new Date(), randomInt), selection }: Selected): Run {
  const isNamed = selection !== 'all' && 'ids' in selection;
  return {
    jobId,
    selection,
    began: performance.now(),
    tally: new RunTally(),
    unfinished: isNamed ? new Unfinished(selection.ids) : undefined,
    total: undefined,
    figures: undefined,
  };
}

/** @throws what kept the run from beginning */
async function mintUntilStopped(
  run: Run,
  ends: Ends,
  { call, report }: { call: Call; report: RunReport }
): Promise<Stop | undefined> {
  const { stop, end } = call.deadline;
  // It may be the registry that keeps a batch from ending.
  const giveUp = (): void => void closeRegistry();
  end.addEventListener('abort', giveUp, { once: true });
  try {
    await mintAll(run, ends, { call, report });
    return stop.aborted && countLeft(run) !== 0 ? 'deadline' : undefined;
  } catch (error) {
    if (run.figures) return end.aborted ? 'deadline' : { error };
    throw end.aborted ? beforeDeadline('Nothing was minted for it', { cause: error }) : error;
  } finally {
    end.removeEventListener('abort', giveUp);
  }
}

async function mintAll(
  run: Run,
  ends: Ends,
  { call, report }: { call: Call; report: RunReport }
): Promise<void> {
  const { selection, tally, unfinished } = run;
  const ids = unfinished?.ids;
  const streams = { signal: call.deadline.end };
  const asked = ids ? { ids: asDocumentIds(ids) } : selection;
  await using works = await openIndexedWorks(ends.source, asked, streams);
  run.total = works.reading?.().total;
  const target = await openIndexTarget(ends.target, streams);
  try {
    await withRegistry(call, async ({ registry, figures }) => {
      run.figures = figures;
      await mintWorks({
        registry: remembering(call.log.following(registry)),
        source: ids ? selectWorks(works, ids) : works,
        target: unfinished?.over(target) ?? target,
        report: unfinished ? tellAll([report, unfinished.report]) : report,
        tally,
        batchSize: WORKS_A_BATCH,
        concurrency: BATCHES_AT_ONCE,
        signal: call.deadline.stop,
      });
    });
  } finally {
    await target.discard();
  }
}

/** @returns undefined where nobody knows */
function countLeft({ unfinished, total, tally: { works } }: Run): number | undefined {
  if (unfinished) return unfinished.ids.length;
  return total === undefined ? undefined : total - works.succeeded - works.failed;
}

function describeRun(
  run: Run,
  { stop, settings }: { stop: Stop | undefined; settings: Settings }
): ReportHead {
  const { works, identifiers, warnings } = run.tally;
  const ids = run.unfinished?.ids;
  const remaining = { count: countLeft(run) ?? null, ...(ids && { ids }) };
  return {
    job_id: run.jobId,
    ...{ works, identifiers, warnings },
    elapsed_ms: Math.round(performance.now() - run.began),
    window: describeWindow(run.selection),
    pipeline_date: settings.PIPELINE_DATE ?? null,
    dry_run: false,
    ...(stop && { stopped_by: describeStop(stop), remaining }),
  };
}

function describeWindow(selection: IndexSelection): MintReply['window'] {
  if (selection === 'all' || !('window' in selection)) return null;
  const { start, end } = selection.window;
  return { start_time: start.toISOString(), end_time: end.toISOString() };
}

function describeStop(stop: Stop): StoppedBy {
  if (stop === 'deadline') {
    return {
      code: 'DEADLINE',
      message: 'The time that Lambda gives the function was nearly over.',
    };
  }
  const { error } = stop;
  return {
    code: error instanceof IdMinterError ? error.code : 'INTERNAL',
    message: error instanceof Error ? error.message : String(error),
  };
}

function stoppedByDeadline(run: Run, report: string | null): IdMinterError {
  const { succeeded, failed } = run.tally.works;
  const left = countLeft(run);
  return beforeDeadline(
    `${succeeded} works succeeded, ${failed} failed, and ${left ?? 'an unknown number'} are left` +
      `${named(report)}. What was minted is in the registry, and what succeeded in the index`,
    { jobId: run.jobId, succeeded, failed, left, report }
  );
}

function allFailed({ jobId, tally }: Run, report: string | null): IdMinterError {
  const { failed } = tally.works;
  const codes = Object.entries(tally.errors).map(([code, count]) => `${count} ${code}`);
  return new IdMinterError(
    'ALL_WORKS_FAILED',
    `All ${failed} works of ${jobId} failed: ${codes.join(', ')}${named(report)}. Nothing was written. Mend what the ` +
      'codes name, and send the same request again.',
    { jobId, failed, report }
  );
}

function named(report: string | null): string {
  return report === null ? '' : ` (report: ${report})`;
}
