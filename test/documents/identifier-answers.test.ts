import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { readCsvRecords } from '../../src/documents/csv-records.ts';
import { openForWriting } from '../../src/documents/files.ts';
import { writeAnswers } from '../../src/documents/identifier-answers.ts';
import type { RowFormat } from '../../src/documents/identifier-rows.ts';
import type { AnsweredRow } from '../../src/domain/documents.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import type { Answer } from '../../src/domain/registry.ts';
import { allOf, bytesOf } from '../support/byte-streams.ts';
import { id, sierra } from '../support/identifiers.ts';

async function answersAs(format: RowFormat, batches: readonly (readonly AnsweredRow[])[]) {
  const out = new PassThrough();
  const target = writeAnswers(await openForWriting('-', out), format);
  for (const batch of batches) await target.write(batch);
  await target.complete();
  out.end();
  return await text(out);
}

const minted: Answer = { canonicalId: id('a2345678'), outcome: 'minted' };
const refused: Answer = { error: new IdMinterError('INVALID_ROW', 'Two fields,\nthree "titles".') };
const warned: Answer = {
  canonicalId: id('b2345678'),
  outcome: 'existing',
  warning: { code: 'INHERITANCE_CONFLICT', message: 'Kept.', details: { other: 'c2345678' } },
};

describe('answers as NDJSON', () => {
  test('are one line a row: the source in its text form, and what became of it', async () => {
    const rows = [
      { row: { place: 'line 1', source: sierra('b1') }, answer: minted },
      { row: { place: 'line 2', source: 'Work[a/b]' }, answer: warned },
      { row: { place: 'line 3', source: null }, answer: refused },
    ];
    expect(await answersAs({ kind: 'ndjson' }, [rows.slice(0, 1), [], rows.slice(1)])).toBe(
      '{"source":"Work[sierra-system-number/b1]","canonicalId":"a2345678","outcome":"minted"}\n' +
        '{"source":"Work[a/b]","canonicalId":"b2345678","outcome":"existing",' +
        '"warning":{"code":"INHERITANCE_CONFLICT","message":"Kept.","other":"c2345678"}}\n' +
        '{"source":null,"error":{"code":"INVALID_ROW","message":"Two fields,\\nthree \\"titles\\"."}}\n'
    );
  });

  test('show a source that is none as it was given', async () => {
    for (const source of [
      7,
      'half',
      { ontologyType: 'Work' },
      { ...sierra('b1'), value: 1 },
      [1],
    ]) {
      const line = await answersAs({ kind: 'ndjson' }, [
        [{ row: { place: 'x', source }, answer: refused }],
      ]);
      expect(JSON.parse(line).source).toEqual(source);
    }
  });

  test('of no rows are nothing', async () => {
    expect(await answersAs({ kind: 'ndjson' }, [])).toBe('');
  });
});

describe('answers as CSV', () => {
  const format = (header: string[], delimiter: ',' | '\t' = ','): RowFormat => ({
    ...{ kind: 'csv', delimiter, header },
  });
  const row = (...fields: string[]) => ({ place: 'line 2', source: null, fields });

  test('keep the columns and have four more, with codes in the last two', async () => {
    expect(
      await answersAs(format(['Title', 'SourceId']), [
        [{ row: row('Ä, "b"', '1'), answer: minted }],
        [
          { row: row('', '2'), answer: warned },
          { row: row('', '3'), answer: refused },
        ],
      ])
    ).toBe(
      'Title,SourceId,CanonicalId,Outcome,Warning,Error\n' +
        '"Ä, ""b""",1,a2345678,minted,,\n' +
        ',2,b2345678,existing,INHERITANCE_CONFLICT,\n' +
        ',3,,,,INVALID_ROW\n'
    );
  });

  test('stand in the place of columns of these names', async () => {
    expect(
      await answersAs(format(['Error', 'SourceId', 'CanonicalId', 'Outcome', 'Warning', 'Note']), [
        [{ row: row('POOL_EXHAUSTED', '1', '', 'x', 'y', 'z'), answer: minted }],
      ])
    ).toBe('SourceId,Note,CanonicalId,Outcome,Warning,Error\n1,z,a2345678,minted,,\n');
  });

  test('are parted by tabs where the rows were', async () => {
    expect(
      await answersAs(format(['a', 'b'], '\t'), [[{ row: row('x,y', 'p\tq'), answer: minted }]])
    ).toBe('a\tb\tCanonicalId\tOutcome\tWarning\tError\nx,y\t"p\tq"\ta2345678\tminted\t\t\n');
  });

  test('have as many fields as their header, though the row had fewer or more', async () => {
    expect(
      await answersAs(format(['a', 'b']), [
        [
          { row: row('1'), answer: refused },
          { row: row('1', '2', '3'), answer: refused },
          { row: row(), answer: refused },
        ],
      ])
    ).toBe(
      'a,b,CanonicalId,Outcome,Warning,Error\n1,,,,,INVALID_ROW\n1,2,,,,INVALID_ROW\n,,,,,INVALID_ROW\n'
    );
  });

  test('of no rows are the header', async () => {
    expect(await answersAs(format(['a']), [])).toBe('a,CanonicalId,Outcome,Warning,Error\n');
    expect(await answersAs(format(['a']), [[]])).toBe('a,CanonicalId,Outcome,Warning,Error\n');
  });

  test('hold whatever a field can hold', async () => {
    const fields = ['a\rb', '\n', '\r\n', '"', ' x ', '\u2028', '', ','];
    const header = fields.map((_, index) => `h${index}`);
    const csv = await answersAs(format(header), [[{ row: row(...fields), answer: minted }]]);
    const [, answered] = await allOf(readCsvRecords(bytesOf(csv).chunks, ','));
    expect(answered).toEqual({ line: 2, fields: [...fields, 'a2345678', 'minted', '', ''] });
  });
});
