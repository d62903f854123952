import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LINE_BYTES_MAX, readLines } from '../../src/documents/lines.ts';
import { allOf, chunksOf } from '../support/byte-streams.ts';

/** Each line as `number text`, or `number too long`. */
async function linesOf(pieces: Iterable<string | Uint8Array>, longest?: number): Promise<string[]> {
  const options = longest === undefined ? {} : { longest };
  const lines = await allOf(readLines(chunksOf(pieces), options));
  return lines.map(({ number, bytes }) => `${number} ${bytes?.toString('utf8') ?? 'too long'}`);
}

describe('reading lines', () => {
  test.each<[why: string, text: string, lines: string[]]>([
    ['an empty file', '', []],
    ['one line', 'a\n', ['1 a']],
    ['no end of the last line', 'a\nb', ['1 a', '2 b']],
    ['empty lines, which keep their numbers', '\n\na\n\n', ['1 ', '2 ', '3 a', '4 ']],
    ['CR LF', 'a\r\nb\r\n', ['1 a', '2 b']],
    ['CR LF and LF mixed', 'a\r\nb\nc\r\n', ['1 a', '2 b', '3 c']],
    ['a CR that ends the file', 'a\nb\r', ['1 a', '2 b']],
    ['CR within a line', 'a\rb\r\n', ['1 a\rb']],
    ['a byte-order mark', '\ufeffa\nb\n', ['1 a', '2 b']],
    ['a byte-order mark and nothing else', '\ufeff', ['1 ']],
    ['a byte-order mark before CR LF', '\ufeff\r\na', ['1 ', '2 a']],
    ['a byte-order mark elsewhere, which is none', 'a\n\ufeffb', ['1 a', '2 \ufeffb']],
    [
      'separators of other kinds',
      'a\u2028b\u2029c\u0085d\ve\ff\n',
      ['1 a\u2028b\u2029c\u0085d\ve\ff'],
    ],
  ])('%s', async (_why, text, lines) => {
    expect(await linesOf([text])).toEqual(lines);
  });

  test('gives the same lines wherever the bytes are cut, also within a character', async () => {
    const bytes = Buffer.from('\ufeffä€\r\n\n🗺 "x\u2028y"\r\nlast ħ');
    const whole = ['1 ä€', '2 ', '3 🗺 "x\u2028y"', '4 last ħ'];
    expect(await linesOf([bytes])).toEqual(whole);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(await linesOf([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
    }
    expect(await linesOf(Array.from(bytes, byte => Uint8Array.of(byte)))).toEqual(whole);
  });

  test('agrees with splitting the whole text', async () => {
    const character = fc.constantFrom('a', '\n', '\r', '\r\n', '€', ' ');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(character).map(texts => texts.join(''))), async pieces => {
        const text = pieces.join('');
        const lines = text.split('\n');
        if (lines.at(-1) === '') lines.pop();
        expect(await linesOf(pieces)).toEqual(
          lines.map((line, index) => `${index + 1} ${line.replace(/\r$/, '')}`)
        );
      })
    );
  });

  test('passes a line over that is too long, and counts it', async () => {
    expect(await linesOf(['123', '45\n12', '34\n', '123456\n', '1\n', '12345'], 4)).toEqual([
      ...['1 too long', '2 1234', '3 too long', '4 1', '5 too long'],
    ]);
  });

  test('does not hold a line that is too long', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const piece = Buffer.alloc(1024 * 1024, 'x');
    const most = { bytes: 0 };
    async function* chunks(): AsyncGenerator<Buffer> {
      for (let count = 0; count < 200; count += 1) {
        yield Buffer.from(piece);
        if (count % 20 > 0) continue;
        // What is held, not what nobody has collected yet.
        collectGarbage();
        most.bytes = Math.max(most.bytes, process.memoryUsage().arrayBuffers);
      }
      yield Buffer.from('\nnext');
    }
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    const lines = await allOf(readLines(chunks()));
    expect(lines.map(({ bytes }) => bytes?.toString())).toEqual([undefined, 'next']);
    expect(most.bytes - before).toBeLessThan(3 * LINE_BYTES_MAX);
  });

  test('closes what it reads from when it is left early', async () => {
    let isClosed = false;
    async function* chunks(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield Buffer.from('a\nb\n');
      } finally {
        isClosed = true;
      }
    }
    for await (const { number } of readLines(chunks())) if (number === 3) break;
    expect(isClosed).toBe(true);
  });
});
