import fc from 'fast-check';
import { parseTree } from 'jsonc-parser';
import { describe, expect, test } from 'vitest';
import { hasNameInEscapes, readAsWritten } from '../../src/domain/json-tree.ts';

describe('names in escapes', () => {
  // Met before, the first of each has an engine take the second for it.
  const pairs: [met: string, written: string, name: string][] = [
    ['{"a":1,"\\\\":2}', '{"a":1,"\\n":2}', '\n'],
    ['{"b":1,"\\\\":2}', '{"b":1,"\\u0017":2}', '\u0017'],
    ['{"c":1,"\\\\\\\\ab":2}', '{"c":1,"\\\\abc":2}', '\\abc'],
    ['{"d":1,"sourceIdentifie\\\\":2}', '{"d":1,"sourceIdentifie\\u0072":2}', 'sourceIdentifier'],
  ];

  test.each(pairs)(
    'are read as they are written, when %s was read before',
    (met, written, name) => {
      for (let times = 0; times < 3; times += 1) {
        JSON.parse(met);
        expect(Object.keys(readAsWritten(met) as object)).not.toContain(name);
        expect(Object.keys(readAsWritten(written) as object)).toContain(name);
      }
    }
  );

  test.each([
    ['{"\\n":1}', true],
    ['{"a":{"b":[1,{"c\\"":1}]}}', true],
    ['{"a" : 1, "\\u0061"\n\t:2}', true],
    ['["\\\\",{"\\\\" :1}]', true],
    ['{}', false],
    ['"\\""', false],
    ['{"a":"\\":","b":"\\\\","c":["\\n","\\""]}', false],
    ['{"a":"b\\\\","c":1}', false],
  ])('%j: %s', (text, expected) => {
    JSON.parse(text);
    expect(hasNameInEscapes(text)).toBe(expected);
  });

  test('are found wherever another parser finds them', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary', maxDepth: 4 }), text => {
        const names: string[] = [];
        const collect = (node = parseTree(text)) => {
          if (node?.type === 'property') {
            const key = node.children?.[0];
            if (key) names.push(text.slice(key.offset, key.offset + key.length));
          }
          for (const child of node?.children ?? []) collect(child);
        };
        collect();
        expect(hasNameInEscapes(text)).toBe(names.some(name => name.includes('\\')));
      }),
      { numRuns: 2_000 }
    );
  });
});

describe('any JSON', () => {
  test.each([
    ...['0', '-0', '1.0', '12345678901234567890', '1E400', '"a\\"b"', 'true', 'false', 'null'],
    ...['[]', '{}', '[[],{}]', '{"":{}}', '{"__proto__":{"a":1}}', '{"b":1,"a":2}'],
  ])('%s is written as it was', text => {
    expect(JSON.stringify(readAsWritten(text))).toBe(text);
    expect(JSON.stringify(readAsWritten(` \n[ ${text}\t, {"a" :${text} }\r] `))).toBe(
      `[${text},{"a":${text}}]`
    );
  });

  test('is read as JSON.parse reads it, where no name is in escapes', () => {
    const name = fc.string().filter(text => !JSON.stringify(text).includes('\\'));
    const { value } = fc.letrec<{ value: unknown }>(tie => ({
      value: fc.oneof(
        { maxDepth: 4 },
        ...[fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.constant(null)],
        fc.array(tie('value')),
        fc.dictionary(fc.oneof(name, fc.constantFrom('1', '__proto__', 'a')), tie('value'))
      ),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1, '\t'), (any, space) => {
        const text = JSON.stringify(any, undefined, space);
        const read = readAsWritten(text);
        expect(read).toStrictEqual(JSON.parse(text));
        expect(JSON.stringify(read)).toBe(JSON.stringify(JSON.parse(text)));
      }),
      { numRuns: 2_000 }
    );
  });

  test('of names given twice keeps the last value in the first place', () => {
    expect(JSON.stringify(readAsWritten('{"a":1,"b":2,"\\u0061":3,"1":4}'))).toBe(
      '{"1":4,"a":3,"b":2}'
    );
  });

  test('is read to 2,000 levels', () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(JSON.stringify(readAsWritten(nested(2_000)))).toBe(nested(2_000));
    expect(() => readAsWritten(nested(2_001))).toThrow(
      expect.objectContaining({ code: 'TOO_DEEP' })
    );
    expect(() => readAsWritten(`${'{"a":'.repeat(60_000)}1${'}'.repeat(60_000)}`)).toThrow(
      expect.objectContaining({ code: 'TOO_DEEP' })
    );
  });
});
