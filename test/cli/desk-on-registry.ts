import { DatabaseSync } from 'node:sqlite';
import { createConnection } from 'mysql2/promise';
import { expect, inject } from 'vitest';
import { migrate, openForMigrations } from '../../src/runtime/open-registry.ts';
import { parseRegistryUrl } from '../../src/runtime/registry-location.ts';
import { readSettings } from '../../src/runtime/settings.ts';
import type { Desk } from '../support/command-line.ts';
import { openDesk } from '../support/command-line.ts';
import type { TestDatabase } from '../support/databases.ts';
import { createDatabase, createUser } from '../support/databases.ts';
import { someIds } from '../support/identifiers.ts';
import type { TestServer } from '../support/servers/open-servers.ts';

/** A desk whose commands work on a registry of its own, which the test also sees from outside the product. */
export interface DeskOnRegistry extends Desk {
  readonly registry: TargetRegistry;
}

export interface TargetRegistry extends AsyncDisposable {
  /** For `--registry`; the commands have it as ID_MINTER_REGISTRY. */
  readonly url: string;
  /** Undefined for SQLite. */
  readonly database?: TestDatabase;
  /** Runs a statement as the administrator. */
  sql(statement: string): Promise<unknown[][]>;
  /** Everything in the registry's tables, times included; what is not there yet is empty. */
  dump(): Promise<string>;
}

export interface RegistryKind {
  readonly name: string;
  /** Undefined for SQLite. */
  readonly server?: TestServer;
  open(desk: Desk): Promise<OpenedRegistry>;
}

type OpenedRegistry = TargetRegistry & { readonly environment: Desk['environment'] };

/** SQLite, and every server of this run. */
export const REGISTRY_KINDS: readonly RegistryKind[] = [
  { name: 'SQLite', open: openSqlite },
  ...inject('servers').map(server => ({
    name: `${server.kind} ${server.version}`,
    server,
    open: () => openOnServer(server),
  })),
];

export const SERVER_REGISTRIES = REGISTRY_KINDS.filter(({ server }) => server !== undefined);

/**
 * Opens a desk on an empty registry: no file, or a database without a table.
 *
 * @param free - makes the tables, and so many free IDs
 */
export async function openDeskOn(
  kind: RegistryKind,
  { free }: { free?: number } = {}
): Promise<DeskOnRegistry> {
  const desk = await openDesk();
  const registry = await kind.open(desk);
  desk.environment = registry.environment;
  const opened: DeskOnRegistry = Object.assign(desk, {
    registry,
    [Symbol.asyncDispose]: disposeBoth(desk, registry),
  });
  if (free !== undefined) await prepare(registry, free);
  return opened;
}

/** In this process, which is faster than two commands would be. */
async function prepare({ url, environment, sql }: OpenedRegistry, free: number): Promise<void> {
  const settings = readSettings(environment);
  const database = await openForMigrations(parseRegistryUrl(url, { environment, settings }));
  try {
    await migrate(database);
  } finally {
    await database.close();
  }
  if (free === 0) return;
  const rows = someIds(free).map(id => `('${id}')`);
  await sql(`INSERT INTO canonical_ids (CanonicalId) VALUES ${rows.join(', ')}`);
}

function disposeBoth(desk: Desk, registry: AsyncDisposable): () => Promise<void> {
  const closeDesk = desk[Symbol.asyncDispose].bind(desk);
  return async () => {
    await registry[Symbol.asyncDispose]();
    await closeDesk();
  };
}

const DUMPS = [
  'SELECT * FROM canonical_ids ORDER BY CanonicalId',
  'SELECT * FROM identifiers ORDER BY OntologyType, SourceSystem, SourceId',
  'SELECT * FROM id_minter_migrations ORDER BY Id',
];

async function dump(sql: TargetRegistry['sql']): Promise<string> {
  const tables = await Promise.all(DUMPS.map(select => sql(select).catch(() => [])));
  return JSON.stringify(tables);
}

async function openSqlite(desk: Desk) {
  const path = desk.path('registry.sqlite');
  const { sql } = sqliteAt(path);
  const url = `sqlite:${path}`;
  return {
    url,
    environment: { ID_MINTER_REGISTRY: url },
    sql,
    dump: () => dump(sql),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** A SQLite file seen from outside the product. */
export function sqliteAt(path: string): Pick<TargetRegistry, 'sql'> {
  return {
    sql: async statement => {
      const connection = new DatabaseSync(path, { timeout: 5_000 });
      try {
        const prepared = connection.prepare(statement);
        prepared.setReturnArrays(true);
        return prepared.all() as unknown as unknown[][];
      } finally {
        connection.close();
      }
    },
  };
}

async function openOnServer(server: TestServer) {
  const database = await createDatabase(server);
  const { user, password } = await createUser(
    database,
    "GRANT ALL ON identifiers.* TO 'id_minter'@'%';"
  );
  const sql = async (statement: string): Promise<unknown[][]> => {
    const connection = await createConnection({
      uri: database.adminUrl,
      rowsAsArray: true,
      dateStrings: true,
    });
    try {
      const [rows] = await connection.query(statement);
      return Array.isArray(rows) ? (rows as unknown[][]) : [];
    } finally {
      await connection.end();
    }
  };
  const url = new URL(database.adminUrl);
  url.username = user;
  url.password = '';
  return {
    url: url.href,
    database,
    environment: { ID_MINTER_REGISTRY: url.href, RDS_PASSWORD: password },
    sql,
    dump: () => dump(sql),
    [Symbol.asyncDispose]: () => database.drop(),
  };
}

/** Every ID is assigned if and only if a mapping uses it. */
export async function expectSoundPool({ registry }: DeskOnRegistry): Promise<void> {
  const unsound = await registry.sql(
    `SELECT canonical_ids.CanonicalId FROM canonical_ids
      LEFT JOIN identifiers ON identifiers.CanonicalId = canonical_ids.CanonicalId
      WHERE (Status = 'assigned') <> (identifiers.CanonicalId IS NOT NULL)`
  );
  expect(unsound).toEqual([]);
}
