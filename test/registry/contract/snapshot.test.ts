import { describe, expect, test } from 'vitest';
import type { Registry } from '../../../src/domain/registry.ts';
import type {
  MappingRecord,
  PoolRecord,
  RegistrySnapshot,
} from '../../../src/domain/registry-tables.ts';
import { image, sierra, someIds } from '../../support/identifiers.ts';
import { sqliteStore } from '../../support/store-kinds.ts';
import { STORES } from '../../support/stores.ts';

async function readAll({ canonicalIds, identifiers }: RegistrySnapshot) {
  const pool: PoolRecord[] = [];
  for await (const page of canonicalIds()) pool.push(...page);
  const mappings: MappingRecord[] = [];
  for await (const page of identifiers()) mappings.push(...page);
  return { pool, mappings };
}

const snapshotOf = (registry: Registry) => registry.snapshot(readAll);

describe.each(STORES)('a snapshot on $name', store => {
  test('holds every row of both tables once, in the order of their keys, with its time', async () => {
    await using registry = await store.open({
      free: ['c2345678', 'a2345678'],
      mappings: [
        [sierra('b2'), 'k2345678'],
        [image('V1'), 'k2345678'],
        [sierra('b1'), 'm2345678'],
      ],
    });
    const { sql } = registry.database;
    await sql("UPDATE identifiers SET CreatedAt = '2020-02-29 23:59:59'");
    await sql("UPDATE canonical_ids SET CreatedAt = '1999-12-31 00:00:00' WHERE Status = 'free'");
    const unknown = store.dialect === 'sqlite' ? "''" : 'NULL';
    await sql(`UPDATE identifiers SET CreatedAt = ${unknown} WHERE SourceId = 'b1'`);
    await sql(`UPDATE canonical_ids SET CreatedAt = ${unknown} WHERE Status = 'assigned'`);

    const { pool, mappings } = await snapshotOf(registry);

    const leap = Date.UTC(2020, 1, 29, 23, 59, 59) / 1000;
    const nines = Date.UTC(1999, 11, 31) / 1000;
    expect(pool).toEqual([
      { canonicalId: 'a2345678', status: 'free', createdAt: nines },
      { canonicalId: 'c2345678', status: 'free', createdAt: nines },
      { canonicalId: 'k2345678', status: 'assigned', createdAt: null },
      { canonicalId: 'm2345678', status: 'assigned', createdAt: null },
    ]);
    expect(mappings).toEqual([
      { source: image('V1'), canonicalId: 'k2345678', createdAt: leap },
      { source: sierra('b1'), canonicalId: 'm2345678', createdAt: null },
      { source: sierra('b2'), canonicalId: 'k2345678', createdAt: leap },
    ]);
  });

  test('is of one moment, however many mint while it is read, and they do not wait for it', async () => {
    await using registry = await store.open({ freeCount: 12_000 });
    const sources = Array.from({ length: 11_000 }, (_, index) => sierra(`b${index}`));
    await registry.mint(sources.slice(0, 10_500).map(source => ({ source })));
    const another = await registry.openAnother();

    const { pool, mappings } = await registry.snapshot(async snapshot => {
      const minted = await another.mint(sources.slice(10_500, 10_750).map(source => ({ source })));
      expect(minted.answers.every(({ outcome }) => outcome === 'minted')).toBe(true);
      const seen: PoolRecord[] = [];
      for await (const page of snapshot.canonicalIds()) {
        const source = sources[10_750 + (seen.length ? 1 : 0)];
        if (source) await registry.mint([{ source }]);
        seen.push(...page);
      }
      return { ...(await readAll(snapshot)), pool: seen };
    });

    expect(mappings).toHaveLength(10_500);
    expect(new Set(mappings.map(({ source }) => source.value)).size).toBe(10_500);
    const assigned = pool.filter(({ status }) => status === 'assigned');
    expect(assigned.map(({ canonicalId }) => canonicalId).sort()).toEqual(
      mappings.map(({ canonicalId }) => canonicalId).sort()
    );
    expect(pool).toHaveLength(12_000);
    const { mappings: later } = await snapshotOf(registry);
    expect(later).toHaveLength(10_752);
  });

  test('is dated by the clock that dates the rows, and says what the registry folds', async () => {
    await using registry = await store.open({ freeCount: 1, conceptTypes: ['Person'] });
    await registry.mint([{ source: sierra('b1') }]);

    await registry.snapshot(async snapshot => {
      const { mappings } = await readAll(snapshot);
      const age = snapshot.takenAt - Number(mappings[0]?.createdAt);
      expect(age).toBeGreaterThanOrEqual(0);
      expect(age).toBeLessThan(60);
      expect([...snapshot.conceptTypes]).toEqual(['Person']);
    });
  });

  test('that its reader gives up ends, and the registry goes on', async () => {
    await using registry = await store.open({ free: someIds(3) });

    const gaveUp = registry.snapshot(() => Promise.reject(new Error('The disk is full.')));

    await expect(gaveUp).rejects.toThrow('The disk is full.');
    const { pool } = await snapshotOf(registry);
    expect(pool).toHaveLength(3);
  });

  test('of tables that are gone says what is wrong with them', async () => {
    await using registry = await store.open();
    await registry.database.sql('DROP TABLE identifiers');
    await expect(snapshotOf(registry)).rejects.toMatchObject({
      code: expect.stringMatching(/^SCHEMA_/),
    });
  });
});

test('a time that is none, as a SQLite file can hold it, is named with its row', async () => {
  const sqlite = sqliteStore();
  await using registry = await sqlite.open({ free: ['a2345678'] });
  await registry.database.sql("UPDATE canonical_ids SET CreatedAt = 'yesterday'");
  await expect(snapshotOf(registry)).rejects.toMatchObject({
    code: 'SCHEMA_UNSUPPORTED',
    message: expect.stringContaining('the canonical ID a2345678 is "yesterday"'),
  });
});
