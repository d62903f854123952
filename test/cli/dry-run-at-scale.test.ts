import { readFile } from 'node:fs/promises';
import { createConnection } from 'mysql2/promise';
import { describe, expect, inject, test } from 'vitest';
import { generateWorks, knownMappings } from '../../scripts/works-generator.ts';
import type { CanonicalId } from '../../src/domain/canonical-id.ts';
import { isCanonicalId, isStandIn } from '../../src/domain/canonical-id.ts';
import type { Mapping } from '../../src/domain/registry.ts';
import type { Desk, Ended } from '../support/command-line.ts';
import { openDesk } from '../support/command-line.ts';
import { createDatabase, createUser } from '../support/databases.ts';
import { sierra } from '../support/identifiers.ts';
import { startServer } from '../support/servers/start-server.ts';
import { Renaming } from './renaming.ts';
import { toLines, written } from './works.ts';

const WORKS = {
  works: 10_000,
  knownShare: 0.2,
  nothingNewShare: 0.1,
  predecessorShare: 0.1,
  repeatedShare: 0.3,
};
const RUN = ['mint', 'works.ndjson', '--top-up', '--target', 'minted.ndjson', '--json'];
const DRY_RUN = [...RUN, '--dry-run', '--report', 'dry.json'];
const REAL_RUN = [...RUN, '--report', 'real.json'];

/** Long enough for the logs of a server, too. */
const TIMEOUT_MS = 300_000;

describe('a dry run of 10,000 works of every kind', { timeout: TIMEOUT_MS }, () => {
  test('leaves the file of SQLite as it is, and says what the real run then does', async () => {
    await using desk = await openDesk();
    desk.environment = { ID_MINTER_REGISTRY: 'sqlite:ids.sqlite' };
    await prepare(desk);
    const before = await readFile(desk.path('ids.sqlite'));
    const files = await desk.list();

    const dry = await desk.run(DRY_RUN);

    expect(before.equals(await readFile(desk.path('ids.sqlite')))).toBe(true);
    expect(await desk.list()).toEqual([...files, 'dry.json'].sort());
    await expectSame(desk, dry, await desk.run(REAL_RUN));
    expect(before.equals(await readFile(desk.path('ids.sqlite')))).toBe(false);
  });

  test.each(inject('servers'))(
    'sends $kind nothing that writes, and says what the real run then does',
    async ({ kind }) => {
      await using desk = await openDesk();
      // The log is of the whole server, so it is one of this test's own.
      await using server = await startServer(kind);
      await using database = await createDatabase(server);
      const grants = "GRANT ALL ON identifiers.* TO 'id_minter'@'%';";
      const { user, password } = await createUser(database, grants);
      const registry = new URL(database.adminUrl);
      registry.username = user;
      desk.environment = { ID_MINTER_REGISTRY: registry.href, RDS_PASSWORD: password };
      await prepare(desk);

      const [dry, ofDry] = await logged(server.url, user, () => desk.run(DRY_RUN));
      const [real, ofReal] = await logged(server.url, user, () => desk.run(REAL_RUN));

      expect(ofDry.writing).toEqual([]);
      expect(ofDry.reading).toBeGreaterThan(100);
      for (const wanted of ['INSERT', 'UPDATE', 'SELECT']) expect(ofReal.writing).toContain(wanted);
      await expectSame(desk, dry, real);
    }
  );
});

/** The works, and a registry that knows what they take for known but for some predecessors. */
async function prepare(desk: Desk): Promise<void> {
  const known = [...knownMappings(WORKS)];
  await desk.write('known.ndjson', toLines(known));
  await desk.write('works.ndjson', [...mixedWorks(known)].join(''));
  await desk.run(['migrate']);
  const { status } = await desk.run(['import', 'known.ndjson']);
  expect(status).toBe(0);
}

/**
 * Generated works, which share headings and name known predecessors, and in between: predecessors that nobody knows,
 * that come later in the file, that name each other or that have another ID, works that come twice, and broken lines.
 */
function* mixedWorks(known: readonly Mapping[]): Generator<string> {
  const works = [...generateWorks(WORKS)] as unknown as Generated[];
  for (const [index, work] of works.entries()) {
    const { state } = work._source;
    switch (index % 100) {
      case 7:
        state.predecessorIdentifier = written(sierra(`nobody${index}`));
        break;
      case 13:
        state.predecessorIdentifier = sourceOf(works[(index + 4_001) % works.length]);
        break;
      case 17:
        state.predecessorIdentifier = sourceOf(works[index + 1]);
        break;
      case 18:
        state.predecessorIdentifier = sourceOf(works[index - 1]);
        break;
      case 29: {
        const other = known[index];
        if (other) state.predecessorIdentifier = written(other.source);
        break;
      }
      case 37:
        yield '{"_id": "broken\n';
        break;
      case 43:
        state.sourceIdentifier = { ...state.sourceIdentifier, value: 'x'.repeat(300) };
        break;
      case 53:
        state.sourceIdentifier = {};
        break;
      case 61:
        yield toLines([works[index - 10]]);
        break;
      case 71:
        yield toLines([works[(index + 3_000) % works.length]]);
        break;
    }
    yield toLines([work]);
  }
}

function sourceOf(work: Generated | undefined): object {
  if (work === undefined) throw new Error('There is no such work.');
  return work._source.state.sourceIdentifier;
}

interface Generated {
  readonly _source: {
    readonly state: { sourceIdentifier: object; predecessorIdentifier?: object };
  };
}

interface Summary {
  readonly works: object;
  readonly identifiers: Readonly<Record<string, number>>;
  readonly warnings: object;
}

interface Report {
  readonly dry_run: boolean;
  readonly works: object;
  readonly successful_ids: readonly string[];
  readonly errors: readonly { readonly code: string }[];
  readonly outcomes: readonly { readonly source: string; readonly canonicalId?: string }[];
  readonly warned: readonly object[];
}

async function expectSame(desk: Desk, dry: Ended, real: Ended): Promise<void> {
  expect([dry.status, real.status]).toEqual([1, 1]);
  const summary = countsOf(real);
  expect(countsOf(dry)).toEqual(summary);
  for (const outcome of ['existing', 'inherited', 'minted'])
    expect(summary.identifiers[outcome]).toBeGreaterThan(100);

  const [said, done] = [await readReport(desk, 'dry.json'), await readReport(desk, 'real.json')];
  expect([said.dry_run, done.dry_run]).toEqual([true, false]);
  expect([...new Set(done.errors.map(({ code }) => code))].sort()).toEqual([
    'INVALID_IDENTIFIER',
    'INVALID_JSON',
    'PREDECESSOR_CYCLE',
    'PREDECESSOR_NOT_FOUND',
  ]);
  expect(Object.keys(summary.warnings).sort()).toEqual([
    'INHERITANCE_CONFLICT',
    'SHARED_DOCUMENT_ID',
  ]);
  const same = new Renaming(text => isCanonicalId(text) || isStandIn(text as CanonicalId));
  same.compare(comparable(said), comparable(done));
  expect(same.size).toBeGreaterThan(WORKS.works);
}

/** Batches run at once, so it is chance which of two works that carry a new heading is told that it was minted. */
function comparable({ works, errors, outcomes, successful_ids, warned }: Report): object {
  const bySource = outcomes.toSorted((a, b) => (a.source < b.source ? -1 : 1));
  return { works, errors, outcomes: bySource, successful_ids, warned };
}

function countsOf({ stdout }: Ended): Summary {
  const { works, identifiers, warnings } = JSON.parse(stdout) as Summary;
  return { works, identifiers, warnings };
}

async function readReport(desk: Desk, name: string): Promise<Report> {
  return JSON.parse(await desk.read(name)) as Report;
}

/** The statements that the server was sent as a user while something was done. */
interface Sent {
  /** Statements that only read. */
  readonly reading: number;
  /** The first words of all others. */
  readonly writing: readonly string[];
}

const READS =
  /^(SELECT|SHOW|SET (NAMES|SESSION|TRANSACTION)|START TRANSACTION READ ONLY|ROLLBACK)\b/;

async function logged<T>(
  adminUrl: string,
  user: string,
  work: () => Promise<T>
): Promise<[T, Sent]> {
  const admin = await createConnection({ uri: adminUrl, rowsAsArray: true });
  try {
    await admin.query('TRUNCATE mysql.general_log');
    await admin.query("SET GLOBAL log_output = 'TABLE'");
    await admin.query('SET GLOBAL general_log = ON');
    const done = await work();
    await admin.query('SET GLOBAL general_log = OFF');
    const [rows] = await admin.query(
      `SELECT CONVERT(LEFT(argument, 60) USING utf8mb4), CONVERT(RIGHT(argument, 60) USING utf8mb4), command_type
        FROM mysql.general_log
        WHERE user_host LIKE '${user}%' AND command_type IN ('Query', 'Execute', 'Prepare')`
    );
    return [done, sortOut(rows as [string, string][])];
  } finally {
    await admin.end();
  }
}

function sortOut(statements: readonly [start: string, end: string][]): Sent {
  const writing = statements.filter(
    ([start, end]) => !READS.test(start) || /FOR (UPDATE|SHARE)/.test(end)
  );
  return {
    reading: statements.length - writing.length,
    writing: [...new Set(writing.map(([start]) => start.split(/\s/, 1)[0] ?? ''))],
  };
}
