import { fork } from 'node:child_process';
import { once } from 'node:events';
import { access, copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Registry } from '../../../src/domain/registry.ts';
import { knownMigrations, migrate, migrationStatus } from '../../../src/registry/migrate.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { openConnection } from '../../../src/registry/sqlite/sqlite-connection.ts';
import { openSqliteMigrations } from '../../../src/registry/sqlite/sqlite-migrations.ts';
import { openSqliteStore } from '../../../src/registry/sqlite/sqlite-store.ts';
import { outcomes, requests } from '../../support/answers.ts';
import { folio, label, sierra } from '../../support/identifiers.ts';
import type { Acknowledged, Job } from './minting-process.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'id-minter-test-'));
  path = join(folder, 'registry.sqlite');
});

afterEach(() => rm(folder, { recursive: true, maxRetries: 5 }));

const open = async (file = path): Promise<Registry> =>
  createRegistry(
    await openSqliteStore(file, {
      knownMigrations: knownMigrations('sqlite'),
      version: '1.0.0',
      warn: message => expect.fail(message),
    })
  );

async function create(free: number): Promise<Registry> {
  const migrations = openSqliteMigrations(path);
  await migrate(migrations);
  await migrations.close();
  const registry = await open();
  if (free > 0) await registry.topUp(free);
  return registry;
}

describe('opening a registry in a file', () => {
  test('that is not there says how to make it, and makes none', async () => {
    await expect(open()).rejects.toMatchObject({
      code: 'REGISTRY_NOT_FOUND',
      message: expect.stringMatching(/registry\.sqlite.*id-minter migrate/),
    });
    await expect(access(path)).rejects.toThrowError('ENOENT');
  });

  test('whose migrations are only asked for makes none either', async () => {
    const migrations = openSqliteMigrations(path);
    expect((await migrationStatus(migrations)).pending).toHaveLength(1);
    expect(await migrations.countMappings()).toBe(0);
    await migrations.close();
    expect(await readdir(folder)).toEqual([]);
  });

  test('in a folder that is not there is refused', async () => {
    const migrations = openSqliteMigrations(join(folder, 'nowhere', 'registry.sqlite'));
    await expect(migrate(migrations)).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
    await migrations.close();
  });

  test('that is a folder is refused', async () => {
    await expect(open(folder)).rejects.toMatchObject({
      code: 'REGISTRY_NOT_FOUND',
      message: expect.stringContaining('is a folder'),
    });
  });

  test('that is something else is refused, by its migrations too, and left as it was', async () => {
    await writeFile(path, 'CanonicalId,OntologyType,SourceSystem,SourceId\n'.repeat(50));
    const refusal = { code: 'SCHEMA_UNSUPPORTED', message: expect.stringContaining(path) };
    await expect(open()).rejects.toMatchObject(refusal);
    const migrations = openSqliteMigrations(path);
    await expect(migrate(migrations)).rejects.toMatchObject(refusal);
    await migrations.close();
  });

  test('without tables says to migrate', async () => {
    await writeFile(path, '');
    await expect(open()).rejects.toMatchObject({
      code: 'SCHEMA_MISSING',
      message: expect.stringContaining('id-minter migrate'),
    });
  });

  test('with tables of other columns is refused', async () => {
    const database = new DatabaseSync(path);
    database.exec('CREATE TABLE canonical_ids (id TEXT); CREATE TABLE identifiers (id TEXT)');
    database.close();
    const migrations = openSqliteMigrations(path);
    await migrate(migrations);
    await migrations.close();
    await expect(open()).rejects.toMatchObject({
      code: 'SCHEMA_UNSUPPORTED',
      message: expect.stringContaining('no such column'),
    });
  });

  test('takes a path with characters that a URL has meanings for', async () => {
    path = join(folder, 'a b?c#d%20é.sqlite');
    await (await create(1)).close();
    expect(await readdir(folder)).toEqual(['a b?c#d%20é.sqlite']);
    await (await open()).close();
  });

  test('leaves one file when it is closed, which a copy can be made of', async () => {
    await using registry = await create(1);
    const { answers } = await registry.mint(requests(sierra('b1')));
    await registry.close();
    await registry.close();
    expect(await readdir(folder)).toEqual(['registry.sqlite']);
    const copy = join(folder, 'copy.sqlite');
    await copyFile(path, copy);
    await using restored = await open(copy);
    expect((await restored.lookUp([sierra('b1')]))[0]?.canonicalId).toBe(answers[0]?.canonicalId);
  });
});

describe('a connection', () => {
  test('commits to the disk, and knows which IDs there are', () => {
    const connection = openConnection(path, 'rwc');
    const setting = (name: string) =>
      Object.values(connection.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    const full = 2;
    expect(setting('synchronous')).toBe(full);
    expect(setting('foreign_keys')).toBe(1);
    connection.close();
  });

  test('writes ahead, in a copy that lost the setting too', async () => {
    await (await create(1)).close();
    const copy = join(folder, 'copy.sqlite');
    const source = new DatabaseSync(path);
    expect(source.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    source.prepare('VACUUM INTO ?').run(copy);
    source.close();
    await using registry = await open(copy);
    await registry.mint(requests(sierra('b1')));
    const reader = new DatabaseSync(copy);
    expect(reader.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    reader.close();
  });
});

describe('a file that others write', () => {
  test('is waited for, while signals and other work have their turn', async () => {
    await using registry = await create(1);
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    let longestStop = 0;
    let last = performance.now();
    const watch = setInterval(() => {
      longestStop = Math.max(longestStop, performance.now() - last);
      last = performance.now();
    }, 10);
    setTimeout(() => other.exec('COMMIT'), 1_000);
    const started = performance.now();
    const { answers } = await registry.mint(requests(sierra('b1')));
    clearInterval(watch);
    other.close();
    expect(outcomes(answers)).toEqual(['minted']);
    expect(performance.now() - started).toBeGreaterThan(900);
    // Ctrl-C has to work within 2 s.
    expect(longestStop).toBeLessThan(2_000);
  });

  test('and do not end is given up within a bound, with nothing written', async () => {
    await using registry = await create(1);
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const outcome = expect(registry.mint(requests(sierra('b1')))).rejects.toMatchObject({
        code: 'REGISTRY_UNAVAILABLE',
        message: expect.stringContaining('busy'),
        cause: expect.objectContaining({ errcode: 5 }),
      });
      let isOver = false;
      void outcome.finally(() => {
        isOver = true;
      });
      let waitedSeconds = 0;
      for (; !isOver && waitedSeconds < 120; waitedSeconds++) {
        await vi.advanceTimersByTimeAsync(1_000);
        await new Promise(resolve => setImmediate(resolve));
      }
      await outcome;
      expect(waitedSeconds).toBeLessThan(60);
    } finally {
      vi.useRealTimers();
    }
    other.exec('ROLLBACK');
    other.close();
    expect(await registry.countPool()).toEqual({ free: 1, assigned: 0 });
  });

  test('can be read meanwhile', async () => {
    await using registry = await create(1);
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    expect(await registry.lookUp([sierra('b1')])).toEqual([undefined]);
    expect(await registry.countPool()).toEqual({ free: 1, assigned: 0 });
    other.exec('ROLLBACK');
    other.close();
  });
});

describe('several processes on one file', () => {
  test('that mint the same identifiers agree, and nothing is lost or doubled', async () => {
    await using registry = await create(3_000);
    const batches = Array.from({ length: 40 }, (_, number) =>
      Array.from({ length: 50 }, (_, at) => label(`c${(number * 17 + at * 3) % 500}`))
    );
    const minters = await Promise.all(
      [0, 1, 2, 3].map(start =>
        mintInProcess([...batches.slice(start * 10), ...batches.slice(0, start * 10)])
      )
    );
    const acknowledged = await Promise.all(minters.map(minter => minter.done));
    for (const [value, canonicalId] of acknowledged.flat()) {
      const [standing] = await registry.lookUp([label(value)]);
      expect(canonicalId).toBe(standing?.canonicalId);
    }
    expect(acknowledged.flat()).toHaveLength(4 * 40 * 50);
    const distinct = new Set(acknowledged.flat().map(([value]) => value)).size;
    expect(await registry.countPool()).toEqual({ free: 3_000 - distinct, assigned: distinct });
  });

  test('lose nothing that was acknowledged when one is killed', async () => {
    await using registry = await create(20_000);
    const batches = Array.from({ length: 400 }, (_, number) =>
      Array.from({ length: 50 }, (_, at) => label(`k${number}-${at}`))
    );
    const minter = await mintInProcess(batches);
    await minter.started;
    minter.kill();
    const acknowledged = await minter.done;
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(acknowledged.length).toBeLessThan(20_000);
    const found = await registry.lookUp(acknowledged.map(([value]) => label(value)));
    expect(found.map(mapping => mapping?.canonicalId)).toEqual(
      acknowledged.map(([, canonicalId]) => canonicalId)
    );
    const { free, assigned } = await registry.countPool();
    const again = await registry.mint(requests(...batches.flat()));
    expect(outcomes(again.answers).filter(outcome => outcome === 'existing')).toHaveLength(
      assigned
    );
    expect(free + assigned).toBe(20_000);
  });
});

describe('a file that somebody has written to by hand', () => {
  test('and that lacks the ID of a mapping is refused where it would be inherited', async () => {
    await using registry = await create(1);
    await registry.mint(requests(sierra('b1')));
    const other = new DatabaseSync(path, { enableForeignKeyConstraints: false });
    other.exec('DELETE FROM canonical_ids');
    other.close();
    await expect(
      registry.mint([{ source: folio('f1'), predecessor: sierra('b1') }])
    ).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: expect.stringContaining('canonical_ids lacks'),
    });
  });

  test('and that lost a table while it was in use is refused', async () => {
    await using registry = await create(1);
    const other = new DatabaseSync(path);
    other.exec('DROP TABLE identifiers');
    other.close();
    await expect(registry.mint(requests(sierra('b1')))).rejects.toMatchObject({
      code: 'SCHEMA_UNSUPPORTED',
      message: expect.stringContaining('no such table'),
    });
  });
});

test('the schema is the one that is written down beside the migrations', async () => {
  await (await create(0)).close();
  const database = new DatabaseSync(path);
  const rows = database
    .prepare(
      'SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name'
    )
    .all();
  database.close();
  const dump = rows.map(({ sql }) => `${String(sql)};\n`).join('\n');
  const head = `-- What the migrations make, for comparison. Made anew by \`npx vitest --update test/registry/sqlite\`.\n\n`;
  await expect(head + dump).toMatchFileSnapshot('../../../migrations/sqlite/schema.sql');
});

/** Mints batch by batch in a process of its own. */
async function mintInProcess(batches: Job['batches']) {
  const child = fork(fileURLToPath(new URL('minting-process.ts', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const acknowledged: Acknowledged[] = [];
  const { promise: started, resolve } = Promise.withResolvers<void>();
  child.on('message', (answers: Acknowledged[]) => {
    acknowledged.push(...answers);
    if (acknowledged.length >= 500) resolve();
  });
  const exited = once(child, 'exit');
  child.send({ path, batches } satisfies Job);
  return {
    started,
    kill: () => child.kill('SIGKILL'),
    done: exited.then(([code]) => {
      if (code !== 0 && code !== null) throw new Error(`A minter ended with ${code}.`);
      return acknowledged;
    }),
  };
}
