import fc from 'fast-check';
import type { MintRequest } from '../../src/domain/registry.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import type { TestRegistry } from './store-kinds.ts';

/** A pool of so many free IDs, and batches minted one after the other. */
export interface Course {
  readonly free: number;
  readonly batches: readonly (readonly MintRequest[])[];
}

/**
 * Courses over so few identifiers that they meet: duplicates, chains, cycles, conflicts, headings by several names,
 * pools that run out.
 *
 * @param values - of the identifiers; spellings of one another where the collation is to be met too
 */
export function courses(values: readonly string[]): fc.Arbitrary<Course> {
  const source = fc.record({
    ontologyType: fc.constantFrom('Work', 'Person', 'Concept'),
    sourceSystem: fc.constant('tms'),
    value: fc.constantFrom(...values),
  });
  const request = fc.record({
    source,
    predecessor: fc.oneof(
      { weight: 2, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: source }
    ),
  });
  return fc.record({
    free: fc.nat(10),
    batches: fc.array(fc.array(request, { maxLength: 10 }), { minLength: 1, maxLength: 4 }),
  });
}

/** The same course over identifiers that no other course has: one database serves many runs. */
export function inNamespace({ batches }: Course, run: number): MintRequest[][] {
  const own = (source: SourceIdentifier) => ({
    ...source,
    sourceSystem: `${source.sourceSystem}-${run}`,
  });
  return batches.map(batch =>
    batch.map(({ source, predecessor }) => ({
      source: own(source),
      predecessor: predecessor ? own(predecessor) : null,
    }))
  );
}

/** Leaves exactly `free` IDs in the pool. */
export async function setFree(registry: TestRegistry, free: number): Promise<void> {
  await registry.database.sql("DELETE FROM canonical_ids WHERE Status = 'free'");
  if (free > 0) await registry.topUp(free);
}
