import type { FoldedIdentifier, SourceIdentifier } from './source-identifier.ts';
import { keyOf } from './source-identifier.ts';

/** Where a source stands among those of its batch, by which it is known there: numbers from 0. */
export type Place = number;

/**
 * Something for each source. By parts and not by one key, since texts that are made anew for each question are half of the
 * time that a batch of known sources takes.
 */
export class SourceMap<T> {
  readonly #systems = new Map<string, Map<string, Map<string, T>>>();
  #last: { type: string; system: string; values: Map<string, T> } | undefined;

  get(source: SourceIdentifier): T | undefined {
    return this.valuesOf(source).get(source.value);
  }

  set(source: SourceIdentifier, value: T): void {
    this.valuesOf(source).set(source.value, value);
  }

  /** Of all sources with the same type and system, by their values. */
  valuesOf({ ontologyType: type, sourceSystem: system }: SourceIdentifier): Map<string, T> {
    // Identifiers come in runs of one type and system.
    const last = this.#last;
    if (last?.type === type && last.system === system) return last.values;
    const systems = this.#systems.get(type) ?? new Map<string, Map<string, T>>();
    this.#systems.set(type, systems);
    const values = systems.get(system) ?? new Map<string, T>();
    systems.set(system, values);
    this.#last = { type, system, values };
    return values;
  }
}

/** Gives each source a place, the same one whenever it comes again. */
export class SourcePlaces {
  /** By place. */
  readonly sources: FoldedIdentifier[] = [];
  readonly #places = new SourceMap<Place>();

  /** The place of a source; one that has none gets the next. */
  add(source: FoldedIdentifier): Place {
    const values = this.#places.valuesOf(source);
    const known = values.get(source.value);
    if (known !== undefined) return known;
    const place = this.sources.push(source) - 1;
    values.set(source.value, place);
    return place;
  }

  placeOf(source: SourceIdentifier): Place | undefined {
    return this.#places.get(source);
  }
}

/** Sources of one type and system, by their positions. */
export interface SourceGroup {
  readonly ontologyType: string;
  readonly sourceSystem: string;
  readonly positions: number[];
}

/** In the order in which each type and system first came. */
export function groupBySystem(sources: readonly FoldedIdentifier[]): SourceGroup[] {
  const groups = new Map<string, SourceGroup>();
  let group: SourceGroup | undefined;
  let position = 0;
  for (const { ontologyType, sourceSystem } of sources) {
    if (group?.ontologyType !== ontologyType || group.sourceSystem !== sourceSystem) {
      const key = keyOf({ ontologyType, sourceSystem, value: '' });
      group = groups.get(key) ?? { ontologyType, sourceSystem, positions: [] };
      groups.set(key, group);
    }
    group.positions.push(position);
    position += 1;
  }
  return [...groups.values()];
}
