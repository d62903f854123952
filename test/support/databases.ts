import { randomBytes } from 'node:crypto';
import type { Connection } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';

/** A database of a test's own; disposal drops it with its users. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  /** the administrator's, on this database: mysql://root@127.0.0.1:PORT/NAME */
  readonly adminUrl: string;
  /** that {@link createUser} made; they go with the database */
  readonly users: string[];
  drop(): Promise<void>;
}

export interface TestUser {
  readonly user: string;
  readonly password: string;
}

/** Makes an empty database with the server's default character set. */
export async function createDatabase(server: { readonly url: string }): Promise<TestDatabase> {
  const name = `t_${randomBytes(6).toString('hex')}`;
  await withConnection(server.url, connection => connection.query(`CREATE DATABASE ${name}`));
  const adminUrl = new URL(server.url);
  adminUrl.pathname = `/${name}`;
  const users: string[] = [];
  const drop = () =>
    withConnection(server.url, async connection => {
      await connection.query(`DROP DATABASE IF EXISTS ${name}`);
      for (const user of users.splice(0))
        await connection.query(`DROP USER IF EXISTS '${user}'@'%'`);
    });
  return { name, adminUrl: adminUrl.href, users, drop, [Symbol.asyncDispose]: drop };
}

/**
 * Makes a user and gives it the rights of a grants file, with the test's database and user for those that the
 * file names: `identifiers.` and `'id_minter'@'%'` (or another name that begins so). The tables that it
 * grants rights on must exist.
 *
 * @param grants - statements that end in semicolons, with `--` comments
 */
export async function createUser(database: TestDatabase, grants: string): Promise<TestUser> {
  const user = `u_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  const statements = grants
    .replaceAll(/^\s*--.*$/gm, '')
    .replaceAll(/(?<![\w`.])(`?)identifiers\1\./g, `\`${database.name}\`.`)
    .replaceAll(/(['"`])id_minter\w*\1@(['"`])%\2/g, `'${user}'@'%'`)
    .split(';')
    .map(statement => statement.trim())
    .filter(Boolean);
  await withConnection(database.adminUrl, async connection => {
    await connection.query(`CREATE USER '${user}'@'%' IDENTIFIED BY '${password}'`);
    database.users.push(user);
    for (const statement of statements) await connection.query(statement);
  });
  return { user, password };
}

async function withConnection<Result>(
  url: string,
  work: (connection: Connection) => Promise<Result>
): Promise<void> {
  const connection = await createConnection(url);
  try {
    await work(connection);
  } finally {
    await connection.end();
  }
}
