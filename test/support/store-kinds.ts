import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createConnection } from 'mysql2/promise';
import { foldTwins } from '../../src/domain/audit.ts';
import type { ImportTransaction, Registry, RegistryStore } from '../../src/domain/registry.ts';
import type { FoldedIdentifier, SourceIdentifier } from '../../src/domain/source-identifier.ts';
import type { MigrateOptions } from '../../src/registry/migrate.ts';
import { knownMigrations, migrate } from '../../src/registry/migrate.ts';
import type { MigrationDatabase } from '../../src/registry/migration-database.ts';

import { canStoreIn } from '../../src/registry/mysql/character-sets.ts';
import { openMysqlMigrations } from '../../src/registry/mysql/mysql-migrations.ts';
import type { MysqlSettings } from '../../src/registry/mysql/mysql-settings.ts';

import { openMysqlStore } from '../../src/registry/mysql/mysql-store.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import type { Program } from '../../src/registry/schema-state.ts';
import { openSqliteMigrations } from '../../src/registry/sqlite/sqlite-migrations.ts';
import { openSqliteStore } from '../../src/registry/sqlite/sqlite-store.ts';
import type { TestUser } from './databases.ts';
import { createDatabase, createUser } from './databases.ts';
import { someIds } from './identifiers.ts';
import type { TestServer } from './servers/open-servers.ts';

const MINTER_GRANTS = new URL('../../migrations/mysql/grants/minter.sql', import.meta.url);

/** A kind of registry that the contract is tested on. */
export interface TestStore {
  readonly name: string;
  /** Whether every spelling is an identifier of its own; otherwise the collation is that of the adopted tables. */
  readonly isExact: boolean;
  readonly dialect: MigrationDatabase['dialect'];
  /** Makes an empty database of the test's own; disposal drops it. */
  createDatabase(): Promise<TestDatabase>;
  /** Makes a database with the registry's schema and this in it, and opens it as a minter does. */
  open(contents?: Contents & MigrateOptions): Promise<TestRegistry>;
}

export interface Contents {
  readonly free?: readonly string[];
  /** Instead of `free`, any IDs. */
  readonly freeCount?: number;
  readonly mappings?: readonly (readonly [source: SourceIdentifier, canonicalId: string])[];
}

/** A database seen from outside the product, by its administrator. */
export interface TestDatabase extends AsyncDisposable {
  migrations(): Promise<MigrationDatabase>;
  /** Opens it as a user with a minter's rights, which the tables have to be there for. */
  openStore(program?: Partial<Program>): Promise<RegistryStore>;
  /** Opens it as an export is restored into it, by a user who may also migrate it. */
  openForRestore(): Promise<RegistryStore>;
  sql(statement: string, values?: readonly string[]): Promise<unknown[][]>;
}

/** Everything in both tables but the times, in order. */
export interface Dump {
  readonly identifiers: readonly unknown[][];
  readonly canonicalIds: readonly unknown[][];
}

export interface TestRegistry extends Registry {
  readonly store: RegistryStore;
  readonly database: TestDatabase;
  /** Another minter on the same database; it is closed with this one. */
  openAnother(): Promise<Registry>;
  countFree(): Promise<number>;
  /** The canonical ID that stands in the database for exactly these three parts. */
  standing(source: SourceIdentifier): Promise<string | undefined>;
  dump(): Promise<Dump>;
}

/** A new file for each database. */
export function sqliteStore(): TestStore {
  return testStore({
    name: 'SQLite',
    dialect: 'sqlite',
    isExact: true,
    createDatabase: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'id-minter-test-'));
      const path = join(folder, 'registry.sqlite');
      return {
        migrations: async () => openSqliteMigrations(path),
        openStore: program => openSqliteStore(path, programOf('sqlite', program)),
        openForRestore: () => openSqliteStore(path, programOf('sqlite', { restoring: true })),
        sql: async (statement, values = []) => {
          const connection = new DatabaseSync(path, { timeout: 5_000 });
          try {
            const prepared = connection.prepare(statement);
            prepared.setReturnArrays(true);
            return prepared.all(...values) as unknown as unknown[][];
          } finally {
            connection.close();
          }
        },
        [Symbol.asyncDispose]: () => rm(folder, { recursive: true, maxRetries: 5 }),
      };
    },
  });
}

/**
 * A file whose store takes for one identifier what differs by case, accent or outer space and holds what latin1 has,
 * as the tables of a server do: the rules for twins are then tried without a server too.
 */
export function foldingSqliteStore(): TestStore {
  const { createDatabase: createFile, ...sqlite } = sqliteStore();
  return testStore({
    ...sqlite,
    name: 'SQLite with spellings folded',
    isExact: false,
    createDatabase: async () => {
      const database = await createFile();
      const spellings = new Map<string, FoldedIdentifier>();
      return {
        ...database,
        openStore: async program => {
          const { identifiers } = await readAll(database);
          for (const [ontologyType, sourceSystem, value] of identifiers) {
            const source = { ontologyType, sourceSystem, value } as FoldedIdentifier;
            spellings.set(foldTwins(source), source);
          }
          return foldingStore(await database.openStore(program), spellings);
        },
      };
    },
  });
}

/** @param spellings - those that stand in the database, by what they fold to */
function foldingStore(
  store: RegistryStore,
  spellings: Map<string, FoldedIdentifier>
): RegistryStore {
  const standing = (source: FoldedIdentifier) => spellings.get(foldTwins(source)) ?? source;
  const folded: Partial<RegistryStore> = {
    canStore: canStoreIn('latin1') ?? store.canStore,
    lookUp: sources => store.lookUp(sources.map(standing)),
    equalityKeys: async sources => sources.map(foldTwins),
    transaction: async work => {
      const added: string[] = [];
      const run = (transaction: ImportTransaction) =>
        work({
          ...transaction,
          lookUp: sources => transaction.lookUp(sources.map(standing)),
          insert: async rows => {
            let inserted = 0;
            for (const row of rows) {
              const fold = foldTwins(row.source);
              const isTwin = spellings.has(fold) && standing(row.source) !== row.source;
              if (isTwin || (await transaction.insert([row])) === 0) continue;
              inserted += 1;
              spellings.set(fold, row.source);
              added.push(fold);
            }
            return inserted;
          },
        });
      try {
        return await store.transaction(run);
      } catch (error) {
        for (const fold of added) spellings.delete(fold);
        throw error;
      }
    },
  };
  return new Proxy(store, {
    get: (target, name) => {
      if (name in folded) return Reflect.get(folded, name);
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** A new database on a server that runs for each. */
export function mysqlStore(server: TestServer, isExact: boolean): TestStore {
  return testStore({
    name: `${server.kind} ${server.version}${isExact ? ', exact' : ''}`,
    dialect: 'mysql',
    isExact,
    createDatabase: async () => {
      const database = await createDatabase(server);
      const admin = await createConnection({ uri: database.adminUrl, rowsAsArray: true });
      const { hostname, port, username, password } = new URL(server.url);
      const settings = (user: string, secret: string): MysqlSettings => ({
        host: hostname,
        port: Number(port),
        user,
        password: async () => secret,
        database: database.name,
        tls: 'off',
      });
      let minter: TestUser | undefined;
      return {
        migrations: () => openMysqlMigrations(settings(username, password)),
        openStore: async program => {
          minter ??= await createUser(database, await readFile(MINTER_GRANTS, 'utf8'));
          return await openMysqlStore(
            settings(minter.user, minter.password),
            programOf('mysql', program)
          );
        },
        openForRestore: () =>
          openMysqlStore(settings(username, password), programOf('mysql', { restoring: true })),
        sql: async (statement, values = []) => {
          const [rows] = await admin.query(statement, [...values]);
          return Array.isArray(rows) ? (rows as unknown[][]) : [];
        },
        [Symbol.asyncDispose]: async () => {
          await admin.end();
          await database.drop();
        },
      };
    },
  });
}

function testStore(store: Omit<TestStore, 'open'>): TestStore {
  return {
    ...store,
    open: async ({ conceptTypes, ...contents } = {}) => {
      const database = await store.createDatabase();
      try {
        const migrations = await database.migrations();
        await migrate(migrations, { conceptTypes, exact: store.isExact });
        await migrations.close();
        await fill(database, contents);
        return await openRegistry(database);
      } catch (error) {
        await database[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

async function openRegistry(database: TestDatabase): Promise<TestRegistry> {
  const store = await database.openStore();
  const others: Registry[] = [];
  const close = async () => {
    for (const other of others.splice(0)) await other.close();
    await store.close();
  };
  return {
    ...createRegistry(store),
    store,
    database,
    close,
    openAnother: async () => {
      const other = createRegistry(await database.openStore());
      others.push(other);
      return other;
    },
    countFree: async () => {
      const rows = await database.sql("SELECT 1 FROM canonical_ids WHERE Status = 'free'");
      return rows.length;
    },
    standing: async source => {
      const { identifiers } = await readAll(database);
      const parts = [source.ontologyType, source.sourceSystem, source.value];
      const row = identifiers.find(stored => parts.every((part, index) => stored[index] === part));
      return row?.[3] as string | undefined;
    },
    dump: () => readAll(database),
    [Symbol.asyncDispose]: async () => {
      await close();
      await database[Symbol.asyncDispose]();
    },
  };
}

async function fill(
  database: TestDatabase,
  { freeCount = 0, free = someIds(freeCount), mappings = [] }: Contents
): Promise<void> {
  const assigned = new Set(mappings.map(([, canonicalId]) => canonicalId));
  for (const [ids, status] of [
    [free, 'free'],
    [[...assigned], 'assigned'],
  ] as const) {
    if (ids.length === 0) continue;
    const rows = ids.map(id => `('${id}', '${status}')`).join(', ');
    await database.sql(`INSERT INTO canonical_ids (CanonicalId, Status) VALUES ${rows}`);
  }
  for (const [{ ontologyType, sourceSystem, value }, canonicalId] of mappings) {
    await database.sql(
      'INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) VALUES (?, ?, ?, ?)',
      [ontologyType, sourceSystem, value, canonicalId]
    );
  }
}

async function readAll(database: TestDatabase): Promise<Dump> {
  const identifiers = await database.sql(
    'SELECT OntologyType, SourceSystem, SourceId, CanonicalId FROM identifiers'
  );
  const canonicalIds = await database.sql('SELECT CanonicalId, Status FROM canonical_ids');
  const inOrder = (rows: unknown[][]) => rows.map(row => [...row]).sort(byText);
  return { identifiers: inOrder(identifiers), canonicalIds: inOrder(canonicalIds) };
}

function byText(a: unknown[], b: unknown[]): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function programOf(dialect: MigrationDatabase['dialect'], program: Partial<Program> = {}): Program {
  return {
    knownMigrations: knownMigrations(dialect),
    version: '1.0.0',
    warn: message => {
      throw new Error(`Nothing to warn of was expected: ${message}`);
    },
    ...program,
  };
}
