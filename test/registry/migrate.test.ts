import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { MigrateOptions } from '../../src/registry/migrate.ts';
import { knownMigrations, migrate, migrationStatus, rollback } from '../../src/registry/migrate.ts';
import type { MigrationFile } from '../../src/registry/migration-files.ts';
import { folderOf, readMigrations } from '../../src/registry/migration-files.ts';
import { sierra } from '../support/identifiers.ts';
import type { TestDatabase } from '../support/store-kinds.ts';
import { STORES } from '../support/stores.ts';

const FIRST = '0001_create_identifiers_schema';

/** Migrates over a connection of its own, as each start of the program does. */
async function migrateOnce(
  database: TestDatabase,
  wanted?: MigrateOptions,
  files?: readonly MigrationFile[]
) {
  const migrations = await database.migrations();
  try {
    return await migrate(migrations, wanted, files);
  } finally {
    await migrations.close();
  }
}

async function rollbackOnce(
  database: TestDatabase,
  dropMappings?: number,
  files?: readonly MigrationFile[]
) {
  const migrations = await database.migrations();
  try {
    return await rollback(migrations, { dropMappings }, files);
  } finally {
    await migrations.close();
  }
}

async function statusOf(database: TestDatabase) {
  const migrations = await database.migrations();
  try {
    return await migrationStatus(migrations);
  } finally {
    await migrations.close();
  }
}

async function tablesOf(database: TestDatabase) {
  const migrations = await database.migrations();
  try {
    return await migrations.registryTables();
  } finally {
    await migrations.close();
  }
}

async function execute(database: TestDatabase, sql: string) {
  const migrations = await database.migrations();
  try {
    await migrations.execute(sql);
  } finally {
    await migrations.close();
  }
}

const mapOne = async (database: TestDatabase) => {
  await database.sql(
    "INSERT INTO canonical_ids (CanonicalId, Status) VALUES ('a2345678', 'assigned')"
  );
  await database.sql(
    "INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) VALUES ('Work', 'sierra-system-number', 'b1', 'a2345678')"
  );
};

describe.each(STORES)('migrations on $name', store => {
  const folder = folderOf(store.dialect);
  const known = readMigrations(folder);
  const extra = (about: Partial<MigrationFile> = {}): MigrationFile[] => [
    ...known,
    {
      id: '0002_add_notes',
      sql: 'CREATE TABLE id_minter_notes (Note INTEGER); INSERT INTO id_minter_notes VALUES (1);',
      rollbackSql: 'DROP TABLE id_minter_notes;',
      oldestCode: '1.0.0',
      dropsMappings: false,
      ...about,
    },
  ];

  test('make a new database a registry, and nothing of it the second time', async () => {
    await using database = await store.createDatabase();
    expect(await statusOf(database)).toEqual({
      applied: [],
      pending: known.map(({ id }) => id),
      unknown: [],
      unfinished: [],
    });
    expect(await migrateOnce(database)).toEqual({
      applied: known.map(({ id }) => id),
      adopted: [],
    });
    expect(await migrateOnce(database)).toEqual({ applied: [], adopted: [] });
    expect(await statusOf(database)).toEqual({
      applied: known.map(({ id }) => id),
      pending: [],
      unknown: [],
      unfinished: [],
    });
    const registry = await database.openStore();
    expect([...registry.conceptTypes]).toContain('Person');
    await registry.close();
  });

  test('do not collide where several start at once', async () => {
    await using database = await store.createDatabase();
    const results = await Promise.all([1, 2, 3, 4].map(() => migrateOnce(database)));
    expect(results.map(({ applied }) => applied.length).toSorted()).toEqual([
      0,
      0,
      0,
      known.length,
    ]);
    expect((await database.sql('SELECT Id FROM id_minter_migrations')).length).toBe(known.length);
  });

  test('take over the tables of another minter as they are', async () => {
    await using database = await store.createDatabase();
    await makeTables(database, known);
    await mapOne(database);
    expect((await statusOf(database)).pending).toContain(FIRST);
    expect(await migrateOnce(database)).toEqual({
      applied: known.map(({ id }) => id).slice(1),
      adopted: [FIRST],
    });
    expect(await migrateOnce(database)).toEqual({ applied: [], adopted: [] });
    const registry = await database.openStore();
    const [mapping] = await registry.lookUp([sierra('b1') as never]);
    expect(mapping?.canonicalId).toBe('a2345678');
    expect(registry.conceptTypes.has('Period')).toBe(true);
    await registry.close();
  });

  test('do not take over tables of which one is missing', async () => {
    await using database = await store.createDatabase();
    await makeTables(database, known);
    await execute(database, 'DROP TABLE identifiers');
    await expect(migrateOnce(database)).rejects.toMatchObject({
      code: 'SCHEMA_UNSUPPORTED',
      details: { missing: ['identifiers'] },
    });
    expect(await tablesOf(database)).toEqual(['canonical_ids']);
    expect((await statusOf(database)).pending).toContain(FIRST);
  });

  test('do not make tables anew that the record says were made', async () => {
    await using database = await store.createDatabase();
    await migrateOnce(database);
    await (await database.openStore()).close();
    await execute(database, 'DROP TABLE identifiers; DROP TABLE canonical_ids;');
    await expect(migrateOnce(database, {}, extra())).rejects.toMatchObject({
      code: 'SCHEMA_UNSUPPORTED',
      details: { missing: ['canonical_ids', 'identifiers'] },
    });
    await expect(database.openStore()).rejects.toMatchObject({
      code: expect.stringMatching(/^SCHEMA_/),
    });
  });

  test('fix the concept types once and for all', async () => {
    await using database = await store.createDatabase();
    await migrateOnce(database, { conceptTypes: ['Ship', 'Engine'] });
    const registry = await database.openStore();
    expect([...registry.conceptTypes]).toEqual(['Ship', 'Engine']);
    await registry.close();
    expect(await migrateOnce(database, { conceptTypes: ['Engine', 'Ship'] })).toEqual({
      applied: [],
      adopted: [],
    });
    for (const conceptTypes of [[], ['Ship'], ['Ship', 'Engine', 'Person']]) {
      await expect(migrateOnce(database, { conceptTypes })).rejects.toMatchObject({
        code: 'INVALID_CONFIGURATION',
        message: expect.stringContaining('Ship, Engine'),
      });
    }
  });

  test('do not take over tables with other concept types than those that filled them', async () => {
    await using database = await store.createDatabase();
    await makeTables(database, known);
    await expect(migrateOnce(database, { conceptTypes: [] })).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
    });
    expect((await statusOf(database)).applied).toEqual([]);
    const { adopted } = await migrateOnce(database, {
      conceptTypes: ['Period', 'Person', 'Organisation', 'Place', 'Agent', 'Meeting', 'Genre'],
    });
    expect(adopted).toEqual([FIRST]);
  });

  test('make a registry exact when it is made, and no other', async () => {
    await using exact = await store.createDatabase();
    await migrateOnce(exact, { exact: true });
    expect(await migrateOnce(exact, { exact: true })).toEqual({ applied: [], adopted: [] });
    expect(await migrateOnce(exact)).toEqual({ applied: [], adopted: [] });

    await using made = await store.createDatabase();
    await migrateOnce(made);
    await using adopted = await store.createDatabase();
    await makeTables(adopted, known);
    for (const database of [made, adopted]) {
      const outcome = migrateOnce(database, { exact: true });
      if (store.isExact) await outcome;
      else await expect(outcome).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
    }
    expect((await statusOf(adopted)).applied).toEqual(store.isExact ? [FIRST] : []);
  });

  test.each(['', ' Person', 'Per[son', 'Person,Place'])(
    'refuse %j as a concept type before anything is made',
    async wrong => {
      await using database = await store.createDatabase();
      await expect(migrateOnce(database, { conceptTypes: ['Ship', wrong] })).rejects.toMatchObject({
        code: 'INVALID_CONFIGURATION',
        details: { value: wrong },
      });
      expect(await tablesOf(database)).toEqual([]);
    }
  );

  test('apply what is pending, and keep the facts of the first', async () => {
    await using database = await store.createDatabase();
    await migrateOnce(database, { conceptTypes: ['Ship'] });
    expect(await migrateOnce(database, {}, extra())).toEqual({
      applied: ['0002_add_notes'],
      adopted: [],
    });
    expect(await database.sql('SELECT Note FROM id_minter_notes')).toEqual([[1]]);
    const warnings: string[] = [];
    const registry = await database.openStore({ warn: message => warnings.push(message) });
    expect([...registry.conceptTypes]).toEqual(['Ship']);
    expect(warnings).toEqual([expect.stringContaining('0002_add_notes')]);
    await registry.close();
  });

  test('refuse to go on over one that is not finished, as does every store', async () => {
    await using database = await store.createDatabase();
    await migrateOnce(database);
    await database.sql('UPDATE id_minter_migrations SET FinishedAt = NULL');
    expect(await statusOf(database)).toMatchObject({
      applied: [],
      pending: [],
      unfinished: [FIRST],
    });
    const refusal = { code: 'MIGRATION_UNFINISHED', message: expect.stringContaining(FIRST) };
    await expect(migrateOnce(database)).rejects.toMatchObject(refusal);
    await expect(rollbackOnce(database)).rejects.toMatchObject(refusal);
    await expect(database.openStore()).rejects.toMatchObject(refusal);
    expect(await tablesOf(database)).toEqual(['canonical_ids', 'identifiers']);
  });

  test('that fail half-way are never taken for done', async () => {
    await using database = await store.createDatabase();
    await migrateOnce(database);
    const broken = extra({ sql: 'CREATE TABLE id_minter_notes (Note INTEGER); CREATE NONSENSE;' });
    await expect(migrateOnce(database, {}, broken)).rejects.toMatchObject({
      name: 'IdMinterError',
    });
    const { applied, unfinished } = await statusOf(database);
    expect(applied).toEqual([FIRST]);
    if (store.dialect === 'sqlite') {
      expect(unfinished).toEqual([]);
      await expect(database.sql('SELECT 1 FROM id_minter_notes')).rejects.toThrowError();
      expect(await migrateOnce(database, {}, extra())).toMatchObject({
        applied: ['0002_add_notes'],
      });
    } else {
      expect(unfinished).toEqual(['0002_add_notes']);
      await expect(migrateOnce(database, {}, extra())).rejects.toMatchObject({
        code: 'MIGRATION_UNFINISHED',
      });
    }
  });

  test('leave a registry of a newer version alone, and its store says whether it can be used', async () => {
    await using database = await store.createDatabase();
    await migrateOnce(database);
    const record = (id: string, oldestCode: string) =>
      database.sql(
        `INSERT INTO id_minter_migrations (Id, FinishedAt, OldestCode, Facts) VALUES ('${id}', CURRENT_TIMESTAMP, '${oldestCode}', '{}')`
      );
    await record('0900_additive', '1.0.0');
    expect(await migrateOnce(database)).toEqual({ applied: [], adopted: [] });
    expect((await statusOf(database)).unknown).toEqual(['0900_additive']);
    const warnings: string[] = [];
    const registry = await database.openStore({ warn: message => warnings.push(message) });
    await registry.close();
    expect(warnings).toEqual([expect.stringContaining('0900_additive')]);
    await record('0901_breaking', '2.1.0');
    await expect(database.openStore({ version: '2.0.9' })).rejects.toMatchObject({
      code: 'SCHEMA_NEWER',
      message: expect.stringContaining('2.1.0'),
    });
    await expect(rollbackOnce(database)).rejects.toMatchObject({ code: 'SCHEMA_NEWER' });
  });

  test('roll back to nothing where no mapping is lost, and forward again', async () => {
    await using database = await store.createDatabase();
    expect(await rollbackOnce(database)).toEqual({ rolledBack: undefined, droppedMappings: 0 });
    await migrateOnce(database);
    expect(await rollbackOnce(database)).toEqual({ rolledBack: FIRST, droppedMappings: 0 });
    expect(await tablesOf(database)).toEqual([]);
    expect((await statusOf(database)).pending).toContain(FIRST);
    expect((await migrateOnce(database, { conceptTypes: [] })).applied).toContain(FIRST);
  });

  test.each([undefined, 0, 1, 3])(
    'refuse to drop two mappings where %s are named, and say how many there are',
    async named => {
      await using database = await store.open({
        mappings: [
          [sierra('b1'), 'a2345678'],
          [sierra('b2'), 'b2345678'],
        ],
      });
      await expect(rollbackOnce(database.database, named)).rejects.toMatchObject({
        code: 'ROLLBACK_REFUSED',
        message: expect.stringContaining('--drop-mappings 2'),
        details: { mappings: 2 },
      });
      expect((await database.dump()).identifiers).toHaveLength(2);
      expect((await statusOf(database.database)).applied).toContain(FIRST);
    }
  );

  test('drop mappings where exactly their number is named', async () => {
    await using database = await store.createDatabase();
    await migrateOnce(database);
    await mapOne(database);
    expect(await rollbackOnce(database, 1)).toEqual({ rolledBack: FIRST, droppedMappings: 1 });
    expect(await tablesOf(database)).toEqual([]);
  });

  test('roll back the newest one alone, whose mappings need not be named if it keeps them', async () => {
    await using database = await store.createDatabase();
    await migrateOnce(database, {}, extra());
    await mapOne(database);
    await expect(rollbackOnce(database, 1, extra())).rejects.toMatchObject({
      code: 'ROLLBACK_REFUSED',
      message: expect.stringContaining('Leave --drop-mappings out'),
    });
    expect(await rollbackOnce(database, undefined, extra())).toEqual({
      rolledBack: '0002_add_notes',
      droppedMappings: 0,
    });
    expect((await statusOf(database)).applied).toEqual([FIRST]);
    expect(await database.sql('SELECT COUNT(*) FROM identifiers')).toEqual([[1]]);
  });

  test('that fail while they are rolled back are never taken for sound', async () => {
    await using database = await store.createDatabase();
    const broken = extra({ rollbackSql: 'DROP TABLE id_minter_notes; DROP NONSENSE;' });
    await migrateOnce(database, {}, broken);
    await expect(rollbackOnce(database, undefined, broken)).rejects.toMatchObject({
      name: 'IdMinterError',
    });
    const { unfinished } = await statusOf(database);
    expect(unfinished).toEqual(store.dialect === 'sqlite' ? [] : ['0002_add_notes']);
  });

  test('say in each head which code works with it, and what undoing loses', async () => {
    expect(known.map(({ id }) => id)).toEqual(knownMigrations(store.dialect));
    for (const { id, sql, rollbackSql } of known) {
      expect(sql.startsWith(`-- ${id}.sql\n-- `)).toBe(true);
      expect(rollbackSql.startsWith(`-- ${id}.rollback.sql\n-- `)).toBe(true);
    }
    const files = await readdir(folder);
    const numbered = files.filter(name => /^\d/.test(name)).length;
    expect(numbered).toBe(2 * known.length);
  });
});

describe('reading migration files', () => {
  const head = '-- 0001_a.sql\n-- Works with code from 1.2.3 on.\n';

  async function read(files: Record<string, string>): Promise<MigrationFile[]> {
    const folder = await mkdtemp(join(tmpdir(), 'id-minter-test-'));
    try {
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
      return readMigrations(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  test('takes numbered pairs in order, and what their heads say', async () => {
    const read2 = await read({
      '0002_b.sql': head,
      '0002_b.rollback.sql': '-- Mappings: kept.\n',
      '0001_a.sql': head,
      '0001_a.rollback.sql': '-- Mappings: dropped.\n',
      'schema.sql': 'not a migration',
    });
    expect(read2).toMatchObject([
      { id: '0001_a', oldestCode: '1.2.3', dropsMappings: true },
      { id: '0002_b', oldestCode: '1.2.3', dropsMappings: false },
    ]);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['without a rollback', { '0001_a.sql': head }, /0001_a\.rollback\.sql/],
    [
      'that does not say which code works with it',
      { '0001_a.sql': '-- 0001_a.sql\n', '0001_a.rollback.sql': '-- Mappings: kept.\n' },
      /0001_a\.sql lacks a line/,
    ],
    [
      'whose rollback does not say what becomes of the mappings',
      { '0001_a.sql': head, '0001_a.rollback.sql': '-- 0001_a.rollback.sql\n' },
      /0001_a\.rollback\.sql lacks a line/,
    ],
  ])('refuses one %s', async (_, files, message) => {
    await expect(read(files)).rejects.toThrowError(message);
  });
});

async function makeTables(
  database: TestDatabase,
  [first]: readonly MigrationFile[]
): Promise<void> {
  const migrations = await database.migrations();
  // As another program made them: without a record of ours.
  await migrations.withLock(() => migrations.execute(first?.sql ?? ''));
  await migrations.close();
}
