import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCsvRecords } from '../../src/documents/csv-records.ts';
import { LINE_BYTES_MAX } from '../../src/documents/lines.ts';
import { allOf, bytesOf, chunksOf } from '../support/byte-streams.ts';

/** Each record as `line: field|field`, or `line! fault`. */
async function recordsIn(
  content: string | Uint8Array,
  { delimiter = ',', piece = 65_536 }: { delimiter?: ',' | '\t'; piece?: number } = {}
): Promise<string[]> {
  const records = await allOf(readCsvRecords(bytesOf(content, piece).chunks, delimiter));
  return records.map(({ line, fields, fault }) =>
    fault === undefined ? `${line}: ${fields.join('|')}` : `${line}! ${fault}`
  );
}

const WRONG_QUOTES = 'its quotes are wrong: put the field in quotes, and double those in it';

describe('CSV records', () => {
  test.each<[why: string, text: string, records: string[]]>([
    ['an empty file', '', []],
    ['no end of the last line', 'a,b\n1,2', ['1: a|b', '2: 1|2']],
    ['CR LF', 'a,b\r\n1,2\r\n', ['1: a|b', '2: 1|2']],
    ['CR', 'a,b\r1,2\r', ['1: a|b', '2: 1|2']],
    ['line ends of all kinds', 'a,b\n1,2\r\n3,4\r5,6\n', ['1: a|b', '2: 1|2', '3: 3|4', '4: 5|6']],
    ['blank lines, which count', '\n\na,b\n\n\n1,2\n\n', ['3: a|b', '6: 1|2']],
    ['blank lines of CR LF', '\r\na,b\r\n\r\n\r\n1,2\r\n', ['2: a|b', '5: 1|2']],
    ['empty fields', ',\n"",""\n', ['1: |', '2: |']],
    ['quotes', '"a,b","say ""x"""\n', ['1: a,b|say "x"']],
    ['a field of quotes', '""""\n""""""\n', ['1: "', '2: ""']],
    ['line ends in fields', 'a,"x\n\ny"\n1,2\n', ['1: a|x\n\ny', '4: 1|2']],
    ['CR LF in fields', 'a,"x\r\n\r\ny"\r\n1,2\r\n', ['1: a|x\r\n\r\ny', '4: 1|2']],
    ['spaces, which belong to the field', ' a , b\n', ['1:  a | b']],
    ['lines of other widths', 'a,b\n1\n1,2,3\n', ['1: a|b', '2: 1', '3: 1|2|3']],
    ['letters beyond ASCII', 'ä,🗺\n', ['1: ä|🗺']],
  ])('%s', async (_why, text, records) => {
    expect(await recordsIn(text)).toEqual(records);
    expect(await recordsIn(text, { piece: 1 })).toEqual(records);
  });

  test('tabs part fields where they are said to', async () => {
    expect(await recordsIn('a,b\t"c\td"\n', { delimiter: '\t' })).toEqual(['1: a,b|c\td']);
  });

  test.each<[why: string, line: string]>([
    ['a quote within a field', '5" disk,x'],
    ['a field that goes on behind its quotes', '"5"disk,x'],
    ['a quote before the end', '"5" disk",x'],
    ['quotes that are not doubled', '"the "best" of",x'],
    ['a field that begins before its quotes', 'x, "5"'],
  ])('%s fails by itself, and the next record is read', async (_why, line) => {
    expect(await recordsIn(`a,b\r\n${line}\r\n"1\r\n",2\r\n3,4\r\n`)).toEqual([
      ...['1: a|b', `2! ${WRONG_QUOTES}`, '3: 1\r\n|2', '5: 3|4'],
    ]);
  });

  test('a quote that is never closed takes the rest of the file along, and says so', async () => {
    expect(await recordsIn('a,b\n1,2\n"3,4\n5,6\n')).toEqual([
      '1: a|b',
      '2: 1|2',
      '3! it opens a quote that is never closed, so that nothing after it could be read',
    ]);
  });

  test('a record that is too long takes the rest of the file along, and says so', async () => {
    const text = `a,b\n1,2\n"${'x'.repeat(LINE_BYTES_MAX + 10)}",1\n3,4\n`;
    // In one piece, so that the sound records come along with the fault.
    const records = await recordsIn(text, { piece: text.length });
    expect(records).toEqual([
      '1: a|b',
      '2: 1|2',
      `3! it has over ${LINE_BYTES_MAX} bytes, so that nothing after it could be read`,
    ]);
  });

  test('one that is not UTF-8 fails by itself', async () => {
    const latin1 = Buffer.from('a,b\nä,1\nb,2\n', 'latin1');
    expect(await recordsIn(latin1)).toEqual(['1: a|b', '2! it is not UTF-8', '3: b|2']);
  });

  test('reads what csv-stringify writes, at any border between chunks', async () => {
    const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', 'ä', '🗺', ' ') });
    const rows = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 9 }), async (written, piece) => {
        const chunks = bytesOf(stringify(written), piece).chunks;
        const records = await allOf(readCsvRecords(chunks, ','));
        expect(records.map(({ fields }) => fields)).toEqual(written);
        let line = 1;
        for (const [index, record] of records.entries()) {
          expect(record).not.toHaveProperty('fault');
          expect(record.line).toBe(line);
          line += 1 + (written[index]?.join('').match(/\n/g)?.length ?? 0);
        }
      })
    );
  });

  test('passes the fault of its source on', async () => {
    const fault = new Error('the pipe burst');
    const records = readCsvRecords(chunksOf(['a,b\n1,2\n', '3,'], fault), ',');
    await expect(allOf(records)).rejects.toBe(fault);
  });

  test('closes what it reads from when it is left early', async () => {
    const bytes = bytesOf('a,b\n1,2\n'.repeat(100_000), 100);
    for await (const { line } of readCsvRecords(bytes.chunks, ',')) if (line === 2) break;
    await expect.poll(() => bytes.isOver).toBe(true);
  });

  test('reads no more ahead than a little', async () => {
    let taken = 0;
    async function* chunks(): AsyncGenerator<Buffer> {
      for (;;) {
        taken += 1;
        yield Buffer.from('1,2\n'.repeat(1_000));
      }
    }
    for await (const { line } of readCsvRecords(chunks(), ',')) if (line === 5_000) break;
    expect(taken).toBeLessThan(50);
  });
});
