import type { CanonicalId } from '../domain/canonical-id.ts';
import { IdMinterError } from '../domain/errors.ts';
import type {
  Announcement,
  Announcer,
  RegistryFigures,
  ReportHead,
  ReportPlace,
  RunFigures,
  RunMetrics,
  RunRecord,
} from '../domain/notices.ts';
import { inBatches } from './in-batches.ts';

/** How many IDs are named at a time where no report can name them. */
const NAMED_AT_ONCE = 500;

export interface TellRunOptions {
  readonly record: RunRecord;
  readonly head: ReportHead;
  /** Written first, and once more where not all documents could be announced. */
  readonly bucket?: ReportPlace | undefined;
  /** Written once, when it is known what was announced. */
  readonly file?: ReportPlace | undefined;
  readonly announcer?: Announcer | undefined;
  readonly metrics?: RunMetrics | undefined;
  /** Asked for where there are metrics. */
  readonly figures: () => Promise<RegistryFigures>;
  /** Names documents of which no report says that nobody was told of them. */
  readonly nameUnannounced: (ids: readonly string[]) => void;
  /** Told what begins and ends, for a log. */
  readonly log?: (event: string, about: Readonly<Record<string, unknown>>) => void;
  readonly signals: TellRunSignals;
}

export interface TellRunSignals {
  /** Ends the announcing: what was not announced by then is named in the report. */
  readonly announcing: AbortSignal;
  /** Ends all that is left. */
  readonly everything: AbortSignal;
}

export interface ToldRun {
  /** Where the report stands in its bucket; null where there is none, or it could not be written. */
  readonly reportUri: string | null;
  /** What nobody could be told of the run. The caller fails with them, when all else is done. */
  readonly problems: readonly IdMinterError[];
}

/**
 * Tells of a run that has ended, or was stopped: the report, then which documents there are, then the figures. Each is
 * independent of the others, and none of them fails here.
 */
export async function tellRun(options: TellRunOptions): Promise<ToldRun> {
  const { record, head, bucket, file, metrics, signals, log = () => {} } = options;
  const report = async (place: ReportPlace): Promise<Attempt> => {
    const ended = await attempt(() => place.write(record.texts(head), signals.everything));
    if (ended === 'done') log('Report written', { report: place.name });
    return ended;
  };

  const first = bucket && (await report(bucket));
  const announcement = await announceAll(options);
  const { missed } = announcement;
  // Again, to name them; the first one stands already, whatever happens from here on.
  const last = bucket && missed > 0 ? await report(bucket) : first;
  const inFile = file && (await report(file));
  const isNamed = last === 'done' || inFile === 'done';
  const naming = isNamed ? 'done' : await attempt(() => nameAll(options));

  const problems = [last, inFile, announcement.fault, naming].filter(isProblem);
  if (missed > 0) {
    const named = last === 'done' ? bucket?.name : inFile === 'done' ? file?.name : undefined;
    problems.push(announcementFailed(announcement, named));
  }
  if (metrics) {
    const put = await attempt(async () =>
      metrics.put(figuresOf(head, await options.figures()), signals.everything)
    );
    if (isProblem(put)) problems.push(put);
  }
  const isReported = first === 'done' || last === 'done';
  return { reportUri: bucket && isReported ? bucket.name : null, problems };
}

type Attempt = 'done' | IdMinterError;

async function attempt(work: () => Promise<void>): Promise<Attempt> {
  try {
    await work();
    return 'done';
  } catch (error) {
    return error instanceof IdMinterError ? error : faultOfOurs(error);
  }
}

function isProblem(ended: Attempt | undefined): ended is IdMinterError {
  return ended instanceof IdMinterError;
}

interface EndedAnnouncement extends Announcement {
  readonly topic: string;
  readonly fault?: Attempt;
}

async function announceAll(options: TellRunOptions): Promise<EndedAnnouncement> {
  const { record, announcer, signals, nameUnannounced, log = () => {} } = options;
  let announcement: Announcement = { announced: 0, missed: 0, reason: '' };
  if (!announcer) return { ...announcement, topic: '' };
  const { name: topic } = announcer;
  const miss = async (id: CanonicalId): Promise<void> => {
    await record.unannounced(id).catch(() => nameUnannounced([id]));
  };
  log('Publishing', { topic });
  const fault = await attempt(async () => {
    announcement = await announcer.announce(record.succeededIds(), miss, signals.announcing);
  });
  const { announced, missed } = announcement;
  log('Finished publishing', { topic, announced, missed });
  return { ...announcement, topic, fault };
}

/** Where no report can: on standard error, or in the log. */
async function nameAll({ record, nameUnannounced }: TellRunOptions): Promise<void> {
  for await (const ids of inBatches(record.unannouncedIds(), NAMED_AT_ONCE)) nameUnannounced(ids);
}

function announcementFailed(
  { topic, announced, missed, reason }: EndedAnnouncement,
  report: string | undefined
): IdMinterError {
  const where = report === undefined ? 'They are named above' : `${report} names them`;
  return new IdMinterError(
    'ANNOUNCEMENT_FAILED',
    `${missed} of ${announced + missed} documents were not announced on ${topic} (${reason}). All of them are in the index. ` +
      `${where} (unannounced_ids). Mend it, and say the same run again: it gives the same IDs and announces them.`,
    { topic, announced, missed, reason }
  );
}

function figuresOf(
  { works, identifiers, warnings }: ReportHead,
  registry: RegistryFigures
): RunFigures {
  return {
    ...registry,
    ...works,
    minted: identifiers.minted,
    inherited: identifiers.inherited,
    conflicts: warnings.INHERITANCE_CONFLICT ?? 0,
    warnings: Object.values(warnings).reduce((sum, times) => sum + times, 0),
  };
}

function faultOfOurs(cause: unknown): IdMinterError {
  const what = cause instanceof Error ? cause.message : String(cause);
  return new IdMinterError(
    'INTERNAL',
    `A fault of ID Minter in telling of the run: ${what}. Every ID that was answered is in the registry. Report it at the ` +
      'project’s issue tracker.',
    { cause }
  );
}
