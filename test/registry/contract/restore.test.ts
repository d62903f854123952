import { describe, expect, test } from 'vitest';
import type { RestoreBatch, RestoreMarker } from '../../../src/domain/registry-restore.ts';
import type { PoolRecord } from '../../../src/domain/registry-tables.ts';
import { rollback } from '../../../src/registry/migrate.ts';
import { createRestoreTarget } from '../../../src/registry/restoring.ts';
import { id, sierra } from '../../support/identifiers.ts';
import type { TestStore } from '../../support/store-kinds.ts';
import { STORES } from '../../support/stores.ts';

const MARKER: RestoreMarker = {
  ...{ identity: 'one', name: 'a-backup', withFree: false, phase: 'assigned', file: 0, row: 0 },
  expected: { assigned: 1, free: 0, mappings: 1 },
  restored: { assigned: 0, free: 0, mappings: 0 },
};
const LATER: RestoreMarker = { ...MARKER, phase: 'mappings', row: 1 };
const ID: PoolRecord = { canonicalId: 'a2345678', status: 'assigned', createdAt: 1_582_934_399 };
const MAPPING = { source: sierra('b1'), canonicalId: 'a2345678', createdAt: null };
const FIRST: RestoreBatch = { before: undefined, after: MARKER, ids: [], mappings: [] };
const ROWS: RestoreBatch = { before: MARKER, after: LATER, ids: [ID], mappings: [MAPPING] };

/** A registry without rows, opened as an export is restored into it. */
async function openTarget(store: TestStore) {
  const registry = await store.open();
  const target = createRestoreTarget(await registry.database.openForRestore());
  const { dump, database } = registry;
  return {
    ...{ target, dump, database },
    [Symbol.asyncDispose]: async () => {
      await target[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

describe.each(STORES)('a restore into $name', store => {
  test('brings rows and the marker that tells of them together', async () => {
    await using opened = await openTarget(store);
    const { target, dump } = opened;
    expect(await target.marker()).toBeUndefined();

    await target.restore(FIRST);
    expect(await target.marker()).toEqual(MARKER);
    await target.restore(ROWS);

    expect(await target.marker()).toEqual(LATER);
    expect(await target.countRows()).toEqual({ ids: 1, mappings: 1 });
    expect(await dump()).toMatchObject({ canonicalIds: [['a2345678', 'assigned']] });
  });

  test('finds a batch done whose answer was lost, and writes nothing twice', async () => {
    await using opened = await openTarget(store);
    const { target, dump } = opened;
    for (const batch of [FIRST, FIRST, ROWS, ROWS]) await target.restore(batch);
    expect(await target.countRows()).toEqual({ ids: 1, mappings: 1 });
    expect((await dump()).identifiers).toHaveLength(1);
  });

  test('gives way to another one that is at work', async () => {
    await using opened = await openTarget(store);
    const { target } = opened;
    await target.restore(FIRST);
    for (const batch of [
      { ...FIRST, after: { ...MARKER, identity: 'two' } },
      { ...ROWS, before: { ...MARKER, row: 7 } },
    ]) {
      await expect(target.restore(batch)).rejects.toMatchObject({
        code: 'RESTORE_REFUSED',
        message: expect.stringContaining('Another process is restoring'),
      });
    }
    expect(await target.marker()).toEqual(MARKER);
    expect(await target.countRows()).toEqual({ ids: 0, mappings: 0 });
  });

  test.each([
    ['an ID twice', { ids: [ID, ID], mappings: [] }],
    ['a mapping twice', { ids: [ID], mappings: [MAPPING, MAPPING] }],
    ['a mapping whose ID is not there', { ids: [], mappings: [MAPPING] }],
    ['a status that is none', { ids: [{ ...ID, status: 'retired' }], mappings: [] }],
  ])('takes no part of a batch with %s', async (_, rows) => {
    await using opened = await openTarget(store);
    const { target } = opened;
    await target.restore(FIRST);
    await expect(target.restore({ ...ROWS, ...rows })).rejects.toMatchObject({
      code: 'EXPORT_DAMAGED',
    });
    expect(await target.marker()).toEqual(MARKER);
    expect(await target.countRows()).toEqual({ ids: 0, mappings: 0 });
  });

  test('says of tables that are gone what they are', async () => {
    await using opened = await openTarget(store);
    const { target, database } = opened;
    await target.restore(FIRST);
    await database.sql('DROP TABLE identifiers');
    await expect(target.restore(ROWS)).rejects.toMatchObject({
      code: expect.stringMatching(/^SCHEMA_/),
    });
  });

  test('closes the registry to minters until it is done', async () => {
    await using opened = await openTarget(store);
    const { target, database } = opened;
    await target.restore(FIRST);
    await expect(database.openStore()).rejects.toMatchObject({ code: 'RESTORE_UNFINISHED' });
    await target.restore(ROWS);
    await target.restore({
      before: LATER,
      after: { ...LATER, phase: 'done' },
      ids: [],
      mappings: [],
    });

    const minter = await database.openStore();
    expect(await minter.countPool()).toEqual({ free: 0, assigned: 1 });
    // Of a time that nobody knows, the row is taken for the oldest.
    expect(await minter.sourcesOf([id('a2345678')])).toEqual([
      { ...MAPPING, createdAt: new Date(0) },
    ]);
    await minter.close();
  });

  test('is forgotten with the mappings that it brought', async () => {
    await using opened = await openTarget(store);
    const { target, database } = opened;
    await target.restore(FIRST);
    await target.restore(ROWS);
    const migrations = await database.migrations();
    await rollback(migrations, { dropMappings: 1 });
    await migrations.close();
    expect(await target.marker()).toBeUndefined();
  });
});
