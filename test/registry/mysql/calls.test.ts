import { describe, expect, inject, test } from 'vitest';
import type { CanonicalId } from '../../../src/domain/canonical-id.ts';
import type { ImportTransaction, RegistryStore } from '../../../src/domain/registry.ts';
import type { FoldedIdentifier } from '../../../src/domain/source-identifier.ts';
import { id, sierra } from '../../support/identifiers.ts';
import { createMysqlRegistry, openStore } from './mysql-registry.ts';

const servers = inject('servers');
const folded = (value: string) => sierra(value) as FoldedIdentifier;

describe.each(servers)('a claim on $kind', server => {
  test('takes all of a small pool, wherever it starts', async () => {
    await using registry = await createMysqlRegistry(server, { free: 5 });
    const store = await openStore(registry.minter);
    for (let round = 0; round < 20; round++) {
      const { ids } = await store.transaction(transaction => transaction.claim(5));
      expect(new Set(ids).size).toBe(5);
    }
    await store.close();
  });

  test('starts anywhere', async () => {
    await using registry = await createMysqlRegistry(server, { free: 1_000 });
    const store = await openStore(registry.minter);
    const firsts = new Set<CanonicalId>();
    for (let round = 0; round < 30; round++) {
      const { ids } = await store.transaction(transaction => transaction.claim(1));
      for (const first of ids) firsts.add(first);
    }
    await store.close();
    expect(firsts.size).toBeGreaterThan(20);
  });

  test('passes over what others hold, and counts it as free', async () => {
    await using registry = await createMysqlRegistry(server, { free: 5 });
    const store = await openStore(registry.minter);
    await store.transaction(async one => {
      const mine = await one.claim(3);
      expect(mine).toMatchObject({ free: 3 });
      await store.transaction(async two => {
        const others = await two.claim(4);
        expect(others.ids).toHaveLength(2);
        expect(others.free).toBe(5);
        expect(new Set([...mine.ids, ...others.ids]).size).toBe(5);
      });
    });
    expect(await store.transaction(transaction => transaction.claim(9))).toMatchObject({ free: 5 });
    await store.close();
  });

  test('counts far enough to tell a pool that others hold from one that is too small', async () => {
    await using registry = await createMysqlRegistry(server, { free: 100 });
    const store = await openStore(registry.minter);
    await store.transaction(async one => {
      await one.claim(95);
      const { ids, free } = await store.transaction(two => two.claim(10));
      expect(ids).toHaveLength(5);
      expect(free).toBe(20);
    });
    await store.close();
  });
});

describe.each(servers)('the other calls on $kind', server => {
  test('an insert passes over what is there, in either spelling, and says how many went in', async () => {
    await using registry = await createMysqlRegistry(server, { free: 2 });
    const store = await openStore(registry.minter);
    await inTransaction(store, async (transaction, [one, two]) => {
      const insert = (...values: string[]) =>
        transaction.insert(values.map(value => ({ source: folded(value), canonicalId: one })));
      expect(await insert('b1', 'b2')).toBe(2);
      expect(await insert('b3', 'b1', 'B2')).toBe(1);
      expect(await insert()).toBe(0);
      expect(await transaction.findUsed([one, two])).toEqual(new Set([one]));
      expect(await transaction.findUsed([])).toEqual(new Set());
    });
    await store.close();
  });

  test('a mapping to an ID that is not there does not go in, and nothing is altered to make it fit', async () => {
    await using registry = await createMysqlRegistry(server, { free: 1 });
    const store = await openStore(registry.minter);
    const insert = (value: string, canonicalId: CanonicalId) =>
      store.transaction(transaction =>
        transaction.insert([{ source: folded(value), canonicalId }])
      );
    expect(await insert('b1', id('zzzzzzzz'))).toBe(0);
    await expect(insert('x'.repeat(256), id('zzzzzzzz'))).rejects.toThrow('altered values');
    await expect(insert('ħ', id('zzzzzzzz'))).rejects.toThrow('altered values');
    expect(await registry.sql('SELECT COUNT(*) FROM identifiers')).toEqual([[0]]);
    await store.close();
  });

  test('an import marks what is free, adds what is missing and locks both', async () => {
    await using registry = await createMysqlRegistry(server, { free: 3 });
    const store = await openStore(registry.minter);
    const all = await store.transaction(async one => {
      const { ids } = await one.claim(2);
      const [first = id(''), second = id('')] = ids;
      await one.markAssigned([second]);
      await one.addAssigned([first, second, id('z2345678')]);
      const meanwhile = await store.transaction(two => two.claim(3));
      expect(meanwhile.ids).toHaveLength(1);
      return [first, second, id('z2345678')];
    });
    const assigned = new Map(all.map(one => [one, 'assigned']));
    expect(await store.statusOf([...all, id('y2345678')])).toEqual(assigned);
    expect(await store.countPool()).toEqual({ free: 1, assigned: 3 });
    await store.close();
  });

  test('free IDs are added once, counted no further than asked, and read in large numbers', async () => {
    await using registry = await createMysqlRegistry(server);
    const store = await openStore(registry.minter);
    expect(await store.addFree([id('b2345678'), id('a2345678')])).toBe(2);
    expect(await store.addFree([id('a2345678'), id('c2345678')])).toBe(1);
    expect(await store.countFree(2)).toBe(2);
    expect(await store.countFree(Number.MAX_SAFE_INTEGER)).toBe(3);
    const many = Array.from({ length: 2_500 }, (_, number) => id(`d${2_000_000 + number}`));
    expect((await store.statusOf([...many, id('a2345678')])).size).toBe(1);
    expect(await store.sourcesOf(many)).toEqual([]);
    await store.close();
  });

  test('times are UTC, whatever the server’s and ours; one that nobody knows is the oldest', async () => {
    await using registry = await createMysqlRegistry(server, { free: 1 });
    const store = await openStore(registry.minter);
    await inTransaction(store, async (transaction, [one]) => {
      const values = ['now', 'then', 'unknown'];
      await transaction.insert(values.map(value => ({ source: folded(value), canonicalId: one })));
    });
    await registry.sql("SET time_zone = '+05:30'");
    await registry.sql(
      "UPDATE identifiers SET CreatedAt = FROM_UNIXTIME(1700000000) WHERE SourceId = 'then'"
    );
    await registry.sql("UPDATE identifiers SET CreatedAt = NULL WHERE SourceId = 'unknown'");
    const [[one] = ['']] = await registry.sql<[CanonicalId]>(
      'SELECT CanonicalId FROM identifiers LIMIT 1'
    );
    const mappings = await store.sourcesOf([id(one)]);
    const times = new Map(mappings.map(({ source, createdAt }) => [source.value, createdAt]));
    expect(times.get('then')).toEqual(new Date(1_700_000_000_000));
    expect(times.get('unknown')).toEqual(new Date(0));
    expect(Math.abs(Number(times.get('now')) - Date.now())).toBeLessThan(60_000);
    await store.close();
  });

  test('look-ups of more than one statement come back in order, duplicates and all', async () => {
    await using registry = await createMysqlRegistry(server, { free: 1 });
    const store = await openStore(registry.minter);
    await inTransaction(store, (transaction, [one]) =>
      transaction.insert([
        { source: folded('b7'), canonicalId: one },
        { source: folded('x'.repeat(255)), canonicalId: one },
      ])
    );
    const asked = Array.from({ length: 25_000 }, (_, number) =>
      folded(number % 5_000 === 0 ? 'x'.repeat(255) : `b${number % 10_000}`)
    );
    const found = await store.lookUp(asked);
    const positions = found.flatMap((mapping, index) => (mapping === undefined ? [] : [index]));
    expect(positions).toEqual([0, 7, 5_000, 10_000, 10_007, 15_000, 20_000, 20_007]);
    await store.close();
  });

  test('a store closes quickly, also twice', async () => {
    await using registry = await createMysqlRegistry(server);
    const store = await openStore(registry.minter);
    await Promise.all([store.countFree(1), store.countFree(1), store.countFree(1)]);
    const before = performance.now();
    await store.close();
    await store.close();
    expect(performance.now() - before).toBeLessThan(500);
  });
});

/** Claims two IDs, or as many as there are, and works with them in one transaction. */
async function inTransaction(
  store: RegistryStore,
  work: (transaction: ImportTransaction, ids: [CanonicalId, CanonicalId]) => Promise<unknown>
): Promise<void> {
  await store.transaction(async transaction => {
    const { ids } = await transaction.claim(2);
    const [one = id(''), two = id('')] = ids;
    await work(transaction, [one, two]);
  });
}
