import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openDesk } from '../support/command-line.ts';
import { openDeskOn, REGISTRY_KINDS } from './desk-on-registry.ts';
import { fromLines, toLines } from './works.ts';

const CANONICAL_ID = expect.stringMatching(/^[a-hjkmnp-z][a-hjkmnp-z2-9]{7}$/);

interface AssignAnswer {
  readonly source: unknown;
  readonly canonicalId?: string;
  readonly outcome?: string;
  readonly warning?: { readonly code: string; readonly message: string };
  readonly error?: { readonly code: string; readonly message: string };
}

const b = (number: number) => `Work[sierra-system-number/b${number}]`;
const f = (number: number) => `Work[folio-instance/f${number}]`;

describe.each(REGISTRY_KINDS)('assign on $name', kind => {
  test('answers each argument in its place, and says the same again', async () => {
    await using desk = await openDeskOn(kind, { free: 10 });

    const first = await desk.run(['assign', b(2), b(1), 'nonsense', b(2)]);
    const again = await desk.run(['assign', b(1), b(2)]);

    const answers = fromLines<AssignAnswer>(first.stdout);
    expect(answers).toEqual([
      { source: b(2), canonicalId: CANONICAL_ID, outcome: 'minted' },
      { source: b(1), canonicalId: CANONICAL_ID, outcome: 'minted' },
      { source: 'nonsense', error: { code: 'INVALID_IDENTIFIER', message: expect.any(String) } },
      { source: b(2), canonicalId: answers[0]?.canonicalId, outcome: 'existing' },
    ]);
    expect(first.status).toBe(1);
    expect(first.stderr).toContain('Identifiers: 1 existing, 0 inherited, 2 minted, 1 failed.\n');
    expect(again.status).toBe(0);
    expect(fromLines(again.stdout)).toEqual([
      { source: b(1), canonicalId: answers[1]?.canonicalId, outcome: 'existing' },
      { source: b(2), canonicalId: answers[0]?.canonicalId, outcome: 'existing' },
    ]);
  });

  test('reads identifiers and predecessors as NDJSON, in both forms', async () => {
    await using desk = await openDeskOn(kind, { free: 10 });
    await desk.write(
      'ids.ndjson',
      toLines([
        { source: f(1), predecessor: b(1) },
        {
          source: { ontologyType: 'Work', sourceSystem: 'folio-instance', value: 'f2' },
          predecessor: { ontologyType: 'Work', sourceSystem: 'folio-instance', value: 'f1' },
        },
        { source: b(1), predecessor: null, note: 'not ours' },
        { source: f(3), predecessor: b(404) },
        { source: f(4), predecessor: f(4) },
        { source: f(5), predecessor: b(1) },
        { source: f(5), predecessor: f(6) },
        { source: { ontologyType: 'Concept', sourceSystem: 'label-derived', value: '' } },
      ])
    );

    const { status, stdout, stderr } = await desk.run(['assign', '--source', 'ids.ndjson']);

    expect(status).toBe(1);
    const answers = fromLines<AssignAnswer>(stdout);
    expect(answers.map(({ outcome, error }) => outcome ?? error?.code)).toEqual([
      ...['inherited', 'inherited', 'minted', 'PREDECESSOR_NOT_FOUND', 'PREDECESSOR_CYCLE'],
      ...['CONFLICTING_PREDECESSORS', 'CONFLICTING_PREDECESSORS', 'minted'],
    ]);
    expect(new Set(answers.slice(0, 3).map(({ canonicalId }) => canonicalId)).size).toBe(1);
    expect(answers[7]).toMatchObject({
      source: 'Concept[label-derived/]',
      warning: { code: 'EMPTY_VALUE', message: expect.stringContaining('empty value') },
    });
    expect(stderr).toMatch(/^Errors: .*1 PREDECESSOR_NOT_FOUND/m);
    expect(stderr).toMatch(/^Warnings: 1 EMPTY_VALUE/m);
  });

  test('keeps the ID that a source has, and names the one that its predecessor has', async () => {
    await using desk = await openDeskOn(kind, { free: 10 });
    const minted = fromLines<AssignAnswer>((await desk.run(['assign', f(1), b(1)])).stdout);
    await desk.write('ids.ndjson', toLines([{ source: f(1), predecessor: b(1) }]));

    const { status, stdout } = await desk.run(['assign', '--source', 'ids.ndjson']);

    const [own, other] = minted.map(({ canonicalId }) => canonicalId);
    expect(status).toBe(0);
    expect(fromLines(stdout)).toMatchObject([
      {
        canonicalId: own,
        outcome: 'existing',
        warning: { code: 'INHERITANCE_CONFLICT', message: expect.stringContaining(`${other}`) },
      },
    ]);
  });

  test('in a dry run changes nothing and says what would happen', async () => {
    await using desk = await openDeskOn(kind, { free: 10 });
    await desk.run(['assign', b(1)]);
    await desk.write(
      'ids.ndjson',
      toLines([{ source: b(1) }, { source: f(1), predecessor: b(1) }, { source: b(2) }])
    );
    const before = await desk.registry.dump();

    const { status, stdout } = await desk.run(['assign', '--source', 'ids.ndjson', '--dry-run']);

    expect(status).toBe(0);
    expect(await desk.registry.dump()).toBe(before);
    expect(fromLines<AssignAnswer>(stdout).map(({ outcome }) => outcome)).toEqual([
      ...['existing', 'inherited', 'minted'],
    ]);
    expect(stdout).toContain('"canonicalId":"(new-1)"');
  });

  test('looks people, places and the like up as concepts, and shows the type that was given', async () => {
    await using desk = await openDeskOn(kind, { free: 10 });

    const { stdout } = await desk.run([
      ...['assign', 'Person[lc-names/n1]', 'Concept[lc-names/n1]', 'Subject[lc-names/n1]'],
    ]);

    const [person, concept, subject] = fromLines<AssignAnswer>(stdout);
    expect(person?.source).toBe('Person[lc-names/n1]');
    expect(concept).toMatchObject({ canonicalId: person?.canonicalId, outcome: 'existing' });
    expect(subject?.outcome).toBe('minted');
  });

  test('in several processes at once on a new registry gives each identifier one ID', async () => {
    await using desk = await openDeskOn(kind);
    const ids = Array.from({ length: 40 }, (_, index) => b(index));
    const orders = [ids, ids.toReversed(), [...ids.slice(20), ...ids.slice(0, 20)]];

    const ended = await Promise.all(
      orders.map(order =>
        desk.run(['assign', ...order, '--apply-migrations', '--quiet'], {
          environment: { ID_GENERATOR_DESIRED_FREE_IDS_COUNT: '200' },
        })
      )
    );

    expect(ended.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
      orders.map(() => ({ status: 0, stderr: '' }))
    );
    const answers = ended.flatMap(({ stdout }) => fromLines<AssignAnswer>(stdout));
    expect(new Set(answers.map(({ source, canonicalId }) => `${source} ${canonicalId}`)).size).toBe(
      40
    );
    expect(new Set(answers.map(({ canonicalId }) => canonicalId)).size).toBe(40);
    expect(answers.filter(({ outcome }) => outcome === 'minted')).toHaveLength(40);
  });

  test('creates the tables and the pool when it is told to', async () => {
    await using desk = await openDeskOn(kind);

    const { status } = await desk.run(['assign', b(1)], {
      environment: { APPLY_MIGRATIONS: 'yes', ID_GENERATOR_DESIRED_FREE_IDS_COUNT: '7' },
    });

    expect(status).toBe(0);
    expect(await desk.run(['pool'])).toMatchObject({ stdout: 'free 6\nassigned 1\n' });
  });
});

describe('assign from CSV', () => {
  test('takes the columns in any order, keeps the others, and appends the answer', async () => {
    await using desk = await openDesk();
    await desk.run(['assign', 'Work[sierra-system-number/b1]']);
    await desk.write(
      'ids.csv',
      [
        'Title,SourceId,OntologyType,PredecessorSourceId,SourceSystem,PredecessorOntologyType,PredecessorSourceSystem',
        '"Plague, a history ""1665""",f1,Work,b1,folio-instance,Work,sierra-system-number',
        'Zoë,b1,Work,,sierra-system-number,,',
        ',f2,Work,b2,folio-instance,Work,sierra-system-number',
        ',f3,Work,b2,folio-instance,,',
        '',
      ].join('\n')
    );

    const { status } = await desk.run(['assign', '--source', 'ids.csv', '--target', 'out.csv']);

    expect(status).toBe(1);
    const [header, ...rows] = (await desk.read('out.csv')).trimEnd().split('\n');
    expect(header).toBe(
      'Title,SourceId,OntologyType,PredecessorSourceId,SourceSystem,PredecessorOntologyType,PredecessorSourceSystem,' +
        'CanonicalId,Outcome,Warning,Error'
    );
    const id = rows[0]?.split(',').at(-4);
    expect(id).toEqual(CANONICAL_ID);
    expect(rows).toEqual([
      `"Plague, a history ""1665""",f1,Work,b1,folio-instance,Work,sierra-system-number,${id},inherited,,`,
      `Zoë,b1,Work,,sierra-system-number,,,${id},existing,,`,
      ',f2,Work,b2,folio-instance,Work,sierra-system-number,,,,PREDECESSOR_NOT_FOUND',
      ',f3,Work,b2,folio-instance,,,,,,INVALID_IDENTIFIER',
    ]);
  });

  test('reads a list of one’s own: one type, one system, a column of values', async () => {
    await using desk = await openDesk();
    await desk.write('objects.csv', 'ObjectID;x,Title,ObjectID\r\n1,A,10\r\n2,B,11\r\n3,C,\r\n');

    const { status, stdout } = await desk.run([
      ...['assign', '--source', 'objects.csv', '--type', 'Object', '--system', 'tms'],
      ...['--value-column', 'ObjectID'],
    ]);

    expect(status).toBe(0);
    const [header, ...rows] = stdout.trimEnd().split('\n');
    expect(header).toBe('ObjectID;x,Title,ObjectID,CanonicalId,Outcome,Warning,Error');
    expect(rows.map(row => row.replace(/,[a-z2-9]{8},/, ',ID,'))).toEqual([
      '1,A,10,ID,minted,,',
      '2,B,11,ID,minted,,',
      '3,C,,ID,minted,EMPTY_VALUE,',
    ]);
    const looked = await desk.run(['lookup', 'Object[tms/11]']);
    expect(looked.stdout).toContain(rows[1]?.split(',')[3]);
  });

  test('answers its own answers: the columns are replaced, not doubled', async () => {
    await using desk = await openDesk();
    await desk.write(
      'ids.csv',
      'OntologyType,SourceSystem,SourceId,Note\nWork,s,1,x\nWork,s,2,y\n'
    );
    await desk.run(['assign', '--source', 'ids.csv', '--target', 'first.csv']);

    await desk.run(['assign', '--source', 'first.csv', '--target', 'again.csv']);

    const first = await desk.read('first.csv');
    expect(await desk.read('again.csv')).toBe(first.replaceAll('minted', 'existing'));
  });

  test('keeps a file of tabs a file of tabs', async () => {
    await using desk = await openDesk();
    await desk.write('ids.tsv', 'OntologyType\tSourceSystem\tSourceId\nWork\ts\ta, b\n');

    const { stdout } = await desk.run(['assign', '--source', 'ids.tsv']);

    expect(stdout).toMatch(
      /^OntologyType\tSourceSystem\tSourceId\tCanonicalId\tOutcome\tWarning\tError\nWork\ts\ta, b\t[a-z2-9]{8}\tminted\t\t\n$/
    );
  });

  test('answers a line that cannot be read in its place; the others are unharmed', async () => {
    await using desk = await openDesk();
    await desk.write(
      'ids.csv',
      Buffer.concat([
        Buffer.from('OntologyType,SourceSystem,SourceId,Note\nWork,s,1,fine\nWork,s,2\n'),
        Buffer.from('Work,s,caf\xe9,latin\nWork,s,3,caf\xe9\n', 'latin1'),
        Buffer.from('Work,s,4,extra,extra\nWo[rk,s,5,x\nWork,s,6,"two\nlines"\nWork,s,7,last'),
      ])
    );

    const { status, stdout, stderr } = await desk.run(['assign', '--source', 'ids.csv', '--json']);

    expect(status).toBe(1);
    const answers = fromLines<AssignAnswer>(stdout);
    expect(answers.map(({ outcome, error }) => outcome ?? error?.code)).toEqual([
      ...['minted', 'INVALID_ROW', 'INVALID_ROW', 'INVALID_ROW', 'INVALID_ROW'],
      ...['INVALID_IDENTIFIER', 'minted', 'minted'],
    ]);
    expect(answers.map(({ error }) => /line \d+/.exec(error?.message ?? '')?.[0])).toEqual([
      ...[undefined, 'line 3', 'line 4', 'line 5', 'line 6', undefined, undefined, undefined],
    ]);
    expect(stderr).toContain('3 minted, 5 failed');
  });

  test('names the columns that it misses and those that are there', async () => {
    await using desk = await openDesk();
    await desk.write('ids.csv', 'OntologyType,Id\nWork,1\n');
    const { status, stderr } = await desk.run(['assign', '--source', 'ids.csv']);
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^error SOURCE_UNREADABLE: .*ids\.csv has no column SourceSystem, SourceId; it has OntologyType, Id\..*--value-column/
    );
    expect(await desk.list()).toEqual(['ids.csv']);
  });

  test('in another encoding is refused as a whole where not even its header can be read', async () => {
    await using desk = await openDesk();
    await desk.write(
      'ids.csv',
      Buffer.from('\uFEFFOntologyType,SourceSystem,SourceId\n', 'utf16le')
    );
    const { status, stderr } = await desk.run(['assign', '--source', 'ids.csv']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error SOURCE_UNREADABLE: ids\.csv .*UTF-8/);
  });

  test('with a header and nothing else gives a header and nothing else', async () => {
    await using desk = await openDesk();
    await desk.write('ids.csv', 'OntologyType,SourceSystem,SourceId\n');
    expect(await desk.run(['assign', '--source', 'ids.csv'])).toMatchObject({
      status: 0,
      stdout: 'OntologyType,SourceSystem,SourceId,CanonicalId,Outcome,Warning,Error\n',
      stderr: expect.stringContaining('There are no identifiers in ids.csv.\n'),
    });
  });

  test('is unpacked, told by what stands in it, and read from a pipe', async () => {
    await using desk = await openDesk();
    const csv = '\uFEFFSourceId,SourceSystem,OntologyType\r\nb1,s,Work\r\n';
    await desk.write('ids.txt.gz', gzipSync(csv));

    const packed = await desk.run(['assign', '--source', 'ids.txt.gz']);
    const piped = await desk.run(['assign', '--source', '-'], { input: csv });

    expect(packed.stdout).toMatch(/^SourceId,.*\nb1,s,Work,[a-z2-9]{8},minted,,\n$/);
    expect(piped.stdout).toBe(packed.stdout.replace('minted', 'existing'));
  });
});

describe('assign with --json', () => {
  test('answers as NDJSON also where the questions came as CSV', async () => {
    await using desk = await openDesk();
    await desk.write('ids.csv', 'OntologyType,SourceSystem,SourceId\nWork,s,1\n');
    const { stdout } = await desk.run(['assign', '--source', 'ids.csv', '--json']);
    expect(fromLines(stdout)).toEqual([
      { source: 'Work[s/1]', canonicalId: CANONICAL_ID, outcome: 'minted' },
    ]);
  });

  test('gives the counts where the answers go to a file', async () => {
    await using desk = await openDesk();
    await desk.write(
      'ids.csv',
      'OntologyType,SourceSystem,SourceId\nWork,s,1\nWork,s,\nWo[rk,s,2\n'
    );
    const { status, stdout } = await desk.run([
      ...['assign', '--source', 'ids.csv', '--target', 'out.csv', '--json'],
    ]);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      identifiers: { existing: 0, inherited: 0, minted: 2, failed: 1 },
      errors: { INVALID_IDENTIFIER: 1 },
      warnings: { EMPTY_VALUE: 1 },
    });
    expect(await desk.read('out.csv')).toMatch(/^OntologyType,/);
  });
});

describe('an assign command that cannot be meant', () => {
  test.each([
    ['nothing to assign', ['assign'], 'Name the identifiers'],
    ['arguments and a file', ['assign', 'Work[a/b]', '--source', 'x'], 'one of the two'],
    ['half of one’s own columns', ['assign', '--source', 'x', '--type', 'Object'], 'go together'],
  ])('%s', async (_, args, why) => {
    await using desk = await openDesk();
    expect(await desk.run(args)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(why),
    });
    expect(await desk.list()).toEqual([]);
  });
});
