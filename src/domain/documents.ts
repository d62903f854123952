import type { CanonicalId } from './canonical-id.ts';
import type { IdMinterError } from './errors.ts';
import type { Answer } from './registry.ts';
import type { TimeWindow } from './time-window.ts';

/** Where on its way a work failed. The words are those of the reports that exist. */
export type Stage = 'read' | 'extract_id' | 'mint' | 'embed' | 'index';

/** The JSON of a work, in UTF-8. */
export interface WorkText {
  readonly json: Uint8Array;
  /** The `_id` of the hit of which `json` is only the `_source`; what is written is `{"_id", "_source"}` then. */
  readonly hit?: string;
}

/** A work as its source holds it. */
export interface SourceWork {
  /** Where it stands, for people: `line 12`, or the document's id in an index. */
  readonly place: string;
  readonly document: unknown;
  /** The other members of the form `{"_id", "_source", …}`; undefined where the line is the bare document. */
  readonly wrapper?: Readonly<Record<string, unknown>>;
  /** What both were read from, where there is one. A run then keeps it in their place. */
  readonly text?: WorkText;
  readonly error?: undefined;
}

/** A work as a tree. */
export type ParsedWork = Pick<SourceWork, 'document' | 'wrapper'>;

/** A work that could not be read; the source goes on after it. */
export interface UnreadableWork {
  readonly place: string;
  readonly error: IdMinterError;
}

/** How far a source has been read. What it gave last may still be at work. */
export interface Reading {
  /** Works or rows given; undefined where not all of them are. */
  readonly items?: number;
  /** All that it has, where that is known. */
  readonly total?: number;
  /** The part of its bytes that was read, 0 to 1; undefined where nobody knows how many come, as from a pipe. */
  readonly share: number | undefined;
}

/** Which works of an index are meant. */
export type IndexSelection =
  | { readonly ids: readonly string[] }
  /** Those whose `indexed_at` lies in it, both ends included. */
  | { readonly window: TimeWindow }
  | 'all';

/** Where works come from: a file, a pipe, an index. */
export interface WorkSource<Work> {
  /** What people are told: the path or URL. */
  readonly name: string;
  /**
   * All works, once; those of a file in its order. Rejects with SOURCE_UNREADABLE or INDEX_UNAVAILABLE where the source
   * as a whole fails.
   */
  works(): AsyncIterable<Work>;
  reading?(): Reading;
}

/** A work with its canonical IDs, in the form in which it came. */
export interface MintedWork {
  readonly place: string;
  readonly canonicalId: CanonicalId;
  readonly content: MintedContent;
  /** Works of the batch with the same canonical ID, which are not written because this one is. */
  readonly standingBack?: readonly MintedWork[];
}

/** A text where the work was read from one; else what JSON.stringify makes it of. */
export type MintedContent = MintedText | { readonly value: unknown };

/** In UTF-8. */
export interface MintedText {
  readonly json: Uint8Array;
  /** The part of `json` that is the document: all of it where the work is bare. */
  readonly document: Uint8Array;
}

/** Where works go: a file, a pipe, an index. */
export interface WorkTarget {
  readonly name: string;
  /**
   * How many calls of `write` may be under way at once; one where it is absent. Of two documents with one canonical ID
   * that of the later call stands.
   */
  readonly writesAtOnce?: number;
  /**
   * @returns what the target refused, by position in `works`; the others are written
   * @throws TargetBroken where the target as a whole fails and some works are in it all the same; IdMinterError TARGET_FAILED, INDEX_NOT_FOUND, INDEX_ACCESS_DENIED or INDEX_UNAVAILABLE where the target as
   *   a whole fails
   */
  write(works: readonly MintedWork[]): Promise<ReadonlyMap<number, IdMinterError>>;
  /** Ends the target; a file stands under its name only now. */
  complete(): Promise<void>;
  /** Takes back what `complete` has not ended; what is in an index stays there. */
  discard(): Promise<void>;
}

/** What a target that failed as a whole knows of the works that it was given. */
export class TargetBroken extends Error {
  override readonly name = 'TargetBroken';
  override readonly cause: IdMinterError;
  /** What it refused before, by position in the works. */
  readonly refused: ReadonlyMap<number, IdMinterError>;
  /** Positions of those that may be written and may be not; all others that it did not refuse are written. */
  readonly unknown: ReadonlySet<number>;

  constructor(
    cause: IdMinterError,
    { refused, unknown }: Pick<TargetBroken, 'refused' | 'unknown'>
  ) {
    super(cause.message);
    this.cause = cause;
    this.refused = refused;
    this.unknown = unknown;
  }
}

/** Entries that wait, outside memory, for the end of the run. They are data that JSON can hold. */
export interface WaitingRoom<T> {
  /** @throws IdMinterError TARGET_FAILED where there is no room */
  put(entry: T): Promise<void>;
  /** All of them, in the order in which they came. */
  entries(): AsyncIterable<T>;
  close(): Promise<void>;
}

/** A bare source identifier as a file holds it, not checked yet. */
export interface IdentifierRow {
  /** `line 12` */
  readonly place: string;
  /** The text form, or `{ontologyType, sourceSystem, value}`. */
  readonly source: unknown;
  readonly predecessor?: unknown;
  /** A CSV line's fields, which pass through. */
  readonly fields?: readonly string[];
  /** Set where the line could not be read. */
  readonly error?: IdMinterError;
}

/** A known mapping as a file holds it, not checked yet. */
export interface MappingRow extends IdentifierRow {
  readonly canonicalId: unknown;
}

/** Where answers about bare identifiers go: one a row, in the order of the rows. */
export interface AnswerTarget {
  readonly name: string;
  write(answers: readonly AnsweredRow[]): Promise<void>;
  complete(): Promise<void>;
  discard(): Promise<void>;
}

export interface AnsweredRow {
  readonly row: IdentifierRow;
  readonly answer: Answer;
}
