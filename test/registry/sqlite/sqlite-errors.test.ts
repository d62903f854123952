import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
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

test('a damaged file is told apart from one that is none', async () => {
  const database = new DatabaseSync(path);
  database.exec("INSERT INTO canonical_ids (CanonicalId) VALUES ('a2345678')");
  database.close();
  const bytes = await readFile(path);
  bytes.fill(0xff, 4096);
  await writeFile(path, bytes);
  const error = provoke(damaged => damaged.exec('SELECT * FROM canonical_ids'));
  expect(translateSqliteError(error, path).error).toMatchObject({
    code: 'SCHEMA_UNSUPPORTED',
    message: expect.stringMatching(/is damaged \(.+\)\. Nothing .* Restore it from a backup\.$/),
  });
});

test('what stands in the place of a file and is none cannot be opened', async () => {
  path = join(folder, 'socket');
  const server = createServer().listen(path);
  await once(server, 'listening');
  let error: unknown;
  try {
    new DatabaseSync(path);
  } catch (thrown) {
    error = thrown;
  }
  const translated = translateSqliteError(error, path);
  server.close();
  expect(translated.error).toMatchObject({
    code: 'REGISTRY_ACCESS_DENIED',
    message: expect.stringContaining('cannot be opened'),
  });
});

/** Of those that cannot be brought about here; https://sqlite.org/rescode.html has them all. */
test.each([
  ['LOCKED', 6, 'REGISTRY_UNAVAILABLE', true],
  ['PROTOCOL', 15, 'REGISTRY_UNAVAILABLE', true],
  ['BUSY_SNAPSHOT', 517, 'REGISTRY_UNAVAILABLE', true],
  ['PERM', 3, 'REGISTRY_ACCESS_DENIED', false],
  ['AUTH', 23, 'REGISTRY_ACCESS_DENIED', false],
  ['IOERR_READ', 266, 'REGISTRY_UNAVAILABLE', false],
  ['FULL', 13, 'REGISTRY_UNAVAILABLE', false],
  ['CORRUPT_INDEX', 779, 'SCHEMA_UNSUPPORTED', false],
  ['TOOBIG', 18, 'INTERNAL', false],
  ['no number', 'ENOENT', 'INTERNAL', false],
])('%s is told as what it is', (_, errcode, code, passing) => {
  const error = Object.assign(new Error('the reason'), { errcode });
  const translated = translateSqliteError(error, path);
  expect(translated).toMatchObject({ passing, error: { code, cause: error } });
  expect(translated.error.message).toContain(path);
  expect(translated.error.message).toMatch(/Nothing of this batch was written|the reason/);
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
