import { cp } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { migrate, openForMigrations } from '../../src/runtime/open-registry.ts';
import { openDesk } from '../support/command-line.ts';
import { someIds } from '../support/identifiers.ts';
import type { RegistryKind } from './desk-on-registry.ts';
import { openDeskOn, REGISTRY_KINDS, sqliteAt } from './desk-on-registry.ts';
import { fillRegistry, tablesOf } from './restored.ts';

/** Registries, each of which meets two kills: on SQLite and one server 24 in all, or more. */
const REGISTRIES = 6;
/** So many of them must have been met half full: else nothing was tried. */
const HALF_FULL = 2;
const MOST_REGISTRIES = 30;
const IDS = 40_000;
const RESTORE = ['export', 'restore', 'backup', '--with-free', '--json'];

/** The export of a registry of many rows, and what that registry holds. */
async function exportMany() {
  const desk = await openDesk();
  const path = desk.path('source.sqlite');
  const database = await openForMigrations({ kind: 'sqlite', path });
  await migrate(database);
  await database.close();
  const registry = { ...sqliteAt(path), url: `sqlite:${path}` };
  await fillRegistry(registry, someIds(IDS), IDS / 10);
  const written = await desk.run(['export', 'write', 'backup', '--registry', registry.url]);
  expect(written).toMatchObject({ status: 0 });
  return { desk, tables: await tablesOf(registry) };
}

async function openRestoring(kind: RegistryKind, backup: string) {
  const desk = await openDeskOn(kind, { free: 0 });
  await cp(backup, desk.path('backup'), { recursive: true });
  return desk;
}

describe.each(REGISTRY_KINDS)('a restore on $name', kind => {
  test('that is killed at any moment is completed by the same command, row for row', {
    timeout: 300_000,
  }, async () => {
    const { desk: source, tables } = await exportMany();
    await using _ = source;
    const began = performance.now();
    await using whole = await openRestoring(kind, source.path('backup'));
    expect(await whole.run(RESTORE)).toMatchObject({ status: 0 });
    let ms = performance.now() - began;

    const ends: string[] = [];
    const halfFull = () => ends.filter(end => end === 'between').length;
    while (ends.length < REGISTRIES || halfFull() < HALF_FULL) {
      expect(ends.length, ends.join()).toBeLessThan(MOST_REGISTRIES);
      await using desk = await openRestoring(kind, source.path('backup'));
      // A fresh process takes some of the time to start; and one is killed twice in a row.
      for (const share of [0.2 + 0.8 * Math.random(), 0.2 + 0.5 * Math.random()]) {
        const { child, ended } = desk.start(RESTORE);
        await sleep(ms * share);
        child.kill('SIGKILL');
        await ended;
      }
      const { canonicalIds, identifiers } = await tablesOf(desk.registry);
      const there = canonicalIds.length + identifiers.length;
      const all = tables.canonicalIds.length + tables.identifiers.length;
      ends.push(there === 0 ? 'before' : there < all ? 'between' : 'after');
      // The first restore's time may have been one of a busier machine, or of a less busy one.
      if (ends.at(-1) !== 'between') ms *= there === 0 ? 1.2 : 0.8;
      // Nothing that the Python minter could hand out, while it knows nothing of our marker.
      if (identifiers.length < tables.identifiers.length) {
        expect(canonicalIds.filter(([, status]) => status === 'free')).toEqual([]);
      }
      const minted = await desk.run(['assign', 'Work[s/1]', '--quiet', '--no-top-up']);
      if (ends.at(-1) === 'between') {
        expect(minted).toMatchObject({ status: 5, stderr: expect.stringContaining('RESTORE_') });
      }
      if (minted.status === 0) continue;

      const { status, stdout, stderr } = await desk.run(RESTORE);

      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect(JSON.parse(stdout)).toMatchObject({ mappings: tables.identifiers.length });
      expect(await tablesOf(desk.registry)).toEqual(tables);
    }
  });
});
