import { readFile } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openDesk } from '../support/command-line.ts';
import { folio, heading, sierra } from '../support/identifiers.ts';
import { openDeskOn, REGISTRY_KINDS, SERVER_REGISTRIES } from './desk-on-registry.ts';
import type { Minted } from './works.ts';
import { fromLines, toLines, workOf } from './works.ts';

const CANONICAL_ID = expect.stringMatching(/^[a-hjkmnp-z][a-hjkmnp-z2-9]{7}$/);

interface Report {
  job_id: string;
  works: object;
  identifiers: object;
  warnings: object;
  window: null;
  pipeline_date: string | null;
  dry_run: boolean;
  successful_ids: string[];
  errors: { row_id: string; stage: string; code: string; detail: string }[];
  outcomes: { source: string; canonicalId?: string; outcome?: string; error?: { code: string } }[];
}

const valuesOf = (works: readonly Minted[]) => works.map(work => work.state.sourceIdentifier.value);

describe('mint from a file to a file', () => {
  test('gives every work its ID in the order of the file, and says what it did', async () => {
    await using desk = await openDesk();
    const works = ['b3', 'b1', 'b2'].map(value =>
      workOf(sierra(value), { subjects: [heading('Person', 'n1'), heading('Organisation', 'n2')] })
    );
    await desk.write('works.ndjson', toLines(works));

    const { status, stdout, stderr } = await desk.run([
      ...['mint', 'works.ndjson', '--target', 'minted.ndjson'],
    ]);

    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toContain('Registry: sqlite:./id-minter.sqlite\n');
    expect(stderr).toContain('Works: 3 succeeded, 0 failed.\n');
    expect(stderr).toContain('Identifiers: 4 existing, 0 inherited, 5 minted.\n');
    const minted = fromLines<Minted>(await desk.read('minted.ndjson'));
    expect(valuesOf(minted)).toEqual(['b3', 'b1', 'b2']);
    for (const work of minted) {
      expect(work.state.canonicalId).toEqual(CANONICAL_ID);
      expect(work.data.subjects.map(({ id }) => id)).toMatchObject([
        { type: 'Identified', canonicalId: CANONICAL_ID },
        { type: 'Identified', canonicalId: CANONICAL_ID },
      ]);
    }
    expect(new Set(minted.map(work => work.state.canonicalId)).size).toBe(3);
  });

  test('says the same IDs when it is said again, byte for byte', async () => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', toLines([workOf(sierra('b1')), workOf(sierra('b2'))]));
    await desk.run(['mint', 'works.ndjson', '--target', 'first.ndjson']);

    const again = await desk.run(['mint', 'works.ndjson', '--target', 'again.ndjson']);

    expect(again.stderr).toContain('Identifiers: 2 existing, 0 inherited, 0 minted.');
    expect(await desk.read('again.ndjson')).toBe(await desk.read('first.ndjson'));
  });

  test('keeps the form in which each work came', async () => {
    await using desk = await openDesk();
    await desk.write(
      'works.ndjson',
      toLines([
        { _index: 'works-source', _id: 'Work[s/b1]', _score: 1, _source: workOf(sierra('b1')) },
        workOf(sierra('b2')),
      ])
    );

    const { stdout } = await desk.run(['mint', 'works.ndjson']);

    const [wrapped, bare] = fromLines<Record<string, unknown>>(stdout);
    expect(Object.keys(wrapped ?? {}).sort()).toEqual(['_id', '_score', '_source']);
    const { _id: id, _score: score, _source: source } = wrapped ?? {};
    expect({ id, score }).toEqual({ id: CANONICAL_ID, score: 1 });
    expect((source as Minted).state.canonicalId).toBe(id);
    expect(Object.keys(bare ?? {}).sort()).toEqual(['data', 'state', 'type']);
  });

  test('reads a pipe and writes one', async () => {
    await using desk = await openDesk();

    const { status, stdout } = await desk.run(['mint', '--source', '-', '--target', '-'], {
      input: toLines([workOf(sierra('b1'))]),
    });

    expect(status).toBe(0);
    expect(valuesOf(fromLines(stdout))).toEqual(['b1']);
  });

  test('unpacks and packs what is named .gz', async () => {
    await using desk = await openDesk();
    const works = Array.from({ length: 300 }, (_, index) => workOf(sierra(`b${index}`)));
    await desk.write('works.ndjson.gz', gzipSync(toLines(works)));

    const { status } = await desk.run(['mint', 'works.ndjson.gz', '--target', 'minted.ndjson.gz']);

    expect(status).toBe(0);
    const packed = await readFile(desk.path('minted.ndjson.gz'));
    const minted = fromLines<Minted>(gunzipSync(packed).toString('utf8'));
    expect(valuesOf(minted)).toEqual(works.map(work => work.state.sourceIdentifier.value));
  });

  test('writes numbers as they were written, also those that a double cannot hold', async () => {
    await using desk = await openDesk();
    const numbers = '{"a":12345678901234567890,"b":1.0,"c":-0,"d":1e400,"e":0.1}';
    const state =
      '{"sourceIdentifier":{"ontologyType":"Work","identifierType":{"id":"s"},"value":"1"}}';
    await desk.write('works.ndjson', `{"state":${state},"data":${numbers}}\n`);

    const { stdout } = await desk.run(['mint', 'works.ndjson']);

    expect(stdout).toContain(`"data":${numbers}`);
  });
});

describe('a selection of works', () => {
  const works = ['b1', 'b2', 'b3'].map(value => ({
    _id: `elastic-${value}`,
    _source: workOf(sierra(value)),
  }));

  test('is named by text form or document id, and what is not there fails', async () => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', toLines(works));

    const { status, stdout, stderr } = await desk.run([
      ...['mint', '--source', 'works.ndjson', '--source-identifiers'],
      ...['Work[sierra-system-number/b3]', 'elastic-b1', 'Work[sierra-system-number/b9]'],
    ]);

    expect(status).toBe(1);
    const minted = fromLines<{ _source: Minted }>(stdout).map(({ _source }) => _source);
    expect(valuesOf(minted)).toEqual(['b1', 'b3']);
    expect(stderr).toMatch(
      /^error WORK_NOT_FOUND: Work\[sierra-system-number\/b9\].*works\.ndjson/m
    );
    expect(stderr).toContain('Works: 2 succeeded, 1 failed.');
  });

  test('may leave the type out, as the seed’s users do', async () => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', toLines(works));

    const { status, stdout } = await desk.run([
      ...['mint', '--source', 'works.ndjson', '--source-identifiers', 'sierra-system-number/b2'],
    ]);

    expect(status).toBe(0);
    expect(valuesOf(fromLines<{ _source: Minted }>(stdout).map(work => work._source))).toEqual([
      'b2',
    ]);
  });

  test.each([
    ['a file of them', '@ids.txt', undefined],
    ['standard input', '-', 'Work[sierra-system-number/b2]\r\n\n  elastic-b3  \n'],
  ])('comes from %s', async (_, argument, input) => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', toLines(works));
    await desk.write('ids.txt', '\uFEFFWork[sierra-system-number/b2]\r\n\n  elastic-b3  ');

    const { status, stdout } = await desk.run(
      ['mint', '--source', 'works.ndjson', '--source-identifiers', argument],
      { input }
    );

    expect(status).toBe(0);
    expect(valuesOf(fromLines<{ _source: Minted }>(stdout).map(work => work._source))).toEqual([
      'b2',
      'b3',
    ]);
  });

  test('cannot come from standard input when the works do', async () => {
    await using desk = await openDesk();
    const args = ['mint', '--source', '-', '--source-identifiers', '-'];
    expect(await desk.run(args)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('cannot both come from standard input'),
    });
    expect(await desk.list()).toEqual([]);
  });
});

describe.each(REGISTRY_KINDS)('mint on $name', kind => {
  test('in a dry run changes nothing and counts what the real run then does', async () => {
    await using desk = await openDeskOn(kind, { free: 100 });
    await desk.run(['assign', 'Work[sierra-system-number/b1]']);
    await desk.write(
      'works.ndjson',
      toLines([
        workOf(sierra('b1'), { subjects: [heading('Person', 'n1')] }),
        workOf(folio('f1'), { predecessor: sierra('b1'), subjects: [heading('Concept', 'n1')] }),
        workOf(folio('f2'), { predecessor: sierra('b404') }),
        workOf(sierra('b2')),
      ])
    );
    const before = await desk.registry.dump();
    const args = ['mint', 'works.ndjson', '--target', 'minted.ndjson', '--json'];

    const dry = await desk.run([...args, '--dry-run', '--report', 'report.json']);

    expect(await desk.registry.dump()).toBe(before);
    expect(await desk.list()).not.toContain('minted.ndjson');
    expect(dry.stderr).toContain('(dry run: nothing is written)');
    const report = JSON.parse(await desk.read('report.json')) as Report;
    expect(report.dry_run).toBe(true);
    const real = await desk.run(args);
    const counts = ({ stdout, status }: typeof real) => {
      const { works, identifiers, warnings } = JSON.parse(stdout);
      return { status, works, identifiers, warnings };
    };
    expect(counts(dry)).toEqual(counts(real));
    expect(counts(real)).toEqual({
      status: 1,
      works: { succeeded: 3, failed: 1 },
      identifiers: { existing: 2, inherited: 1, minted: 2 },
      warnings: { SHARED_DOCUMENT_ID: 1 },
    });
  });

  test('tries works again whose predecessor came later in the run, and counts them once', async () => {
    await using desk = await openDeskOn(kind, { free: 100 });
    await desk.write(
      'works.ndjson',
      toLines([
        workOf(folio('f1'), {
          predecessor: sierra('b1'),
          subjects: [heading('Concept', 'n1'), heading('Person', 'n1')],
        }),
        workOf(sierra('b5'), { subjects: [heading('Concept', 'n1')] }),
        workOf(folio('f9'), { predecessor: sierra('b404'), subjects: [heading('Concept', 'n9')] }),
        workOf(sierra('b1')),
      ])
    );

    const { status, stdout, stderr } = await desk.run([
      ...['mint', 'works.ndjson', '--batch-size', '1', '--json'],
      ...['--target', 'minted.ndjson', '--report', 'report.json'],
    ]);

    expect(status).toBe(1);
    const minted = fromLines<Minted>(await desk.read('minted.ndjson'));
    expect(valuesOf(minted)).toEqual(['b5', 'b1', 'f1']);
    const [, predecessor, successor] = minted.map(work => work.state.canonicalId);
    expect(successor).toBe(predecessor);
    // n1 and n9 are minted though their works had to wait: f1, b5, b1 and the two headings; n1 is there twice more.
    expect(JSON.parse(stdout)).toMatchObject({
      works: { succeeded: 3, failed: 1 },
      identifiers: { existing: 2, inherited: 1, minted: 4 },
    });
    expect(stderr.match(/PREDECESSOR_NOT_FOUND: Work\[folio-instance\/f9\]/g)).toHaveLength(1);
    const report = JSON.parse(await desk.read('report.json')) as Report;
    expect(
      report.outcomes.map(({ source, outcome, error }) => [source, outcome ?? error?.code])
    ).toEqual([
      ['Concept[lc-names/n1]', 'minted'],
      ['Work[sierra-system-number/b5]', 'minted'],
      ['Concept[lc-names/n9]', 'minted'],
      ['Work[sierra-system-number/b1]', 'minted'],
      ['Work[folio-instance/f1]', 'inherited'],
      ['Work[folio-instance/f9]', 'PREDECESSOR_NOT_FOUND'],
    ]);
  });

  test('writes a report of every failure and of everything that is new', async () => {
    await using desk = await openDeskOn(kind, { free: 100 });
    await desk.run(['assign', 'Work[sierra-system-number/b1]']);
    await desk.write(
      'works.ndjson',
      `${toLines([
        workOf(sierra('b1')),
        workOf(folio('f1'), { predecessor: sierra('b1') }),
        { title: 'not a work' },
        workOf(sierra('b3'), { subjects: [heading('Concept', '')] }),
      ])}{"state": nonsense}\n`
    );

    const { status, stdout } = await desk.run(
      [
        ...['mint', 'works.ndjson', '--target', 'minted.ndjson', '--json'],
        ...['--report', 'report.json', '--job-id', 'night-run'],
      ],
      { environment: { PIPELINE_DATE: '2026-11-22' } }
    );

    expect(status).toBe(1);
    const minted = fromLines<Minted>(await desk.read('minted.ndjson'));
    const [shared, b3] = minted.map(work => work.state.canonicalId);
    expect(valuesOf(minted)).toEqual(['f1', 'b3']);
    const report = JSON.parse(await desk.read('report.json')) as Report;
    expect(report).toMatchObject({
      job_id: 'night-run',
      window: null,
      pipeline_date: '2026-11-22',
      dry_run: false,
      works: { succeeded: 3, failed: 2 },
      identifiers: { existing: 1, inherited: 1, minted: 2 },
      warnings: { EMPTY_VALUE: 1, SHARED_DOCUMENT_ID: 1 },
      successful_ids: [shared, b3],
      errors: [
        { row_id: 'line 3', stage: 'extract_id', code: 'INVALID_WORK', detail: /^line 3: / },
        { row_id: 'line 5', stage: 'read', code: 'INVALID_JSON', detail: /^line 5, column 11: / },
      ].map(error => ({ ...error, detail: expect.stringMatching(error.detail) })),
      outcomes: [
        { source: 'Work[folio-instance/f1]', canonicalId: shared, outcome: 'inherited' },
        { source: 'Work[sierra-system-number/b3]', canonicalId: b3, outcome: 'minted' },
        {
          source: 'Concept[lc-names/]',
          outcome: 'minted',
          warning: expect.objectContaining({ code: 'EMPTY_VALUE' }),
        },
      ],
    });
    const { job_id, works, identifiers, warnings, elapsed_ms, report: file } = JSON.parse(stdout);
    expect({ job_id, works, identifiers, warnings }).toEqual({
      job_id: 'night-run',
      works: report.works,
      identifiers: report.identifiers,
      warnings: report.warnings,
    });
    expect(elapsed_ms).toBeGreaterThan(0);
    expect(file).toBe('report.json');
    expect(await desk.leftovers()).toEqual([]);
  });

  test('names a citation that came before its record and minted it already', async () => {
    await using desk = await openDeskOn(kind, { free: 100 });
    await desk.write(
      'works.ndjson',
      toLines([
        workOf(sierra('b1')),
        workOf(sierra('b2'), { subjects: [folio('f1')] }),
        workOf(folio('f1'), { predecessor: sierra('b1') }),
      ])
    );

    const { status, stdout, stderr } = await desk.run([
      ...['mint', 'works.ndjson', '--target', 'minted.ndjson', '--batch-size', '1', '--json'],
    ]);

    expect(status).toBe(0);
    const [b1, , f1] = fromLines<Minted>(await desk.read('minted.ndjson'));
    expect(f1?.state.canonicalId).not.toBe(b1?.state.canonicalId);
    expect(JSON.parse(stdout)).toMatchObject({ warnings: { INHERITANCE_CONFLICT: 1 } });
    const line = stderr.split('\n').find(text => text.startsWith('warning INHERITANCE_CONFLICT'));
    expect(line).toContain(b1?.state.canonicalId);
    expect(line).toContain(f1?.state.canonicalId);
  });

  test('creates the tables and fills a pool that never held an ID, when it is told to', async () => {
    await using desk = await openDeskOn(kind);
    await desk.write('works.ndjson', toLines([workOf(sierra('b1'))]));

    const { status, stderr } = await desk.run(
      ['mint', 'works.ndjson', '--target', 'minted.ndjson', '--apply-migrations'],
      { environment: { ID_GENERATOR_DESIRED_FREE_IDS_COUNT: '50' } }
    );

    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(await desk.run(['pool'])).toMatchObject({ stdout: 'free 49\nassigned 1\n' });
  });
});

describe.each(SERVER_REGISTRIES)('mint on $name, where others look after the pool', kind => {
  test('ends with 5 when the pool runs out, and takes none', async () => {
    await using desk = await openDeskOn(kind, { free: 2 });
    await desk.run(['assign', 'Work[sierra-system-number/b0]']);
    await desk.write(
      'works.ndjson',
      toLines([
        workOf(sierra('b0')),
        workOf(sierra('b1')),
        workOf(sierra('b2')),
        workOf(folio('f0'), { predecessor: sierra('b0') }),
      ])
    );

    const { status, stdout, stderr } = await desk.run([
      ...['mint', 'works.ndjson', '--target', 'minted.ndjson', '--json'],
    ]);

    expect(status).toBe(5);
    expect(stderr).toMatch(/^error POOL_EXHAUSTED: .*needs 2 .* has 1 free.*pool top-up/m);
    expect(JSON.parse(stdout)).toMatchObject({ works: { succeeded: 2, failed: 2 } });
    expect(await desk.run(['pool'])).toMatchObject({ stdout: 'free 1\nassigned 1\n' });
  });

  test('fills the pool when it is told to', async () => {
    await using desk = await openDeskOn(kind, { free: 0 });
    await desk.write('works.ndjson', toLines([workOf(sierra('b1')), workOf(sierra('b2'))]));

    const { status } = await desk.run([
      ...['mint', 'works.ndjson', '--target', 'minted.ndjson', '--top-up'],
    ]);

    expect(status).toBe(0);
    expect(await desk.registry.sql('SELECT COUNT(*) FROM identifiers')).toEqual([[2]]);
  });

  test('leaves an emptied pool to those who look after it, also with --apply-migrations', async () => {
    await using desk = await openDeskOn(kind, { free: 1 });
    await desk.run(['assign', 'Work[sierra-system-number/b0]']);
    await desk.write('works.ndjson', toLines([workOf(sierra('b1'))]));

    const { status, stderr } = await desk.run([
      ...['mint', 'works.ndjson', '--target', 'minted.ndjson', '--apply-migrations'],
    ]);

    expect(status).toBe(5);
    expect(stderr).toContain('the pool is empty');
    expect(await desk.run(['pool'])).toMatchObject({ stdout: 'free 0\nassigned 1\n' });
  });
});

describe('a SQLite registry’s pool', () => {
  test('is filled when it runs out, and is not with --no-top-up', async () => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', toLines([workOf(sierra('b1'))]));
    await desk.run(['migrate']);

    const without = await desk.run(['mint', 'works.ndjson', '--no-top-up']);
    const by = await desk.run(['mint', 'works.ndjson']);

    expect(without).toMatchObject({ status: 5, stdout: '' });
    expect(by.status).toBe(0);
  });
});

describe('the command lines of today’s users', () => {
  test.each([
    [
      [
        '--source-identifiers',
        'id1',
        'id2',
        'id3',
        '--job-id',
        'my-test-job',
        '--source-index',
        'w',
      ],
    ],
    [['mint', '--full']],
    [['mint', '--window-start', '2026-01-01T00:00', '--window-end', '2026-01-01T00:15']],
    [['mint', 'works.ndjson', '--target', 'https://elastic.example']],
    [['--window-end', '2026-01-01T00:15', '--source-es-mode', 'local']],
    [['--source-identifiers', 'a', '--pipeline-date', '2026-01-01', '--resolver', 'local']],
    [['--source-identifiers', 'a', '--source-index-prefix', 'p', '--target-index-prefix', 'q']],
    [['--full', '--source-index-date-suffix', 's', '--target-index-date-suffix', 's']],
  ])('%j reaches beyond files, and so needs a registry that is named', async args => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', '');
    expect(await desk.run(args)).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/^error REGISTRY_NOT_NAMED: .*beyond files/),
    });
    expect(await desk.list()).toEqual(['works.ndjson']);
  });

  test('the resolver that could only look up is refused with what to use instead', async () => {
    await using desk = await openDesk();
    expect(await desk.run(['--source-identifiers', 'id1', '--resolver', 'data-api'])).toMatchObject(
      {
        status: 2,
        stderr: expect.stringMatching(/--resolver data-api.*id-minter lookup/),
      }
    );
  });
});

describe('a mint command that cannot be meant', () => {
  test.each([
    ['no source', ['mint'], 'No works are named'],
    ['two sources', ['mint', 'a', '--source', 'b'], 'Two sources'],
    ['two arguments', ['mint', 'a', 'b'], 'too many arguments'],
    ['an index beside a file', ['mint', 'a', '--source-index', 'i'], '--source-index says'],
    ['no window nor ids of an index', ['mint', '--source', 'http://e'], 'Nothing says which works'],
    ['ids and a window', ['mint', '--full', '--window-end', '2026-01-01'], 'Several flags'],
    ['a window without an end', ['mint', '--window-start', '2026-01-01'], 'has no end'],
    ['a window of no time', ['mint', '--window-end', 'noon'], 'is no time'],
    ['an unknown mode', ['mint', '--full', '--source-es-mode', 'x'], 'public, private and local'],
    ['two indexes', ['mint', '--full', '--source', 'http://e/a', '--source-index', 'b'], 'a and b'],
    [
      'an index into itself',
      ['mint', '--full', '--source-index', 'a', '--target-index', 'a'],
      'name another target',
    ],
    [
      'a target index beside a file',
      ['mint', 'a', '--target', 'b', '--target-index', 'i'],
      'go to b',
    ],
    ['a window beside a file', ['mint', 'a', '--window-end', 't'], '--window-end says'],
    ['summary and works on one stream', ['mint', 'a', '--json'], '--target FILE'],
    ['the same said aloud', ['mint', 'a', '--json', '--target', '-'], '--target FILE'],
    ['works and report in one file', ['mint', 'a', '--target', 'x', '--report', './x'], '--report'],
    ['works and report on one stream', ['mint', 'a', '--report', '-'], '--report'],
    ['a batch of none', ['mint', 'a', '--batch-size', '0'], 'whole number'],
    ['a batch of no number', ['mint', 'a', '--batch-size', 'many'], 'whole number'],
  ])('%s', async (_, args, why) => {
    await using desk = await openDesk();
    const { status, stderr } = await desk.run(args);
    expect(status).toBe(2);
    expect(stderr.toLowerCase()).toContain(why.toLowerCase());
    expect(await desk.list()).toEqual([]);
  });
});
