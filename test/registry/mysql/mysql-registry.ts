import { readFile } from 'node:fs/promises';
import type { Connection } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import type { RegistryStore } from '../../../src/domain/registry.ts';
import { knownMigrations, migrate } from '../../../src/registry/migrate.ts';
import { openMysqlMigrations } from '../../../src/registry/mysql/mysql-migrations.ts';
import type { MysqlSettings } from '../../../src/registry/mysql/mysql-settings.ts';
import { openMysqlStore } from '../../../src/registry/mysql/mysql-store.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import type { Program } from '../../../src/registry/schema-state.ts';
import { createDatabase, createUser } from '../../support/databases.ts';

export type Role = 'minter' | 'pool-filler' | 'migrator' | 'reader';

/** A registry of a test's own on a real server, and its administrator's view of it. */
export interface MysqlRegistry extends AsyncDisposable {
  readonly admin: MysqlSettings;
  /** With the rights of `grants/minter.sql`, as everything that mints. */
  readonly minter: MysqlSettings;
  /** Makes a user with the rights of a role. */
  as(role: Role): Promise<MysqlSettings>;
  /** What the administrator is answered. */
  sql<Row extends unknown[]>(statement: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface RegistryOptions {
  readonly free?: number;
  readonly exact?: boolean;
  readonly maxConnections?: number;
}

const PROGRAM: Program = {
  knownMigrations: knownMigrations('mysql'),
  version: '1.0.0',
  warn: message => {
    throw new Error(`Nothing to warn of was expected: ${message}`);
  },
};

export async function createMysqlRegistry(
  server: { readonly url: string },
  { free = 0, exact, maxConnections = 4 }: RegistryOptions = {}
): Promise<MysqlRegistry> {
  const database = await createDatabase(server);
  const { hostname, port, username, password } = new URL(server.url);
  const settingsOf = (user: string, secret: string): MysqlSettings => ({
    ...{ host: hostname, port: Number(port || 3306), user, database: database.name },
    ...{ password: async () => secret, tls: 'off', maxConnections },
  });
  const admin = settingsOf(username, password);
  const migrations = await openMysqlMigrations(admin);
  await migrate(migrations, { exact });
  await migrations.close();
  if (free > 0) {
    await using registry = createRegistry(await openMysqlStore(admin, PROGRAM));
    await registry.topUp(free);
  }
  const as = async (role: Role) => {
    const grants = new URL(`../../../migrations/mysql/grants/${role}.sql`, import.meta.url);
    const { user, password } = await createUser(database, await readFile(grants, 'utf8'));
    return settingsOf(user, password);
  };
  const connection = await connectAsAdmin(database.adminUrl);
  return {
    admin,
    minter: await as('minter'),
    as,
    sql: async <Row extends unknown[]>(statement: string, values: readonly unknown[] = []) => {
      const [rows] = await connection.query(statement, [...values] as string[]);
      return rows as unknown as Row[];
    },
    [Symbol.asyncDispose]: async () => {
      await connection.end();
      await database.drop();
    },
  };
}

/** Opened as a minter opens it. */
export function openStore(
  settings: MysqlSettings,
  program: Partial<Program> = {}
): Promise<RegistryStore> {
  return openMysqlStore(settings, { ...PROGRAM, ...program });
}

function connectAsAdmin(uri: string): Promise<Connection> {
  return createConnection({ uri, rowsAsArray: true, charset: 'utf8mb4' });
}
