import { describe, expect, test } from 'vitest';
import type { HeldMapping } from '../../src/domain/audit.ts';
import { auditDeclared, auditHolding, auditTwins, foldTwins } from '../../src/domain/audit.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import { folio, heading, sierra } from '../support/identifiers.ts';

const conceptTypes = new Set(['Person']);

const held = (source: SourceIdentifier, canonicalId = 'a2345678'): HeldMapping => ({
  source,
  canonicalId,
});

/** What is found under one canonical ID, in words. */
function said(
  status: string | undefined,
  mappings: readonly HeldMapping[],
  { canonicalId = 'a2345678', continues = false } = {}
): string[] {
  const holding = { canonicalId, status, mappings, ...(continues && { continues }) };
  return auditHolding(holding, conceptTypes).map(({ code, message }) => `${code}: ${message}`);
}

describe('what stands under one canonical ID', () => {
  test('is sound where a mapping has an assigned one, or nothing a free one', () => {
    expect(said('assigned', [held(sierra('b1')), held(folio('f1'))])).toEqual([]);
    expect(said('free', [])).toEqual([]);
  });

  test.each<[string, () => string[], string[]]>([
    [
      'a free ID that a mapping has',
      () => said('free', [held(sierra('b1'))]),
      ['USED_BUT_FREE: a2345678 is free by the pool, and Work[sierra-system-number/b1] has it.'],
    ],
    [
      'a free ID that several have',
      () => said('free', [held(sierra('b1')), held(folio('f1'))]),
      [
        'USED_BUT_FREE: a2345678 is free by the pool, and Work[sierra-system-number/b1] (with 1 or more others) has it.',
      ],
    ],
    [
      'an assigned ID that nothing has',
      () => said('assigned', []),
      ['ASSIGNED_BUT_UNUSED: a2345678 is assigned by the pool, and nothing has it.'],
    ],
    [
      'a status that there is not',
      () => said('lost', []),
      ['UNKNOWN_STATUS: a2345678 has the status "lost", which is neither free nor assigned.'],
    ],
    [
      'a mapping that the pool does not know of',
      () => said(undefined, [held(sierra('b1'))]),
      [
        'ORPHAN_MAPPING: Work[sierra-system-number/b1] with a2345678, an ID that the pool does not know.',
      ],
    ],
    [
      'an ID that is none',
      () => said('free', [], { canonicalId: 'A' }),
      ['MALFORMED_ID: "A" is stored, and is no canonical ID.'],
    ],
    [
      'a mapping that spells its ID otherwise',
      () => said('assigned', [held(sierra('b1'), 'A2345678')]),
      ['MALFORMED_ID: Work[sierra-system-number/b1] has "A2345678", which is no canonical ID.'],
    ],
    [
      'an ID that only the pool spells wrongly',
      () => said('assigned', [held(sierra('b1'), 'a2345678')], { canonicalId: 'A2345678' }),
      ['MALFORMED_ID: "A2345678" is stored, and is no canonical ID.'],
    ],
    [
      'an identifier that cannot be asked for',
      () => said('assigned', [held({ ...sierra('b1'), sourceSystem: 'a/b' })]),
      ['MALFORMED_IDENTIFIER: Work[a/b/b1] with a2345678: its sourceSystem holds "/".'],
    ],
    [
      'a type that is looked up as Concept',
      () => said('assigned', [held(heading('Person', 'n1'))]),
      [
        'UNFOLDED_TYPE: Person[lc-names/n1] with a2345678: Person is looked up as Concept, so this is never found.',
      ],
    ],
  ])('is damaged by %s', (_, find, expected) => {
    expect(find()).toEqual(expected);
  });

  test('is told once where its mappings come in several pages', () => {
    expect(said('free', [held(sierra('b1'))], { continues: true })).toEqual([]);
    expect(said(undefined, [held(sierra('b1'))], { continues: true })).toHaveLength(1);
  });

  test('is named with its mappings, of which there are ten at most', () => {
    const mappings = Array.from({ length: 11 }, (_, at) => held(sierra(`b${at}`)));
    const holding = { canonicalId: 'a2345678', status: 'free', mappings };
    const [found] = auditHolding(holding, conceptTypes);
    expect(found?.canonicalIds).toEqual(['a2345678']);
    expect(found?.sources).toEqual(mappings.slice(0, 10).map(({ source }) => source));
  });

  test('does not hide a fault of the rules themselves', () => {
    const broken = new Proxy(sierra('b1'), {
      get: () => {
        throw new TypeError('planted');
      },
    });
    expect(() =>
      auditHolding(
        { canonicalId: 'a2345678', status: 'assigned', mappings: [held(broken)] },
        conceptTypes
      )
    ).toThrowError(TypeError);
  });
});

describe('what people take for one identifier', () => {
  test.each([
    ['case', 'Ab', 'aB'],
    ['accent', 'café', 'cafe'],
    ['an accent written by itself', 'cafe\u0301', 'café'],
    ['outer space', ' b1 ', 'b1'],
    ['several of them', ' É', 'e'],
    ['case in Greek', 'ὈΔΥΣΣΕΎΣ', 'Οδυσσευς'],
    ['case of a letter that is two', 'straße', 'STRASSE'],
    ['a space that does not break', 'b1\u00a0', 'b1'],
  ])('differs by %s', (_, one, other) => {
    expect(foldTwins(sierra(one))).toBe(foldTwins(sierra(other)));
  });

  test.each([
    ['inner space', 'a b', 'ab'],
    ['a letter', 'b1', 'b2'],
    ['a sign', 'a-b', 'ab'],
  ])('does not differ by %s', (_, one, other) => {
    expect(foldTwins(sierra(one))).not.toBe(foldTwins(sierra(other)));
  });

  test('may differ in any part, and each part counts by itself', () => {
    expect(foldTwins({ ontologyType: 'work', sourceSystem: 'MIRO ', value: 'v1' })).toBe(
      foldTwins({ ontologyType: 'Work', sourceSystem: 'miro', value: 'V1' })
    );
    expect(foldTwins({ ontologyType: 'A', sourceSystem: 'B', value: 'C' })).not.toBe(
      foldTwins({ ontologyType: 'AB', sourceSystem: 'C', value: '' })
    );
  });

  test('is told with both IDs, and one identifier that is there twice as damage', () => {
    const [small, large] = [held(sierra('b1')), held(sierra('B1'), 'b2345678')];
    expect(auditTwins([small])).toEqual([]);
    expect(auditTwins([small, large])).toEqual([
      {
        code: 'TWINS',
        canonicalIds: ['a2345678', 'b2345678'],
        sources: [sierra('b1'), sierra('B1')],
        message:
          'Work[sierra-system-number/b1] with a2345678 and Work[sierra-system-number/B1] with b2345678 differ only by ' +
          'case, accent or outer space.',
      },
    ]);
    expect(auditTwins([small, held(sierra('b1'), 'c2345678')])).toEqual([
      {
        code: 'DOUBLED_MAPPING',
        canonicalIds: ['c2345678'],
        sources: [sierra('b1')],
        message:
          'Work[sierra-system-number/b1] is there more than once, with c2345678 here. Where there are two answers none ' +
          'can be trusted.',
      },
    ]);
  });

  test('is told with ten spellings in words at most', () => {
    const spellings = Array.from({ length: 11 }, (_, at) => held(sierra(`b${' '.repeat(at)}`)));
    const [found] = auditTwins(spellings);
    expect(found?.sources).toHaveLength(11);
    expect(found?.message.match(/ with a2345678/g)).toHaveLength(10);
  });
});

describe('what is declared to be there', () => {
  const heir = { source: folio('f1'), canonicalId: 'a2345678' };
  const origin = { source: sierra('b1'), canonicalId: 'a2345678' };
  const absent = { canonicalId: undefined };
  const saidOf = (declared: Parameters<typeof auditDeclared>[0]) =>
    auditDeclared(declared).map(({ code, message }) => `${code}: ${message}`);

  test('holds where it is there, and its predecessor under the same ID', () => {
    expect(auditDeclared(heir)).toEqual([]);
    expect(auditDeclared({ ...heir, predecessor: origin })).toEqual([]);
  });

  test('is missed, itself and its predecessor each by name', () => {
    const itself =
      'ABSENT_IDENTIFIER: The source identifier Work[folio-instance/f1] is not in the registry.';
    const named =
      'ABSENT_IDENTIFIER: The predecessor Work[sierra-system-number/b1] is not in the registry.';
    expect(saidOf({ ...heir, ...absent })).toEqual([itself]);
    expect(saidOf({ ...heir, predecessor: { ...origin, ...absent } })).toEqual([named]);
    expect(saidOf({ ...heir, ...absent, predecessor: origin })).toEqual([itself]);
    expect(saidOf({ ...heir, ...absent, predecessor: { ...origin, ...absent } })).toEqual([
      itself,
      named,
    ]);
    expect(auditDeclared({ ...heir, ...absent })).toMatchObject([
      { canonicalIds: [], sources: [folio('f1')] },
    ]);
  });

  test('is in conflict where the two have different IDs', () => {
    expect(auditDeclared({ ...heir, predecessor: { ...origin, canonicalId: 'b2345678' } })).toEqual(
      [
        {
          code: 'INHERITANCE_CONFLICT',
          canonicalIds: ['a2345678', 'b2345678'],
          sources: [folio('f1'), sierra('b1')],
          message:
            'Work[folio-instance/f1] with a2345678 is declared to inherit from Work[sierra-system-number/b1] with ' +
            'b2345678, which has another canonical ID.',
        },
      ]
    );
  });
});
