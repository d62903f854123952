import { describe, expect, test } from 'vitest';
import type { SourceIdentifier } from '../../../src/domain/source-identifier.ts';
import { ids, outcomes, requests } from '../../support/answers.ts';
import { folio, id, image, sierra } from '../../support/identifiers.ts';
import { EXACT_STORES, FOLDING_STORES, STORES } from '../../support/stores.ts';

/** As it comes from JSON, whatever its types say. */
const unchecked = (parts: Record<string, unknown>) => parts as unknown as SourceIdentifier;

describe.each(STORES)('registry contract on $name: identifiers that are none', store => {
  test.each<[string, Record<string, unknown>, string]>([
    ['a missing type', { ontologyType: undefined }, 'ontologyType'],
    ['a null system', { sourceSystem: null }, 'sourceSystem'],
    ['a number for a value', { value: 1_000_001 }, 'value'],
    ['an empty type', { ontologyType: '' }, 'ontologyType'],
    ['an empty system', { sourceSystem: '' }, 'sourceSystem'],
    ['"[" in its type', { ontologyType: 'Work[' }, 'ontologyType'],
    ['"/" in its system', { sourceSystem: 'a/b' }, 'sourceSystem'],
    ['a value of 256 characters', { value: 'x'.repeat(256) }, 'value'],
    ['a system of 256 characters', { sourceSystem: 'x'.repeat(256) }, 'sourceSystem'],
    ['half a surrogate pair', { value: 'x\uD83D' }, 'value'],
  ])(
    'one with %s is refused, as a source and as a predecessor, and harms no other',
    async (_, parts, part) => {
      await using registry = await store.open({ freeCount: 9 });
      const bad = unchecked({ ...sierra('b1'), ...parts });
      const { answers } = await registry.mint([
        { source: bad },
        { source: folio('f1'), predecessor: bad },
        { source: sierra('b2') },
      ]);
      expect(outcomes(answers)).toEqual(['INVALID_IDENTIFIER', 'INVALID_IDENTIFIER', 'minted']);
      expect(answers[0]?.source).toBe(bad);
      expect(answers[0]?.error?.details).toMatchObject({ part });
      expect(answers[1]?.error?.message).toContain('predecessor');
      expect((await registry.dump()).identifiers).toHaveLength(1);
      await expect(registry.lookUp([bad])).rejects.toMatchObject({ code: 'INVALID_IDENTIFIER' });
    }
  );

  test('255 characters may be in each part, and come back as they were', async () => {
    await using registry = await store.open({ freeCount: 2 });
    const longest = {
      ontologyType: 'é'.repeat(255),
      sourceSystem: 'x'.repeat(255),
      value: 'y'.repeat(255),
    };
    const almost = { ...longest, value: `${'y'.repeat(254)}z` };
    const { answers } = await registry.mint(requests(longest, almost));
    expect(outcomes(answers)).toEqual(['minted', 'minted']);
    const found = await registry.lookUp([almost, longest]);
    expect(found.map(mapping => mapping?.source)).toEqual([almost, longest]);
    expect(found.map(mapping => mapping?.canonicalId)).toEqual(ids(answers).toReversed());
  });
});

describe.each(EXACT_STORES)('registry contract on $name, where every spelling counts', store => {
  test('case, accents, spaces and composition make different identifiers', async () => {
    await using registry = await store.open({ freeCount: 20 });
    const values = [
      'b1',
      'B1',
      'b1 ',
      ' b1',
      'bé',
      'be',
      'be\u0301',
      'ß',
      'ss',
      'ﬀ',
      'ff',
      'b',
      'b\t',
    ];
    const { answers } = await registry.mint(requests(...values.map(sierra)));
    expect(outcomes(answers)).toEqual(values.map(() => 'minted'));
    expect(new Set(ids(answers)).size).toBe(values.length);
    const found = await registry.lookUp(values.map(sierra));
    expect(found.map(mapping => mapping?.source.value)).toEqual(values);
    const other = await registry.mint([
      { source: { ...sierra('b1'), ontologyType: 'work' } },
      { source: { ...sierra('b1'), sourceSystem: 'Sierra-System-Number' } },
    ]);
    expect(outcomes(other.answers)).toEqual(['minted', 'minted']);
  });

  test('every character of Unicode can be part of a value, 255 of the longest too', async () => {
    await using registry = await store.open({ freeCount: 20 });
    const values = [
      '😀'.repeat(255),
      '漢字',
      '\u0080\u0081',
      'a\0b',
      'a',
      '\0',
      '\uFFFD',
      '\uFEFFa',
      'ħ',
    ];
    const { answers } = await registry.mint(requests(...values.map(image)));
    expect(outcomes(answers)).toEqual(values.map(() => 'minted'));
    const found = await registry.lookUp(values.map(image));
    expect(found.map(mapping => mapping?.source.value)).toEqual(values);
    expect(found.map(mapping => mapping?.canonicalId)).toEqual(ids(answers));
    const again = await registry.mint(requests(...values.map(image)));
    expect(ids(again.answers)).toEqual(ids(answers));
    const [canonicalId] = ids(answers);
    const [mapping] =
      (await registry.sourcesOf([canonicalId ?? id('')])).values().next().value ?? [];
    expect(mapping?.source).toEqual(image(values[0] ?? ''));
  });

  test('256 characters are too many though none of them is known to the text form', async () => {
    await using registry = await store.open({ freeCount: 1 });
    const { answers } = await registry.mint(requests(image('😀'.repeat(256))));
    expect(outcomes(answers)).toEqual(['INVALID_IDENTIFIER']);
  });
});

// Not `describe.each` over an empty list where SQLite stands alone: vitest would call that a suite without tests.
for (const store of FOLDING_STORES) {
  describe(`registry contract on ${store.name}, whose collation takes spellings for one`, () => {
    test.each([
      ['case', 'B1'],
      ['a trailing space', 'b1 '],
    ])(
      'a source that differs from a stored one by %s is refused with both spellings',
      async (_, value) => {
        await using registry = await store.open({
          mappings: [[sierra('b1'), 'a2345678']],
          freeCount: 1,
        });
        const { answers } = await registry.mint([
          { source: sierra(value) },
          { source: folio('f1'), predecessor: sierra(value) },
          { source: sierra('b1') },
        ]);
        expect(outcomes(answers)).toEqual([
          'IDENTIFIER_COLLISION',
          'IDENTIFIER_COLLISION',
          'existing',
        ]);
        for (const { error } of answers.slice(0, 2)) {
          expect(error?.message).toContain(`Work[sierra-system-number/${value}]`);
          expect(error?.message).toContain('Work[sierra-system-number/b1]');
        }
        expect(await registry.countFree()).toBe(1);
      }
    );

    test.each<[string, SourceIdentifier, SourceIdentifier]>([
      ['case', sierra('B1'), sierra('b1')],
      ['accent', sierra('é'), sierra('e')],
      ['trailing space', sierra('b1 '), sierra('b1')],
      ['the case of the type', { ...sierra('b1'), ontologyType: 'work' }, sierra('b1')],
      [
        'the case of the system',
        { ...sierra('b1'), sourceSystem: 'SIERRA-system-number' },
        sierra('b1'),
      ],
    ])('of two new twins that differ by %s the first of the batch is minted', async (_, a, b) => {
      for (const [first, second] of [
        [a, b],
        [b, a],
      ] as const) {
        await using registry = await store.open({ freeCount: 3 });
        const { answers } = await registry.mint(requests(sierra('c'), first, second, first));
        expect(outcomes(answers)).toEqual(['minted', 'minted', 'IDENTIFIER_COLLISION', 'existing']);
        expect(answers[2]?.error?.details).toEqual({ source: second, standing: first });
        expect(await registry.standing(first)).toBe(answers[1]?.canonicalId);
        expect(await registry.standing(second)).toBeUndefined();
        expect(await registry.countPool()).toEqual({ free: 1, assigned: 2 });
        const again = await registry.mint(requests(second, first));
        expect(outcomes(again.answers)).toEqual(['IDENTIFIER_COLLISION', 'existing']);
      }
    });

    test('several twins at once, one of them inheriting, leave one mapping each', async () => {
      await using registry = await store.open({
        mappings: [[sierra('p'), 'a2345678']],
        freeCount: 9,
      });
      const { answers } = await registry.mint([
        { source: folio('X'), predecessor: sierra('p') },
        { source: folio('x') },
        { source: image('v') },
        { source: image('V') },
        { source: image('v ') },
        { source: folio('child'), predecessor: image('V') },
        { source: folio('child 2'), predecessor: image('v') },
      ]);
      expect(outcomes(answers)).toEqual([
        'inherited',
        'IDENTIFIER_COLLISION',
        'minted',
        'IDENTIFIER_COLLISION',
        'IDENTIFIER_COLLISION',
        'PREDECESSOR_NOT_FOUND',
        'inherited',
      ]);
      expect((await registry.dump()).identifiers).toHaveLength(4);
      expect(await registry.countFree()).toBe(8);
    });

    test('a character that the columns cannot hold is refused before SQL, and harms no other', async () => {
      await using registry = await store.open({ freeCount: 5 });
      const { answers } = await registry.mint(
        requests(
          sierra('ħ'),
          sierra('漢'),
          sierra('😀'),
          sierra('\u0080'),
          sierra('b1'),
          sierra('??')
        )
      );
      expect(outcomes(answers)).toEqual([
        'INVALID_IDENTIFIER',
        'INVALID_IDENTIFIER',
        'INVALID_IDENTIFIER',
        'INVALID_IDENTIFIER',
        'minted',
        'minted',
      ]);
      expect(answers[0]?.error?.message).toContain('U+0127');
      expect(answers[2]?.error?.message).toContain('U+1F600');
    });

    test('what windows-1252 has can be stored, and comes back as it was', async () => {
      await using registry = await store.open({ freeCount: 9 });
      const values = ['€', '“quoted”', 'œuvre', 'ÿ', '\u0081', '\u008D'];
      const { answers } = await registry.mint(requests(...values.map(image)));
      expect(outcomes(answers)).toEqual(values.map(() => 'minted'));
      const found = await registry.lookUp(values.map(image));
      expect(found.map(mapping => mapping?.source.value)).toEqual(values);
    });
  });
}
