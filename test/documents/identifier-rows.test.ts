import { describe, expect, test } from 'vitest';
import type { Wanted } from '../../src/documents/identifier-rows.ts';
import { openIdentifierFile } from '../../src/documents/identifier-rows.ts';
import { LINE_BYTES_MAX } from '../../src/documents/lines.ts';
import type { MappingRow } from '../../src/domain/documents.ts';
import { allOf, bytesOf, chunksOf } from '../support/byte-streams.ts';
import { sierra } from '../support/identifiers.ts';

const open = (content: string | Uint8Array, wanted: Wanted = {}, piece?: number) =>
  openIdentifierFile(bytesOf(content, piece), wanted);

async function rowsIn(content: string | Uint8Array, wanted: Wanted = {}, piece?: number) {
  return await allOf((await open(content, wanted, piece)).rows());
}

/** What tells the rows apart in most tests. */
const brief = (rows: readonly MappingRow[]) =>
  rows.map(({ place, source, error }) => [place, error ? error.code : source]);

const HEADER = 'OntologyType,SourceSystem,SourceId';
const b1 = sierra('b1');

describe('the form of a file', () => {
  test.each<[why: string, content: string, format: object]>([
    ['NDJSON', '{"source":"Work[a/b]"}\n', { kind: 'ndjson' }],
    [
      'NDJSON behind a byte-order mark and blank lines',
      '\ufeff\r\n\n  {"source":1}',
      { kind: 'ndjson' },
    ],
    ['nothing', '', { kind: 'ndjson' }],
    ['nothing but blanks', '\n \n', { kind: 'ndjson' }],
    ['CSV', `${HEADER}\n`, { kind: 'csv', delimiter: ',', header: HEADER.split(',') }],
    [
      'CSV behind a byte-order mark and blank lines',
      `\ufeff\r\n${HEADER}\r\n`,
      { kind: 'csv', delimiter: ',', header: HEADER.split(',') },
    ],
    [
      'CSV in quotes, without an end of its line',
      '"SourceId","OntologyType","SourceSystem","and, more"',
      {
        kind: 'csv',
        delimiter: ',',
        header: ['SourceId', 'OntologyType', 'SourceSystem', 'and, more'],
      },
    ],
    [
      'a file of tabs',
      `${HEADER.replaceAll(',', '\t')}\nWork\ta\tb,c\n`,
      { kind: 'csv', delimiter: '\t', header: HEADER.split(',') },
    ],
    [
      'CSV that holds tabs',
      `${HEADER},a\tb\n`,
      { kind: 'csv', delimiter: ',', header: [...HEADER.split(','), 'a\tb'] },
    ],
  ])('%s is told by what stands in it, in chunks of any size', async (_why, content, format) => {
    for (const piece of [1, 2, 3, 7, 1_000]) {
      expect((await open(content, {}, piece)).format).toEqual(format);
    }
  });

  test('is told by the first piece of a long line', async () => {
    let taken = 0;
    async function* chunks() {
      for (const piece of ['\n {"source":"Work[a/b]","more":"', ...Array(100).fill('x'), '"}']) {
        taken += 1;
        yield Buffer.from(piece);
      }
    }
    const source = { ...bytesOf(''), chunks: chunks() };
    const file = await openIdentifierFile(source);
    expect(taken).toBe(1);
    expect(brief(await allOf(file.rows()))).toEqual([['line 2', 'Work[a/b]']]);
  });

  // Within the time that a test has: looked at anew for every piece, it would take minutes.
  test('cannot be told of a first line without end, which is given up soon', async () => {
    const endless = Buffer.alloc(LINE_BYTES_MAX + 1, 'x');
    await expect(open(endless, {}, 2_000)).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
  });
});

describe('rows of NDJSON', () => {
  test('hold the text form or the three parts, with a predecessor or without', async () => {
    const rows = await rowsIn(
      [
        '{"source":"Work[a/b]","predecessor":"Work[a/c]"}',
        `{"source":${JSON.stringify(b1)},"predecessor":null,"more":1}`,
        '',
        '{"source":{"ontologyType":"Work"},"canonicalId":"a2345678"}',
      ].join('\r\n')
    );
    expect(rows).toEqual([
      { place: 'line 1', source: 'Work[a/b]', predecessor: 'Work[a/c]' },
      { place: 'line 2', source: b1, predecessor: null },
      { place: 'line 4', source: { ontologyType: 'Work' }, canonicalId: 'a2345678' },
    ]);
  });

  test('that cannot be read are named, and the next one follows', async () => {
    const deep = `${'['.repeat(1_001)}${']'.repeat(1_001)}`;
    const rows = await rowsIn(
      `{"source":"Work[a/b]"}\n{"source":\n{"source":${deep}}\n[1]\nnull\n{"canonicalId":"x"}\n`
    );
    expect(brief(rows)).toEqual([
      ['line 1', 'Work[a/b]'],
      ['line 2', 'INVALID_JSON'],
      ['line 3', 'TOO_DEEP'],
      ['line 4', undefined],
      ['line 5', null],
      ['line 6', undefined],
    ]);
  });

  test('that are too long are passed over', async () => {
    const rows = await rowsIn(
      `{"source":1}\n{"source":"${'x'.repeat(40_000_000)}"}\n{"source":3}\n`
    );
    expect(brief(rows)).toEqual([
      ['line 1', 1],
      ['line 2', 'LINE_TOO_LONG'],
      ['line 3', 3],
    ]);
  });
});

describe('rows of CSV', () => {
  test('have their columns in any order, beside others, and keep all fields', async () => {
    const rows = await rowsIn(
      'Title,SourceId,OntologyType,CanonicalId,SourceSystem\n"Ä, b",b1,Work,a2345678,sierra-system-number\n'
    );
    expect(rows).toEqual([
      {
        place: 'line 2',
        source: b1,
        predecessor: undefined,
        canonicalId: 'a2345678',
        fields: ['Ä, b', 'b1', 'Work', 'a2345678', 'sierra-system-number'],
      },
    ]);
  });

  test('name a predecessor where any of its fields holds something', async () => {
    const rows = await rowsIn(
      `${HEADER},PredecessorOntologyType,PredecessorSourceSystem,PredecessorSourceId\n` +
        'Work,a,1,Work,b,2\nWork,a,1,,,\nWork,a,1,Work,,\n'
    );
    expect(rows.map(({ predecessor }) => predecessor)).toEqual([
      { ontologyType: 'Work', sourceSystem: 'b', value: '2' },
      undefined,
      { ontologyType: 'Work', sourceSystem: '', value: '' },
    ]);
  });

  test('may have an empty value', async () => {
    expect((await rowsIn(`${HEADER}\nConcept,label-derived,\n`))[0]?.source).toEqual({
      ...{ ontologyType: 'Concept', sourceSystem: 'label-derived', value: '' },
    });
  });

  test('of someone else’s making have one type and system, and a column of values', async () => {
    const own = { type: 'Object', system: 'tms', valueColumn: 'ObjectID' };
    const rows = await rowsIn('Title,ObjectID\nA,1\nB,"2\n3"\n', { own });
    expect(rows.map(({ source, fields }) => [source, fields])).toEqual([
      [{ ontologyType: 'Object', sourceSystem: 'tms', value: '1' }, ['A', '1']],
      [{ ontologyType: 'Object', sourceSystem: 'tms', value: '2\n3' }, ['B', '2\n3']],
    ]);
  });

  test('of another width than the header fail by themselves, and say both', async () => {
    const rows = await rowsIn(`${HEADER}\nWork,a\nWork,a,1\nWork,a,1,more\n`);
    expect(brief(rows)).toEqual([
      ['line 2', 'INVALID_ROW'],
      ['line 3', { ontologyType: 'Work', sourceSystem: 'a', value: '1' }],
      ['line 4', 'INVALID_ROW'],
    ]);
    expect(rows[0]?.error?.message).toBe(
      'line 2 was passed over: it has 2 fields, the header 3. Correct the line.'
    );
    expect(rows[2]?.error?.message).toContain('it has 4 fields, the header 3');
  });

  test('with wrong quotes or bytes fail by themselves, and keep what was read', async () => {
    const rows = await rowsIn(
      Buffer.concat([
        Buffer.from(`${HEADER}\nWork,a,5" disk\nWork,a,`),
        Buffer.from([0xe4]),
        Buffer.from('\nWork,a,3\nWork,a,"4\n'),
      ])
    );
    expect(brief(rows)).toEqual([
      ['line 2', 'INVALID_ROW'],
      ['line 3', 'INVALID_ROW'],
      ['line 4', { ontologyType: 'Work', sourceSystem: 'a', value: '3' }],
      ['line 5', 'INVALID_ROW'],
    ]);
    expect(rows.map(({ fields }) => fields?.length)).toEqual([3, 3, 3, 0]);
    expect(rows[1]?.error?.message).toContain('it is not UTF-8');
  });

  test('may be none', async () => {
    expect(await rowsIn(HEADER)).toEqual([]);
  });
});

describe('a file of identifiers that cannot be used', () => {
  test.each<[why: string, content: string | Uint8Array, wanted: Wanted, told: string]>([
    [
      'without its columns',
      'OntologyType,Value\n',
      {},
      'has no column SourceSystem, SourceId; it has OntologyType, Value.',
    ],
    [
      'without canonical IDs',
      `${HEADER}\n`,
      { withCanonicalId: true },
      'has no column CanonicalId',
    ],
    [
      'without the column that was named',
      `${HEADER}\n`,
      { own: { type: 'Object', system: 'tms', valueColumn: 'ObjectID' } },
      'has no column ObjectID',
    ],
    ['with a column twice', `${HEADER},SourceId\n`, {}, 'has the column SourceId more than once'],
    [
      'with a predecessor’s column twice',
      `${HEADER},PredecessorSourceId,PredecessorSourceId\n`,
      {},
      'has the column PredecessorSourceId more than once',
    ],
    ['with a header that is not closed', '"OntologyType,Sou\n', {}, 'has no header line'],
    [
      'with a header that is not UTF-8',
      Uint8Array.of(0xe4, 0x2c, 0x61, 0x0a),
      {},
      'has no header line',
    ],
    ['that is UTF-16', Buffer.from(`\ufeff${HEADER}\n`, 'utf16le'), {}, 'has no header line'],
  ])('%s is named with what to do, and closed', async (_why, content, wanted, told) => {
    const bytes = bytesOf(Buffer.concat([Buffer.from(content), Buffer.alloc(10_000, '\n')]), 50);
    await expect(openIdentifierFile(bytes, wanted)).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringMatching(new RegExp(`^test\\.file ${told}.* Nothing was minted\\. `)),
    });
    expect(bytes.isOver).toBe(true);
  });

  test('may have columns twice that nobody needs', async () => {
    expect(brief(await rowsIn(`${HEADER},Note,Note\nWork,sierra-system-number,b1,x,y\n`))).toEqual([
      ['line 2', b1],
    ]);
  });

  test.each(['{"source":1}\n', `${HEADER}\nWork,a,1\nWork,a,2\n`])(
    'that fails in mid-run says so: %j',
    async start => {
      const fault = new Error('the pipe burst');
      const source = { ...bytesOf(''), chunks: chunksOf([start], fault) };
      const rows = (await openIdentifierFile(source)).rows()[Symbol.asyncIterator]();
      expect((await rows.next()).value).toHaveProperty('place');
      await expect(rows.next()).rejects.toBe(fault);
    }
  );

  test.each(['{"source":1}\n\n{\n', `${HEADER}\n1,2,3\n\n4,5\n`])(
    'counts the rows that it gave, the unreadable ones too: %j',
    async content => {
      const file = await openIdentifierFile({ ...bytesOf(content), share: () => 0.25 });
      const counts: unknown[] = [file.reading()];
      for await (const _row of file.rows()) counts.push(file.reading());
      expect(counts).toEqual([0, 1, 2].map(items => ({ items, share: 0.25 })));
    }
  );

  test.each(['{"source":1}\n', `${HEADER}\n1,2,3\n`])(
    'can be left early or unread: %j',
    async start => {
      const [left, unread] = [bytesOf(start.repeat(1_000), 50), bytesOf(start.repeat(1_000), 50)];
      const file = await openIdentifierFile(left);
      for await (const _row of file.rows()) break;
      await expect.poll(() => left.isOver).toBe(true);

      (await openIdentifierFile(unread)).close();
      expect(unread.isOver).toBe(true);
    }
  );
});
