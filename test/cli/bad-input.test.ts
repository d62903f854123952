import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Desk, Ended } from '../support/command-line.ts';
import { openDesk } from '../support/command-line.ts';
import { heading, sierra } from '../support/identifiers.ts';
import { openDeskOn, REGISTRY_KINDS } from './desk-on-registry.ts';
import type { Minted } from './works.ts';
import { fromLines, toLines, workOf, written } from './works.ts';

const MIB = 1024 * 1024;

const valuesIn = (text: string) =>
  fromLines<Minted>(text).map(work => work.state.sourceIdentifier.value);

/** The errors that were told, as `CODE place`. */
const errorsIn = ({ stderr }: Ended) =>
  stderr.split('\n').flatMap(line => /^error (\w+): (.*)$/.exec(line)?.slice(1).join(' ') ?? []);

const work = (value: string) => JSON.stringify(workOf(sierra(value)));

describe('works that cannot be read', () => {
  test('are named with line and column, and those around them are minted', async () => {
    await using desk = await openDesk();
    await desk.write(
      'works.ndjson',
      Buffer.concat([
        Buffer.from(`${work('b1')}\n{"state": {"x": 1,}}\n\n${work('b2')}\n${work('b3')}{}\n[1]\n`),
        Buffer.from('null\n"text"\n{"title": "caf\xe9"}\n', 'latin1'),
        Buffer.from(`${work('b4')}\n{"state": {"sourceIdentifier": `),
      ])
    );

    const ended = await desk.run(['mint', 'works.ndjson']);

    expect(ended.status).toBe(1);
    expect(valuesIn(ended.stdout)).toEqual(['b1', 'b2', 'b4']);
    const places = errorsIn(ended).map(error => error.replace(/(line \d+(, column \d+)?).*/, '$1'));
    const after = work('b3').length + 1;
    expect(places.sort()).toEqual([
      'INVALID_JSON line 11, column 32',
      'INVALID_JSON line 2, column 19',
      `INVALID_JSON line 5, column ${after}`,
      'INVALID_JSON line 9, column 15',
      'INVALID_WORK line 6',
      'INVALID_WORK line 7',
      'INVALID_WORK line 8',
    ]);
    expect(ended.stderr).toContain('Works: 3 succeeded, 7 failed.');
  });

  test.each<[string, (works: string) => Uint8Array | string]>([
    ['that starts with a byte-order mark', works => `\uFEFF${works}`],
    ['with the line ends of Windows', works => works.replaceAll('\n', '\r\n')],
    ['that ends in mid-line', works => works.trimEnd()],
    ['with lines that are empty', works => `\n\n${works}\n\r\n\n`],
    [
      'with line separators inside its strings',
      works => works.replaceAll('About', 'A\u2028b\u2029'),
    ],
  ])('are none in a file %s', async (_, change) => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', change(toLines([workOf(sierra('b1')), workOf(sierra('b2'))])));
    const { status, stdout } = await desk.run(['mint', 'works.ndjson']);
    expect(status).toBe(0);
    expect(valuesIn(stdout)).toEqual(['b1', 'b2']);
  });

  test('are none in an empty file, which gives an empty file', async () => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', '');
    const { status, stderr } = await desk.run([
      'mint',
      'works.ndjson',
      '--target',
      'minted.ndjson',
    ]);
    expect(status).toBe(0);
    expect(stderr).toContain('There are no works in works.ndjson.\nWorks: 0 succeeded, 0 failed.');
    expect(await desk.read('minted.ndjson')).toBe('');
  });

  test('may be a line of 50 MB, which is passed over without being held', async () => {
    await using desk = await openDesk();
    await pipeline(
      Readable.from([
        ...[`${work('b1')}\n`, '{"title": "'],
        ...Array.from({ length: 50 }, () => 'x'.repeat(MIB)),
        ...['"}\n', `${work('b2')}\n`],
      ]),
      createWriteStream(desk.path('works.ndjson'))
    );
    const ended = await desk.run(['mint', 'works.ndjson']);
    expect(ended.status).toBe(1);
    expect(valuesIn(ended.stdout)).toEqual(['b1', 'b2']);
    expect(errorsIn(ended)).toEqual([
      expect.stringMatching(/^LINE_TOO_LONG line 2 is longer than/),
    ]);
  });

  test('may be one of 20 MB, which is minted', async () => {
    await using desk = await openDesk();
    const large = { ...workOf(sierra('b1')), note: 'x'.repeat(20 * MIB) };
    await desk.write('works.ndjson', toLines([large]));
    const { status } = await desk.run(['mint', 'works.ndjson', '--target', 'minted.ndjson']);
    expect(status).toBe(0);
    expect(await desk.read('minted.ndjson')).toHaveLength(
      JSON.stringify(large).length + ',"canonicalId":"a2345678"'.length + 1
    );
  });

  test('may be nested too deeply for any reader, and the run goes on', async () => {
    await using desk = await openDesk();
    const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    const withDeep = (value: string, levels: number) =>
      `{"state": {"sourceIdentifier": ${JSON.stringify(written(sierra(value)))}}, "data": ${deep(levels)}}\n`;
    await desk.write(
      'works.ndjson',
      `${withDeep('b1', 990)}${withDeep('b2', 1_001)}${withDeep('b3', 100_000)}${work('b4')}\n`
    );
    const ended = await desk.run(['mint', 'works.ndjson']);
    expect(ended.status).toBe(1);
    expect(valuesIn(ended.stdout)).toEqual(['b1', 'b4']);
    expect(errorsIn(ended).map(error => error.split(' ')[0])).toEqual(['TOO_DEEP', 'TOO_DEEP']);
  });
});

describe.each(REGISTRY_KINDS)('works whose identifiers cannot be, on $name', kind => {
  test('fail by themselves, each with the part, its value and why', async () => {
    await using desk = await openDeskOn(kind, { free: 10 });
    const root = (identifier: unknown) => ({ state: { sourceIdentifier: identifier } });
    const nested = (value: string, identifier: unknown) => ({
      ...workOf(sierra(value)),
      nested: { sourceIdentifier: identifier },
    });
    const long = 'x'.repeat(256);
    await desk.write(
      'works.ndjson',
      `${toLines([
        workOf(sierra('b1'), { subjects: [heading('Concept', 'n1')] }),
        {},
        { state: {} },
        { state: null },
        root({ ontologyType: 'Work', identifierType: { id: 's' } }),
        root({ ontologyType: 'Work', identifierType: { id: 's' }, value: 12 }),
        root({ ontologyType: 'Work', identifierType: null, value: 'b' }),
        root({ ontologyType: '', identifierType: { id: 's' }, value: 'b' }),
        root({ ontologyType: 'Wo[rk', identifierType: { id: 's' }, value: 'b' }),
        root({ ontologyType: 'Work', identifierType: { id: 's/t' }, value: 'b' }),
        nested('b2', null),
        nested('b3', { ontologyType: 'Image', identifierType: { id: 's' }, value: long }),
        {
          ...workOf(sierra('b4')),
          state: { ...workOf(sierra('b4')).state, predecessorIdentifier: {} },
        },
        { state: { ...workOf(sierra('b5')).state, predecessorIdentifier: null } },
      ])}${JSON.stringify(nested('b6', { ontologyType: 'Image', identifierType: { id: 's' }, value: 'V' })).replace('"V"', '"\\ud800"')}\n`
    );

    const ended = await desk.run([
      ...['mint', 'works.ndjson', '--target', 'minted.ndjson', '--report', 'report.json', '--json'],
    ]);

    expect(ended.status).toBe(1);
    expect(valuesIn(await desk.read('minted.ndjson'))).toEqual(['b1', 'b5']);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      works: { succeeded: 2, failed: 13 },
      identifiers: { existing: 0, inherited: 0, minted: 3 },
    });
    const { errors } = JSON.parse(await desk.read('report.json')) as {
      errors: { row_id: string; stage: string; code: string; detail: string }[];
    };
    const why = errors.map(({ stage, code, detail }) => `${stage} ${code} ${detail}`);
    expect(why).toEqual([
      expect.stringMatching(/^extract_id INVALID_WORK line 2: .*no `state`/),
      expect.stringMatching(/^extract_id INVALID_WORK line 3: .*no `state.sourceIdentifier`/),
      expect.stringMatching(/^extract_id INVALID_WORK line 4: .*no `state`/),
      expect.stringMatching(/^extract_id INVALID_IDENTIFIER line 5: .*value is missing/),
      expect.stringMatching(/^extract_id INVALID_IDENTIFIER line 6: .*value 12 is of type number/),
      expect.stringMatching(/^extract_id INVALID_IDENTIFIER line 7: .*sourceSystem is missing/),
      expect.stringMatching(/^extract_id INVALID_IDENTIFIER line 8: .*ontologyType "" is empty/),
      expect.stringMatching(/^extract_id INVALID_IDENTIFIER line 9: .*"Wo\[rk" holds "\["/),
      expect.stringMatching(/^extract_id INVALID_IDENTIFIER line 10: .*"s\/t" holds "\/"/),
      expect.stringMatching(/^embed INVALID_IDENTIFIER line 11: .*at nested/),
      expect.stringMatching(/^embed INVALID_IDENTIFIER line 12: .*256 characters/),
      expect.stringMatching(/^embed INVALID_IDENTIFIER line 13: .*predecessor at state/),
      expect.stringMatching(/^embed INVALID_IDENTIFIER line 15: .*surrogate/),
    ]);
    expect(errors.map(({ row_id }) => row_id).slice(9)).toEqual(
      ['b2', 'b3', 'b4', 'b6'].map(value => `Work[sierra-system-number/${value}]`)
    );
  });

  test('cycles and contradictions fail, their neighbours do not', async () => {
    await using desk = await openDeskOn(kind, { free: 10 });
    await desk.write(
      'works.ndjson',
      toLines([
        workOf(sierra('b1'), { predecessor: sierra('b2') }),
        workOf(sierra('b2'), { predecessor: sierra('b1') }),
        workOf(sierra('b3'), { predecessor: sierra('b3') }),
        workOf(sierra('b4'), { predecessor: sierra('b9') }),
        workOf(sierra('b4'), { predecessor: sierra('b8') }),
        workOf(sierra('b5'), { predecessor: sierra('b4') }),
        workOf(sierra('b8')),
        workOf(sierra('b9')),
      ])
    );
    const ended = await desk.run(['mint', 'works.ndjson', '--target', 'minted.ndjson']);
    expect(ended.status).toBe(1);
    expect(valuesIn(await desk.read('minted.ndjson'))).toEqual(['b8', 'b9']);
    const codes = errorsIn(ended).map(error => error.replace(/^(\w+) .*\/(b\d)\]: .*$/, '$2 $1'));
    expect(codes.sort()).toEqual([
      'b1 PREDECESSOR_CYCLE',
      'b2 PREDECESSOR_CYCLE',
      'b3 PREDECESSOR_CYCLE',
      'b4 CONFLICTING_PREDECESSORS',
      'b4 CONFLICTING_PREDECESSORS',
      'b5 PREDECESSOR_NOT_FOUND',
    ]);
    expect(await desk.run(['pool'])).toMatchObject({ stdout: 'free 8\nassigned 2\n' });
  });
});

describe('a source that cannot be opened or read to its end', () => {
  const READERS = [
    ['mint', ['mint', 'X', '--target', 'out', '--report', 'report']],
    ['assign', ['assign', '--source', 'X', '--target', 'out']],
    ['import', ['import', 'X']],
    ['a list of works', ['mint', 'works.ndjson', '--source-identifiers', '@X', '--target', 'out']],
  ] as const;

  test.each(READERS)(
    'that is not there or a folder ends %s with 2, and makes nothing',
    async (_, args) => {
      await using desk = await openDesk();
      await desk.write('works.ndjson', '');
      await mkdir(desk.path('folder'));
      for (const [path, why] of [
        ['no-such-file', 'there is no such file'],
        ['folder', 'it is a folder'],
      ] as const) {
        const { status, stdout, stderr } = await desk.run(args.map(arg => arg.replace('X', path)));
        expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
        expect(stderr).toMatch(
          new RegExp(`^error SOURCE_UNREADABLE: ${path} [^\\n]*${why}[^\\n]*\\n$`)
        );
      }
      expect(await desk.list()).toEqual(['folder', 'works.ndjson']);
    }
  );

  test.each<[string, readonly string[], (desk: Desk) => Promise<string>]>([
    ...(['mint', 'assign', 'import'] as const).flatMap(
      (command): [string, readonly string[], (desk: Desk) => Promise<string>][] => {
        const args = command === 'assign' ? ['assign', '--source', 'in.gz'] : [command, 'in.gz'];
        const target = command === 'import' ? [] : ['--target', 'out'];
        const lines = Array.from({ length: 5_000 }, (_, index) => ({
          ...workOf(sierra(`b${index}`)),
          source: `Work[s/${index}]`,
          canonicalId: 'a2345678',
        }));
        return [
          [
            `${command}: packed and cut off`,
            [...args, ...target],
            desk => desk.write('in.gz', gzipSync(toLines(lines)).subarray(0, -2_000)),
          ],
          [
            `${command}: not packed at all`,
            [...args, ...target],
            desk => desk.write('in.gz', toLines(lines)),
          ],
        ];
      }
    ),
  ])('%s: says so, and nothing stands under the target’s name', async (_, args, prepare) => {
    await using desk = await openDesk();
    await prepare(desk);
    await desk.write('out', 'as it was');
    const { status, stdout, stderr } = await desk.run(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^error SOURCE_UNREADABLE: in\.gz cannot be read: [^\n]+$/m);
    expect(await desk.read('out')).toBe('as it was');
    expect((await desk.list()).filter(name => name.includes('partial'))).toEqual([]);
  });
});

describe('a target that cannot be written', () => {
  test.each([
    ['mint', ['mint', 'in', '--target', 'X']],
    ['mint’s report', ['mint', 'in', '--target', 'out', '--report', 'X']],
    ['assign', ['assign', 'Work[s/1]', '--target', 'X']],
  ])('%s: is known before anything is minted', async (_, args) => {
    await using desk = await openDesk();
    await desk.write('in', `${work('b1')}\n`);
    await mkdir(desk.path('folder'));
    for (const path of ['no/such/folder/out', 'folder', 'in/out']) {
      const { status, stdout, stderr } = await desk.run(args.map(arg => arg.replace('X', path)));
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(
        /^error TARGET_UNWRITABLE: [^\n]+ Nothing was minted or written\.[^\n]+\n$/
      );
      expect(stderr).toContain(path);
    }
    expect(await desk.list()).toEqual(['folder', 'in']);
  });

  test('keeps what stood there until the new one is complete', async () => {
    await using desk = await openDesk();
    await desk.write('in', `${work('b1')}\n`);
    await desk.write('out', 'old');
    await desk.run(['mint', 'in', '--target', 'out']);
    expect(valuesIn(await desk.read('out'))).toEqual(['b1']);
    await desk.run(['mint', 'in', '--target', 'in']);
    expect(valuesIn(await desk.read('in'))).toEqual(['b1']);
    expect(await desk.read('in')).toContain('"canonicalId"');
  });
});
