import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import {
  checkSourceIdentifier,
  compareSources,
  DEFAULT_CONCEPT_TYPES,
  foldConcept,
  formatSourceIdentifier,
  keyOf,
  nearSpellings,
  parseSourceIdentifier,
  readSourceIdentifier,
} from '../../src/domain/source-identifier.ts';

const text = (constraints: fc.StringConstraints = {}) =>
  fc.string({ unit: 'grapheme', maxLength: 20, ...constraints });
/** Few characters, so that parts meet often: those that the text form and the keys are built with, and digits. */
const awkward = (constraints: fc.StringConstraints = {}) =>
  fc.string({
    unit: fc.constantFrom('[', ']', '/', ':', '1', '2', 'a', ' ', '\0', '😀'),
    ...constraints,
  });
const identifier = (part: typeof text): fc.Arbitrary<SourceIdentifier> =>
  fc.record({
    ontologyType: part({ minLength: 1, maxLength: 6 }).filter(type => !type.includes('[')),
    sourceSystem: part({ minLength: 1, maxLength: 6 }).filter(system => !system.includes('/')),
    value: part({ maxLength: 6 }),
  });

describe('the text form', () => {
  test('parses back to the same three parts, whatever they hold', () => {
    fc.assert(
      fc.property(fc.oneof(identifier(text), identifier(awkward)), source => {
        expect(parseSourceIdentifier(formatSourceIdentifier(source))).toEqual(source);
      })
    );
  });

  test.each<[string, SourceIdentifier]>([
    [
      'Work[sierra-system-number/b1000001]',
      { ontologyType: 'Work', sourceSystem: 'sierra-system-number', value: 'b1000001' },
    ],
    ['Work[a/b/c]', { ontologyType: 'Work', sourceSystem: 'a', value: 'b/c' }],
    ['Work[a/b]c]', { ontologyType: 'Work', sourceSystem: 'a', value: 'b]c' }],
    ['Work[a[b/[c]', { ontologyType: 'Work', sourceSystem: 'a[b', value: '[c' }],
    [
      'Concept[label-derived/]',
      { ontologyType: 'Concept', sourceSystem: 'label-derived', value: '' },
    ],
  ])('%s splits at the first "[", the first "/" and the final "]"', (form, source) => {
    expect(parseSourceIdentifier(form)).toEqual(source);
    expect(formatSourceIdentifier(source)).toBe(form);
  });

  test.each(['', 'Work', 'Work[sierra]', 'Work[a/b', 'a/b]', 'a/b[c]', '[a/b]', 'Work[/b]'])(
    '%j is refused, and the error shows it or its empty part',
    form => {
      expect(() => parseSourceIdentifier(form)).toThrowError(
        expect.objectContaining({ code: 'INVALID_IDENTIFIER' })
      );
    }
  );
});

describe('a source identifier from outside', () => {
  const sound = { ontologyType: 'Work', sourceSystem: 'sierra-system-number', value: 'b1' };
  const astral = '😀';

  test.each<[string, unknown, string, string]>([
    ['nothing', undefined, 'as a whole', 'is not an object'],
    ['null', null, 'as a whole', 'is not an object'],
    ['a text', 'Work[a/b]', 'as a whole', 'is not an object'],
    ['a missing type', { ...sound, ontologyType: undefined }, 'ontologyType', 'is missing'],
    ['a null system', { ...sound, sourceSystem: null }, 'sourceSystem', 'is missing'],
    ['a missing value', { ontologyType: 'Work', sourceSystem: 'a' }, 'value', 'is missing'],
    ['a number', { ...sound, value: 12 }, 'value', 'is of type number, not a string'],
    ['an object', { ...sound, value: {} }, 'value', 'is of type object, not a string'],
    ['an empty type', { ...sound, ontologyType: '' }, 'ontologyType', 'is empty'],
    ['an empty system', { ...sound, sourceSystem: '' }, 'sourceSystem', 'is empty'],
    ['"[" in a type', { ...sound, ontologyType: 'Wo[rk' }, 'ontologyType', 'holds "["'],
    ['"/" in a system', { ...sound, sourceSystem: 'a/b' }, 'sourceSystem', 'holds "/"'],
    ['256 letters', { ...sound, value: 'x'.repeat(256) }, 'value', 'has 256 characters'],
    ['256 emoji', { ...sound, value: astral.repeat(256) }, 'value', 'has 256 characters'],
    ['a lone high surrogate', { ...sound, value: 'x\uD83D' }, 'value', 'half of a surrogate pair'],
    ['a lone low surrogate', { ...sound, ontologyType: '\uDE00x' }, 'ontologyType', 'half of a'],
  ])('with %s is refused: which part, and why', (_, candidate, part, why) => {
    const check = () => checkSourceIdentifier(candidate);
    expect(check).toThrowError(expect.objectContaining({ code: 'INVALID_IDENTIFIER' }));
    expect(check).toThrowError(expect.objectContaining({ message: expect.stringContaining(why) }));
    expect(check).toThrowError(
      expect.objectContaining({ details: expect.objectContaining({ part }) })
    );
  });

  test.each([
    ['255 letters', 'x'.repeat(255)],
    ['255 emoji, which are 510 UTF-16 units', astral.repeat(255)],
    ['no character at all', ''],
    ['brackets, slashes and spaces', ' [a/b] '],
    ['a NUL', 'a\0b'],
  ])('may have a value with %s', (_, value) => {
    expect(checkSourceIdentifier({ ...sound, value })).toEqual({ ...sound, value });
  });

  test('loses every member that is no part of it', () => {
    expect(checkSourceIdentifier({ ...sound, more: 1 })).toEqual(sound);
  });

  test('with a character that the registry cannot store is refused by its code point', () => {
    const canStore = (candidate: string) => !candidate.includes('ħ');
    expect(() => checkSourceIdentifier({ ...sound, value: 'aħ' }, { canStore })).toThrowError(
      expect.objectContaining({ message: expect.stringContaining('U+0127') })
    );
    expect(checkSourceIdentifier(sound, { canStore })).toEqual(sound);
  });

  test('is called what the caller calls it, and a long value is cut in the message alone', () => {
    const value = 'x'.repeat(300);
    const check = () => checkSourceIdentifier({ ...sound, value }, { what: 'predecessor' });
    expect(check).toThrowError(/^The predecessor is invalid: value "x{99}… \(302 characters\)/);
    expect(check).toThrowError(
      expect.objectContaining({ details: expect.objectContaining({ value }) })
    );
  });
});

describe('a source identifier in a file', () => {
  const b1 = { ontologyType: 'Work', sourceSystem: 'sierra-system-number', value: 'b1' };

  test('is its text form or its three parts', () => {
    expect(readSourceIdentifier('Work[sierra-system-number/b1]')).toEqual(b1);
    expect(readSourceIdentifier(b1)).toEqual(b1);
  });

  test('is called what the caller calls it where it is none', () => {
    expect(() => readSourceIdentifier({ ...b1, value: 1 })).toThrowError(/^The source identifier/);
    expect(() => readSourceIdentifier({ ...b1, value: 1 }, 'predecessor')).toThrowError(
      /^The predecessor is invalid/
    );
  });
});

describe('concept folding', () => {
  const conceptTypes = new Set(DEFAULT_CONCEPT_TYPES);
  const of = (ontologyType: string) => ({ ontologyType, sourceSystem: 'lc-names', value: 'n1' });

  test('looks the seven types up as Concept by default', () => {
    expect(DEFAULT_CONCEPT_TYPES).toEqual([
      'Person',
      'Organisation',
      'Place',
      'Agent',
      'Meeting',
      'Genre',
      'Period',
    ]);
    for (const type of DEFAULT_CONCEPT_TYPES) {
      expect(foldConcept(of(type), conceptTypes)).toEqual(of('Concept'));
    }
  });

  test.each(['Concept', 'Subject', 'GenreConcept', 'Work', 'Image', 'Item', 'person', 'Persons'])(
    'leaves %s alone',
    type => {
      expect(foldConcept(of(type), conceptTypes)).toEqual(of(type));
    }
  );

  test('folds what the registry says, and nothing where it says none', () => {
    expect(foldConcept(of('Ship'), new Set(['Ship']))).toEqual(of('Concept'));
    expect(foldConcept(of('Person'), new Set(['Ship']))).toEqual(of('Person'));
    expect(foldConcept(of('Person'), new Set())).toEqual(of('Person'));
  });

  test('leaves its argument as it was', () => {
    const source = of('Person');
    foldConcept(source, conceptTypes);
    expect(source).toEqual(of('Person'));
  });
});

describe('the key of a source identifier', () => {
  test('is the same for the same three parts and for no others', () => {
    fc.assert(
      fc.property(identifier(awkward), identifier(awkward), (a, b) => {
        const isSame =
          a.ontologyType === b.ontologyType &&
          a.sourceSystem === b.sourceSystem &&
          a.value === b.value;
        expect(keyOf(a) === keyOf(b)).toBe(isSame);
        expect(keyOf({ ...a })).toBe(keyOf(a));
      }),
      { numRuns: 2_000 }
    );
  });

  test('cannot be forged by parts that hold what keys are joined with', () => {
    const separator = fc.constantFrom('', ':', '/', '[', '\0', ' ', ',', '1:1:');
    const words = fc.array(fc.constantFrom('a', 'b', '', '1'), { minLength: 4, maxLength: 6 });
    const cuts = fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 }));
    fc.assert(
      fc.property(separator, words, cuts, cuts, (joint, all, one, other) => {
        const cut = ([first, second]: [number, number]): SourceIdentifier => ({
          ontologyType: all.slice(0, first).join(joint),
          sourceSystem: all.slice(first, first + second).join(joint),
          value: all.slice(first + second).join(joint),
        });
        const [a, b] = [cut(one), cut(other)];
        expect(keyOf(a) === keyOf(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 2_000 }
    );
  });

  test('sorts by type, headings last, then system, then value', () => {
    const sorted = [
      { ontologyType: 'Image', sourceSystem: 'z', value: 'z' },
      { ontologyType: 'Work', sourceSystem: 'a', value: 'z' },
      { ontologyType: 'Work', sourceSystem: 'b', value: 'a' },
      { ontologyType: 'Work', sourceSystem: 'b', value: 'b' },
      { ontologyType: 'Concept', sourceSystem: 'a', value: 'a' },
      { ontologyType: 'Concept', sourceSystem: 'b', value: 'a' },
    ];
    expect([...sorted].reverse().sort(compareSources)).toEqual(sorted);
    fc.assert(
      fc.property(identifier(awkward), identifier(awkward), (a, b) => {
        expect(Math.sign(compareSources(a, b))).toBe(-Math.sign(compareSources(b, a)) + 0);
        expect(compareSources(a, b) === 0).toBe(keyOf(a) === keyOf(b));
      })
    );
  });
});

describe('near spellings', () => {
  const sierra = (value: string) => ({
    ontologyType: 'Work',
    sourceSystem: 'sierra-system-number',
    value,
  });

  test('hold what people write for it: other case, spaces at the ends', () => {
    expect(nearSpellings(sierra('B1000001'))).toContainEqual(sierra('b1000001'));
    expect(nearSpellings(sierra(' b1000001 '))).toContainEqual(sierra('b1000001'));
    expect(nearSpellings(sierra('Abc'))).toContainEqual(sierra('abc'));
    expect(
      nearSpellings({ ...sierra('b1'), ontologyType: 'work', sourceSystem: 'Sierra-System-Number' })
    ).toContainEqual(sierra('b1'));
  });

  test('are all there, and no others', () => {
    const values = (value: string) => nearSpellings(sierra(value)).map(near => near.value);
    // All small, all large, and with the other case of the first letter.
    expect(values('bXy')).toEqual(['bxy', 'BXY', 'BXy']);
    expect(values('BXy')).toEqual(['bxy', 'BXY', 'bXy']);
    expect(nearSpellings({ ontologyType: ' wORK ', sourceSystem: ' Miro ', value: '1' })).toEqual([
      { ontologyType: 'wORK', sourceSystem: 'miro', value: '1' },
      { ontologyType: 'Work', sourceSystem: 'miro', value: '1' },
    ]);
  });

  test('never hold the identifier itself, nor one twice', () => {
    const near = nearSpellings(sierra('b1'));
    expect(near).not.toContainEqual(sierra('b1'));
    expect(new Set(near.map(keyOf)).size).toBe(near.length);
  });
});
