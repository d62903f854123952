import { describe, expect, inject, test } from 'vitest';
import type { RegistryStore } from '../../../src/domain/registry.ts';
import { connector } from '../../../src/registry/mysql/mysql-connection.ts';
import { translateMysqlError } from '../../../src/registry/mysql/mysql-errors.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { ids, outcomes, requests } from '../../support/answers.ts';
import { folio, sierra } from '../../support/identifiers.ts';
import { createMysqlRegistry, openStore } from './mysql-registry.ts';
import { startWire } from './wire.ts';

const servers = inject('servers');

describe.each(servers)('what is sent to $kind', server => {
  test('known identifiers cost one statement that only reads, and no transaction', async () => {
    await using registry = await createMysqlRegistry(server, { free: 100 });
    await using wire = await startWire(server.url);
    await using minter = createRegistry(await openStore({ ...registry.minter, port: wire.port }));
    const batch = [...requests(sierra('b1'), folio('f1')), ...requests(sierra('b2'))];
    await minter.mint(batch);
    wire.take();
    const { answers } = await minter.mint([
      ...batch,
      { source: folio('f1'), predecessor: sierra('b1') },
    ]);
    expect(outcomes(answers)).toEqual(['existing', 'existing', 'existing', 'existing']);
    expect(wire.take()).toEqual([expect.stringMatching(/^SELECT STRAIGHT_JOIN /)]);
  });

  test('900 new ones cost seven, one after the other', async () => {
    await using registry = await createMysqlRegistry(server, { free: 1_000 });
    await using wire = await startWire(server.url);
    await using minter = createRegistry(await openStore({ ...registry.minter, port: wire.port }));
    wire.take();
    const sources = Array.from({ length: 900 }, (_, number) => sierra(`b${number}`));
    const { answers } = await minter.mint(requests(...sources));
    expect(new Set(outcomes(answers))).toEqual(new Set(['minted']));
    // A claim that starts near the end goes on from the start.
    const sent = wire.take().filter(sql => !sql.includes('CanonicalId < '));
    expect(sent.map(sql => sql.split(' ')[0])).toEqual([
      ...['SELECT', 'START', 'SELECT', 'SELECT', 'INSERT', 'UPDATE', 'COMMIT'],
    ]);
  });
});

describe.each(servers)('a connection to $kind that is lost', server => {
  test.each([
    ['after the server committed', 'cut after'],
    ['before the server got the COMMIT', 'cut before'],
  ] as const)('%s: the same answers as if nothing had happened', async (_, fate) => {
    await using registry = await createMysqlRegistry(server, { free: 20 });
    await using wire = await startWire(server.url);
    await using minter = createRegistry(await openStore({ ...registry.minter, port: wire.port }));
    await minter.mint(requests(sierra('old')));
    let commits = 0;
    wire.decide = sql => (sql === 'COMMIT' && ++commits === 1 ? fate : 'pass');
    const { answers } = await minter.mint([
      { source: sierra('b1') },
      { source: folio('f1'), predecessor: sierra('old') },
      { source: sierra('old') },
    ]);
    expect(outcomes(answers)).toEqual(['minted', 'inherited', 'existing']);
    expect(commits).toBe(fate === 'cut after' ? 1 : 2);
    expect(await standing(registry.sql)).toEqual(
      new Map([
        ['b1', ids(answers)[0]],
        ['f1', ids(answers)[2]],
        ['old', ids(answers)[2]],
      ])
    );
    expect(await registry.sql("SELECT COUNT(*) FROM canonical_ids WHERE Status = 'free'")).toEqual([
      [18],
    ]);
  });

  test('a COMMIT that is done only while the batch is tried again is told as what it is', async () => {
    await using registry = await createMysqlRegistry(server, { free: 20 });
    const store = await openStore(registry.minter);
    const late = Promise.withResolvers<void>();
    const first = Promise.withResolvers<void>();
    let attempts = 0;
    const losing: RegistryStore = Object.assign(Object.create(store) as RegistryStore, {
      translate: (error: unknown) => store.translate(error),
      lookUp: (sources: Parameters<RegistryStore['lookUp']>[0]) => store.lookUp(sources),
      transaction: async <T>(work: Parameters<typeof store.transaction<T>>[0]): Promise<T> => {
        attempts += 1;
        if (attempts > 1) {
          // It now waits for rows that the first one is about to commit.
          setTimeout(() => late.resolve(), 300);
          return await store.transaction(work);
        }
        const written = Promise.withResolvers<void>();
        void store
          .transaction(async transaction => {
            await work(transaction);
            written.resolve();
            await late.promise;
          })
          .then(() => first.resolve());
        await written.promise;
        throw Object.assign(new Error('The answer is lost.'), { code: 'ECONNRESET' });
      },
    });
    const { answers } = await createRegistry(losing).mint(requests(sierra('b1'), sierra('b2')));
    await first.promise;
    expect(attempts).toBe(2);
    expect(outcomes(answers)).toEqual(['minted', 'minted']);
    const held = await standing(registry.sql);
    expect(ids(answers)).toEqual([held.get('b1'), held.get('b2')]);
    expect(await registry.sql("SELECT COUNT(*) FROM canonical_ids WHERE Status = 'free'")).toEqual([
      [18],
    ]);
    await store.close();
  });

  test('in the middle of each statement in turn: the batch is tried again and comes out right', async () => {
    await using registry = await createMysqlRegistry(server, { free: 20 });
    await using wire = await startWire(server.url);
    await using minter = createRegistry(await openStore({ ...registry.minter, port: wire.port }));
    for (const [index, cut] of [
      /^SELECT/,
      /^START/,
      /FOR UPDATE/,
      /^INSERT/,
      /^UPDATE/,
    ].entries()) {
      let cuts = 0;
      wire.decide = sql => (cut.test(sql) && ++cuts === 1 ? 'cut after' : 'pass');
      const { answers } = await minter.mint(requests(sierra(`b${index}`)));
      expect([cut, cuts > 0, outcomes(answers)]).toEqual([cut, true, ['minted']]);
      expect((await standing(registry.sql)).get(`b${index}`)).toBe(ids(answers)[0]);
    }
    expect(await registry.sql("SELECT COUNT(*) FROM canonical_ids WHERE Status = 'free'")).toEqual([
      [15],
    ]);
  });

  test('a network that swallows everything ends in an error that is passing', async () => {
    await using registry = await createMysqlRegistry(server);
    await using wire = await startWire(server.url);
    const settings = { ...registry.minter, port: wire.port };
    const connection = await connector(settings)();
    wire.decide = () => 'swallow';
    const error = await connection.rows('SELECT 1', [], { timeoutMs: 100 }).catch(caught => caught);
    expect(translateMysqlError(error, settings)).toMatchObject({
      error: { code: 'REGISTRY_UNAVAILABLE' },
      passing: true,
    });
    expect(connection.isSound).toBe(false);
    connection.destroy();
  });

  test('one that the network forgot is ended by the server before an answer is given up', async () => {
    await using registry = await createMysqlRegistry(server);
    const connection = await connector(registry.minter)();
    // `npm run test:faults -- --long black-holes` waits for it; a session of a test would be waited for 45 s.
    expect(await connection.rows('SELECT @@SESSION.wait_timeout')).toEqual([[45]]);
    await connection.end();
  });

  test('closing a store ends a batch at work, which is rolled back and not tried again', async () => {
    await using registry = await createMysqlRegistry(server, { free: 5 });
    await using wire = await startWire(server.url);
    const minter = createRegistry(await openStore({ ...registry.minter, port: wire.port }));
    const committing = Promise.withResolvers<void>();
    wire.decide = sql => {
      if (sql === 'COMMIT') committing.resolve();
      return sql === 'COMMIT' ? 'swallow' : 'pass';
    };
    const minting = minter.mint(requests(sierra('b1'))).catch((error: unknown) => error);
    await committing.promise;
    const before = performance.now();
    await minter.close();
    expect(await minting).toMatchObject({
      ...{ code: 'REGISTRY_UNAVAILABLE', message: expect.stringContaining('closed') },
    });
    await expect(minter.countPool()).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(wire.take().filter(sql => sql === 'COMMIT')).toHaveLength(1);
    await expect
      .poll(() => registry.sql("SELECT COUNT(*) FROM canonical_ids WHERE Status = 'free'"))
      .toEqual([[5]]);
  });
});

/** The canonical ID of each value, as the administrator sees it. */
async function standing(
  sql: (statement: string) => Promise<unknown[][]>
): Promise<Map<unknown, unknown>> {
  const rows = await sql('SELECT SourceId, CanonicalId FROM identifiers');
  return new Map(rows.map(([value, canonicalId]) => [value, canonicalId]));
}
