import { describe, expect, test, vi } from 'vitest';
import type { CanonicalId } from '../../../src/domain/canonical-id.ts';
import { IdMinterError } from '../../../src/domain/errors.ts';
import type { Registry, RegistryStore } from '../../../src/domain/registry.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { outcomes, requests } from '../../support/answers.ts';
import { folio, sierra } from '../../support/identifiers.ts';
import { sqliteStore } from '../../support/store-kinds.ts';

const LOST = new Error('connection lost');

/** A registry some of whose calls go differently, over a store that stays what it is. */
function disturbed(store: RegistryStore, changed: Partial<RegistryStore>): Registry {
  return createRegistry(
    new Proxy(store, {
      get: (target, name) => {
        if (name in changed) return Reflect.get(changed, name);
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    })
  );
}

/** Whatever is lost may be there at the next try. */
const translate: RegistryStore['translate'] = error => ({
  error:
    error instanceof IdMinterError ? error : new IdMinterError('REGISTRY_UNAVAILABLE', `${error}`),
  passing: error === LOST,
});

describe('an answer that is lost', () => {
  test('to a COMMIT that was done: what this batch wrote is told as its own, and nothing is given twice', async () => {
    await using registry = await sqliteStore().open({
      freeCount: 5,
      mappings: [[sierra('b1'), 'z2345678']],
    });
    let isLost = false;
    const { answers } = await disturbed(registry.store, {
      translate,
      transaction: async work => {
        const result = await registry.store.transaction(work);
        if (isLost) return result;
        isLost = true;
        throw LOST;
      },
    }).mint([
      { source: sierra('b1') },
      { source: sierra('b2') },
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: folio('f2'), predecessor: sierra('b9') },
    ]);
    expect(outcomes(answers)).toEqual(['existing', 'minted', 'inherited', 'PREDECESSOR_NOT_FOUND']);
    expect(answers[1]?.canonicalId).toBe(await registry.standing(sierra('b2')));
    expect(await registry.countPool()).toEqual({ free: 4, assigned: 2 });
  });

  test('to a COMMIT that was not done: what another one wrote meanwhile is not told as ours', async () => {
    await using registry = await sqliteStore().open({ freeCount: 5 });
    const other = await registry.openAnother();
    let isLost = false;
    const { answers } = await disturbed(registry.store, {
      translate,
      transaction: async work => {
        if (isLost) return await registry.store.transaction(work);
        isLost = true;
        await registry.store
          .transaction(async transaction => {
            await work(transaction);
            throw LOST;
          })
          .catch(() => undefined);
        await other.mint(requests(sierra('b1')));
        throw LOST;
      },
    }).mint(requests(sierra('b1'), sierra('b2')));
    expect(answers[0]?.canonicalId).toBe(await registry.standing(sierra('b1')));
    expect(answers[1]?.outcome).toBe('minted');
    expect(await registry.countPool()).toEqual({ free: 3, assigned: 2 });
  });
});

describe('a batch that another one gets in the way of', () => {
  type Transaction = Parameters<Parameters<RegistryStore['transaction']>[0]>[0];

  /** A store of which the first transaction goes like this. */
  function atFirst(store: RegistryStore, first: (transaction: Transaction) => Transaction) {
    let isOver = false;
    return disturbed(store, {
      transaction: work =>
        store.transaction(transaction => {
          const run = isOver ? transaction : first(transaction);
          isOver = true;
          return work(run);
        }),
    });
  }

  test('waits for IDs that others hold at this moment', async () => {
    await using registry = await sqliteStore().open({ freeCount: 2 });
    const { answers } = await atFirst(registry.store, transaction => ({
      ...transaction,
      claim: async count => ({ ids: [], free: count }),
    })).mint(requests(sierra('b1'), sierra('b2')));
    expect(outcomes(answers)).toEqual(['minted', 'minted']);
    expect(await registry.countFree()).toBe(0);
  });

  test('is planned anew where a part of it has come in meanwhile and the pool is enough for the rest', async () => {
    for (const [batch, ends] of [
      [['b1'], ['existing']],
      [
        ['b1', 'b2'],
        ['existing', 'minted'],
      ],
    ] as const) {
      await using registry = await sqliteStore().open({ freeCount: batch.length });
      const other = await registry.openAnother();
      let looked = 0;
      const { answers } = await disturbed(registry.store, {
        lookUp: async sources => {
          const found = await registry.store.lookUp(sources);
          looked += 1;
          if (looked === 1) await other.mint(requests(sierra('b1')));
          return found;
        },
      }).mint(requests(...batch.map(value => sierra(value))));
      expect(outcomes(answers)).toEqual(ends);
      expect(await registry.countFree()).toBe(0);
      expect(looked).toBe(2);
    }
  });

  test('is refused at once where nothing of it has come in and the pool is too small', async () => {
    await using registry = await sqliteStore().open({ freeCount: 1 });
    let looked = 0;
    const { answers } = await disturbed(registry.store, {
      lookUp: async sources => {
        looked += 1;
        return await registry.store.lookUp(sources);
      },
    }).mint(requests(sierra('b1'), sierra('b2')));
    expect(outcomes(answers)).toEqual(['POOL_EXHAUSTED', 'POOL_EXHAUSTED']);
    expect(looked).toBe(1);
  });

  const passedOver = (transaction: Transaction): Transaction => ({
    ...transaction,
    insert: async rows => transaction.insert(rows.slice(1)),
  });

  test('is tried again where a row was passed over and yet is not there', async () => {
    await using registry = await sqliteStore().open({ freeCount: 2 });
    const minted = await atFirst(registry.store, passedOver).mint(
      requests(sierra('b1'), sierra('b2'))
    );
    expect(outcomes(minted.answers)).toEqual(['minted', 'minted']);
    const imported = await atFirst(registry.store, passedOver).importMappings([
      { source: sierra('b3'), canonicalId: 'c2345678' as CanonicalId },
      { source: sierra('b4'), canonicalId: 'd2345678' as CanonicalId },
    ]);
    expect(outcomes(imported)).toEqual(['added', 'added']);
    expect((await registry.dump()).identifiers).toHaveLength(4);
  });

  test('is rolled back where the database itself has done so already', async () => {
    await using registry = await sqliteStore().open({ freeCount: 2 });
    await registry.database.sql(
      "CREATE TRIGGER planted BEFORE INSERT ON identifiers WHEN new.SourceId = 'b2' " +
        "BEGIN SELECT RAISE(ROLLBACK, 'planted'); END"
    );
    const before = await registry.dump();
    await expect(registry.mint(requests(sierra('b1'), sierra('b2')))).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining('planted'),
    });
    expect(await registry.dump()).toEqual(before);
    expect(outcomes((await registry.mint(requests(sierra('b1')))).answers)).toEqual(['minted']);
  });
});

describe('a registry that never comes to rest', () => {
  test('is given up after half a minute at most, and the last error is told', async () => {
    await using registry = await sqliteStore().open();
    let tries = 0;
    const asked = disturbed(registry.store, {
      translate,
      countPool: async () => {
        tries += 1;
        throw tries > 3 ? new Error('it is gone for good') : LOST;
      },
    });
    await expect(asked.countPool()).rejects.toThrowError('it is gone for good');
    expect(tries).toBe(4);
  });

  test('gives up a batch of which a row is passed over each time, and says what it may be', {
    timeout: 60_000,
  }, async () => {
    await using registry = await sqliteStore().open({ freeCount: 2 });
    const never = disturbed(registry.store, {
      transaction: work =>
        registry.store.transaction(transaction => work({ ...transaction, insert: async () => 0 })),
    });
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const given = never.mint(requests(sierra('b1'))).catch((error: unknown) => error);
    const ticking = setInterval(() => vi.advanceTimersByTime(10_000), 1);
    const error = await given;
    clearInterval(ticking);
    vi.useRealTimers();
    expect(error).toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: expect.stringMatching(
        /did not take the mapping of Work\[sierra-system-number\/b1\] to \w{8}, .* deleted from canonical_ids\. Nothing of this batch/
      ),
      details: { source: sierra('b1'), canonicalId: expect.any(String) },
    });
    expect((await registry.dump()).identifiers).toEqual([]);
  });

  test('tells how far a top-up is, and refuses a target that is no number of IDs', async () => {
    await using registry = await sqliteStore().open({ freeCount: 2 });
    const told: unknown[] = [];
    expect(await registry.topUp(60_000, now => told.push(now))).toEqual({
      free: 60_000,
      added: 59_998,
    });
    expect(told).toEqual([
      { added: 0, missing: 59_998 },
      { added: 50_000, missing: 9_998 },
    ]);
    expect(await registry.topUp(60_000)).toEqual({ free: 60_000, added: 0 });
    await expect(registry.topUp(0)).rejects.toMatchObject({
      message: expect.stringContaining('A pool of 0 free IDs cannot be had'),
      details: { target: 0 },
    });
  });

  test('draws no more IDs once five rounds brought none that was new', async () => {
    await using registry = await sqliteStore().open();
    let rounds = 0;
    const top = disturbed(registry.store, {
      addFree: async ids => {
        rounds += 1;
        return rounds === 2 ? await registry.store.addFree(ids.slice(0, 1)) : 0;
      },
    });
    await expect(top.topUp(3)).rejects.toMatchObject({
      code: 'INTERNAL',
      message:
        'The pool got 1 of the free IDs that a target of 3 needs; then every ID drawn was there already, which cannot be ' +
        'chance. What was added stays. Report it at the project’s issue tracker.',
      details: { added: 1, target: 3 },
    });
    expect(rounds).toBe(7);
    expect(await registry.countFree()).toBe(1);
  });
});

describe('an import beside others', () => {
  const maps = (value: string, id: string) => ({
    source: sierra(value),
    canonicalId: id as CanonicalId,
  });

  /** An importer that sees nothing of what others wrote until its rows go in. */
  function overtaken(store: RegistryStore): Registry {
    let isOver = false;
    return disturbed(store, {
      transaction: work =>
        store.transaction(transaction =>
          work({
            ...transaction,
            lookUp: async sources => {
              const found = await transaction.lookUp(sources);
              if (isOver) return found;
              isOver = true;
              // As it was before the other one came.
              return sources.map(() => undefined);
            },
          })
        ),
    });
  }

  test('finds what another one wrote in between, with the same ID or another', async () => {
    await using registry = await sqliteStore().open({
      mappings: [
        [sierra('b1'), 'a2345678'],
        [sierra('b2'), 'b2345678'],
      ],
    });
    const conflicting = overtaken(registry.store);
    const lines = [maps('b1', 'a2345678'), maps('b2', 'c2345678'), maps('b3', 'd2345678')];
    const answers = await conflicting.importMappings(lines);
    expect(outcomes(answers)).toEqual(['existing', 'MAPPING_CONFLICT', 'added']);
    expect(answers[1]?.error).toMatchObject({
      message:
        'Work[sierra-system-number/b2] has the canonical ID b2345678, and the import says c2345678. The registry keeps ' +
        'what it has. Decide which of the two the public URL has.',
      details: { source: sierra('b2'), canonicalId: 'b2345678', imported: 'c2345678' },
    });
    expect((await registry.dump()).canonicalIds).toEqual([
      ['a2345678', 'assigned'],
      ['b2345678', 'assigned'],
      ['d2345678', 'assigned'],
    ]);
  });

  test('that wrote the very same is made again, and finds it there', async () => {
    await using registry = await sqliteStore().open({ mappings: [[sierra('b1'), 'a2345678']] });
    const same = overtaken(registry.store);
    const answers = await same.importMappings([maps('b1', 'a2345678'), maps('b3', 'd2345678')]);
    expect(outcomes(answers)).toEqual(['existing', 'added']);
  });

  test('tells of an ID that a source before it has, once it is there', async () => {
    await using registry = await sqliteStore().open({ mappings: [[sierra('b1'), 'a2345678']] });
    const view = registry.dryRun();
    for (const run of [view, registry]) {
      const [first] = await run.importMappings([maps('b2', 'c2345678')]);
      const [second] = await run.importMappings([maps('b3', 'c2345678')]);
      expect(first?.warning).toBeUndefined();
      expect(second?.warning).toEqual({
        code: 'SHARED_CANONICAL_ID',
        message:
          'Work[sierra-system-number/b3] now shares c2345678 with a source identifier that had it before. Right if one ' +
          'replaced the other; otherwise the two come from registries that were forked.',
        details: { source: sierra('b3'), canonicalId: 'c2345678' },
      });
    }
  });

  test('takes a fault of our own for no fault of a line', async () => {
    await using registry = await sqliteStore().open();
    const broken = disturbed(registry.store, {
      canStore: () => {
        throw new TypeError('planted');
      },
    });
    await expect(broken.importMappings([maps('b1', 'a2345678')])).rejects.toThrowError(TypeError);
    const failing = disturbed(registry.store, {
      transaction: async () => {
        throw new IdMinterError('REGISTRY_ACCESS_DENIED', 'It is read-only.');
      },
    });
    await expect(failing.importMappings([maps('b1', 'a2345678')])).rejects.toMatchObject({
      code: 'REGISTRY_ACCESS_DENIED',
    });
  });
});

test('near spellings are found where they stand, and the one that was asked for is not one of them', async () => {
  await using registry = await sqliteStore().open({
    mappings: [
      [sierra('b1'), 'a2345678'],
      [sierra('B1'), 'b2345678'],
    ],
  });
  expect(await registry.nearMisses(sierra('B1 '))).toEqual([
    { source: sierra('B1'), canonicalId: 'b2345678' },
    { source: sierra('b1'), canonicalId: 'a2345678' },
  ]);
  expect(await registry.nearMisses(sierra('B1'))).toEqual([
    { source: sierra('b1'), canonicalId: 'a2345678' },
  ]);
  expect(await registry.nearMisses(sierra('c1'))).toEqual([]);
});
