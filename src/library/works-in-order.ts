import type { CanonicalId } from '../domain/canonical-id.ts';
import type { Stage } from '../domain/documents.ts';
import type { ErrorCode, Warning } from '../domain/errors.ts';

/** How one work ended: minted, standing back for another one, or failed. */
export type WorkResult = MintedWorkResult | StandingBackResult | FailedWorkResult;

interface EndedWork {
  /** Which work: 0 for the first one that was given. */
  readonly index: number;
  /** What a person should look at, though the work was served. */
  readonly warnings: readonly Warning[];
}

/** A work of which every identifier has its canonical ID. */
export interface MintedWorkResult extends EndedWork {
  /** The canonical ID of the work itself. */
  readonly canonicalId: CanonicalId;
  /**
   * The work with its canonical IDs, in the form in which it was given: the bare document, or `{_id, _source}` whose
   * `_id` is now the canonical ID. What was given is not changed; parts without identifiers are shared with it.
   */
  readonly work: object;
  readonly failure?: undefined;
}

/**
 * A work whose identifiers are in the registry, but whose canonical ID another work of the same batch has too: one
 * document can stand under it, and that is the other's. Its warning SHARED_DOCUMENT_ID names both.
 */
export interface StandingBackResult extends EndedWork {
  readonly canonicalId: CanonicalId;
  readonly work?: undefined;
  readonly failure?: undefined;
}

/** A work of which at least one identifier has no canonical ID. */
export interface FailedWorkResult extends EndedWork {
  readonly failure: WorkFailure;
  readonly canonicalId?: undefined;
  readonly work?: undefined;
}

/** Why a work has no canonical ID. The others of its batch are unharmed. */
export interface WorkFailure {
  /** The text form of its source identifier; where it has none, its `_id`; else its place, `works[INDEX]`. */
  readonly row: string;
  /** How far it came. */
  readonly stage: Stage;
  readonly code: ErrorCode;
  /** Begins with its place; says what happened to which value, what became of the data and what to do now. */
  readonly message: string;
}

/** How a work ended, without what {@link WorksInOrder} knows of it already. */
export type WorkEnd =
  | Omit<MintedWorkResult, keyof EndedWork>
  | Omit<StandingBackResult, keyof EndedWork>
  | Omit<FailedWorkResult, keyof EndedWork>;

interface OpenWork {
  readonly warnings: Warning[];
  end?: WorkEnd;
}

/** Puts the results of works into the order in which these began, whatever the order in which they end. */
export class WorksInOrder {
  /** A map keeps its entries in the order in which they came. */
  readonly #open = new Map<string, OpenWork>();

  /** @param place - of {@link placeOf} */
  begin(place: string): void {
    this.#open.set(place, { warnings: [] });
  }

  /** Lets the others go first; the work begins again when its turn has come. */
  postpone(place: string): void {
    this.#open.delete(place);
  }

  warn(place: string, warning: Warning): void {
    this.#at(place).warnings.push(warning);
  }

  end(place: string, end: WorkEnd): void {
    this.#at(place).end = end;
  }

  /** The results that are due: those before which no other is missing. Each is given once. */
  *due(): Generator<WorkResult, void, undefined> {
    for (const [place, { end, warnings }] of this.#open) {
      if (!end) return;
      this.#open.delete(place);
      yield { ...end, index: indexOf(place), warnings };
    }
  }

  #at(place: string): OpenWork {
    const work = this.#open.get(place);
    if (!work) throw new Error(`The run tells of ${place}, which is not at work.`);
    return work;
  }
}

/** What messages call a work: `works[0]` is the first one. */
export function placeOf(index: number): string {
  return `works[${index}]`;
}

function indexOf(place: string): number {
  return Number(place.slice('works['.length, -1));
}
