import { describe, expect, test } from 'vitest';
import { toppingUp } from '../../src/registry/topping-up.ts';
import { ids, outcomes, requests } from '../support/answers.ts';
import { folio, id, sierra, someIds } from '../support/identifiers.ts';
import { STORES } from '../support/stores.ts';

describe.each(STORES)('a registry that fills its own pool, over $name', store => {
  test('does so when a batch finds too few, and every request gets its answer in its place', async () => {
    await using below = await store.open({
      freeCount: 1,
      mappings: [[sierra('b1'), 'z2345678']],
    });
    const { answers, warnings } = await toppingUp(below, 5).mint([
      { source: sierra('b2') },
      { source: sierra('b1') },
      { source: folio('f1'), predecessor: sierra('b9') },
      { source: sierra('b3') },
    ]);
    expect(outcomes(answers)).toEqual(['minted', 'existing', 'PREDECESSOR_NOT_FOUND', 'minted']);
    expect(answers.map(({ source }) => source.value)).toEqual(['b2', 'b1', 'f1', 'b3']);
    expect(answers[0]?.canonicalId).toBe(await below.standing(sierra('b2')));
    expect(answers[3]?.canonicalId).toBe(await below.standing(sierra('b3')));
    expect(warnings).toEqual([]);
    expect(await below.countPool()).toEqual({ free: 3, assigned: 3 });
  });

  test('leaves a pool alone that is large enough', async () => {
    await using below = await store.open({ freeCount: 2 });
    const { answers } = await toppingUp(below, 5).mint(requests(sierra('b1')));
    expect(outcomes(answers)).toEqual(['minted']);
    expect(await below.countPool()).toEqual({ free: 1, assigned: 1 });
  });

  test('adds as many as the batch lacks where that is more than it was told', async () => {
    await using below = await store.open();
    const sources = ['b1', 'b2', 'b3', 'b4'].map(sierra);
    const { answers } = await toppingUp(below, 2).mint(requests(...sources));
    expect(outcomes(answers)).toEqual(sources.map(() => 'minted'));
    expect(new Set(ids(answers)).size).toBe(4);
    expect(await below.countPool()).toEqual({ free: 0, assigned: 4 });
  });

  test('fills a pool of which all that was free is in use, and tells of it', async () => {
    const [used = ''] = someIds(1);
    await using below = await store.open({ mappings: [[sierra('b1'), used]] });
    await below.database.sql("UPDATE canonical_ids SET Status = 'free'");
    const { answers, warnings } = await toppingUp(below, 3).mint(requests(sierra('b2')));
    expect(outcomes(answers)).toEqual(['minted']);
    expect(ids(answers)).not.toContain(used);
    // Not handed out and marked in a transaction that goes through, whichever of the two it was.
    expect(await below.statusOf([id(used)])).toEqual(new Map([[used, 'assigned']]));
    expect(warnings.every(({ code }) => code === 'POOL_CORRUPT')).toBe(true);
  });

  test('adds twice as many each time', async () => {
    await using below = await store.open();
    const registry = toppingUp(below, 2);
    const free: number[] = [];
    for (let count = 1; count <= 8; count += 1) {
      await registry.mint(requests(sierra(`b${count}`)));
      free.push((await below.countPool()).free);
    }
    expect(free).toEqual([1, 0, 3, 2, 1, 0, 7, 6]);
  });

  test('does the same in a dry run, which writes nothing', async () => {
    await using below = await store.open();
    const before = await below.dump();
    const { answers } = await toppingUp(below, 2)
      .dryRun()
      .mint(requests(sierra('b1'), sierra('b2')));
    expect(outcomes(answers)).toEqual(['minted', 'minted']);
    expect(await below.dump()).toEqual(before);
  });
});
