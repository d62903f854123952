import { describe, expect, test } from 'vitest';
import { exitFor } from '../../src/cli/exit.ts';
import type { Desk } from '../support/command-line.ts';
import { openDesk } from '../support/command-line.ts';
import { sierra } from '../support/identifiers.ts';
import { fromLines, toLines, workOf } from './works.ts';

describe('the exit status', () => {
  test.each([
    [[], 0],
    [['INVALID_JSON'], 1],
    [['INVALID_JSON', 'POOL_EXHAUSTED'], 5],
    [['POOL_EXHAUSTED', 'REGISTRY_UNAVAILABLE', 'INVALID_JSON'], 4],
    [['REGISTRY_UNAVAILABLE', 'INTERNAL', 'POOL_EXHAUSTED'], 70],
  ] as const)('for %j is %i', (codes, status) => {
    expect(exitFor(codes)).toBe(status);
  });
});

describe('a command line that is not understood', () => {
  test.each([
    [['asign', 'x'], 'assign'],
    [['lokup'], 'lookup'],
    [['imprt', 'x'], 'import'],
    [['chek'], 'check'],
    [['check', '--declare', 'x'], '--declared'],
    [['pool', 'topup'], 'top-up'],
    [['migrate', 'stat'], 'status'],
    [['migrate', 'rolback'], 'rollback'],
    [['mint', '--sorce', 'x'], '--source'],
    [['assign', '--value-colum', 'x'], '--value-column'],
    [['pool', 'top-up', '--tarjet', '3'], '--target'],
    [['--regstry', 'x'], '--registry'],
  ])('%j is answered with the nearest name', async (args, nearest) => {
    await using desk = await openDesk();
    const { status, stdout, stderr } = await desk.run(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^error USAGE: [^\n]+\n$/);
    expect(stderr).toContain(nearest);
    expect(await desk.list()).toEqual([]);
  });

  test.each([
    [['lookup'], "'ids'"],
    [['import'], "'file'"],
    [['import', 'a', 'b'], 'a, b'],
    [['mint', 'a', '--job-id'], '--job-id'],
    [['pool', 'top-up', '--target', '-5'], '-5'],
    [['pool', 'top-up', '--target', '0'], 'from 1'],
    [['migrate', 'rollback', '--drop-mappings', 'all'], 'all'],
    [['migrate', '--registry'], '--registry'],
  ])('%j is answered with what is missing or wrong', async (args, what) => {
    await using desk = await openDesk();
    const { status, stderr } = await desk.run(args);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error USAGE: [^\n]+\n$/);
    expect(stderr).toContain(what);
  });

  test('of nothing at all shows the help', async () => {
    await using desk = await openDesk();
    expect(await desk.run([])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('Usage: id-minter'),
    });
  });
});

describe('a fault of the program', () => {
  /** Loaded before the program: something that it stands on is broken. */
  const planted = (code: string) => [
    '--import',
    `data:text/javascript,${encodeURIComponent(code)}`,
  ];

  test.each([
    ['that a command meets', "process.getBuiltinModule = () => { throw new Error('planted'); }"],
    ['that nobody waits for', "setTimeout(() => { throw new Error('planted'); }, 20)"],
    ['in a promise of nobody', "setTimeout(() => Promise.reject(new Error('planted')), 20)"],
  ])('%s ends with 70 and what to report', async (_, code) => {
    await using desk = await openDesk();
    // Standard input stays open, so that the command has not ended before.
    const { child, ended } = desk.start(['assign', '--source', '-', '--json'], {
      node: planted(code),
    });
    child.stdin?.write('{"source": "Work[s/1]"}\n');
    const { status, stdout, stderr } = await ended;
    expect(status).toBe(70);
    expect(stderr).toMatch(
      /^error INTERNAL: A fault of ID Minter: [^\n]*planted\. [^\n]*--debug[^\n]*report[^\n]*\n$/
    );
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'INTERNAL', exit: 70 } });
  });
});

describe('help', () => {
  test('names every command, and each says what it takes and an example', async () => {
    await using desk = await openDesk();
    const { status, stdout } = await desk.run(['--help']);
    expect(status).toBe(0);
    const commands = stdout.match(/^ {2}[a-z]+(?= )/gm)?.map(name => name.trim()) ?? [];
    const known = ['mint', 'assign', 'lookup', 'import', 'pool', 'check', 'export', 'migrate'];
    expect(commands).toEqual(known);
    for (const command of [
      ...commands.map(name => [name]),
      ['pool', 'top-up'],
      ['export', 'write'],
      ['export', 'restore'],
      ['migrate', 'status'],
    ]) {
      const help = await desk.run([...command, '--help']);
      expect(help).toMatchObject({ status: 0, stderr: '' });
      expect(help.stdout).toContain(`Usage: id-minter ${command.join(' ')}`);
      expect(help.stdout).toContain('--registry <url>');
      expect(help.stdout).toMatch(/^Example:\n {2}id-minter /m);
    }
    expect(await desk.list()).toEqual([]);
  });

  test('gives the version', async () => {
    await using desk = await openDesk();
    expect(await desk.run(['--version'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});

describe('flags of every command', () => {
  test('may stand before it', async () => {
    await using desk = await openDesk();
    const first = await desk.run([
      ...['--quiet', '--registry', 'sqlite:a.sqlite', '--json', 'assign', 'Work[s/1]'],
    ]);
    const second = await desk.run(['--registry=sqlite:a.sqlite', 'pool', '--json']);
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(fromLines(first.stdout)).toMatchObject([{ outcome: 'minted' }]);
    expect(JSON.parse(second.stdout)).toMatchObject({ assigned: 1 });
    expect(await desk.list()).toEqual(['a.sqlite']);
  });
});

describe('--json', () => {
  test.each<[string, readonly string[], string, number]>([
    ['a wrong flag', ['mint', '--sorce', 'x'], 'USAGE', 2],
    ['a source that is not there', ['assign', '--source', 'no.csv'], 'SOURCE_UNREADABLE', 2],
    ['a wrong registry', ['pool', '--registry', 'x'], 'INVALID_CONFIGURATION', 3],
    ['a registry that is not there', ['lookup', 'a2345678'], 'REGISTRY_NOT_FOUND', 3],
    [
      'an index of a pipeline that nobody names',
      ['mint', '--full', '--source-es-mode', 'public', '--registry', 'sqlite:x.sqlite'],
      ...(['INVALID_CONFIGURATION', 3] as const),
    ],
  ])('gives one document also for %s', async (_, args, code, exit) => {
    await using desk = await openDesk();
    const { status, stdout, stderr } = await desk.run([...args, '--json']);
    expect(status).toBe(exit);
    const { error } = JSON.parse(stdout);
    const help = `docs/errors.md#${code.toLowerCase()}`;
    expect(error).toEqual({ code, exit, message: expect.any(String), help });
    expect(stderr).toBe(`error ${code}: ${error.message} See ${help}.\n`);
  });
});

describe('the section that explains a code', () => {
  test('is named once a run, by the first failure that has the code', async () => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', '{\n[\n{}\n{}\n');
    const { stderr } = await desk.run(['mint', 'works.ndjson', '--quiet']);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.map(line => / See (docs\/errors\.md#\w+)\.$/.exec(line)?.[1])).toEqual([
      ...['docs/errors.md#invalid_json', undefined, 'docs/errors.md#invalid_work', undefined],
    ]);
  });
});

describe('--quiet', () => {
  test('leaves out progress and summary, and no error or warning', async () => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', `${toLines([workOf(sierra(''))])}{\n`);
    const { status, stdout, stderr } = await desk.run(['mint', 'works.ndjson', '--quiet']);
    expect(status).toBe(1);
    expect(fromLines(stdout)).toHaveLength(1);
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .map(line => line.split(':')[0])
        .sort()
    ).toEqual(['error INVALID_JSON', 'warning EMPTY_VALUE']);
  });
});

describe('--debug', () => {
  test('shows where an error came from', async () => {
    await using desk = await openDesk();
    const { stderr } = await desk.run(['assign', '--source', 'no.csv', '--debug']);
    expect(stderr).toMatch(/^error SOURCE_UNREADABLE: /);
    expect(stderr).toMatch(/^\s+at .*files\.ts/m);
    expect(stderr).toMatch(/^caused by: .*ENOENT/m);
  });
});

describe('a reader that has seen enough', () => {
  test('of the data ends the command quietly', async () => {
    await using desk = await openDesk();
    await writeManyWorks(desk);
    const { child, ended } = desk.start(['mint', 'works.ndjson']);
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await ended).toMatchObject({
      status: 0,
      stderr: 'Registry: sqlite:./id-minter.sqlite\n',
    });
  });

  test('of the messages does not end the work', async () => {
    await using desk = await openDesk();
    await writeManyWorks(desk);
    const { child, ended } = desk.start(['mint', 'works.ndjson', '--target', 'minted.ndjson']);
    child.stderr?.destroy();
    expect(await ended).toMatchObject({ status: 0 });
    expect(await desk.list()).toContain('minted.ndjson');
  });
});

async function writeManyWorks(desk: Desk): Promise<void> {
  const works = Array.from({ length: 5_000 }, (_, index) => workOf(sierra(`b${index}`)));
  await desk.write('works.ndjson', toLines(works));
}
