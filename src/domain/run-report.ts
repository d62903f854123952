import type { CanonicalId } from './canonical-id.ts';
import type { Stage } from './documents.ts';
import type { ErrorCode, Warning, WarningCode } from './errors.ts';
import type { Answer, MintAnswer, Outcome } from './registry.ts';

/** What a run comes to. Counts are exact, however many fail. */
export interface RunSummary {
  readonly job_id: string;
  readonly works: { readonly succeeded: number; readonly failed: number };
  /** Each request is counted once, by how its identifier got its ID. */
  readonly identifiers: Readonly<Record<Outcome, number>>;
  /** How often each warning was given; a code that was not is absent. */
  readonly warnings: Readonly<Partial<Record<WarningCode, number>>>;
  readonly elapsed_ms: number;
  /** Where every failure and outcome is written, null where no report was asked for. */
  readonly report: string | null;
}

/** A work that failed. */
export interface RunError {
  /** The text form of its source identifier; where it has none, its `_id` or its place. */
  readonly row_id: string;
  readonly stage: Stage;
  readonly code: ErrorCode;
  readonly detail: string;
}

/**
 * Who is told of a run while it goes on. What they are told is streamed, never held. `place` is where the source says
 * that the work stands.
 */
export interface RunReport {
  /** The documents that were written. */
  succeeded(ids: readonly CanonicalId[]): Promise<void>;
  /** Documents of a batch in which the target failed as a whole: some of them may be written. */
  unconfirmed?(ids: readonly CanonicalId[]): Promise<void>;
  failed(error: RunError, place: string): Promise<void>;
  /** An identifier that was minted, inherited, warned about or refused; those that simply exist are only counted. */
  answered(answer: MintAnswer, place: string): Promise<void>;
  /** A warning that concerns no single identifier; `place` is that of the work which is not written because of it. */
  warned(warning: Warning, place?: string): Promise<void>;
}

/** Tells each of them, one after the other. */
export function tellAll(reports: readonly RunReport[]): RunReport {
  const each = async (tell: (report: RunReport) => Promise<void> | undefined): Promise<void> => {
    for (const report of reports) await tell(report);
  };
  return {
    succeeded: ids => each(report => report.succeeded(ids)),
    unconfirmed: ids => each(report => report.unconfirmed?.(ids)),
    failed: (error, place) => each(report => report.failed(error, place)),
    answered: (answer, place) => each(report => report.answered(answer, place)),
    warned: (warning, place) => each(report => report.warned(warning, place)),
  };
}

/** The counts of a run while it goes on. */
export class RunTally {
  readonly works = { succeeded: 0, failed: 0 };
  readonly identifiers: Record<Outcome, number> = { existing: 0, inherited: 0, minted: 0 };
  /** How often each error was met, by identifiers that got no ID and works that could not be read or written. */
  readonly errors: Partial<Record<ErrorCode, number>> = {};
  readonly warnings: Partial<Record<WarningCode, number>> = {};

  answered({ outcome, warning, error }: Answer): void {
    if (error) this.met(error.code);
    else this.identifiers[outcome] += 1;
    if (warning) this.warned(warning);
  }

  met(code: ErrorCode): void {
    this.errors[code] = (this.errors[code] ?? 0) + 1;
  }

  warned({ code }: Warning): void {
    this.warnings[code] = (this.warnings[code] ?? 0) + 1;
  }
}

/** Whether a report names an answer, or only counts it. */
export function isNoteworthy({ outcome, warning }: Answer): boolean {
  return outcome !== 'existing' || warning !== undefined;
}
