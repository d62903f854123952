import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'tarn';
import { describe, expect, inject, test } from 'vitest';
import type { ErrorCode } from '../../../src/domain/errors.ts';
import type { RegistryStore } from '../../../src/domain/registry.ts';
import type { FoldedIdentifier } from '../../../src/domain/source-identifier.ts';
import { translateMysqlError } from '../../../src/registry/mysql/mysql-errors.ts';
import { openMysqlMigrations } from '../../../src/registry/mysql/mysql-migrations.ts';
import type { MysqlSettings } from '../../../src/registry/mysql/mysql-settings.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { outcomes, requests } from '../../support/answers.ts';
import { id, sierra } from '../../support/identifiers.ts';
import { createMysqlRegistry, openStore } from './mysql-registry.ts';
import { startWire } from './wire.ts';

const servers = inject('servers');

describe.each(servers)('what is wrong at the start is said at once, on $kind', server => {
  test('a wrong password, with host and user and without the password', async () => {
    await using registry = await createMysqlRegistry(server);
    const error = await refusal({ ...registry.minter, password: async () => 'wrong-secret' });
    expect(error).toMatchObject({ code: 'REGISTRY_ACCESS_DENIED' });
    expect(error.message).toContain(`${registry.minter.host}:${registry.minter.port}`);
    expect(error.message).toContain(registry.minter.user);
    expect(JSON.stringify([error.message, error.details])).not.toContain('wrong-secret');
  });

  test('a user that is not there', async () => {
    await using registry = await createMysqlRegistry(server);
    expect(await refusal({ ...registry.minter, user: 'nobody' })).toMatchObject({
      code: 'REGISTRY_ACCESS_DENIED',
    });
  });

  test('a database that is not there, or that the user may not see', async () => {
    await using registry = await createMysqlRegistry(server);
    const database = 'not_there';
    expect(await refusal({ ...registry.admin, database })).toMatchObject({
      code: 'REGISTRY_NOT_FOUND',
      message: expect.stringContaining(database),
    });
    expect(await refusal({ ...registry.minter, database })).toMatchObject({
      code: 'REGISTRY_ACCESS_DENIED',
    });
  });

  test('a database without tables, and one without a right to see them', async () => {
    await using registry = await createMysqlRegistry(server);
    const reader = await registry.as('reader');
    await registry.sql('REVOKE SELECT ON identifiers FROM ?', [reader.user]);
    expect(await refusal(reader)).toMatchObject({ code: 'REGISTRY_ACCESS_DENIED' });
    await registry.sql('DROP TABLE identifiers');
    expect(await refusal(registry.admin)).toMatchObject({ code: 'SCHEMA_MISSING' });
  });

  test('a record of migrations that the user may not read is never guessed', async () => {
    await using registry = await createMysqlRegistry(server);
    await registry.sql('REVOKE SELECT ON id_minter_migrations FROM ?', [registry.minter.user]);
    expect(await refusal(registry.minter)).toMatchObject({
      code: 'REGISTRY_ACCESS_DENIED',
      message: expect.stringContaining('GRANT SELECT ON id_minter_migrations'),
    });
  });

  test('a host that does not answer, and a name that nobody has', async () => {
    await using wire = await startWire(server.url);
    const { port } = wire;
    await wire[Symbol.asyncDispose]();
    await using registry = await createMysqlRegistry(server);
    for (const where of [{ port }, { host: 'no-such-host.invalid' }]) {
      const before = performance.now();
      expect(await refusal({ ...registry.minter, ...where })).toMatchObject({
        code: 'REGISTRY_UNAVAILABLE',
      });
      expect(performance.now() - before).toBeLessThan(10_000);
    }
  });

  test('migrations are refused in the same words', async () => {
    await using registry = await createMysqlRegistry(server);
    const opening = openMysqlMigrations({ ...registry.minter, password: async () => 'wrong' });
    await expect(opening).rejects.toMatchObject({ code: 'REGISTRY_ACCESS_DENIED' });
    const migrations = await openMysqlMigrations(registry.minter);
    await expect(migrations.execute('CREATE TABLE mine (a INT)')).rejects.toMatchObject({
      code: 'REGISTRY_ACCESS_DENIED',
    });
    await migrations.close();
  });

  test.each([
    [
      'an index',
      'ALTER TABLE identifiers DROP FOREIGN KEY identifiers_ibfk_1, DROP KEY idx_canonical',
    ],
    ['a primary key', 'ALTER TABLE identifiers DROP PRIMARY KEY'],
    ['room for 255 characters', 'ALTER TABLE identifiers MODIFY SourceId VARCHAR(100) NOT NULL'],
    ['a column', 'ALTER TABLE canonical_ids DROP PRIMARY KEY, DROP COLUMN CanonicalId'],
    ['transactions', 'ALTER TABLE identifiers ENGINE=MyISAM'],
  ])('tables that lack %s', async (_, change) => {
    await using registry = await createMysqlRegistry(server);
    if (change.includes('canonical_ids') || change.includes('MyISAM')) {
      await registry.sql('ALTER TABLE identifiers DROP FOREIGN KEY identifiers_ibfk_1');
    }
    await registry.sql(change);
    expect(await refusal(registry.admin)).toMatchObject({ code: 'SCHEMA_UNSUPPORTED' });
  });

  test('free IDs are claimed by whatever the adopted index is called', async () => {
    await using registry = await createMysqlRegistry(server, { free: 5 });
    await registry.sql(
      'ALTER TABLE canonical_ids DROP KEY idx_free, ADD KEY `by``status` (Status)'
    );
    {
      await using minter = createRegistry(await openStore(registry.minter));
      const { answers } = await minter.mint(requests(sierra('b1')));
      expect(outcomes(answers)).toEqual(['minted']);
    }
    await registry.sql('ALTER TABLE canonical_ids DROP KEY `by``status`');
    await using minter = createRegistry(await openStore(registry.minter));
    const { answers } = await minter.mint(requests(sierra('b2')));
    expect(outcomes(answers)).toEqual(['minted']);
  });
});

describe.each(servers)('what goes wrong at work, on $kind', server => {
  test('a right that is missing: nothing is written, and the grants are named', async () => {
    await using registry = await createMysqlRegistry(server, { free: 5 });
    await using reader = createRegistry(await openStore(await registry.as('reader')));
    await expect(reader.mint(requests(sierra('b1')))).rejects.toMatchObject({
      code: 'REGISTRY_ACCESS_DENIED',
      message: expect.stringContaining('migrations/mysql/grants/'),
    });
    expect(await registry.sql('SELECT COUNT(*) FROM identifiers')).toEqual([[0]]);
  });

  test('a table that went away', async () => {
    await using registry = await createMysqlRegistry(server, { free: 5 });
    await using minter = createRegistry(await openStore(registry.admin));
    await registry.sql('DROP TABLE identifiers');
    await expect(minter.mint(requests(sierra('b1')))).rejects.toMatchObject({
      code: 'SCHEMA_MISSING',
    });
  });

  test('a lock that is held too long is passing', { timeout: 40_000 }, async () => {
    await using registry = await createMysqlRegistry(server, { free: 2 });
    const holder = await openStore(registry.minter);
    const waiter = await openStore(registry.minter);
    const refused = await holder.transaction(async transaction => {
      const { ids } = await transaction.claim(1);
      return await errorOf(
        waiter,
        waiter.transaction(other => other.addAssigned(ids))
      );
    });
    expect(refused).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', passing: true, number: 1205 });
    await holder.close();
    await waiter.close();
  });

  test('a deadlock is passing, and one of the two goes on', async () => {
    await using registry = await createMysqlRegistry(server, { free: 4 });
    const store = await openStore(registry.minter);
    const { ids } = await store.transaction(transaction => transaction.claim(2));
    const [one = id(''), two = id('')] = ids;
    const met = Promise.withResolvers<void>();
    let arrived = 0;
    const inOrder = (first: typeof one, second: typeof one) =>
      errorOf(
        store,
        store.transaction(async transaction => {
          await transaction.addAssigned([first]);
          arrived += 1;
          if (arrived === 2) met.resolve();
          await met.promise;
          await transaction.addAssigned([second]);
        })
      );
    const ends = await Promise.all([inOrder(one, two), inOrder(two, one)]);
    expect(ends.filter(end => end === undefined)).toHaveLength(1);
    expect(ends.find(end => end !== undefined)).toMatchObject({
      ...{ code: 'REGISTRY_UNAVAILABLE', passing: true, number: 1213 },
    });
    await store.close();
  });

  test('too many connections of one user are passing', async () => {
    await using registry = await createMysqlRegistry(server, { free: 4 });
    await registry.sql('ALTER USER ? WITH MAX_USER_CONNECTIONS 1', [registry.minter.user]);
    const store = await openStore(registry.minter);
    const refused = await store.transaction(() => errorOf(store, store.countFree(1)));
    expect(refused).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', passing: true });
    expect(await store.countFree(1)).toBe(1);
    await store.close();
  });

  test('a connection that the server ended is not used again', async () => {
    await using registry = await createMysqlRegistry(server, { free: 4 });
    const store = await openStore(registry.minter);
    await killConnectionsOf(registry.minter.user, registry.sql);
    await expect.poll(() => store.countFree(10).catch(() => undefined)).toBe(4);
    // Noticed only with the next statement, or long before it.
    for (const pauseMs of [0, 200]) {
      const refused = await errorOf(
        store,
        store.transaction(async transaction => {
          await transaction.claim(1);
          await killConnectionsOf(registry.minter.user, registry.sql);
          await sleep(pauseMs);
          await transaction.claim(1);
        })
      );
      expect(refused).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', passing: true });
    }
    const { ids } = await store.transaction(transaction => transaction.claim(10));
    expect(ids).toHaveLength(4);
    await store.close();
  });

  test('what nobody has foreseen is a fault of ours, with its cause', async () => {
    await using registry = await createMysqlRegistry(server, { free: 1 });
    const store = await openStore(registry.minter);
    const source = sierra('b1') as FoldedIdentifier;
    const refused = await errorOf(
      store,
      store.transaction(transaction =>
        transaction.insert([{ source, canonicalId: id('far too long') }])
      )
    );
    expect(refused).toMatchObject({ code: 'INTERNAL', passing: false });
    expect(await registry.sql('SELECT COUNT(*) FROM identifiers')).toEqual([[0]]);
    await store.close();
  });
});

test('a pool whose connections are all busy for too long is passing', async () => {
  const pool = new Pool({
    create: async () => ({}),
    destroy: () => {},
    min: 0,
    max: 1,
    acquireTimeoutMillis: 20,
  });
  const busy = await pool.acquire().promise;
  const error = await pool.acquire().promise.catch(caught => caught);
  pool.release(busy);
  await pool.destroy();
  const settings: MysqlSettings = {
    ...{ host: 'db', port: 3306, user: 'u', password: async () => '', database: 'd', tls: 'off' },
  };
  expect(translateMysqlError(error, settings)).toMatchObject({
    error: { code: 'REGISTRY_UNAVAILABLE', message: expect.stringContaining('busy') },
    passing: true,
  });
});

test.each(servers)(
  'a statement that is too long for the server is named as that, and not tried again, on $kind',
  async server => {
    await using registry = await createMysqlRegistry(server, { free: 10 });
    // The limit holds for the whole server, where other tests are at work: so a trigger says what the server would.
    await registry.sql(
      `CREATE TRIGGER too_long BEFORE UPDATE ON canonical_ids FOR EACH ROW SIGNAL SQLSTATE '08S01'
       SET MYSQL_ERRNO = 1153, MESSAGE_TEXT = 'Got a packet bigger than max_allowed_packet bytes'`
    );
    await using minter = createRegistry(await openStore(registry.minter));
    const before = performance.now();
    await expect(minter.mint(requests(sierra('b1')))).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: expect.stringMatching(
        /Raise max_allowed_packet .* smaller, then say the same again/
      ),
    });
    expect(performance.now() - before).toBeLessThan(10_000);
    await registry.sql('DROP TRIGGER too_long');
    expect(outcomes((await minter.mint(requests(sierra('b1')))).answers)).toEqual(['minted']);
  }
);

/** Why a store cannot be opened. */
async function refusal(
  settings: MysqlSettings
): Promise<Error & { details: Record<string, unknown> }> {
  try {
    await (await openStore(settings)).close();
  } catch (error) {
    return error as Error & { details: Record<string, unknown> };
  }
  throw new Error('The store was opened.');
}

/** What a call ends in, as the store translates it; undefined where it goes well. */
async function errorOf(
  store: RegistryStore,
  call: Promise<unknown>
): Promise<{ code: ErrorCode; passing: boolean; number: unknown } | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    const { error: translated, passing } = store.translate(error);
    return { code: translated.code, passing, number: (error as { errno?: unknown }).errno };
  }
}

async function killConnectionsOf(
  user: string,
  sql: (statement: string, values?: readonly unknown[]) => Promise<unknown[][]>
): Promise<void> {
  const rows = await sql('SELECT ID FROM information_schema.PROCESSLIST WHERE USER = ?', [user]);
  for (const [connection] of rows) {
    await sql('KILL ?', [connection]).catch((error: { errno?: number }) => {
      // One that was ended before may still be in the list.
      if (error.errno !== 1094) throw error;
    });
  }
}
