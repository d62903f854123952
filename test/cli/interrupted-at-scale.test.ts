import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateWorks, knownMappings } from '../../scripts/works-generator.ts';
import { isCanonicalId } from '../../src/domain/canonical-id.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import { DEFAULT_CONCEPT_TYPES, foldConcept } from '../../src/domain/source-identifier.ts';
import type { Desk } from '../support/command-line.ts';
import { openDesk } from '../support/command-line.ts';
import { poll } from '../support/servers/processes.ts';
import type { DeskOnRegistry } from './desk-on-registry.ts';
import { expectSoundPool, openDeskOn, REGISTRY_KINDS } from './desk-on-registry.ts';
import { isObject, Renaming } from './renaming.ts';
import {
  atScale,
  countLines,
  IDENTIFIER_HEADER,
  identifierLines,
  readFileLines,
  SCALE_TIMEOUT_MS,
  writeLines,
} from './scale.ts';

const LINES = atScale(200_000);
const WORKS = { works: LINES / 10, predecessorShare: 0.05, knownShare: 0.1 };

/** Inputs, and what undisturbed runs make of them, for all registries. */
let undisturbed: Desk;

beforeAll(async () => {
  undisturbed = await openDesk();
});

afterAll(async () => {
  await undisturbed[Symbol.asyncDispose]();
});

describe('assign that is killed', { timeout: SCALE_TIMEOUT_MS }, () => {
  const args = () => [
    ...['assign', '--source', undisturbed.path('ids.csv'), '--target', 'out.csv'],
    ...['--top-up', '--json'],
  ];
  let expected: { ids: string[]; outcomes: string[] };

  beforeAll(async () => {
    await writeLines(undisturbed.path('ids.csv'), textOfLines());
    const { status } = await undisturbed.run([...args(), '--registry', 'sqlite:ids.sqlite']);
    expect(status).toBe(0);
    expected = await readAnswers(undisturbed.path('out.csv'));
    const { sources, ids } = countLines(LINES);
    const count = (wanted: string) => expected.outcomes.filter(one => one === wanted).length;
    expect([count('minted'), count('inherited')]).toEqual([ids, sources - ids]);
  }, SCALE_TIMEOUT_MS);

  test.each(REGISTRY_KINDS)('is completed by the same command, on $name', async kind => {
    await using desk = await openDeskOn(kind, { free: 0 });

    const known = await killInMidRun(desk, args(), { mappings: LINES * 0.3 });

    expect(await newFiles(desk)).toEqual([expect.stringMatching(/^\.out\.csv\..*\.partial$/)]);
    expect(known.size).toBeLessThan(countLines(LINES).sources);
    await expectSoundPool(desk);

    const again = await desk.run(args());

    expect(again.status).toBe(0);
    expect(await newFiles(desk)).toEqual(['out.csv']);
    expect(await desk.leftovers()).toEqual([]);
    await expectSoundPool(desk);
    const stands = await readMappings(desk);
    expectKept(known, stands);
    expect({ sources: stands.size, ids: new Set(stands.values()).size }).toEqual(countLines(LINES));
    const answers = await readAnswers(desk.path('out.csv'));
    const same = new Renaming(isCanonicalId);
    let line = 0;
    for (const { source } of identifierLines(LINES)) {
      const [id = '', outcome] = [answers.ids[line], answers.outcomes[line]];
      const wanted = known.has(`Work/${source}`) ? 'existing' : expected.outcomes[line];
      if (id !== stands.get(`Work/${source}`) || outcome !== wanted)
        throw new Error(`Line ${line + 1}, ${source}: ${id} ${outcome}, and not ${wanted}`);
      same.meet(expected.ids[line] ?? '', id);
      line += 1;
    }
  });
});

describe('mint that is killed', { timeout: SCALE_TIMEOUT_MS }, () => {
  const importArgs = () => ['import', undisturbed.path('known.ndjson')];
  const args = () => [
    ...['mint', undisturbed.path('works.ndjson'), '--target', 'out.ndjson'],
    ...['--report', 'report.json', '--top-up', '--json'],
  ];
  let expected: { existing: number; inherited: number; minted: number };

  beforeAll(async () => {
    await writeLines(undisturbed.path('works.ndjson'), inJson(generateWorks(WORKS)));
    await writeLines(undisturbed.path('known.ndjson'), inJson(knownMappings(WORKS)));
    const on = ['--registry', 'sqlite:works.sqlite'];
    await undisturbed.run([...importArgs(), ...on]);
    const { stdout } = await undisturbed.run([...args(), ...on]);
    const { works, identifiers } = JSON.parse(stdout);
    expect(works).toEqual({ succeeded: WORKS.works, failed: 0 });
    expected = identifiers;
  }, SCALE_TIMEOUT_MS);

  test.each(REGISTRY_KINDS)('is completed by the same command, on $name', async kind => {
    await using desk = await openDeskOn(kind, { free: 0 });
    await desk.run(importArgs());
    const imported = await countMappings(desk);
    const inAll = imported + expected.inherited + expected.minted;

    const known = await killInMidRun(desk, args(), { mappings: imported + WORKS.works });

    expect(await newFiles(desk)).toEqual([
      expect.stringMatching(/^\.out\.ndjson\..*\.partial$/),
      expect.stringMatching(/^\.report\.json\..*\.partial$/),
    ]);
    expect(known.size).toBeLessThan(inAll);
    await expectSoundPool(desk);

    const again = await desk.run(args());

    const { works, identifiers } = JSON.parse(again.stdout);
    expect(works).toEqual({ succeeded: WORKS.works, failed: 0 });
    expect(identifiers.inherited + identifiers.minted).toBe(inAll - known.size);
    expect(identifiers.existing).toBe(expected.existing + known.size - imported);
    expect(await newFiles(desk)).toEqual(['out.ndjson', 'report.json']);
    expect(await desk.leftovers()).toEqual([]);
    await expectSoundPool(desk);
    const stands = await readMappings(desk);
    expectKept(known, stands);
    expect(stands.size).toBe(inAll);
    await expectSameWorks(desk, stands);
  });
});

/** Value by value and in order, but for the IDs that each registry drew; those it gave are the registry's. */
async function expectSameWorks(desk: Desk, stands: Mappings): Promise<void> {
  const same = new Renaming(isCanonicalId);
  const lines = readFileLines(desk.path('out.ndjson'))[Symbol.asyncIterator]();
  for await (const line of readFileLines(undisturbed.path('out.ndjson'))) {
    const work = JSON.parse((await lines.next()).value);
    same.compare(JSON.parse(line), work);
    for (const { sourceIdentifier, canonicalId } of identifiedIn(work)) {
      if (stands.get(keyOf(sourceIdentifier)) === canonicalId) continue;
      throw new Error(`${keyOf(sourceIdentifier)} has ${canonicalId} in the works`);
    }
  }
  expect((await lines.next()).done).toBe(true);
  expect(same.size).toBeGreaterThan(WORKS.works);
}

/** `OntologyType/SourceSystem/SourceId` and the canonical ID. */
type Mappings = ReadonlyMap<string, string>;

/** @returns the mappings that were there when it died */
async function killInMidRun(
  desk: DeskOnRegistry,
  args: readonly string[],
  { mappings }: { mappings: number }
): Promise<Mappings> {
  const { child, ended } = desk.start(args);
  child.stdin?.end();
  await poll('The middle of the run', SCALE_TIMEOUT_MS / 1000, async () => {
    return (await countMappings(desk)) >= mappings || undefined;
  });
  child.kill('SIGKILL');
  expect(await ended).toMatchObject({ status: null, stdout: '' });
  await poll('The end of its connections', 60, async () => {
    return (await countConnections(desk)) === 0 || undefined;
  });
  return await readMappings(desk);
}

async function countMappings({ registry }: DeskOnRegistry): Promise<number> {
  const [row] = await registry.sql('SELECT COUNT(*) FROM identifiers');
  return Number(row?.[0]);
}

/** A server notices a while later that a client is gone, and may still commit what it had been sent. */
async function countConnections({ registry: { database, sql, url } }: DeskOnRegistry) {
  if (database === undefined) return 0;
  const { username } = new URL(url);
  const rows = await sql(
    `SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '${username}'`
  );
  return rows.length;
}

async function readMappings({ registry }: DeskOnRegistry): Promise<Mappings> {
  const rows = await registry.sql(
    'SELECT OntologyType, SourceSystem, SourceId, CanonicalId FROM identifiers'
  );
  return new Map(rows.map(([type, system, value, id]) => [`${type}/${system}/${value}`, `${id}`]));
}

function expectKept(known: Mappings, stands: Mappings): void {
  const changed = [...known].filter(([source, id]) => stands.get(source) !== id);
  expect(changed).toEqual([]);
}

async function newFiles(desk: Desk): Promise<string[]> {
  return (await desk.list()).filter(name => !name.startsWith('registry.'));
}

function* textOfLines(): Generator<string> {
  yield IDENTIFIER_HEADER;
  for (const { text } of identifierLines(LINES)) yield text;
}

function* inJson(values: Iterable<object>): Generator<string> {
  for (const value of values) yield JSON.stringify(value);
}

/** Every line as it was given, with its answer as last columns. */
async function readAnswers(path: string): Promise<{ ids: string[]; outcomes: string[] }> {
  const given = textOfLines();
  const ids: string[] = [];
  const outcomes: string[] = [];
  for await (const line of readFileLines(path)) {
    const text = given.next().value ?? 'nothing';
    const [id = '', outcome = '', ...rest] = line.slice(text.length + 1).split(',');
    if (!line.startsWith(`${text},`) || rest.length !== 2)
      throw new Error(`${line} is the answer to ${text}`);
    if (id === 'CanonicalId') continue;
    if (rest.join('') !== '') throw new Error(`${line} has a warning or an error`);
    ids.push(id);
    outcomes.push(outcome);
  }
  expect(given.next().done).toBe(true);
  return { ids, outcomes };
}

interface Identified {
  readonly sourceIdentifier: Parameters<typeof keyOf>[0];
  readonly canonicalId: string;
}

function* identifiedIn(value: unknown): Generator<Identified> {
  if (!isObject(value)) return;
  if ('canonicalId' in value) yield value as unknown as Identified;
  for (const inner of Object.values(value)) yield* identifiedIn(inner);
}

interface WrittenSource extends Pick<SourceIdentifier, 'ontologyType' | 'value'> {
  readonly identifierType: { readonly id: string };
}

function keyOf({ ontologyType, identifierType, value }: WrittenSource): string {
  const source = { ontologyType, sourceSystem: identifierType.id, value };
  const folded = foldConcept(source, new Set(DEFAULT_CONCEPT_TYPES));
  return `${folded.ontologyType}/${folded.sourceSystem}/${folded.value}`;
}
