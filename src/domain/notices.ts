import type { CanonicalId } from './canonical-id.ts';
import type { ErrorCode } from './errors.ts';
import type { RunReport, RunSummary } from './run-report.ts';

/** What heads a report beside its counts. */
export interface ReportHead extends Omit<RunSummary, 'report'> {
  /** That of a run over one, in UTC. */
  readonly window: { readonly start_time: string; readonly end_time: string } | null;
  readonly pipeline_date: string | null;
  readonly dry_run: boolean;
  /** Why the run did not come to its end, where it did not. */
  readonly stopped_by?: StoppedBy | undefined;
  /** What a run that was stopped has left undone, as far as somebody knows. */
  readonly remaining?: Remaining | undefined;
}

export interface StoppedBy {
  /** The error that ended it; null where a signal or its deadline did. */
  readonly code: ErrorCode | null;
  readonly message: string;
}

export interface Remaining {
  /** Works; null where nobody knows. */
  readonly count: number | null;
  /** Their source identifiers, where they are known. */
  readonly ids?: readonly string[];
}

/** All that a run tells, kept outside memory, so that it can be read as often as it is needed. */
export interface RunRecord extends RunReport {
  /** The documents that were written, in their order. */
  succeededIds(): AsyncIterable<CanonicalId>;
  /** Names a document that nobody was told of. */
  unannounced(id: CanonicalId): Promise<void>;
  unannouncedIds(): AsyncIterable<CanonicalId>;
  /** The report as one JSON document, piece by piece. */
  texts(head: ReportHead): AsyncIterable<string>;
  close(): Promise<void>;
}

/** Where a report goes: a file or an object in a bucket, which appears as a whole or not at all. */
export interface ReportPlace {
  /** The path or URL. */
  readonly name: string;
  /**
   * Puts the report in the place of the one that was there.
   *
   * @throws IdMinterError REPORT_FAILED, TARGET_FAILED
   */
  write(texts: AsyncIterable<string>, signal: AbortSignal): Promise<void>;
}

/** Who tells the next step of the pipeline which documents there are. */
export interface Announcer {
  /** The topic. */
  readonly name: string;
  /**
   * Announces each ID. What nobody was told of is handed to `missed`; that is not an error here.
   *
   * @param signal - ends it: what was not announced by then is missed
   */
  announce(
    ids: AsyncIterable<CanonicalId>,
    missed: (id: CanonicalId) => Promise<void>,
    signal: AbortSignal
  ): Promise<Announcement>;
}

export interface Announcement {
  readonly announced: number;
  readonly missed: number;
  /** Why the last one was missed; empty where none was. */
  readonly reason: string;
}

/** What became of a run, in figures. */
export interface RunFigures extends RegistryFigures {
  readonly succeeded: number;
  readonly failed: number;
  readonly minted: number;
  readonly inherited: number;
  /** INHERITANCE_CONFLICT alone. */
  readonly conflicts: number;
  /** All of them. */
  readonly warnings: number;
}

/** What the registry took of a run. */
export interface RegistryFigures {
  /** Transactions and look-ups that were tried again. */
  readonly retries: number;
  /** Of the batches that were minted, in milliseconds. */
  readonly batchLatency: { count: number; sum: number; least: number; most: number };
  /** Free IDs; undefined where they could not be counted. */
  readonly poolFree: number | undefined;
}

/** Where the figures of a run go. */
export interface RunMetrics {
  /** @throws IdMinterError METRICS_FAILED */
  put(figures: RunFigures, signal: AbortSignal): Promise<void>;
}
