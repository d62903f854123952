import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { RowDataPacket } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import { describe, expect, inject, test, vi } from 'vitest';
import type { TestDatabase } from './databases.ts';
import { createDatabase, createUser } from './databases.ts';
import type { ServerKind } from './servers/kinds.ts';
import { whyUnfit } from './servers/kinds.ts';
import { openServers } from './servers/open-servers.ts';
import { isRunning, poll } from './servers/processes.ts';
import { startServer } from './servers/start-server.ts';

async function query(url: string, sql: string): Promise<RowDataPacket[]> {
  const connection = await createConnection(url);
  try {
    const [rows] = await connection.query<RowDataPacket[]>(sql);
    return rows;
  } finally {
    await connection.end();
  }
}

function urlOf(database: TestDatabase, user: string, password: string): string {
  const url = new URL(database.adminUrl);
  url.username = user;
  url.password = password;
  return url.href;
}

describe.each(inject('servers'))('the shared $kind $version', server => {
  test('flushes its log at each commit, as in production', async () => {
    const rows = await query(server.url, 'SELECT @@innodb_flush_log_at_trx_commit AS flush');
    expect(rows).toEqual([{ flush: 1 }]);
  });

  test('lets nobody in without a name', async () => {
    const url = new URL(server.url);
    url.username = 'nobody';
    url.password = '';
    await expect(query(url.href, 'SELECT 1')).rejects.toMatchObject({
      code: 'ER_ACCESS_DENIED_ERROR',
    });
  });

  test('gives a test a database of its own, and takes it back with its users', async () => {
    const database = await createDatabase(server);
    await query(database.adminUrl, 'CREATE TABLE identifiers (id INT)');
    const { user } = await createUser(
      database,
      "GRANT SELECT ON identifiers.identifiers TO 'id_minter'@'%';"
    );

    await database.drop();

    const left = await query(
      server.url,
      `SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name = '${database.name}'
       UNION SELECT user FROM mysql.user WHERE user = '${user}'`
    );
    expect(left).toEqual([]);
  });

  test('gives a user the rights of a grants file and no others', async () => {
    await using database = await createDatabase(server);
    await query(database.adminUrl, 'CREATE TABLE identifiers (id INT, status INT)');
    const { user, password } = await createUser(
      database,
      `-- what a minter may do; nothing else
       GRANT SELECT, INSERT ON \`identifiers\`.\`identifiers\` TO 'id_minter'@'%';
       GRANT UPDATE (status) ON identifiers.identifiers TO 'id_minter_minter'@'%';`
    );
    const url = urlOf(database, user, password);

    await query(url, 'INSERT INTO identifiers VALUES (1, 2)');
    await query(url, 'UPDATE identifiers SET status = 3 WHERE id = 1');

    expect(await query(url, 'SELECT * FROM identifiers')).toEqual([{ id: 1, status: 3 }]);
    await expect(query(url, 'DELETE FROM identifiers')).rejects.toMatchObject({
      code: 'ER_TABLEACCESS_DENIED_ERROR',
    });
  });
});

describe.each(kindsOfThisRun())('a %s of the test’s own', kind => {
  test('keeps what was committed when it is killed and started again', async () => {
    await using killed = await startServer(kind);
    await query(killed.url, 'CREATE DATABASE kept');
    await query(`${killed.url}/kept`, 'CREATE TABLE rows_kept (id INT PRIMARY KEY) ENGINE=InnoDB');
    await query(`${killed.url}/kept`, 'INSERT INTO rows_kept VALUES (42)');
    await killed.kill9();
    await expect(query(killed.url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });

    const { dataDir, port } = killed;
    await using again = await startServer(kind, { dataDir, port });

    expect(again.url).toBe(killed.url);
    expect(await query(`${again.url}/kept`, 'SELECT id FROM rows_kept')).toEqual([{ id: 42 }]);
    await again.stop();
    await expect(query(again.url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('takes options of the server program, and leaves nothing behind', async () => {
    const server = await startServer(kind, { extraArgs: ['--innodb-lock-wait-timeout=7'] });
    const rows = await query(server.url, 'SELECT @@innodb_lock_wait_timeout AS seconds');
    expect(rows).toEqual([{ seconds: 7 }]);

    await server[Symbol.asyncDispose]();

    expect(existsSync(server.dataDir)).toBe(false);
    if (server.pid !== undefined) expect(isRunning(server.pid)).toBe(false);
  });

  test('goes with the process that started it, also when that is killed', async () => {
    const program = `
      import { startServer } from './start-server.ts';
      const { pid, dataDir } = await startServer('${kind}');
      console.log(JSON.stringify({ pid, dataDir }));
      setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: fileURLToPath(new URL('servers', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await Array.fromAsync(takeOne(createInterface({ input: owner.stdout })));
    const { pid, dataDir } = JSON.parse(line ?? '') as { pid?: number; dataDir: string };
    expect(existsSync(dataDir) || pid === undefined).toBe(true);

    owner.kill('SIGKILL');

    await poll('The removal of the data folder', 20, async () => !existsSync(dataDir) || undefined);
    if (pid !== undefined) expect(isRunning(pid)).toBe(false);
  });
});

test.each<[ServerKind, string, string | undefined]>([
  ['mysql', '8.0.36', undefined],
  ['mysql', '9.7.4', undefined],
  ['mysql', '5.7.44', 'is 5.7.44, and 8.0 is the oldest'],
  ['mysql', '10.11.19-MariaDB', 'is 10.11.19-MariaDB, not MySQL'],
  ['mariadb', '10.11.19-MariaDB', undefined],
  ['mariadb', '10.6.22-MariaDB', 'is 10.6.22-MariaDB, and 10.11 is the oldest'],
  ['mariadb', '11.8.2-MariaDB', undefined],
])('whether a %s server will do is told from its version %s', (kind, version, why) => {
  expect(whyUnfit(kind, version)).toBe(why);
});

test('a server that was named and does not answer stops the run', async () => {
  vi.stubEnv('ID_MINTER_TEST_SERVERS', 'mysql');
  vi.stubEnv('ID_MINTER_TEST_MYSQL_URL', 'mysql://root@127.0.0.1:1');
  await expect(openServers()).rejects.toThrow(
    /server in ID_MINTER_TEST_MYSQL_URL does not answer.*ECONNREFUSED/
  );
});

test('a kind of server that nobody knows stops the run', async () => {
  vi.stubEnv('ID_MINTER_TEST_SERVERS', 'mysql, oracle');
  await expect(openServers()).rejects.toThrow('"oracle" is none of mysql, mariadb');
});

function kindsOfThisRun(): ServerKind[] {
  return inject('servers').map(({ kind }) => kind);
}

async function* takeOne<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  for await (const item of items) {
    yield item;
    return;
  }
}
