import type { MintedWork, WorkTarget } from '../domain/documents.ts';
import { TargetBroken } from '../domain/documents.ts';
import type { RunReport } from '../domain/run-report.ts';

/** Keeps account of the works that were asked for by name, and of which nothing has become yet. */
export class Unfinished {
  readonly #ids: Set<string>;

  constructor(ids: readonly string[]) {
    this.#ids = new Set(ids);
  }

  /** In the order in which they were asked for. */
  get ids(): string[] {
    return [...this.#ids];
  }

  /** The target, which ticks off what it is given: also what it refuses, since that has failed. */
  over(target: WorkTarget): WorkTarget {
    return {
      ...target,
      write: async works => {
        try {
          const refused = await target.write(works);
          this.#tickAll(works);
          return refused;
        } catch (error) {
          if (error instanceof TargetBroken) {
            this.#tickAll(works.filter((_, position) => !error.unknown.has(position)));
          }
          throw error;
        }
      },
    };
  }

  /** What failed before it came to a target. */
  readonly report: RunReport = {
    succeeded: async () => {},
    failed: async (_error, place) => this.#tick(place),
    answered: async () => {},
    warned: async () => {},
  };

  #tickAll(works: readonly MintedWork[]): void {
    for (const { place, standingBack = [] } of works) {
      for (const ended of [place, ...standingBack.map(lost => lost.place)]) this.#tick(ended);
    }
  }

  /** @param place - the document's id, which a request may name without the type around it */
  #tick(place: string): void {
    this.#ids.delete(place);
    this.#ids.delete(place.replace(/^Work\[(.*)\]$/s, '$1'));
  }
}
