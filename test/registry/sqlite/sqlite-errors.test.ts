import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { IdMinterError } from '../../../src/domain/errors.ts';
import { loadSqlite } from '../../../src/registry/sqlite/load-sqlite.ts';
import { translateSqliteError } from '../../../src/registry/sqlite/sqlite-errors.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'id-minter-test-'));
  path = join(folder, 'registry.sqlite');
  const database = new DatabaseSync(path);
  database.exec('CREATE TABLE canonical_ids (CanonicalId TEXT)');
  database.close();
});

afterEach(() => rm(folder, { recursive: true, maxRetries: 5 }));

/** What SQLite itself throws. */
function provoke(work: (database: DatabaseSync) => void, options = {}): unknown {
  const database = new DatabaseSync(path, options);
  try {
    work(database);
  } catch (error) {
    return error;
  } finally {
    database.close();
  }
  throw new Error('Nothing went wrong.');
}

test('a full disk is named, and that nothing was written', () => {
  const error = provoke(database => {
    database.exec('PRAGMA max_page_count = 4');
    const insert = database.prepare('INSERT INTO canonical_ids VALUES (?)');
    for (;;) insert.run('x'.repeat(1_000));
  });
  expect(translateSqliteError(error, path)).toMatchObject({
    passing: false,
    error: {
      code: 'REGISTRY_UNAVAILABLE',
      message: expect.stringMatching(/disk.*is full.*Make room/),
      cause: error,
      details: { path },
    },
  });
});

test('a file that may only be read is a matter of rights', () => {
  const error = provoke(database => database.exec('DELETE FROM canonical_ids'), { readOnly: true });
  expect(translateSqliteError(error, path)).toMatchObject({
    passing: false,
    error: { code: 'REGISTRY_ACCESS_DENIED', message: expect.stringContaining(path) },
  });
});

test('a file that others hold is worth another try', () => {
  const other = new DatabaseSync(path);
  other.exec('BEGIN EXCLUSIVE');
  const error = provoke(database => database.exec('DELETE FROM canonical_ids'));
  other.close();
  expect(translateSqliteError(error, path)).toMatchObject({
    passing: true,
    error: { code: 'REGISTRY_UNAVAILABLE', message: expect.stringContaining('busy') },
  });
});

test.each([
  ['an index', 'SELECT 1 FROM canonical_ids INDEXED BY idx_free'],
  ['a table', 'SELECT 1 FROM identifiers'],
  ['the key of another table', 'INSERT INTO heirs VALUES (1)'],
])('a file whose tables lack %s is no registry', (_, statement) => {
  const error = provoke(database => {
    database.exec('CREATE TABLE heirs (Id TEXT REFERENCES canonical_ids (CanonicalId))');
    database.exec(statement);
  });
  expect(translateSqliteError(error, path)).toMatchObject({
    passing: false,
    error: { code: 'SCHEMA_UNSUPPORTED', message: expect.stringContaining(path) },
  });
});

test('a fault of ours is called one, and keeps its cause', () => {
  for (const error of [provoke(database => database.exec('SELEKT')), new TypeError('x'), 'x']) {
    expect(translateSqliteError(error, path)).toMatchObject({
      passing: false,
      error: { code: 'INTERNAL', cause: error },
    });
  }
});

test('an error of the product stays as it is', () => {
  const error = new IdMinterError('POOL_EXHAUSTED', 'The pool is empty.');
  expect(translateSqliteError(error, path)).toEqual({ error, passing: false });
});

test('SQLite loads without a word on stderr, on a Node too that calls it experimental', () => {
  const { emitWarning, getBuiltinModule } = process;
  const warned: unknown[] = [];
  process.emitWarning = (...warning: unknown[]) => void warned.push(warning);
  const listening = process.emitWarning;
  // As Node 24.0 does when it is loaded first.
  process.getBuiltinModule = ((name: string) => {
    process.emitWarning('SQLite is an experimental feature', 'ExperimentalWarning');
    return getBuiltinModule(name);
  }) as typeof getBuiltinModule;
  try {
    expect(loadSqlite().DatabaseSync).toBe(DatabaseSync);
    expect(warned).toEqual([]);
    expect(process.emitWarning).toBe(listening);
  } finally {
    Object.assign(process, { emitWarning, getBuiltinModule });
  }
});
