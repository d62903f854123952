import { describe, expect, test } from 'vitest';
import type { Desk, Ended } from '../support/command-line.ts';
import { sierra } from '../support/identifiers.ts';
import {
  CTRL_C,
  colouredIn,
  ESCAPE,
  onScreen,
  runOnTerminal,
  startOnTerminal,
  TO_EMPTY_LINE,
  whyNoTerminal,
} from '../support/pseudo-terminal.ts';
import { COMMANDS, commandNames, writeInputs } from './command-table.ts';
import { openDeskOn, REGISTRY_KINDS } from './desk-on-registry.ts';
import { refusals } from './published-schemas.ts';
import { fromLines, toLines, workOf } from './works.ts';

/** Where a command may be run. Each way is given the same line on a desk of its own. */
type Way = (desk: Desk, args: readonly string[]) => Promise<Ended>;

const piped: Way = (desk, args) => desk.run(args);
const onTerminal: Way = (desk, args) => runOnTerminal(desk, args);
const withoutColour: Way = (desk, args) =>
  runOnTerminal(desk, args, { environment: { NO_COLOR: '1' } });
const onDumbTerminal: Way = (desk, args) =>
  runOnTerminal(desk, args, { environment: { TERM: 'dumb' } });
const allOnTerminal: Way = (desk, args) =>
  runOnTerminal(desk, args, { shows: 'messages and data' });

/** One free ID and one mapping, so that two desks give the same answers. */
async function openDesk() {
  const [sqlite] = REGISTRY_KINDS;
  if (sqlite === undefined) throw new Error('SQLite is always there.');
  const desk = await openDeskOn(sqlite, { free: 1 });
  await writeInputs(desk);
  await desk.registry.sql(
    "INSERT INTO canonical_ids (CanonicalId, Status) VALUES ('z2345678', 'assigned')"
  );
  await desk.registry.sql(
    'INSERT INTO identifiers (CanonicalId, OntologyType, SourceSystem, SourceId, CreatedAt) ' +
      "VALUES ('z2345678', 'Work', 's', '1', '2026-01-01 00:00:00')"
  );
  // The folder of a desk is another one each time, and messages name the registry.
  desk.environment = { ID_MINTER_REGISTRY: 'sqlite:registry.sqlite' };
  return desk;
}

async function runIn(way: Way, args: readonly string[]): Promise<Ended> {
  await using desk = await openDesk();
  const { status, stdout, stderr } = await way(desk, args);
  return { status, stdout, stderr: stderr.replaceAll(/Took [\d.]+ s/g, 'Took 0.0 s') };
}

test('the table has every command of the program', () => {
  expect(Object.keys(COMMANDS).sort()).toEqual(commandNames().sort());
});

const ROWS = Object.entries(COMMANDS).map(([name, row]) => ({ name, ...row }));

describe.each(whyNoTerminal === undefined ? ROWS : [])('$name', row => {
  test('gives the same data everywhere, and ends in the same way', async () => {
    const { args, status } = row;
    const [inPipe, ...onTerminals] = await inTurn(
      [piped, onTerminal, withoutColour, onDumbTerminal],
      way => runIn(way, args)
    );

    expect(inPipe?.status).toBe(status);
    expect(inPipe?.stdout).not.toContain(ESCAPE);
    expect(inPipe?.stderr).not.toContain(ESCAPE);
    for (const ended of onTerminals) {
      const { stderr, ...rest } = ended;
      expect({ ...rest, stderr: onScreen(stderr) }).toEqual(inPipe);
    }
    const [colourful, plain, dumb] = onTerminals;
    expect(colouredIn(plain?.stderr ?? '')).toEqual([]);
    expect(dumb?.stderr).not.toContain(ESCAPE);
    expect(dumb?.stderr).not.toContain('\r');
    // What is told as an error or a warning stands out, and nothing else.
    const labels = /^(error|warning) [A-Z_]+(?=:)/gm;
    expect(colouredIn(colourful?.stderr ?? '')).toEqual(inPipe?.stderr.match(labels) ?? []);
  });

  test('says what failed in the same way everywhere, in colour only on a terminal that wants it', async () => {
    const args = [...row.args, '--registry', 'postgres://nowhere/ids'];
    const [inPipe, colourful, plain, dumb] = await inTurn(
      [piped, onTerminal, withoutColour, onDumbTerminal],
      way => runIn(way, args)
    );

    expect(inPipe).toMatchObject({ status: 3, stdout: '' });
    expect(inPipe?.stderr).toMatch(/^error INVALID_CONFIGURATION: [^\n]*\n$/);
    for (const ended of [colourful, plain, dumb]) {
      expect({ ...ended, stderr: onScreen(ended?.stderr ?? '') }).toEqual(inPipe);
    }
    expect(colouredIn(colourful?.stderr ?? '')).toEqual(['error INVALID_CONFIGURATION']);
    expect(colouredIn(plain?.stderr ?? '')).toEqual([]);
    expect(dumb?.stderr).toBe(inPipe?.stderr);
  });

  test('leaves the data alone where it goes to the terminal too', async () => {
    const { stdout, stderr } = await runIn(piped, row.args);
    const all = await runIn(allOnTerminal, row.args);

    expect(all.status).toBe(row.status);
    const shown = onScreen(all.stderr).split('\n');
    // Data and messages come on two ways, so each is in order by itself.
    for (const said of [stdout, stderr]) {
      const lines = said.split('\n').filter(line => line !== '');
      expect(shown.filter(line => lines.includes(line))).toEqual(lines);
    }
    expect(all.stderr).not.toContain('\r');
  });

  test('prints with --json what its schema says, on a terminal too', async () => {
    const args = [...row.args, ...(row.forJson ?? []), '--json'];
    for (const way of [piped, onTerminal]) {
      const { status, stdout } = await runIn(way, args);
      expect(status).toBe(row.status);
      const values = fromLines(stdout);
      expect(values.length).toBeGreaterThan(0);
      expect(refusals(row.schema, values)).toEqual([]);
    }
  });
});

const MANY = toLines(Array.from({ length: 20_000 }, (_, index) => workOf(sierra(`b${index}`))));

describe.each(whyNoTerminal === undefined ? ['progress on a terminal'] : [])('%s', () => {
  test('is one line that is written anew, and gone at the end', async () => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', MANY);

    const { status, stderr } = await runOnTerminal(desk, [
      ...['mint', 'works.ndjson', '--target', 'out.ndjson', '--top-up', '--batch-size', '100'],
    ]);

    expect(status).toBe(0);
    const progress = stderr.split('\n').find(line => /\d works/.test(line)) ?? '';
    const versions = progress.split(TO_EMPTY_LINE);
    const shown = versions.filter(text => /\d works/.test(text));
    expect(shown.length).toBeGreaterThan(1);
    expect(new Set(shown).size).toBe(shown.length);
    for (const text of shown) expect(text.length).toBeLessThan(80);
    // The line with the sums has taken its place, and no other line has any of it.
    expect(versions.at(-1)).toMatch(/^Works: 20000 succeeded/);
    expect(onScreen(stderr)).not.toMatch(/\d works/);
  });

  test('makes room for what Ctrl-C has to say, which ends the run cleanly', async () => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', MANY);
    const { child, ended, says } = startOnTerminal(desk, [
      ...['mint', 'works.ndjson', '--target', 'out.ndjson', '--top-up', '--batch-size', '20'],
    ]);
    await says(/\d works/);

    child.stdin?.write(CTRL_C);
    const { status, stdout, stderr } = await ended;

    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    expect(onScreen(stderr).split('\n').slice(-2)).toEqual([
      expect.stringMatching(/^Stopping\. .*the same command again completes the run\.$/),
      '',
    ]);
    expect((await desk.list()).filter(name => name.includes('out'))).toEqual([]);
    expect(await desk.leftovers()).toEqual([]);
  });

  test('is no obstacle to identifiers that are typed, until Ctrl-C', async () => {
    await using desk = await openDesk();
    const { child, ended, says } = startOnTerminal(desk, ['assign', '--source', '-']);
    child.stdin?.write('{"source": "Work[s/1]"}\n');
    await says(/^.*Registry: /m);
    child.stdin?.write(CTRL_C);
    expect(await ended).toMatchObject({ status: 130, stdout: '' });
  });
});

/** The machine has few processors: as many programs at once as there are ways would only be slower. */
async function inTurn<T, Result>(
  items: readonly T[],
  work: (item: T) => Promise<Result>
): Promise<Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
