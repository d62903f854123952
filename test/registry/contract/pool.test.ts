import { describe, expect, test } from 'vitest';
import { isCanonicalId } from '../../../src/domain/canonical-id.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { ids, outcomes, requests } from '../../support/answers.ts';
import { folio, id, sierra } from '../../support/identifiers.ts';
import { STORES } from '../../support/stores.ts';

describe.each(STORES)('registry contract on $name: topping the pool up', store => {
  test('fills an empty pool to the target with well-formed IDs', async () => {
    await using registry = await store.open();
    expect(await registry.topUp(25)).toEqual({ free: 25, added: 25 });
    const { canonicalIds } = await registry.dump();
    expect(
      canonicalIds.filter(
        ([canonicalId, status]) => isCanonicalId(canonicalId) && status === 'free'
      )
    ).toHaveLength(25);
  });

  test('adds what is missing, and never takes any away', async () => {
    await using registry = await store.open({ freeCount: 7 });
    expect(await registry.topUp(10)).toEqual({ free: 10, added: 3 });
    expect(await registry.topUp(10)).toEqual({ free: 10, added: 0 });
    expect(await registry.topUp(3)).toEqual({ free: 10, added: 0 });
  });

  test('records when an ID was made', async () => {
    await using registry = await store.open();
    await registry.topUp(1);
    const rows = await registry.database.sql(
      'SELECT 1 FROM canonical_ids WHERE CreatedAt IS NOT NULL'
    );
    expect(rows).toHaveLength(1);
  });

  test('draws again for what clashed with IDs that are there, free or assigned', async () => {
    await using registry = await store.open({
      free: ['aaaaaaaa'],
      mappings: [[sierra('b1'), 'bbbbbbbb']],
    });
    // Scripted: the two that are there, twice the same new one, then others.
    const draws = ['aaaaaaaa', 'bbbbbbbb', 'cccccccc', 'cccccccc', 'dddddddd', 'eeeeeeee'];
    const characters = 'abcdefghjkmnpqrstuvwxyz23456789';
    const script = draws.join('');
    let at = 0;
    const random = () => characters.indexOf(script.charAt(at++));
    const scripted = createRegistry(registry.store, { random });
    expect(await scripted.topUp(4)).toEqual({ free: 4, added: 3 });
    expect((await registry.dump()).canonicalIds).toEqual([
      ['aaaaaaaa', 'free'],
      ['bbbbbbbb', 'assigned'],
      ['cccccccc', 'free'],
      ['dddddddd', 'free'],
      ['eeeeeeee', 'free'],
    ]);
  });

  test.each([0, -1, 1.5, Number.NaN])('refuses the target %j and adds nothing', async target => {
    await using registry = await store.open();
    await expect(registry.topUp(target)).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
    expect(await registry.countPool()).toEqual({ free: 0, assigned: 0 });
  });
});

describe.each(STORES)('registry contract on $name: a pool that runs short', store => {
  test('a batch larger than the pool takes no ID and says what to run', async () => {
    await using registry = await store.open({ free: ['a2345678'] });
    const { answers } = await registry.mint(requests(sierra('b1'), sierra('b2')));
    for (const { error } of answers) {
      expect(error).toMatchObject({
        code: 'POOL_EXHAUSTED',
        message: expect.stringContaining('pool top-up'),
        details: { needed: 2, free: 1 },
      });
    }
    expect(await registry.countFree()).toBe(1);
    expect((await registry.dump()).identifiers).toEqual([]);
  });

  test('an empty pool is called empty', async () => {
    await using registry = await store.open();
    const { answers } = await registry.mint(requests(sierra('b1')));
    expect(answers[0]?.error).toMatchObject({
      code: 'POOL_EXHAUSTED',
      message: expect.stringContaining('the pool is empty'),
      details: { needed: 1, free: 0 },
    });
  });

  test('requests that need no new ID succeed all the same, and what inherits from one that failed fails with it', async () => {
    await using registry = await store.open({
      mappings: [
        [sierra('b1'), 'a2345678'],
        [sierra('b2'), 'b2345678'],
      ],
      free: ['f2345678'],
    });
    const { answers } = await registry.mint([
      { source: sierra('b1') },
      { source: folio('f2'), predecessor: sierra('b2') },
      { source: sierra('new 1') },
      { source: sierra('new 2') },
      { source: folio('f1'), predecessor: sierra('new 1') },
    ]);
    expect(outcomes(answers)).toEqual([
      'existing',
      'inherited',
      'POOL_EXHAUSTED',
      'POOL_EXHAUSTED',
      'POOL_EXHAUSTED',
    ]);
    expect(await registry.standing(folio('f2'))).toBe('b2345678');
    expect(await registry.countFree()).toBe(1);
  });

  test('after a top-up the same batch succeeds', async () => {
    await using registry = await store.open();
    const batch = requests(sierra('b1'), sierra('b2'));
    await registry.mint(batch);
    await registry.topUp(2);
    expect(outcomes((await registry.mint(batch)).answers)).toEqual(['minted', 'minted']);
    expect(await registry.countPool()).toEqual({ free: 0, assigned: 2 });
  });

  test('the last free ID is given, wherever the search for it starts', async () => {
    await using registry = await store.open({ free: ['aaaaaaaa', 'nnnnnnnn', 'zzzzzzzz'] });
    for (const number of [1, 2, 3]) {
      const { answers } = await registry.mint(requests(sierra(`b${number}`)));
      expect(outcomes(answers)).toEqual(['minted']);
    }
    expect(await registry.countFree()).toBe(0);
  });

  test('IDs are not given in their order, so that two copies of a registry part', async () => {
    await using registry = await store.open();
    await registry.topUp(1_000);
    const given = new Set<unknown>();
    for (let number = 0; number < 12; number++) {
      const { answers } = await registry.mint(requests(sierra(`b${number}`)));
      given.add(ids(answers)[0]);
    }
    const lowest = (await registry.dump()).canonicalIds.slice(0, 12).map(([lowId]) => lowId);
    expect(given.isSubsetOf(new Set(lowest))).toBe(false);
  });
});

describe.each(STORES)('registry contract on $name: a pool that holds what it should not', store => {
  test('a free ID that is in use is passed over, marked assigned and named', async () => {
    await using registry = await store.open({
      mappings: [[sierra('b1'), 'a2345678']],
      free: ['b2345678'],
    });
    await registry.database.sql("UPDATE canonical_ids SET Status = 'free'");
    const { answers, warnings } = await registry.mint(requests(sierra('b2'), sierra('b3')));
    expect(outcomes(answers)).toEqual(['POOL_EXHAUSTED', 'POOL_EXHAUSTED']);
    expect(answers[0]?.error?.details).toMatchObject({ needed: 2, free: 1 });
    expect(warnings).toEqual([
      {
        code: 'POOL_CORRUPT',
        message: expect.stringContaining('"a2345678"'),
        details: { canonicalId: 'a2345678', why: 'in use' },
      },
    ]);
    expect(await registry.statusOf([id('a2345678'), id('b2345678')])).toEqual(
      new Map([
        ['a2345678', 'assigned'],
        ['b2345678', 'free'],
      ])
    );
    const next = await registry.mint(requests(sierra('b2')));
    expect(next).toEqual({
      answers: [{ source: sierra('b2'), canonicalId: 'b2345678', outcome: 'minted' }],
      warnings: [],
    });
  });

  test('another ID is drawn for one that is in use', async () => {
    const taken = ['aaaaaaaa', 'bbbbbbbb', 'cccccccc', 'dddddddd', 'eeeeeeee'];
    await using registry = await store.open({
      mappings: taken.map((canonicalId, at) => [sierra(`b${at}`), canonicalId] as const),
      free: ['ffffffff', 'gggggggg'],
    });
    await registry.database.sql("UPDATE canonical_ids SET Status = 'free'");
    const { answers } = await registry.mint(requests(folio('f1'), folio('f2')));
    expect(outcomes(answers)).toEqual(['minted', 'minted']);
    expect(ids(answers).toSorted()).toEqual(['ffffffff', 'gggggggg']);
  });

  test('a malformed ID is passed over and left as it is', async () => {
    await using registry = await store.open({
      free: ['UPPER234', 'i0l1o234', 'a2345678'],
    });
    const { answers, warnings } = await registry.mint(requests(sierra('b1')));
    expect(ids(answers)).toEqual(['a2345678']);
    for (const { code, details } of warnings) {
      expect(code).toBe('POOL_CORRUPT');
      expect(details['why']).toBe('malformed');
    }
    const { canonicalIds } = await registry.dump();
    expect(canonicalIds.filter(([, status]) => status === 'free')).toHaveLength(2);
  });

  test('only where no sound ID is left is it an error', async () => {
    await using registry = await store.open({
      mappings: [[sierra('b1'), 'a2345678']],
      free: ['UPPER234'],
    });
    await registry.database.sql("UPDATE canonical_ids SET Status = 'free'");
    const { answers, warnings } = await registry.mint(requests(sierra('b2'), sierra('b1')));
    expect(outcomes(answers)).toEqual(['POOL_CORRUPT', 'existing']);
    expect(answers[0]?.error?.message).toMatch(/a2345678/);
    expect(answers[0]?.error?.message).toMatch(/UPPER234/);
    expect(warnings).toHaveLength(2);
    expect(await registry.statusOf([id('a2345678')])).toEqual(new Map([['a2345678', 'assigned']]));
  });
});
