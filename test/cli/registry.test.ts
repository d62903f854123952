import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { openDesk } from '../support/command-line.ts';
import { createUser } from '../support/databases.ts';
import { findFreePort } from '../support/servers/processes.ts';
import { COMMANDS, writeInputs } from './command-table.ts';
import type { DeskOnRegistry } from './desk-on-registry.ts';
import { openDeskOn, SERVER_REGISTRIES } from './desk-on-registry.ts';

/** The registry of a desk under another user, without what the desk's own commands have. */
function as(desk: DeskOnRegistry, user: string, search = ''): string {
  const url = new URL(desk.registry.url);
  url.username = user;
  url.search = search;
  return url.href;
}

describe.each(SERVER_REGISTRIES)('a registry on $name', kind => {
  test('may be named by the variables of today’s users alone', async () => {
    await using desk = await openDeskOn(kind, { free: 3 });
    const { hostname, port, username, pathname } = new URL(desk.registry.url);
    const { RDS_PASSWORD = '' } = desk.environment;
    desk.environment = {};

    const { status, stderr } = await desk.run(['assign', 'Work[s/1]'], {
      environment: {
        RDS_PRIMARY_HOST: hostname,
        RDS_PORT: port,
        RDS_USERNAME: username,
        RDS_PASSWORD,
        IDENTIFIERS_DATABASE: pathname.slice(1),
      },
    });

    expect(status).toBe(0);
    expect(stderr).toContain(`Registry: ${desk.registry.url}\n`);
    expect(await desk.list()).toEqual([]);
  });

  test.each(Object.entries(COMMANDS))(
    'needs no more than one connection for %s',
    async (_, { args, forJson = [], status }) => {
      await using desk = await openDeskOn(kind, { free: 9 });
      await writeInputs(desk);
      await desk.registry.sql(
        "INSERT INTO canonical_ids (CanonicalId, Status) VALUES ('z2345678', 'assigned')"
      );
      await desk.registry.sql(
        'INSERT INTO identifiers (CanonicalId, OntologyType, SourceSystem, SourceId, CreatedAt) ' +
          "VALUES ('z2345678', 'Work', 's', '1', '2026-01-01 00:00:00')"
      );
      const ended = await desk.run([...args, ...forJson], {
        environment: { RDS_MAX_CONNECTIONS: '1' },
      });
      expect(ended).toMatchObject({ status });
    }
  );

  test('is never a replica: a variable that names one is said to be passed over', async () => {
    await using desk = await openDeskOn(kind, { free: 3 });
    const { status, stderr } = await desk.run(['pool'], {
      environment: { RDS_REPLICA_HOST: 'replica.example' },
    });
    expect(status).toBe(0);
    expect(stderr).toMatch(/^RDS_REPLICA_HOST is set and not used: .*\nRegistry: /);
  });

  test('takes its password from the variable or the file that its URL names', async () => {
    await using desk = await openDeskOn(kind, { free: 3 });
    const { username } = new URL(desk.registry.url);
    const { RDS_PASSWORD = '' } = desk.environment;
    await desk.write('secret', `${RDS_PASSWORD}\n`);
    desk.environment = { MINTER_PASSWORD: RDS_PASSWORD, RDS_PASSWORD: 'another-one' };

    const byVariable = await desk.run([
      ...['pool', '--registry', as(desk, username, '?password-env=MINTER_PASSWORD')],
    ]);
    const byFile = await desk.run([
      ...['pool', '--registry', as(desk, username, '?password-file=secret')],
    ]);
    const by = await desk.run(['pool', '--registry', as(desk, username)]);

    expect([byVariable.status, byFile.status, by.status]).toEqual([0, 0, 3]);
    expect(byFile.stderr).toContain(`Registry: ${desk.registry.url}\n`);
  });

  test.each([
    ['with a user that nobody knows', 'nobody', 'wrong-canary-5521'],
    ['with a wrong password', undefined, 'wrong-canary-5521'],
    ['without a password', undefined, ''],
  ])('%s refuses, and nothing shows the password', async (_, stranger, password) => {
    await using desk = await openDeskOn(kind, { free: 3 });
    const user = stranger ?? new URL(desk.registry.url).username;
    desk.environment = { RDS_PASSWORD: password };
    const before = await desk.registry.dump();

    for (const flags of [['--debug'], ['--json', '--quiet']]) {
      const { status, stdout, stderr } = await desk.run([
        ...['assign', 'Work[s/1]', '--registry', as(desk, user), ...flags],
      ]);
      expect(status).toBe(3);
      expect(stderr).toMatch(/^error REGISTRY_ACCESS_DENIED: .*Check user and password/);
      expect(stderr).toContain(user);
      if (flags.includes('--json')) {
        expect(JSON.parse(stdout)).toMatchObject({
          error: { code: 'REGISTRY_ACCESS_DENIED', exit: 3 },
        });
      } else expect(stdout).toBe('');
    }
    expect(await desk.registry.dump()).toBe(before);
  });

  test('in a database that is not there is an error that says how to make it', async () => {
    await using desk = await openDeskOn(kind);
    const url = new URL(desk.registry.url);
    url.pathname += '_no';
    const { status, stderr } = await desk.run(['pool', '--registry', url.href]);
    expect(status).toBe(3);
    expect(stderr).toMatch(/^error REGISTRY_(NOT_FOUND|ACCESS_DENIED): .*_no/);
  });

  test.each([
    ['assign', ['assign', 'Work[s/1]']],
    ['lookup', ['lookup', 'Work[s/1]']],
    ['import', ['import', 'known.csv']],
    ['mint', ['mint', 'works.ndjson', '--target', 'minted.ndjson']],
  ])('without tables ends %s with 5 and the command that makes them', async (_, args) => {
    await using desk = await openDeskOn(kind);
    await desk.write('known.csv', 'CanonicalId,OntologyType,SourceSystem,SourceId\n');
    await desk.write('works.ndjson', '');
    const { status, stdout, stderr } = await desk.run(args);
    expect({ status, stdout }).toEqual({ status: 5, stdout: '' });
    expect(stderr).toMatch(/^error SCHEMA_MISSING: [^\n]*`id-minter migrate`[^\n]*\n$/);
    expect(await desk.list()).toEqual(['known.csv', 'works.ndjson']);
  });

  test('gives each role the rights of its grants file and needs no others', async () => {
    await using desk = await openDeskOn(kind, { free: 3 });
    const run = async (role: string, ...args: readonly string[]) => {
      const { user, environment } = await userOf(desk, role);
      const ended = await desk.run([...args, '--registry', as(desk, user)], { environment });
      return ended;
    };
    await desk.write('known.ndjson', '{"canonicalId": "z2345678", "source": "Work[s/2]"}');

    expect(await run('minter', 'assign', 'Work[s/1]')).toMatchObject({ status: 0 });
    expect(await run('minter', 'import', 'known.ndjson')).toMatchObject({ status: 0 });
    expect(await run('minter', 'lookup', 'z2345678')).toMatchObject({ status: 0 });
    expect(await run('pool-filler', 'pool', 'top-up', '--target', '9')).toMatchObject({
      status: 0,
      stdout: 'free 9\nadded 7\n',
    });
    expect(await run('reader', 'assign', 'Work[s/3]', '--dry-run')).toMatchObject({ status: 0 });
    expect(await run('reader', 'lookup', 'Work[s/1]')).toMatchObject({ status: 0 });
    expect(await run('migrator', 'migrate')).toMatchObject({ status: 0 });
    expect(await run('migrator', 'migrate', 'status')).toMatchObject({ status: 0 });
    for (const args of [
      ['assign', 'Work[s/4]'],
      ['pool', 'top-up', '--target', '50'],
    ]) {
      const { status, stderr } = await run('reader', ...args);
      expect(status).toBe(3);
      expect(stderr).toMatch(/^error REGISTRY_ACCESS_DENIED: .*migrations\/mysql\/grants/m);
    }
    expect(await run('migrator', 'migrate', 'rollback', '--drop-mappings', '2')).toMatchObject({
      status: 0,
    });
  });

  test('checks who the server is, unless it is told not to', async () => {
    await using desk = await openDeskOn(kind, { free: 3 });
    const { username } = new URL(desk.registry.url);

    const verified = await desk.run(['pool', '--registry', as(desk, username, '?tls=verify')]);
    const off = await desk.run(['pool', '--registry', as(desk, username, '?tls=off')]);

    // The server’s certificate is one that it made for itself, or it has none.
    expect(verified.status).toBe(3);
    expect(verified.stderr).toMatch(
      /^error INVALID_CONFIGURATION: [^\n]*Nothing was sent[^\n]*\?tls=require[^\n]*\n$/
    );
    expect(off.status).toBe(0);
  });
});

describe('a registry that cannot be reached', () => {
  test('because nothing listens there ends with 4 at once, and says what to do', async () => {
    await using desk = await openDesk();
    const url = `mysql://minter@127.0.0.1:${await findFreePort()}/ids`;
    const began = performance.now();
    const { status, stdout, stderr } = await desk.run(['assign', 'Work[s/1]', '--registry', url]);
    expect({ status, stdout }).toEqual({ status: 4, stdout: '' });
    expect(stderr).toMatch(
      /^error REGISTRY_UNAVAILABLE: [^\n]*127\.0\.0\.1:\d+[^\n]*ECONNREFUSED[^\n]*say the same[^\n]*\n$/
    );
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test('because its name is known to nobody ends with 4', async () => {
    await using desk = await openDesk();
    const { status, stderr } = await desk.run([
      ...['pool', '--registry', 'mysql://minter@no-such-host.invalid/ids'],
    ]);
    expect(status).toBe(4);
    expect(stderr).toMatch(/^error REGISTRY_UNAVAILABLE: [^\n]*no-such-host\.invalid[^\n]*\n$/);
  });

  test('because something else listens there is no fault of ours', async () => {
    await using desk = await openDesk();
    const stranger = createServer(socket => {
      socket.on('error', () => undefined);
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    });
    const { promise: listening, resolve } = Promise.withResolvers<void>();
    stranger.listen(0, '127.0.0.1', resolve);
    await listening;
    const address = stranger.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    try {
      const url = `mysql://minter@127.0.0.1:${port}/ids`;
      const { status, stderr } = await desk.run(['pool', '--registry', url]);
      expect([3, 4]).toContain(status);
      expect(stderr).toMatch(/^error REGISTRY_UNAVAILABLE|INVALID_CONFIGURATION: /);
    } finally {
      stranger.close();
    }
  });
});

describe('a registry in a SQLite file', () => {
  test('names the file that was meant, in the URL, the variable, or neither', async () => {
    await using desk = await openDesk();
    const run = async (args: readonly string[], environment: Record<string, string> = {}) => {
      const { stderr } = await desk.run(['assign', 'Work[s/1]', ...args], { environment });
      return /^Registry: (.*)$/m.exec(stderr)?.[1];
    };
    const environment = { ID_MINTER_REGISTRY: 'sqlite:variable.sqlite' };
    expect(await run([])).toBe('sqlite:./id-minter.sqlite');
    expect(await run([], environment)).toBe('sqlite:variable.sqlite');
    expect(await run(['--registry', 'sqlite:flag ?#%.sqlite'], environment)).toBe(
      'sqlite:flag ?#%.sqlite'
    );
    expect(await desk.list()).toEqual([
      ...['flag ?#%.sqlite', 'id-minter.sqlite', 'variable.sqlite'],
    ]);
  });

  test('named or not is not made where settings of production stand around', async () => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', '');
    const environment = { ES_SOURCE_INDEX: 'works-source-2026-01-01' };
    for (const args of [
      ['assign', 'Work[s/1]'],
      ['mint', 'works.ndjson'],
      ['pool', 'top-up'],
    ]) {
      const { status, stderr } = await desk.run(args, { environment });
      expect(status).toBe(3);
      expect(stderr).toMatch(/^error REGISTRY_NOT_NAMED: [^\n]*ES_SOURCE_INDEX is set[^\n]*\n$/);
    }
    expect(await desk.list()).toEqual(['works.ndjson']);
  });

  test('is not made by a dry run, which says what it would have been', async () => {
    await using desk = await openDesk();
    const { status, stdout, stderr } = await desk.run(['assign', 'Work[s/1]', '--dry-run']);
    expect(status).toBe(0);
    expect(stdout).toContain('"outcome":"minted"');
    expect(stderr).toContain('Registry: sqlite:./id-minter.sqlite (dry run: nothing is written)\n');
    expect(await desk.list()).toEqual([]);
    expect(await desk.leftovers()).toEqual([]);
  });

  test.each([
    ['a folder that is not there', 'sqlite:no/such/ids.sqlite', 3],
    ['a folder', 'sqlite:.', 3],
    ['a file that is no database', 'sqlite:notes.txt', 5],
    ['a database of something else', 'sqlite:other.sqlite', 5],
  ])('in %s is an error, and nothing is changed', async (_, url, expected) => {
    await using desk = await openDesk();
    await desk.write('notes.txt', 'These are notes, and no database at all.\n'.repeat(100));
    const other = new DatabaseSync(desk.path('other.sqlite'));
    other.exec('CREATE TABLE notes (text TEXT)');
    other.close();
    const before = await readFile(desk.path('other.sqlite'));

    const { status, stdout, stderr } = await desk.run(['assign', 'Work[s/1]', '--registry', url]);

    expect({ status, stdout }).toEqual({ status: expected, stdout: '' });
    expect(stderr).toMatch(/^error (REGISTRY|SCHEMA)_\w+: [^\n]+\n$/);
    expect(await desk.list()).toEqual(['notes.txt', 'other.sqlite']);
    expect(before.equals(await readFile(desk.path('other.sqlite')))).toBe(true);
  });
});

describe('a registry URL that is wrong', () => {
  test.each([
    ['mysql://minter:canary-8472@127.0.0.1/ids', 'passwords never stand in a URL'],
    ['mysql://127.0.0.1/ids?password=canary-8472', '?password is unknown'],
    ['mysql://127.0.0.1/ids?tls=maybe', 'verify, require, off'],
    ['postgres://127.0.0.1/ids', 'sqlite:PATH or mysql://'],
  ])('%s ends with 3 and shows no password', async (url, why) => {
    await using desk = await openDesk();
    for (const flags of [['--debug'], ['--json']]) {
      const { status, stdout, stderr } = await desk.run(['pool', '--registry', url, ...flags]);
      expect(status).toBe(3);
      expect(stderr).toContain(why);
      expect(stdout + stderr).not.toContain('canary');
    }
  });

  test('in a variable is refused by the same words, and a wrong variable by its name', async () => {
    await using desk = await openDesk();
    const url = { ID_MINTER_REGISTRY: 'mysql://minter:canary-8472@127.0.0.1/ids' };
    const port = { RDS_PORT: 'three' };
    expect(await desk.run(['pool'], { environment: url })).toMatchObject({
      status: 3,
      stderr: expect.not.stringContaining('canary'),
    });
    expect(await desk.run(['pool'], { environment: port })).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(
        /^error INVALID_CONFIGURATION: RDS_PORT is "three", and a whole number from 1 to 65535/
      ),
    });
  });
});

async function userOf({ registry: { database } }: DeskOnRegistry, role: string) {
  if (database === undefined) throw new Error('SQLite has no users.');
  const file = new URL(`../../migrations/mysql/grants/${role}.sql`, import.meta.url);
  const { user, password } = await createUser(database, await readFile(file, 'utf8'));
  return { user, environment: { RDS_PASSWORD: password } };
}
