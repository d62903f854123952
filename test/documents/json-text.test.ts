import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson, parsePlainJson } from '../../src/documents/json-text.ts';

const parse = (text: string | Uint8Array) => parseJson(Buffer.from(text), 'line 7');
const through = async (text: string) => JSON.stringify(await parse(text));

test('names in escapes are read as they are written, whatever names were met before', async () => {
  for (const name of ['\\\\', '\\n', '\\u0017', '\\"', '\\\\n']) {
    const text = `{"of these":1,"${name}":2}`;
    expect(await through(text)).toBe(text);
    expect(JSON.stringify(await parsePlainJson(Buffer.from(text), 'line 7'))).toBe(text);
  }
});

describe('numbers', () => {
  test.each([
    ...['0', '-1', '1.5', '0.1', '-0.25', '123456789012345', '9007199254740991', '1e+21', '5e-7'],
    ...['1.0', '1.50', '-0', '-0.0', '0.0', '1e3', '1E3', '1e-3', '1E+2', '0e0', '10.0e-1'],
    ...[
      '12345678901234567890',
      '9007199254740993',
      '-12345678901234567890',
      '1000000000000000000000',
    ],
    ...['1E400', '-1e400', '1e-400', '0.1000', '3.141592653589793238462643383279'],
  ])('%s comes out as it was written', async written => {
    for (const text of [
      `{"n":${written}}`,
      `[${written}]`,
      `[1,${written},${written}]`,
      `{"a":[[{"b":[0.5,${written}]}]],"c":${written}}`,
      `{"__proto__":{"n":${written}},"constructor":${written},"":${written}}`,
    ]) {
      expect(await through(text)).toBe(text);
    }
  });

  test('are found behind any white space', async () => {
    expect(await through('{ "a" :\t1.0 , "b":[\n  2.0 ,\r 3.0 ] }')).toBe(
      '{"a":1.0,"b":[2.0,3.0]}'
    );
  });

  test('are plain numbers where a double writes them the same', async () => {
    expect(await parse('{"a":1,"b":[1.5]}')).toStrictEqual({ a: 1, b: [1.5] });
    // A look-alike in a text has the others looked at, which are plain all the same.
    expect(await parse('{"a":1,"b":",1.0","c":[1.5]}')).toStrictEqual({
      a: 1,
      b: ',1.0',
      c: [1.5],
    });
  });

  test('in texts are texts', async () => {
    for (const text of [
      '"[1.0, -0"',
      '{"a:1.0":":1e3,-0","b":"\\",2.0"}',
      '[",12345678901234567890"]',
    ]) {
      expect(await through(text)).toBe(text);
      expect(await parse(text)).toStrictEqual(JSON.parse(text));
    }
  });

  test('any JSON means the same, and its numbers are written the same', async () => {
    const number = fc.oneof(
      fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/),
      fc.double({ noDefaultInfinity: true, noNaN: true }).map(value => JSON.stringify(value))
    );
    const { json } = fc.letrec<{ json: string }>(tie => ({
      json: fc.oneof(
        { maxDepth: 5 },
        number,
        fc.string({ unit: 'binary' }).map(text => JSON.stringify(text)),
        fc.constantFrom('true', 'null'),
        fc.array(tie('json')).map(items => `[${items}]`),
        fc
          .uniqueArray(fc.tuple(fc.constantFrom('a', '__proto__', ':1.0', ''), tie('json')), {
            selector: ([key]) => key,
          })
          .map(entries => `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${item}`)}}`)
      ),
    }));
    await fc.assert(
      fc.asyncProperty(json, async item => {
        const text = `{"in":${item}}`;
        expect(await through(text)).toBe(text);
      }),
      { numRuns: 500 }
    );
  });
});

describe('what is not JSON', () => {
  test.each<[text: string, column: number]>([
    ['', 1],
    ['   ', 4],
    ['{', 2],
    ['{"a":1', 7],
    ['{"a":1}}', 8],
    ['{"a":1} {"b":2}', 9],
    ['{"a":1,}', 8],
    ['[1,]', 4],
    ['[1 2]', 4],
    ['{"a" 1}', 6],
    ['{"a":tru}', 6],
    ['{a:1}', 2],
    ["{'a':1}", 2],
    ['{"a":"b}', 6],
    ['{"a":"tab\there"}', 6],
    ['{"a":"\\x"}', 6],
    ['{"a":01}', 7],
    ['{"a":1.}', 6],
    ['{"a":-}', 6],
    ['{"a":+1}', 6],
    ['{"a":NaN}', 6],
    ['{"a":/* no */1}', 6],
    ['{"a":1} // no', 9],
    ['{"ä€":x}', 7],
    ['\ufeff{}', 1],
    [`{"long":"${'x'.repeat(100)}","a":oops}`, 116],
  ])('%j is named with its column', async (text, column) => {
    await expect(parse(text)).rejects.toMatchObject({
      code: 'INVALID_JSON',
      message: expect.stringMatching(
        new RegExp(`^line 7, column ${column}: not JSON \\(\\w+\\)\\. `)
      ),
      details: { place: 'line 7', column },
    });
  });

  test('is always named with a column within it, or just behind', async () => {
    const spoil = fc.tuple(fc.json(), fc.nat(), fc.constantFrom(...'{}[]",:\\0 .e-\t\ufeff'));
    await fc.assert(
      fc.asyncProperty(spoil, async ([json, place, character]) => {
        const at = place % (json.length + 1);
        const text = json.slice(0, at) + character + json.slice(at + 1);
        const isJson = await parse(text).then(
          () => true,
          ({ code, details }) => {
            expect(code).toBe('INVALID_JSON');
            expect(details.column).toBeGreaterThanOrEqual(1);
            expect(details.column).toBeLessThanOrEqual(text.length + 1);
            return false;
          }
        );
        expect(isJson).toBe(isSound(text));
      }),
      { numRuns: 500 }
    );
  });

  test('is told of a text that is broken 50,000 levels deep', async () => {
    for (const text of ['['.repeat(50_000), '{"a":'.repeat(50_000), `${'['.repeat(50_000)}x`]) {
      await expect(parse(text)).rejects.toMatchObject({ code: 'INVALID_JSON' });
    }
    // The fault comes before the depth, so that it is found.
    await expect(parse(`[x,${'['.repeat(50_000)}`)).rejects.toMatchObject({
      details: { column: 2 },
    });
  });

  test.each<[why: string, bytes: number[], column: number]>([
    ['Latin-1', [0x22, 0x61, 0xe4, 0x22], 3],
    ['half of a character', [0x22, 0xe2, 0x82], 2],
    ['a surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22], 2],
    ['more bytes than a character needs', [0x22, 0xc0, 0xaf, 0x22], 2],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00], 1],
  ])('is told of %s, with the column', async (_why, bytes, column) => {
    await expect(parse(Uint8Array.from(bytes))).rejects.toMatchObject({
      code: 'INVALID_JSON',
      message: expect.stringContaining(`line 7, column ${column}: not UTF-8`),
    });
  });
});

describe('deep nesting', () => {
  const nested = (levels: number, core: string) =>
    '[['.repeat(levels / 2) + core + ']]'.repeat(levels / 2);

  test('is read at any depth where the numbers are plain', async () => {
    let value = await parse(nested(50_000, '1'));
    for (let level = 0; level < 50_000; level += 1) value = (value as unknown[])[0];
    expect(value).toBe(1);
  });

  test('is refused where other numbers stand so deep that they could not be kept', async () => {
    expect(await through(nested(2_000, '1.0'))).toBe(nested(2_000, '1.0'));
    await expect(parse(nested(2_002, '1.0'))).rejects.toMatchObject({ code: 'TOO_DEEP' });
    await expect(parse(nested(50_000, '1.0'))).rejects.toMatchObject({ code: 'TOO_DEEP' });
  });
});

function isSound(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
