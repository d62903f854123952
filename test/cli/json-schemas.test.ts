import { cp, rm } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/main.ts';
import { sierra } from '../support/identifiers.ts';
import { findFreePort } from '../support/servers/processes.ts';
import { openSilentServer } from '../support/silent-server.ts';
import { COMMANDS, commandNames, writeInputs } from './command-table.ts';
import type { DeskOnRegistry } from './desk-on-registry.ts';
import { openDeskOn, REGISTRY_KINDS } from './desk-on-registry.ts';
import { refusals, SCHEMA_NAMES } from './published-schemas.ts';
import { fromLines, toLines, workOf } from './works.ts';

const ROWS = Object.entries(COMMANDS).map(([name, row]) => ({ name, ...row }));

/** The longest name of a command that a line begins with. */
function nameOf(words: readonly string[]): string | undefined {
  return ROWS.map(({ name }) => name)
    .filter(name => `${words.join(' ')} `.startsWith(`${name} `))
    .sort((a, b) => a.length - b.length)
    .at(-1);
}

type Said = Promise<{ readonly status: number; readonly stdout: string }>;

/** Runs in this process: there are many, and what is printed is the same. */
async function say(args: readonly string[], environment: Io['environment']): Said {
  const stdout = new PassThrough();
  const stderr = new PassThrough().resume();
  const said = text(stdout);
  const { signal } = new AbortController();
  const status = await run([...args, '--json'], {
    ...{ environment, stdin: Readable.from([]), stdout, stderr, signal },
  });
  stdout.end();
  return { status, stdout: await said };
}

/** Three free IDs, and the mapping of Work[s/1] to z2345678. */
async function openDesk(): Promise<DeskOnRegistry> {
  const [sqlite] = REGISTRY_KINDS;
  if (sqlite === undefined) throw new Error('SQLite is always there.');
  const desk = await openDeskOn(sqlite, { free: 3 });
  await writeInputs(desk);
  await say(['import', desk.path('known.ndjson')], desk.environment);
  const works = [
    workOf(sierra('b1'), { subjects: [sierra('')] }),
    workOf(sierra('b2'), { predecessor: sierra('b1') }),
  ];
  await desk.write('works.ndjson', toLines(works));
  await desk.write('broken.ndjson', `${toLines(works)}{\n{}\n`);
  await desk.write(
    'unknown.ndjson',
    toLines([workOf(sierra('b3'), { predecessor: sierra('b9') })])
  );
  await desk.write('empty.ndjson', '');
  await desk.write(
    'faulty.ndjson',
    '{"source": "Work[s/2]"}\n{"source": 5}\n{"source": "Work[s/"}\n{\n'
  );
  await desk.write('against.ndjson', '{"canonicalId": "y2345678", "source": "Work[s/1]"}\n{}\n');
  await cp(desk.path('backup.export'), desk.path('broken.export'), { recursive: true });
  await rm(desk.path('broken.export/identifiers/identifiers/1/_SUCCESS'));
  await desk.write('notes.txt', 'These are notes, and no database at all.\n'.repeat(100));
  return desk;
}

/** A name of a file stands for its path on the desk. */
const onDesk = (args: readonly string[], desk: DeskOnRegistry) =>
  args.map(arg =>
    arg.replace(
      /^(sqlite:)?([a-z]+\.(?:ndjson|json|sqlite|txt|export))$/,
      (_, kind = '', name: string) => `${kind}${desk.path(name)}`
    )
  );

const TO_NEW = ['--registry', 'sqlite:restored.sqlite'];
const TO_FILE = ['--target', 'out.ndjson'];
const WITH_REPORT = [...TO_FILE, '--report', 'report.json'];

/** The schemas of what is printed line by line. */
const IN_LINES: ReadonlySet<string> = new Set(['assign-answer', 'check', 'export-verify']);

/** What is said, the status with which it ends, the schema of what it prints, and what is done to the registry before. */
type Case = readonly [args: readonly string[], status: number, schema: string, sql?: string];

const DRAINED = "UPDATE canonical_ids SET Status = 'assigned'";
const UNFINISHED = 'UPDATE id_minter_migrations SET FinishedAt = NULL';
const OF_LATER =
  'INSERT INTO id_minter_migrations (Id, StartedAt, FinishedAt, OldestCode, Facts) VALUES ' +
  "('9001_of_later', '2030-01-01 00:00:00', '2030-01-01 00:00:00', '1.0.0', '{}')";

const CASES: readonly Case[] = [
  [['mint', 'works.ndjson', ...WITH_REPORT], 0, 'mint'],
  [['mint', 'empty.ndjson', ...WITH_REPORT, '--job-id', ''], 0, 'mint'],
  [['mint', 'works.ndjson', ...WITH_REPORT, '--dry-run'], 0, 'mint'],
  [['mint', 'broken.ndjson', ...WITH_REPORT], 1, 'mint'],
  [['mint', 'unknown.ndjson', ...WITH_REPORT], 1, 'mint'],
  [['mint', 'works.ndjson', ...WITH_REPORT, '--no-top-up'], 5, 'mint', DRAINED],
  [['mint', 'works.ndjson'], 2, 'error'],
  [['assign', 'Work[s/1]', 'Work[s/]'], 0, 'assign-answer'],
  [['assign', 'Work[s/3]', '--dry-run'], 0, 'assign-answer'],
  [['assign', '--source', 'faulty.ndjson'], 1, 'assign-answer'],
  [['assign', 'Work[s/1]', 'Work[s/2]', '--no-top-up'], 5, 'assign-answer', DRAINED],
  [['assign', 'Work[s/1]', 'Work[s/]', ...TO_FILE], 0, 'assign'],
  [['assign', '--source', 'faulty.ndjson', ...TO_FILE], 1, 'assign'],
  [['assign', 'Work[s/2]', ...TO_FILE, '--no-top-up'], 5, 'assign', DRAINED],
  [['lookup', 'Work[s/1]', 'z2345678'], 0, 'lookup'],
  [['lookup', 'Work[s/1]', 'Work[S/1]', 'Z2345678', 'y2345678', 'Work[s/2]'], 6, 'lookup'],
  [['lookup', 'Work[s'], 2, 'error'],
  [['import', 'known.ndjson'], 0, 'import'],
  [['import', 'against.ndjson'], 1, 'import'],
  [['pool'], 0, 'pool'],
  [['pool', 'top-up', '--target', '9'], 0, 'pool-top-up'],
  [['check'], 0, 'check'],
  [['check'], 6, 'check', DRAINED],
  [['check', '--declared', 'known.ndjson'], 0, 'check'],
  [['check', '--declared', 'against.ndjson'], 1, 'check'],
  [['export', 'write', 'written.export'], 0, 'export-write'],
  [['export', 'write', 'backup.export'], 2, 'error'],
  [['export', 'verify', 'backup.export'], 0, 'export-verify'],
  [['export', 'verify', 'broken.export'], 6, 'export-verify'],
  [
    ['export', 'verify', 'backup.export', '--against', 'sqlite:registry.sqlite'],
    6,
    'export-verify',
  ],
  [['export', 'restore', 'backup.export', ...TO_NEW], 0, 'export-restore'],
  [['export', 'restore', 'broken.export', ...TO_NEW], 6, 'error'],
  [['export', 'restore', 'backup.export'], 5, 'error'],
  [['migrate'], 0, 'migrate'],
  [['migrate', '--registry', 'sqlite:new.sqlite'], 0, 'migrate'],
  [['migrate'], 5, 'error', UNFINISHED],
  [['migrate', 'status'], 0, 'migrate-status'],
  [['migrate', 'status'], 0, 'migrate-status', OF_LATER],
  [['migrate', 'status'], 6, 'migrate-status', UNFINISHED],
  [['migrate', 'rollback', '--drop-mappings', '1'], 0, 'migrate-rollback'],
  [['migrate', 'rollback'], 5, 'error'],
  [['migrate', 'rollback', '--registry', 'sqlite:new.sqlite'], 0, 'migrate-rollback'],
];

describe('what --json prints is as its schema says', () => {
  const cases = CASES.map(([args, status, schema, sql = 'SELECT 1']) => ({
    ...{ args, status, schema, sql, line: args.join(' ') },
  }));

  test.each(cases)(
    '$line: $schema, $status (after $sql)',
    async ({ args, status, schema, sql }) => {
      await using desk = await openDesk();
      await desk.registry.sql(sql);

      const said = await say(onDesk(args, desk), desk.environment);

      expect(said.status).toBe(status);
      const values = fromLines(said.stdout);
      if (!IN_LINES.has(schema)) expect(values).toHaveLength(1);
      expect(refusals(schema, values)).toEqual([]);
      if (schema === 'mint') {
        expect(refusals('report', [JSON.parse(await desk.read('report.json'))])).toEqual([]);
      }
      if (args.includes('assign') && schema === 'assign') {
        expect(refusals('assign-answer', fromLines(await desk.read('out.ndjson')))).toEqual([]);
      }
    }
  );
});

/** What fails as a whole, whatever the command, and the status with which it then ends. */
const FAILURES: Readonly<Record<number, (args: readonly string[], desk: DeskOnRegistry) => Said>> =
  {
    2: (args, { environment }) => say([...args, '--no-such-flag'], environment),
    3: (args, { environment }) => say([...args, '--registry', 'x'], environment),
    4: async (args, { environment }) => {
      const url = `mysql://minter@127.0.0.1:${await findFreePort()}/ids`;
      return await say([...args, '--registry', url], environment);
    },
    5: (args, desk) =>
      say([...args, '--registry', `sqlite:${desk.path('notes.txt')}`], desk.environment),
    70: args =>
      say(
        args,
        new Proxy(
          {},
          {
            get: () => {
              throw new Error('There is no environment.');
            },
          }
        )
      ),
  };

const STOPS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;

describe.each(ROWS)('$name', ({ name, args, forJson = [], exits }) => {
  const line = [...args, ...forJson];

  test('says what failed as a whole as the schema of errors says, whatever it was', async () => {
    await using desk = await openDesk();
    for (const [expected, fail] of Object.entries(FAILURES)) {
      const { status, stdout } = await fail(onDesk(line, desk), desk);
      expect(String(status)).toBe(expected);
      const values = fromLines<{ error: { exit: number } }>(stdout);
      expect(values.map(({ error }) => error.exit)).toEqual([status]);
      expect(refusals('error', values)).toEqual([]);
    }
  });

  // Windows has no signals that a program could catch and another one could send.
  test.each(process.platform === 'win32' ? [] : STOPS)(
    'prints nothing when %s ends it with %i',
    async (signal, status) => {
      await using desk = await openDesk();
      await using server = await openSilentServer();
      const url = `mysql://u@127.0.0.1:${server.port}/ids`;
      const connected = server.connected();
      const { child, ended } = desk.start([...line, '--json', '--registry', url]);
      await connected;
      child.kill(signal);
      expect(await ended).toMatchObject({ status, stdout: '' });
    }
  );

  test('is tried with each status that it can end with', () => {
    const ofCases = CASES.filter(([words]) => nameOf(words) === name).map(([, status]) => status);
    const stops = STOPS.map(([, status]) => status);
    const tried = new Set([...ofCases, ...Object.keys(FAILURES).map(Number), ...stops]);
    expect([...tried].sort()).toEqual([...exits].sort());
  });
});

describe('the schemas', () => {
  test('are for every command of the program', () => {
    expect(ROWS.map(({ name }) => name).sort()).toEqual(commandNames().sort());
    for (const { schema } of ROWS) expect(SCHEMA_NAMES).toContain(schema);
  });

  test('are each tried above', () => {
    const tried = new Set([...CASES.map(([, , schema]) => schema), 'report', 'find-work']);
    expect([...tried].sort()).toEqual([...SCHEMA_NAMES].sort());
  });

  test.each(SCHEMA_NAMES)(
    '%s: refuses what lacks everything, and what is more than it says',
    name => {
      for (const wrong of [{}, [], null, 'text', { other: 1 }]) {
        expect(refusals(name, [wrong])).toHaveLength(1);
      }
      expect(refusals('pool', [{ free: 1, assigned: 2, other: 3 }])).toHaveLength(1);
      expect(refusals('pool', [{ free: 1, assigned: -2 }])).toHaveLength(1);
    }
  );
});
