import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/main.ts';
import { sierra } from '../support/identifiers.ts';
import { findFreePort } from '../support/servers/processes.ts';
import type { DeskOnRegistry } from './desk-on-registry.ts';
import { openDeskOn, REGISTRY_KINDS } from './desk-on-registry.ts';
import { fromLines, toLines, workOf } from './works.ts';

const SCHEMAS = fileURLToPath(new URL('../../schemas', import.meta.url));
const NAMES = globSync('*.schema.json', { cwd: SCHEMAS }).map(path =>
  basename(path, '.schema.json')
);

/** As a program of somebody else's has them, from the published file alone. */
function schemaOf(name: string): z.ZodType {
  return z.fromJSONSchema(JSON.parse(readFileSync(`${SCHEMAS}/${name}.schema.json`, 'utf8')));
}

function refusals(name: string, values: readonly unknown[]): string[] {
  const schema = schemaOf(name);
  return values.flatMap(value => {
    const { error } = schema.safeParse(value);
    return error ? [`${JSON.stringify(value)}: ${error.message}`] : [];
  });
}

/** Runs in this process: there are many, and what is printed is the same. */
async function say(args: readonly string[], environment: Io['environment']) {
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
  await desk.write('known.ndjson', '{"canonicalId": "z2345678", "source": "Work[s/1]"}\n');
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
    'rows.ndjson',
    '{"source": "Work[s/2]"}\n{"source": 5}\n{"source": "Work[s/"}\n{\n'
  );
  await desk.write('against.ndjson', '{"canonicalId": "y2345678", "source": "Work[s/1]"}\n{}\n');
  await desk.write('notes.txt', 'These are notes, and no database at all.\n'.repeat(100));
  return desk;
}

/** `FILE:NAME` stands for the path of a file of the desk. */
const onDesk = (args: readonly string[], desk: DeskOnRegistry) =>
  args.map(arg => arg.replace(/^FILE:(.*)$/, (_, name: string) => desk.path(name)));

const TO_FILE = ['--target', 'FILE:out.ndjson'];
const WITH_REPORT = [...TO_FILE, '--report', 'FILE:report.json'];

/** What is said, the status with which it ends, the schema of what it prints, and what is done to the registry before. */
type Case = readonly [args: readonly string[], status: number, schema: string, sql?: string];

const DRAINED = "UPDATE canonical_ids SET Status = 'assigned'";
const UNFINISHED = 'UPDATE id_minter_migrations SET FinishedAt = NULL';
const OF_LATER =
  'INSERT INTO id_minter_migrations (Id, StartedAt, FinishedAt, OldestCode, Facts) VALUES ' +
  "('9001_of_later', '2030-01-01 00:00:00', '2030-01-01 00:00:00', '1.0.0', '{}')";

const CASES: readonly Case[] = [
  [['mint', 'FILE:works.ndjson', ...WITH_REPORT], 0, 'mint'],
  [['mint', 'FILE:empty.ndjson', ...WITH_REPORT, '--job-id', ''], 0, 'mint'],
  [['mint', 'FILE:works.ndjson', ...WITH_REPORT, '--dry-run'], 0, 'mint'],
  [['mint', 'FILE:broken.ndjson', ...WITH_REPORT], 1, 'mint'],
  [['mint', 'FILE:unknown.ndjson', ...WITH_REPORT], 1, 'mint'],
  [['mint', 'FILE:works.ndjson', ...WITH_REPORT, '--no-top-up'], 5, 'mint', DRAINED],
  [['mint', 'FILE:works.ndjson'], 2, 'error'],
  [['assign', 'Work[s/1]', 'Work[s/]'], 0, 'assign-answer'],
  [['assign', 'Work[s/3]', '--dry-run'], 0, 'assign-answer'],
  [['assign', '--source', 'FILE:rows.ndjson'], 1, 'assign-answer'],
  [['assign', 'Work[s/1]', 'Work[s/2]', '--no-top-up'], 5, 'assign-answer', DRAINED],
  [['assign', 'Work[s/1]', 'Work[s/]', ...TO_FILE], 0, 'assign'],
  [['assign', '--source', 'FILE:rows.ndjson', ...TO_FILE], 1, 'assign'],
  [['assign', 'Work[s/2]', ...TO_FILE, '--no-top-up'], 5, 'assign', DRAINED],
  [['lookup', 'Work[s/1]', 'z2345678'], 0, 'lookup'],
  [['lookup', 'Work[s/1]', 'Work[S/1]', 'Z2345678', 'y2345678', 'Work[s/2]'], 6, 'lookup'],
  [['lookup', 'Work[s'], 2, 'error'],
  [['import', 'FILE:known.ndjson'], 0, 'import'],
  [['import', 'FILE:against.ndjson'], 1, 'import'],
  [['pool'], 0, 'pool'],
  [['pool', 'top-up', '--target', '9'], 0, 'pool-top-up'],
  [['migrate'], 0, 'migrate'],
  [['migrate', '--registry', 'sqlite:FILE/new.sqlite'], 0, 'migrate'],
  [['migrate'], 5, 'error', UNFINISHED],
  [['migrate', 'status'], 0, 'migrate-status'],
  [['migrate', 'status'], 0, 'migrate-status', OF_LATER],
  [['migrate', 'status'], 6, 'migrate-status', UNFINISHED],
  [['migrate', 'rollback', '--drop-mappings', '1'], 0, 'migrate-rollback'],
  [['migrate', 'rollback'], 5, 'error'],
  [['migrate', 'rollback', '--registry', 'sqlite:FILE/new.sqlite'], 0, 'migrate-rollback'],
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
      const line = onDesk(args, desk).map(arg => arg.replace('FILE/', `${desk.folder}/`));

      const said = await say(line, desk.environment);

      expect(said.status).toBe(status);
      const values = fromLines(said.stdout);
      if (schema !== 'assign-answer') expect(values).toHaveLength(1);
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

const COMMANDS: readonly (readonly string[])[] = [
  ['mint', 'FILE:works.ndjson', ...TO_FILE],
  ['assign', 'Work[s/1]'],
  ['lookup', 'Work[s/1]'],
  ['import', 'FILE:known.ndjson'],
  ['pool'],
  ['pool', 'top-up'],
  ['migrate'],
  ['migrate', 'status'],
  ['migrate', 'rollback'],
];

describe.each(COMMANDS)('%s %s', (...command) => {
  test('says what failed as a whole as the schema of errors says, whatever it was', async () => {
    await using desk = await openDesk();
    const args = onDesk(command, desk);
    const none = new Proxy(
      {},
      {
        get: () => {
          throw new Error('There is no environment.');
        },
      }
    );
    const port = await findFreePort();
    const failures: readonly (readonly [number, Promise<{ status: number; stdout: string }>])[] = [
      [2, say([...args, '--no-such-flag'], desk.environment)],
      [3, say([...args, '--registry', 'x'], desk.environment)],
      [4, say([...args, '--registry', `mysql://minter@127.0.0.1:${port}/ids`], desk.environment)],
      [5, say([...args, '--registry', `sqlite:${desk.path('notes.txt')}`], desk.environment)],
      [70, say(args, none)],
    ];
    for (const [expected, ended] of failures) {
      const { status, stdout } = await ended;
      expect(status).toBe(expected);
      const values = fromLines<{ error: { exit: number } }>(stdout);
      expect(values.map(({ error }) => error.exit)).toEqual([expected]);
      expect(refusals('error', values)).toEqual([]);
    }
  });
});

describe('the schemas', () => {
  test('are each tried above', () => {
    const tried = new Set([...CASES.map(([, , schema]) => schema), 'report']);
    expect([...tried].sort()).toEqual(NAMES.sort());
  });

  test.each(NAMES)('%s: refuses what lacks everything, and what is more than it says', name => {
    for (const wrong of [{}, [], null, 'text', { other: 1 }]) {
      expect(refusals(name, [wrong])).toHaveLength(1);
    }
    expect(refusals('pool', [{ free: 1, assigned: 2, other: 3 }])).toHaveLength(1);
    expect(refusals('pool', [{ free: 1, assigned: -2 }])).toHaveLength(1);
  });
});
