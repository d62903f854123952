import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteMigrations } from '../../../src/registry/sqlite/sqlite-migrations.ts';
import type { TemporaryFolder } from '../../support/temporary-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

let folder: TemporaryFolder;
let path: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  path = folder.path('registry.sqlite');
});

afterEach(() => folder[Symbol.asyncDispose]());

test('there are no mappings where there is no file, and where it has no table', async () => {
  const migrations = openSqliteMigrations(path);
  expect(await migrations.countMappings()).toBe(0);
  new DatabaseSync(path).exec('CREATE TABLE others (Id TEXT)');
  expect(await migrations.countMappings()).toBe(0);
  expect(await migrations.registryTables()).toEqual([]);
  expect(await migrations.records()).toEqual([]);
  await migrations.close();
});

test('what failed under the lock is told as it is, also where it ended the transaction itself', async () => {
  const migrations = openSqliteMigrations(path);
  const failing = migrations.withLock(async () => {
    await migrations.execute('CREATE TABLE half (Id TEXT)');
    await migrations.execute('ROLLBACK');
    throw new Error('planted');
  });
  await expect(failing).rejects.toThrowError('planted');
  const again = migrations.withLock(async () => {
    await migrations.execute('CREATE TABLE half (Id TEXT)');
    throw new Error('planted again');
  });
  await expect(again).rejects.toThrowError('planted again');
  const tables = new DatabaseSync(path).prepare('SELECT name FROM sqlite_schema').all();
  expect(tables).toEqual([]);
  await migrations.close();
});
