import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../src/domain/audit.ts';
import type { Pair, Side } from '../../../src/domain/comparison-room.ts';
import type { MappingRecord, PoolRecord } from '../../../src/domain/registry-tables.ts';
import { formatSourceIdentifier } from '../../../src/domain/source-identifier.ts';
import { openSqliteRoom } from '../../../src/registry/sqlite/comparison-room.ts';
import { checkRegistry } from '../../../src/steps/check-registry.ts';
import { sierra, someIds } from '../../support/identifiers.ts';

interface Tables {
  readonly pool: readonly PoolRecord[];
  readonly mappings: readonly MappingRecord[];
}
type Sides = Readonly<Record<Side, Tables>>;

async function* pagesOf<Row>(rows: readonly Row[], size = 7) {
  for (let start = 0; start < rows.length; start += size) yield rows.slice(start, start + size);
}

async function compare(sides: Sides) {
  await using room = openSqliteRoom();
  const doubled: string[] = [];
  for (const side of ['exported', 'registry'] as const) {
    await room.loadPool(side, pagesOf(sides[side].pool), row => doubled.push(row.canonicalId));
    await room.loadMappings(side, pagesOf(sides[side].mappings), row =>
      doubled.push(keyOf(row).join(' '))
    );
  }
  return {
    doubled,
    pool: (await Array.fromAsync(room.poolPairs())).flat(),
    mappings: (await Array.fromAsync(room.mappingPairs())).flat(),
  };
}

function keyOf({ source, canonicalId }: MappingRecord): [source: string, id: string] {
  return [formatSourceIdentifier(source), canonicalId];
}

/** What the room has to say of two pools in which no ID is there twice. */
function poolPairs({ exported, registry }: Sides): Pair<PoolRecord>[] {
  const find = (side: Tables, { canonicalId }: PoolRecord) =>
    side.pool.find(row => row.canonicalId === canonicalId);
  const pairs: Pair<PoolRecord>[] = exported.pool.map(row => ({
    exported: row,
    registry: find(registry, row),
  }));
  for (const row of registry.pool) {
    if (!find(exported, row)) pairs.push({ exported: undefined, registry: row });
  }
  return pairs.filter(pair => !same(pair.exported, pair.registry));
}

/** What the room has to say of mappings of which each source has one ID on each side. */
function mappingPairs({ exported, registry }: Sides): Pair<MappingRecord>[] {
  const find = (side: Tables, row: MappingRecord) =>
    side.mappings.find(other => keyOf(other)[0] === keyOf(row)[0]);
  const pairs: Pair<MappingRecord>[] = exported.mappings.map(row => ({
    exported: row,
    registry: find(registry, row),
  }));
  for (const row of registry.mappings) {
    if (!find(exported, row)) pairs.push({ exported: undefined, registry: row });
  }
  return pairs.filter(pair => !same(pair.exported, pair.registry));
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function inOrder(pairs: readonly unknown[]): string[] {
  return pairs.map(pair => JSON.stringify(pair)).toSorted();
}

const IDS = someIds(6);
const SPELLINGS = ['', 'b1', 'B1', 'b1 ', 'é', '\u{1F4DA}'];

const times = fc.constantFrom(null, 0, 1_767_312_000);
const pool = fc.uniqueArray(
  fc.record({
    canonicalId: fc.constantFrom(...IDS),
    status: fc.constantFrom('free', 'assigned'),
    createdAt: times,
  }),
  { selector: row => row.canonicalId }
);
const mappings = fc.uniqueArray(
  fc.record({
    source: fc.constantFrom(...SPELLINGS.map(sierra)),
    canonicalId: fc.constantFrom(...IDS),
    createdAt: times,
  }),
  { selector: row => keyOf(row)[0] }
);
const tables = fc.record({ pool, mappings });

describe('a room for comparing', () => {
  test('pairs by its key each row that is not the same on both sides', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record({ exported: tables, registry: tables }), async sides => {
        const room = await compare(sides);

        expect(inOrder(room.pool)).toEqual(inOrder(poolPairs(sides)));
        expect(inOrder(room.mappings)).toEqual(inOrder(mappingPairs(sides)));
        expect(room.doubled).toEqual([]);
      })
    );
  });

  test('pairs rows far apart, of more IDs than one statement compares', async () => {
    const ids = someIds(55_000);
    const all = ids.map(canonicalId => ({ canonicalId, status: 'free', createdAt: 0 }));
    const used = ids.map((canonicalId, index) => ({
      ...{ source: sierra(`b${index}`), canonicalId, createdAt: 0 },
    }));
    const changed = (index: number) => index % 10_000 === 0;
    const registry: Tables = {
      pool: all.map((row, index) => (changed(index) ? { ...row, status: 'assigned' } : row)),
      mappings: used.filter((_, index) => !changed(index)),
    };

    const room = await compare({ exported: { pool: all, mappings: used }, registry });

    const meant = ids.filter((_, index) => changed(index)).toSorted();
    expect(room.pool.map(({ exported }) => exported?.canonicalId).toSorted()).toEqual(meant);
    expect(room.mappings.map(({ exported }) => exported?.canonicalId).toSorted()).toEqual(meant);
    expect(room.mappings.every(({ registry }) => registry === undefined)).toBe(true);
  });

  test('tells of a row that is there twice, and keeps the first', async () => {
    const [id = ''] = IDS;
    const row = { canonicalId: id, status: 'free', createdAt: 1 };
    const mapping = { source: sierra('b1'), canonicalId: id, createdAt: 1 };
    await using room = openSqliteRoom();
    const doubled: unknown[] = [];

    await room.loadPool('exported', pagesOf([row, { ...row, status: 'assigned' }]), (...rows) =>
      doubled.push(rows)
    );
    await room.loadMappings('exported', pagesOf([mapping, { ...mapping, createdAt: 2 }]), again =>
      doubled.push(again)
    );

    expect(doubled).toEqual([[{ ...row, status: 'assigned' }, row], { ...mapping, createdAt: 2 }]);
    const [pair] = (await Array.fromAsync(room.poolPairs())).flat();
    expect(pair).toEqual({ exported: row, registry: undefined });
  });

  test('gives the export to be audited as a registry is', async () => {
    const [one = '', other = ''] = IDS;
    await using room = openSqliteRoom();
    const ids = [one, other].map(canonicalId => ({ canonicalId, status: 'free', createdAt: null }));
    await room.loadPool('exported', pagesOf(ids), () => {});
    const mapping = { source: sierra('b1'), canonicalId: one, createdAt: null };
    await room.loadMappings('exported', pagesOf([mapping]), () => {});
    const findings: Finding[] = [];

    await checkRegistry({
      registry: room.exported(new Set()),
      tell: finding => findings.push(finding),
    });

    expect(findings).toMatchObject([{ code: 'USED_BUT_FREE', canonicalIds: [one] }]);
  });

  test('that breaks down while it is read ends in an error that says where it stood', async () => {
    const room = openSqliteRoom();
    const pool = someIds(2_000).map(canonicalId => ({ canonicalId, status: 'free', createdAt: 0 }));
    await room.loadPool('exported', pagesOf(pool), () => {});
    const pairs = room.poolPairs()[Symbol.asyncIterator]();
    await pairs.next();
    const holdings = room.exported(new Set()).holdings();
    await room[Symbol.asyncDispose]();
    const failed = { code: 'TARGET_FAILED', message: expect.stringContaining('TMPDIR') };

    await expect(Array.fromAsync(holdings)).rejects.toMatchObject(failed);
    await expect(pairs.next()).rejects.toMatchObject(failed);
  });
});
