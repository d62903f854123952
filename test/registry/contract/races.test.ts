import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Registry, RegistryStore } from '../../../src/domain/registry.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { ids, outcomes, requests } from '../../support/answers.ts';
import { folio, image, label, sierra } from '../../support/identifiers.ts';
import type { TestRegistry } from '../../support/store-kinds.ts';
import { FOLDING_STORES, STORES } from '../../support/stores.ts';

/** A minter to whom this happens after its look-up and before its first write. */
function interrupted(registry: TestRegistry, happens: () => Promise<unknown>): Registry {
  let isOver = false;
  const transaction: RegistryStore['transaction'] = async work => {
    if (!isOver) await happens();
    isOver = true;
    return await registry.store.transaction(work);
  };
  const { store } = registry;
  return createRegistry(
    new Proxy(store, {
      get(target, name) {
        if (name === 'transaction') return transaction;
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    })
  );
}

describe.each(STORES)('registry contract on $name: another minter is faster', store => {
  test('with a new source: the answer is its ID, and ours stays free', async () => {
    await using registry = await store.open({ freeCount: 4 });
    const other = await registry.openAnother();
    const slow = interrupted(registry, () => other.mint(requests(sierra('b1'))));
    const { answers } = await slow.mint(requests(sierra('b1')));
    const standing = await registry.standing(sierra('b1'));
    expect(answers).toEqual([{ source: sierra('b1'), canonicalId: standing, outcome: 'existing' }]);
    expect(await registry.countPool()).toEqual({ free: 3, assigned: 1 });
  });

  test('with some of the batch: those are its, the others ours', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const other = await registry.openAnother();
    const sources = ['b1', 'b2', 'b3', 'b4', 'b5'].map(sierra);
    const slow = interrupted(registry, () => other.mint(requests(sierra('b2'), sierra('b4'))));
    const { answers } = await slow.mint(requests(...sources));
    expect(outcomes(answers)).toEqual(['minted', 'existing', 'minted', 'existing', 'minted']);
    for (const [at, source] of sources.entries()) {
      expect(answers[at]?.canonicalId).toBe(await registry.standing(source));
    }
    expect(await registry.countPool()).toEqual({ free: 4, assigned: 5 });
  });

  test('with a source that was to inherit: the answer is what stands, and the lost inheritance is told', async () => {
    await using registry = await store.open({
      mappings: [[sierra('b1'), 'a2345678']],
      free: ['f2345678'],
    });
    const other = await registry.openAnother();
    const slow = interrupted(registry, () => other.mint(requests(folio('F'))));
    const { answers } = await slow.mint([{ source: folio('F'), predecessor: sierra('b1') }]);
    expect(answers).toEqual([
      {
        source: folio('F'),
        canonicalId: 'f2345678',
        outcome: 'existing',
        warning: expect.objectContaining({ code: 'INHERITANCE_CONFLICT' }),
      },
    ]);
    expect(await registry.standing(folio('F'))).toBe('f2345678');
  });

  test('with the same inheritance: both answers have the same ID', async () => {
    await using registry = await store.open({ mappings: [[sierra('b1'), 'a2345678']] });
    const other = await registry.openAnother();
    const batch = [{ source: folio('F'), predecessor: sierra('b1') }];
    const slow = interrupted(registry, () => other.mint(batch));
    const { answers } = await slow.mint(batch);
    expect(ids(answers)).toEqual(['a2345678']);
    expect((await registry.dump()).identifiers).toHaveLength(2);
  });

  test('with a predecessor of the batch: its successor inherits what the predecessor really has', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const other = await registry.openAnother();
    const slow = interrupted(registry, () => other.mint(requests(sierra('b1'))));
    const { answers } = await slow.mint([
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: folio('f2'), predecessor: folio('f1') },
      { source: sierra('b1') },
    ]);
    const standing = await registry.standing(sierra('b1'));
    expect(outcomes(answers)).toEqual(['inherited', 'inherited', 'existing']);
    expect(ids(answers)).toEqual([standing, standing, standing]);
    expect(await registry.standing(folio('f2'))).toBe(standing);
    expect(await registry.countPool()).toEqual({ free: 8, assigned: 1 });
  });

  test('with the whole pool: the batch is told that it ran out, and nothing of it is taken', async () => {
    await using registry = await store.open({ freeCount: 3 });
    const other = await registry.openAnother();
    const slow = interrupted(registry, () => other.mint(requests(image('1'), image('2'))));
    const { answers } = await slow.mint(requests(sierra('b1'), sierra('b2')));
    expect(outcomes(answers)).toEqual(['POOL_EXHAUSTED', 'POOL_EXHAUSTED']);
    expect(await registry.countPool()).toEqual({ free: 1, assigned: 2 });
  });

  test('with the last free ID, and gives it back: it is waited for', async () => {
    await using registry = await store.open({ freeCount: 1 });
    const holder = await registry.database.openStore();
    const isHeld = Promise.withResolvers<void>();
    const released = holder
      .transaction(async transaction => {
        await transaction.claim(1);
        isHeld.resolve();
        await sleep(300);
        throw new Error('changed its mind');
      })
      .catch(() => {});
    await isHeld.promise;
    const { answers } = await registry.mint(requests(sierra('b1')));
    await released;
    await holder.close();
    expect(outcomes(answers)).toEqual(['minted']);
  });

  test('many minters over shared identifiers with predecessors all answer what stands', async () => {
    await using registry = await store.open({
      mappings: Array.from(
        { length: 10 },
        (_, at) => [sierra(`b${at}`), `a234567${'abcdefghjk'.charAt(at)}`] as const
      ),
      freeCount: 400,
    });
    const minters = [registry, ...(await Promise.all([1, 2, 3].map(() => registry.openAnother())))];
    const batches = Array.from({ length: 24 }, (_, number) => [
      ...requests(...Array.from({ length: 8 }, (_, at) => label(`c${(number * 5 + at) % 40}`))),
      ...requests(image(`own ${number}`)),
      { source: folio(`f${number % 10}`), predecessor: sierra(`b${number % 10}`) },
    ]);
    const results = await Promise.all(
      batches.map((batch, number) => minters[number % minters.length]?.mint(batch))
    );
    const { identifiers, canonicalIds } = await registry.dump();
    const standing = new Map(
      identifiers.map(([type, system, value, canonicalId]) => [
        JSON.stringify([type, system, value]),
        canonicalId,
      ])
    );
    const answers = results.flatMap(result => result?.answers ?? []);
    expect(answers).toHaveLength(24 * 10);
    for (const { source, canonicalId } of answers) {
      const { ontologyType, sourceSystem, value } = source;
      expect(canonicalId).toBe(standing.get(JSON.stringify([ontologyType, sourceSystem, value])));
    }
    expect(outcomes(answers).filter(outcome => outcome === 'minted')).toHaveLength(40 + 24);
    const used = new Set(identifiers.map(row => row[3]));
    const assigned = canonicalIds.filter(([, status]) => status === 'assigned').map(([one]) => one);
    expect(new Set(assigned)).toEqual(used);
  });
});

for (const store of FOLDING_STORES) {
  test(`registry contract on ${store.name}: another minter is faster with another spelling, and it stands`, async () => {
    await using registry = await store.open({ freeCount: 5 });
    const other = await registry.openAnother();
    const slow = interrupted(registry, () => other.mint(requests(sierra('B1'))));
    const { answers } = await slow.mint([
      { source: sierra('b1') },
      { source: sierra('b2') },
      { source: folio('f1'), predecessor: sierra('b1') },
    ]);
    expect(outcomes(answers)).toEqual(['IDENTIFIER_COLLISION', 'minted', 'PREDECESSOR_NOT_FOUND']);
    expect(answers[0]?.error?.details).toEqual({ source: sierra('b1'), standing: sierra('B1') });
    expect(await registry.countPool()).toEqual({ free: 3, assigned: 2 });
  });
}

describe.each(STORES)('registry contract on $name: a batch that breaks off', store => {
  test('leaves nothing behind: no mapping, and every ID as free as before', async () => {
    await using registry = await store.open({ freeCount: 5 });
    const before = await registry.dump();
    const broken = registry.store.transaction(async transaction => {
      const { ids: claimed } = await transaction.claim(2);
      const [canonicalId] = claimed;
      if (canonicalId === undefined) throw new Error('Nothing was claimed.');
      const [source] = (await registry.openAnother().then(other => other.lookUp([]))).map(
        m => m?.source
      );
      expect(source).toBeUndefined();
      await transaction.markAssigned(claimed);
      throw new Error('power cut');
    });
    await expect(broken).rejects.toThrowError('power cut');
    expect(await registry.dump()).toEqual(before);
    expect(outcomes((await registry.mint(requests(sierra('b1')))).answers)).toEqual(['minted']);
  });

  test('does not take another one of the same process with it', async () => {
    await using registry = await store.open({ freeCount: 5 });
    const isUnderWay = Promise.withResolvers<void>();
    const broken = registry.store.transaction(async transaction => {
      await transaction.markAssigned((await transaction.claim(1)).ids);
      isUnderWay.resolve();
      await sleep(100);
      throw new Error('power cut');
    });
    const refused = expect(broken).rejects.toThrowError('power cut');
    await isUnderWay.promise;
    const { answers } = await registry.mint(requests(sierra('b1'), sierra('b2')));
    await refused;
    expect(outcomes(answers)).toEqual(['minted', 'minted']);
    expect(await registry.standing(sierra('b2'))).toBe(answers[1]?.canonicalId);
    expect(await registry.countPool()).toEqual({ free: 3, assigned: 2 });
  });

  test('is never seen half by others', async () => {
    await using registry = await store.open({ freeCount: 5 });
    const other = await registry.openAnother();
    await registry.store.transaction(async transaction => {
      const { ids: claimed } = await transaction.claim(1);
      const [canonicalId] = claimed;
      if (canonicalId === undefined) throw new Error('Nothing was claimed.');
      const source = sierra('b1') as Parameters<typeof transaction.lookUp>[0][number];
      await transaction.insert([{ source, canonicalId }]);
      await transaction.markAssigned(claimed);
      expect(await transaction.lookUp([source])).toEqual([{ source, canonicalId }]);
      expect(await registry.lookUp([sierra('b1')])).toEqual([undefined]);
      expect(await other.lookUp([sierra('b1')])).toEqual([undefined]);
    });
    expect((await other.lookUp([sierra('b1')]))[0]?.source).toEqual(sierra('b1'));
  });
});
