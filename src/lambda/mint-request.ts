import { randomInt } from 'node:crypto';
import { IdMinterError } from '../domain/errors.ts';
import { newJobId } from '../domain/job-id.ts';
import type { RunReport } from '../domain/run-report.ts';
import { RunTally } from '../domain/run-report.ts';
import type { IndexAddress } from '../runtime/index-location.ts';
import { locateIndex } from '../runtime/index-location.ts';
import { openIndexedWorks, openIndexTarget } from '../runtime/open-documents.ts';
import { remembering } from '../runtime/open-registry.ts';
import type { Settings } from '../runtime/settings.ts';
import { BATCHES_AT_ONCE, WORKS_A_BATCH } from '../steps/batch-defaults.ts';
import { mintWorks } from '../steps/mint-works.ts';
import { asDocumentIds, selectWorks } from '../steps/select-works.ts';
import type { Deadline } from './deadline.ts';
import type { MintingRequest } from './requests.ts';
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

/** Where a request is worked on, and for how long. */
export interface MintSurroundings {
  readonly settings: Settings;
  readonly deadline: Deadline;
}

type Selection = Exclude<MintingRequest['selection'], { readonly partition: unknown }>;

/** A run, while it goes on and after it. */
interface Run {
  readonly jobId: string;
  readonly selection: Selection;
  readonly tally: RunTally;
  /** Where the works are named. */
  readonly unfinished: Unfinished | undefined;
  /** Of the works, where they are not named and the source was asked. */
  total: number | undefined;
  hasBegun: boolean;
}

/** Why a run ended before it was through. */
type Stop = 'deadline' | { readonly error: unknown };

/**
 * Mints the works of one request out of the source index into the target index, and tells what came of it. What was
 * written before a run stopped is told as well.
 *
 * @throws IdMinterError DEADLINE, ALL_WORKS_FAILED, or what failed as a whole
 */
export async function mintRequest(
  request: MintingRequest,
  surroundings: MintSurroundings
): Promise<MintReply> {
  const ends = locateEnds(surroundings.settings);
  const run = beginRun(await readPartitioned(request));
  const stop = await mintUntilStopped(run, ends, surroundings);
  const report = await tellAbout(run, stop, surroundings);
  if (stop === 'deadline') throw stoppedByDeadline(run, report);
  if (stop) throw stop.error;
  const { succeeded, failed } = run.tally.works;
  if (succeeded === 0 && failed > 0) throw allFailed(run, report);
  return {
    job_id: run.jobId,
    window: describeWindow(run.selection),
    success_count: succeeded,
    failure_count: failed,
    report_s3_uri: report,
  };
}

interface Ends {
  readonly source: IndexAddress;
  readonly target: IndexAddress;
}

/** @throws IdMinterError INVALID_CONFIGURATION */
function locateEnds(settings: Settings): Ends {
  const surroundings = { environment: process.env, settings };
  const source = locateIndex('SOURCE', {}, surroundings);
  const target = locateIndex('TARGET', {}, surroundings);
  if (source.name !== target.name) return { source, target };
  throw new IdMinterError(
    'INVALID_CONFIGURATION',
    `Works come from ${source.name} and would go there. Nothing was started. Name another index in ES_TARGET_INDEX.`,
    { index: source.name }
  );
}

function beginRun({ jobId = newJobId(new Date(), randomInt), selection }: Selected): Run {
  const isNamed = selection !== 'all' && 'ids' in selection;
  return {
    jobId,
    selection,
    tally: new RunTally(),
    unfinished: isNamed ? new Unfinished(selection.ids) : undefined,
    total: undefined,
    hasBegun: false,
  };
}

/** @throws what kept the run from beginning */
async function mintUntilStopped(
  run: Run,
  ends: Ends,
  { settings, deadline }: MintSurroundings
): Promise<Stop | undefined> {
  // It may be the registry that keeps a batch from ending.
  const giveUp = () => void closeRegistry();
  deadline.end.addEventListener('abort', giveUp, { once: true });
  try {
    await mintAll(run, ends, { settings, deadline });
    return deadline.stop.aborted && countLeft(run) !== 0 ? 'deadline' : undefined;
  } catch (error) {
    if (deadline.end.aborted) return 'deadline';
    if (run.hasBegun) return { error };
    throw error;
  } finally {
    deadline.end.removeEventListener('abort', giveUp);
  }
}

async function mintAll(
  run: Run,
  ends: Ends,
  { settings, deadline }: MintSurroundings
): Promise<void> {
  const { selection, tally, unfinished } = run;
  const ids = unfinished?.ids;
  const streams = { signal: deadline.end };
  const asked = ids ? { ids: asDocumentIds(ids) } : selection;
  await using works = await openIndexedWorks(ends.source, asked, streams);
  run.total = works.reading?.().total;
  const target = await openIndexTarget(ends.target, streams);
  try {
    await withRegistry(settings, async registry => {
      run.hasBegun = true;
      await mintWorks({
        registry: remembering(registry),
        source: ids ? selectWorks(works, ids) : works,
        target: unfinished?.over(target) ?? target,
        report: unfinished?.report ?? SILENT,
        tally,
        batchSize: WORKS_A_BATCH,
        concurrency: BATCHES_AT_ONCE,
        signal: deadline.stop,
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

function describeWindow(selection: Selection): MintReply['window'] {
  if (selection === 'all' || !('window' in selection)) return null;
  const { start, end } = selection.window;
  return { start_time: start.toISOString(), end_time: end.toISOString() };
}

/** The one place for all that is told of a run when it has ended. */
async function tellAbout(
  _run: Run,
  _stop: Stop | undefined,
  _surroundings: MintSurroundings
): Promise<string | null> {
  return null;
}

const SILENT: RunReport = {
  succeeded: async () => {},
  failed: async () => {},
  answered: async () => {},
  warned: async () => {},
};

type Selected = MintingRequest & { readonly selection: Selection };

async function readPartitioned(request: MintingRequest): Promise<Selected> {
  return request as Selected;
}

/** Where a batch was not even begun, or a run was stopped. */
export function beforeDeadline(done: string, details: Record<string, unknown> = {}): IdMinterError {
  return new IdMinterError(
    'DEADLINE',
    `The time that Lambda gives the function was nearly over: ${done}. Send the same request again: it goes on.`,
    details
  );
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
  return report === null ? '' : ` (named in ${report})`;
}
