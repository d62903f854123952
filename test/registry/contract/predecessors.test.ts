import { describe, expect, test } from 'vitest';
import { ids, outcomes, requests } from '../../support/answers.ts';
import { folio, heading, image, label, sierra } from '../../support/identifiers.ts';
import { STORES } from '../../support/stores.ts';

describe.each(STORES)('registry contract on $name: predecessors', store => {
  test('a new source inherits the ID of its predecessor, and the pool is not touched', async () => {
    await using registry = await store.open({
      mappings: [[sierra('b1'), 'a2345678']],
      freeCount: 1,
    });
    const { answers } = await registry.mint([{ source: folio('f1'), predecessor: sierra('b1') }]);
    expect(answers).toEqual([
      { source: folio('f1'), canonicalId: 'a2345678', outcome: 'inherited' },
    ]);
    expect(await registry.standing(folio('f1'))).toBe('a2345678');
    expect(await registry.countPool()).toEqual({ free: 1, assigned: 1 });
  });

  test('two inheriting sources still hold the ID when it is looked up again', async () => {
    await using registry = await store.open({
      mappings: [
        [sierra('b1'), 'a2345678'],
        [sierra('b2'), 'b2345678'],
      ],
    });
    await registry.mint([
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: folio('f2'), predecessor: sierra('b2') },
    ]);
    const again = await registry.mint(requests(folio('f1'), folio('f2')));
    expect(again.answers).toEqual([
      { source: folio('f1'), canonicalId: 'a2345678', outcome: 'existing' },
      { source: folio('f2'), canonicalId: 'b2345678', outcome: 'existing' },
    ]);
  });

  test('several sources may inherit from one, of other types too', async () => {
    await using registry = await store.open({ mappings: [[sierra('b1'), 'a2345678']] });
    const { answers } = await registry.mint([
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: folio('f2'), predecessor: sierra('b1') },
      { source: image('V1'), predecessor: sierra('b1') },
    ]);
    expect(outcomes(answers)).toEqual(['inherited', 'inherited', 'inherited']);
    expect(new Set(ids(answers))).toEqual(new Set(['a2345678']));
  });

  test.each([
    ['first', [0, 1]],
    ['last', [1, 0]],
  ])('a predecessor that comes %s in the same batch is minted first', async (_, order) => {
    await using registry = await store.open({ freeCount: 3 });
    const both = [{ source: sierra('b1') }, { source: folio('f1'), predecessor: sierra('b1') }];
    const { answers } = await registry.mint(order.flatMap(index => both[index] ?? []));
    const inOrder = order.map(index => answers[order.indexOf(index)]);
    expect(answers.map(({ canonicalId }) => canonicalId)).not.toContain(undefined);
    expect(new Set(ids(answers)).size).toBe(1);
    expect(outcomes(answers).toSorted()).toEqual(['inherited', 'minted']);
    expect(inOrder).toHaveLength(2);
    expect(await registry.countFree()).toBe(2);
  });

  test('a chain in one batch shares the ID at its end, whatever the order', async () => {
    await using registry = await store.open({ freeCount: 2 });
    const { answers } = await registry.mint([
      { source: folio('f2'), predecessor: folio('f1') },
      { source: folio('f3'), predecessor: folio('f2') },
      { source: sierra('b1') },
      { source: folio('f1'), predecessor: sierra('b1') },
    ]);
    expect(outcomes(answers)).toEqual(['inherited', 'inherited', 'minted', 'inherited']);
    expect(new Set(ids(answers)).size).toBe(1);
    const { identifiers } = await registry.dump();
    expect(new Set(identifiers.map(row => row[3])).size).toBe(1);
  });

  test('a chain may end in the registry', async () => {
    await using registry = await store.open({ mappings: [[sierra('b1'), 'a2345678']] });
    const { answers } = await registry.mint([
      { source: folio('f2'), predecessor: folio('f1') },
      { source: folio('f1'), predecessor: sierra('b1') },
    ]);
    expect(ids(answers)).toEqual(['a2345678', 'a2345678']);
  });

  test('a predecessor that is named once beats none, in every order', async () => {
    const held = { mappings: [[sierra('b1'), 'a2345678']] as const, freeCount: 1 };
    const named = { source: folio('f1'), predecessor: sierra('b1') };
    const plain = { source: folio('f1'), predecessor: null };
    for (const batch of [
      [named, plain],
      [plain, named],
    ]) {
      await using registry = await store.open(held);
      const { answers } = await registry.mint(batch);
      expect(answers).toEqual([
        { source: folio('f1'), canonicalId: 'a2345678', outcome: 'inherited' },
        { source: folio('f1'), canonicalId: 'a2345678', outcome: 'existing' },
      ]);
      expect(await registry.countFree()).toBe(1);
    }
  });

  test('a record that a work cites in the same batch still inherits', async () => {
    await using registry = await store.open({
      mappings: [[sierra('b1'), 'a2345678']],
      freeCount: 5,
    });
    const { answers } = await registry.mint([
      { source: image('METS1') },
      { source: folio('F') },
      { source: folio('F'), predecessor: sierra('b1') },
    ]);
    expect(ids(answers).slice(1)).toEqual(['a2345678', 'a2345678']);
  });

  test('a record that was cited before it came keeps its ID, and the lost inheritance is told', async () => {
    await using registry = await store.open({
      mappings: [[sierra('b1'), 'a2345678']],
      free: ['f2345678'],
    });
    await registry.mint(requests(folio('F')));
    const before = await registry.dump();
    const { answers } = await registry.mint([{ source: folio('F'), predecessor: sierra('b1') }]);
    expect(answers).toEqual([
      {
        source: folio('F'),
        canonicalId: 'f2345678',
        outcome: 'existing',
        warning: {
          code: 'INHERITANCE_CONFLICT',
          message: expect.stringMatching(/f2345678.*a2345678/),
          details: {
            source: folio('F'),
            canonicalId: 'f2345678',
            predecessor: sierra('b1'),
            predecessorCanonicalId: 'a2345678',
          },
        },
      },
    ]);
    expect(await registry.dump()).toEqual(before);
  });

  test('the lost inheritance is told too where the predecessor is minted in the same batch', async () => {
    await using registry = await store.open({
      mappings: [[folio('F'), 'f2345678']],
      free: ['a2345678'],
    });
    const { answers } = await registry.mint([
      { source: folio('F'), predecessor: sierra('b1') },
      { source: sierra('b1') },
    ]);
    expect(outcomes(answers)).toEqual(['existing', 'minted']);
    expect(answers[0]?.warning).toMatchObject({
      code: 'INHERITANCE_CONFLICT',
      details: { canonicalId: 'f2345678', predecessorCanonicalId: 'a2345678' },
    });
  });

  test('a predecessor means nothing to a source that holds the same ID, or where it is unknown', async () => {
    await using registry = await store.open({
      mappings: [
        [sierra('b1'), 'a2345678'],
        [folio('f1'), 'a2345678'],
      ],
    });
    const { answers } = await registry.mint([
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: folio('f1'), predecessor: sierra('nobody') },
      { source: folio('f1'), predecessor: folio('f1') },
    ]);
    const existing = { source: folio('f1'), canonicalId: 'a2345678', outcome: 'existing' };
    expect(answers).toEqual([existing, existing, existing]);
  });

  test('an unknown predecessor is an error, and no ID is minted in its place', async () => {
    await using registry = await store.open({ freeCount: 3 });
    const { answers } = await registry.mint([
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: folio('f2'), predecessor: folio('f1') },
      { source: sierra('b2') },
    ]);
    expect(outcomes(answers)).toEqual(['PREDECESSOR_NOT_FOUND', 'PREDECESSOR_NOT_FOUND', 'minted']);
    expect(answers[0]?.error?.message).toContain('Work[sierra-system-number/b1]');
    expect(await registry.standing(folio('f1'))).toBeUndefined();
    expect(await registry.standing(folio('f2'))).toBeUndefined();
    expect(await registry.countFree()).toBe(2);
  });

  test('a predecessor that is refused itself is no predecessor', async () => {
    await using registry = await store.open({ freeCount: 3 });
    const refused = { ...sierra('b1'), value: 'x'.repeat(256) };
    const { answers } = await registry.mint([
      { source: refused },
      { source: folio('f1'), predecessor: refused },
      { source: sierra('b2') },
    ]);
    expect(outcomes(answers)).toEqual(['INVALID_IDENTIFIER', 'INVALID_IDENTIFIER', 'minted']);
  });

  test('a cycle is refused as a whole, with what hangs on it, and harms no other', async () => {
    await using registry = await store.open({ freeCount: 3 });
    const { answers } = await registry.mint([
      { source: folio('self'), predecessor: folio('self') },
      { source: folio('f1'), predecessor: folio('f2') },
      { source: folio('f2'), predecessor: folio('f3') },
      { source: folio('f3'), predecessor: folio('f1') },
      { source: folio('f4'), predecessor: folio('f1') },
      { source: sierra('b1') },
    ]);
    expect(outcomes(answers)).toEqual([
      'PREDECESSOR_CYCLE',
      'PREDECESSOR_CYCLE',
      'PREDECESSOR_CYCLE',
      'PREDECESSOR_CYCLE',
      'PREDECESSOR_NOT_FOUND',
      'minted',
    ]);
    expect((await registry.dump()).identifiers).toHaveLength(1);
  });

  test('two predecessors for one new source are refused in every request for it, though both are known', async () => {
    await using registry = await store.open({
      mappings: [
        [sierra('b1'), 'a2345678'],
        [sierra('b2'), 'b2345678'],
      ],
      freeCount: 2,
    });
    const { answers } = await registry.mint([
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: folio('f1'), predecessor: sierra('b2') },
      { source: folio('f1') },
      { source: folio('f2'), predecessor: sierra('b1') },
    ]);
    expect(outcomes(answers)).toEqual([
      'CONFLICTING_PREDECESSORS',
      'CONFLICTING_PREDECESSORS',
      'CONFLICTING_PREDECESSORS',
      'inherited',
    ]);
    expect(answers[0]?.error?.message).toMatch(/number\/b1\].*number\/b2\]/);
    expect(await registry.standing(folio('f1'))).toBeUndefined();
  });

  test('the same predecessor named twice is no conflict, nor are two for a source that has its ID', async () => {
    await using registry = await store.open({
      mappings: [
        [sierra('b1'), 'a2345678'],
        [sierra('b2'), 'b2345678'],
        [folio('f2'), 'a2345678'],
      ],
    });
    const { answers } = await registry.mint([
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: folio('f2'), predecessor: sierra('b1') },
      { source: folio('f2'), predecessor: sierra('b2') },
    ]);
    expect(outcomes(answers)).toEqual(['inherited', 'existing', 'existing', 'existing']);
    expect(answers.map(({ warning }) => warning?.code)).toEqual([
      undefined,
      undefined,
      undefined,
      'INHERITANCE_CONFLICT',
    ]);
  });

  test('predecessors are folded like sources', async () => {
    await using registry = await store.open({
      mappings: [[heading('Concept', 'n1'), 'a2345678']],
      freeCount: 1,
    });
    const { answers } = await registry.mint([
      { source: label('somebody'), predecessor: heading('Person', 'n1') },
      { source: label('somebody'), predecessor: heading('Organisation', 'n1') },
      { source: heading('Agent', 'n2'), predecessor: heading('Person', 'n2') },
    ]);
    expect(outcomes(answers)).toEqual(['inherited', 'existing', 'PREDECESSOR_CYCLE']);
    expect(answers[0]?.canonicalId).toBe('a2345678');
  });

  test('an error with predecessors leaves the rest of the batch written, and it alone', async () => {
    await using registry = await store.open({
      mappings: [[sierra('b1'), 'a2345678']],
      freeCount: 1,
    });
    const { answers } = await registry.mint([
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: folio('f2'), predecessor: sierra('nobody') },
      { source: folio('f3') },
    ]);
    expect(outcomes(answers)).toEqual(['inherited', 'PREDECESSOR_NOT_FOUND', 'minted']);
    expect((await registry.dump()).identifiers).toHaveLength(3);
  });
});
