import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createUser } from '../support/databases.ts';
import { openDeskOn, SERVER_REGISTRIES } from './desk-on-registry.ts';

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

const USERS = await read('infrastructure/users.sql');

/** What makes them on Aurora; elsewhere there is no such plugin, and they have passwords. */
const BY_IAM = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'";

/** Aurora is a MySQL; a MariaDB may have no certificate. */
const MYSQLS = SERVER_REGISTRIES.filter(({ server }) => server?.kind === 'mysql');

const ROLES = [
  { user: 'id_minter', role: 'minter', args: ['assign', 'Work[s/1]'] },
  { user: 'id_minter_pool_filler', role: 'pool-filler', args: ['pool', 'top-up', '--target', '9'] },
];

test('the users that are deployed are those that grants are for, all of IAM', async () => {
  const made = USERS.split('\n').filter(line => line.startsWith('CREATE USER'));
  expect(made).toEqual(
    ROLES.map(({ user }) => `CREATE USER IF NOT EXISTS '${user}'@'%' ${BY_IAM} REQUIRE SSL;`)
  );
  for (const { user, role } of ROLES) {
    expect(await read(`migrations/mysql/grants/${role}.sql`)).toContain(`TO '${user}'@'%';`);
  }
});

test.each(ROLES.flatMap(role => MYSQLS.map(kind => ({ ...role, kind }))))(
  '$user does its work with its grants and does not get in without TLS, on $kind.name',
  async ({ user, role, args, kind }) => {
    await using desk = await openDeskOn(kind, { free: 3 });
    const { database } = desk.registry;
    if (database === undefined) throw new Error('SQLite has no users.');
    const made = USERS.split('\n').find(line => line.includes(`'${user}'@`)) ?? '';
    const altered = made.replace('CREATE USER IF NOT EXISTS', 'ALTER USER').replace(BY_IAM, '');
    const grants = await read(`migrations/mysql/grants/${role}.sql`);
    const login = await createUser(database, `${altered}\n${grants}`);
    const run = (tls: string) => {
      const url = new URL(`${desk.registry.url}?tls=${tls}`);
      url.username = login.user;
      const environment = { RDS_PASSWORD: login.password };
      return desk.run([...args, '--registry', url.href], { environment });
    };

    expect(await run('off')).toMatchObject({ status: 3, stdout: '' });
    expect(await run('require')).toMatchObject({ status: 0 });
  }
);
