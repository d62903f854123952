import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import type { MintRequest } from '../../../src/domain/registry.ts';
import type { SourceIdentifier } from '../../../src/domain/source-identifier.ts';
import { keyOf } from '../../../src/domain/source-identifier.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { requests } from '../../support/answers.ts';
import { folio, image, sierra } from '../../support/identifiers.ts';
import { sharedDataFolder } from '../../support/shared-data.ts';
import type { End } from './mint-in-process.ts';
import { mintInProcess } from './mint-in-process.ts';
import type { MysqlRegistry } from './mysql-registry.ts';
import { createMysqlRegistry, openStore } from './mysql-registry.ts';

const servers = inject('servers');
const folder = sharedDataFolder();

describe.each(servers)('many minters on $kind', { timeout: 180_000 }, server => {
  test.runIf(folder)(
    '10,000 real identifiers, shuffled in four processes at once: one ID each, in all of them',
    async () => {
      const sources = readSample();
      await using registry = await createMysqlRegistry(server, { free: sources.length + 5_000 });
      const shuffles = [1, 2, 3, 4].map(seed => shuffle(requests(...sources), seed));
      const ends = await Promise.all(
        shuffles.map(batch => mintInProcess(registry.minter, cut(batch, 500)))
      );
      const held = await holdings(registry);
      expect(held.size).toBe(sources.length);
      expect(new Set(held.values()).size).toBe(sources.length);
      for (const [index, batch] of shuffles.entries()) {
        expect(differing(batch, ends[index], held)).toEqual([]);
      }
      const hows = ends.flat(2).map(([, how]) => how);
      expect(hows.filter(how => how === 'minted')).toHaveLength(sources.length);
      expect(hows.filter(how => how === 'existing')).toHaveLength(3 * sources.length);
      await expectSoundPool(registry);
    }
  );

  test('eight processes, half of which know the predecessors: each of 100,000 answers is what is held', async () => {
    const works = 8_000;
    await using registry = await createMysqlRegistry(server, { free: 2 * works + 5_000 });
    await using first = createRegistry(await openStore(registry.minter));
    // One predecessor in two stands in the registry already, the other comes in the batch that names it.
    const isOld = (number: number) => number % 2 === 0;
    const olds = Array.from({ length: works }, (_, number) => number).filter(isOld);
    await first.mint(requests(...olds.map(number => sierra(`b${number}`))));
    const jobs = Array.from({ length: 8 }, (_, seed) => {
      const knows = seed % 2 === 0;
      const numbers = shuffle(
        Array.from({ length: works }, (_, number) => number),
        seed
      );
      const all = numbers.flatMap((number): MintRequest[] => {
        const successor = { source: folio(`f${number}`) };
        return knows
          ? [{ ...successor, predecessor: sierra(`b${number}`) }, { source: sierra(`b${number}`) }]
          : [successor, { source: image(`V${number % 500}`) }];
      });
      return all.slice(0, 12_500);
    });
    const ends = await Promise.all(
      jobs.map(batch => mintInProcess(registry.minter, cut(batch, 500)))
    );
    const held = await holdings(registry);
    expect(ends.flat(2)).toHaveLength(100_000);
    for (const [index, batch] of jobs.entries()) {
      expect(differing(batch, ends[index], held)).toEqual([]);
    }
    const hows = new Set(ends.flat(2).map(([, how]) => how));
    expect(hows).toEqual(new Set(['minted', 'inherited', 'existing']));
    // An ID that two sources share: a work and its own predecessor.
    const sharing = Map.groupBy(held, ([, canonicalId]) => canonicalId);
    for (const group of sharing.values()) {
      const values = group.map(([key]) => key.replace(/^.*[bfV](?=\d+$)/, ''));
      expect(new Set(values).size).toBe(1);
      expect(group.length).toBeLessThanOrEqual(2);
    }
    await expectSoundPool(registry);
  });

  test('the Python minter’s statements beside ours, on the same identifiers: one ID each', async () => {
    const sources = Array.from({ length: 3_000 }, (_, number) => sierra(`b${number}`));
    await using registry = await createMysqlRegistry(server, { free: sources.length + 3_000 });
    const shuffles = [1, 2, 3, 4].map(seed => shuffle(requests(...sources), seed));
    const ends = await Promise.all(
      shuffles.map((batch, index) =>
        index % 2 === 0
          ? mintInProcess(registry.minter, cut(batch, 100))
          : mintInProcess(registry.admin, cut(batch, 100), 'original')
      )
    );
    const held = await holdings(registry);
    expect(held.size).toBe(sources.length);
    expect(new Set(held.values()).size).toBe(sources.length);
    for (const [index, batch] of shuffles.entries()) {
      expect(differing(batch, ends[index], held)).toEqual([]);
    }
    await expectSoundPool(registry);
  });
});

function readSample(): SourceIdentifier[] {
  const rows: Record<string, string>[] = parse(
    readFileSync(`${folder}/identifiers_sample.csv`, 'utf8'),
    { columns: true }
  );
  return rows.map(({ OntologyType = '', SourceSystem = '', SourceId = '' }) => ({
    ontologyType: OntologyType,
    sourceSystem: SourceSystem,
    value: SourceId,
  }));
}

function shuffle<T>(list: readonly T[], seed: number): T[] {
  const [shuffled = []] = fc.sample(
    fc.shuffledSubarray([...list], { minLength: list.length, maxLength: list.length }),
    { numRuns: 1, seed }
  );
  return shuffled;
}

function cut<T>(list: readonly T[], length: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / length) }, (_, index) =>
    list.slice(index * length, (index + 1) * length)
  );
}

/** The canonical ID of each source, as the administrator sees it. */
async function holdings({ sql }: MysqlRegistry): Promise<Map<string, string>> {
  const rows = await sql<[string, string, string, string]>(
    'SELECT OntologyType, SourceSystem, SourceId, CanonicalId FROM identifiers'
  );
  return new Map(
    rows.map(([ontologyType, sourceSystem, value, canonicalId]) => [
      keyOf({ ontologyType, sourceSystem, value }),
      canonicalId,
    ])
  );
}

/** Answers that are not what the registry holds. */
function differing(
  batch: readonly MintRequest[],
  ends: readonly (readonly End[])[] | undefined,
  held: ReadonlyMap<string, string>
): unknown[] {
  const answers = ends?.flat() ?? [];
  return batch
    .map(({ source }, index) => ({ source, end: answers[index], held: held.get(keyOf(source)) }))
    .filter(({ end, held }) => held === undefined || end?.[0] !== held);
}

/** A canonical ID is assigned if and only if a mapping uses it. */
async function expectSoundPool({ sql }: MysqlRegistry): Promise<void> {
  const unsound = await sql(
    `SELECT c.CanonicalId, c.Status FROM canonical_ids AS c
     LEFT JOIN identifiers AS i ON i.CanonicalId = c.CanonicalId
     WHERE (c.Status = 'assigned') <> (i.CanonicalId IS NOT NULL)`
  );
  expect(unsound).toEqual([]);
}
