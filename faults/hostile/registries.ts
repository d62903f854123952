import type { CanonicalId } from '../../src/domain/canonical-id.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import type { MintAnswer, MintRequest } from '../../src/domain/registry.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import { keyOf } from '../../src/domain/source-identifier.ts';
import { folio, sierra, someIds } from '../../test/support/identifiers.ts';
import type { TestRegistry, TestStore } from '../../test/support/store-kinds.ts';
import type { Figures } from '../campaign.ts';
import { demand, demandEqual } from '../campaign.ts';
import { HOSTILE_STRINGS } from './strings.ts';

const PART_MAX = 255;
const BATCH = 300;

/** Different ones, whose parts and marks read alike one after the other. */
const FORGED: readonly SourceIdentifier[] = (
  [
    ...[
      ['ab', 'cd', 'e'],
      ['a', 'bcd', 'e'],
      ['abc', 'd', 'e'],
      ['ab', 'c', 'de'],
      ['abcd', 'e', ''],
    ],
    ...[
      ['ab', '2:c', 'd'],
      ['ab2', ':c', 'd'],
      ['2', '2', 'x'],
      ['2:2', 'x', ''],
      ['22', 'x', ''],
    ],
    ...[
      ['f', 'g', 'h]/i'],
      ['f', 'g[h]', 'i'],
      ['f]', 'g', 'i'],
      ['f', ']g', 'i'],
      ['f', 'g]', ' i'],
    ],
  ] as [string, string, string][]
).map(([ontologyType, sourceSystem, value]) => ({ ontologyType, sourceSystem, value }));

type CanHold = (text: string) => boolean;

/** Every text as type, system, value and predecessor, through the calls of a registry itself. */
export async function mintHostile(store: TestStore): Promise<Figures> {
  await using registry = await store.open({ freeCount: 5 * HOSTILE_STRINGS.length });
  const canHold = await readCanHold(store, registry);
  const requests = HOSTILE_STRINGS.flatMap((text, index): MintRequest[] => [
    { source: { ...sierra(`type ${index}`), ontologyType: text } },
    { source: { ...sierra(`system ${index}`), sourceSystem: text } },
    { source: sierra(text) },
    { source: folio(`heir ${index}`), predecessor: sierra(text) },
  ]);
  for (const source of FORGED) requests.push({ source });
  const given = new Map<string, readonly [SourceIdentifier, CanonicalId]>();
  let refused = 0;
  const twins: SourceIdentifier[] = [];
  for (let round = 0; round < 2; round += 1) {
    for (let at = 0; at < requests.length; at += BATCH) {
      const batch = requests.slice(at, at + BATCH);
      const { answers } = await registry.mint(batch);
      for (const [index, { source, predecessor }] of batch.entries()) {
        const answer = answers[index];
        demand(answer !== undefined, () => `${show(source)} got no answer`);
        const why =
          whyRefused(source, canHold) ?? (predecessor && whyRefused(predecessor, canHold));
        if (!judge(source, why, answer, store.isExact)) {
          refused += 1;
          if (answer.error?.code === 'IDENTIFIER_COLLISION') twins.push(predecessor ?? source);
          continue;
        }
        const before = given.get(keyOf(source))?.[1];
        if (round === 0) given.set(keyOf(source), [source, answer.canonicalId]);
        else demandEqual(`${show(source)}, asked again`, answer.canonicalId, before);
        if (predecessor && round === 1) {
          const [, expected] = given.get(keyOf(predecessor)) ?? [];
          if (expected) demandEqual(`${show(source)}, heir`, answer.canonicalId, expected);
        }
      }
    }
  }
  await readBack(registry, [...given.values()]);
  for (const twin of twins) await demandTwin(registry, twin);
  return { 'texts minted': given.size, 'texts refused': refused / 2 };
}

/** Every text as a part of known mappings, which bring their canonical IDs along. */
export async function importHostile(store: TestStore): Promise<Figures> {
  await using registry = await store.open();
  const canHold = await readCanHold(store, registry);
  const sources = HOSTILE_STRINGS.flatMap((text, index): SourceIdentifier[] => [
    { ...sierra(`type ${index}`), ontologyType: text },
    { ...sierra(`system ${index}`), sourceSystem: text },
    sierra(text),
  ]);
  const ids = someIds(sources.length);
  const mappings = sources.map((source, index) => ({
    source,
    canonicalId: ids[index] as CanonicalId,
  }));
  const added: (readonly [SourceIdentifier, CanonicalId])[] = [];
  for (let at = 0; at < mappings.length; at += BATCH) {
    const batch = mappings.slice(at, at + BATCH);
    const answers = await registry.importMappings(batch);
    const again = await registry.importMappings(batch);
    for (const [index, { source, canonicalId }] of batch.entries()) {
      const { outcome, error } = answers[index] ?? {};
      const why = whyRefused(source, canHold);
      demandEqual(`${show(source)}, imported again`, again[index]?.error?.code, error?.code);
      if (why !== undefined || error) {
        const isTwin = why === undefined && !store.isExact;
        demandEqual(
          show(source),
          error?.code,
          isTwin ? 'IDENTIFIER_COLLISION' : 'INVALID_IDENTIFIER'
        );
        if (why !== undefined)
          demandEqual(`${show(source)}, its part`, error?.details['part'], why);
      } else {
        demandEqual(show(source), [outcome, again[index]?.outcome], ['added', 'existing']);
        added.push([source, canonicalId]);
      }
    }
  }
  await readBack(registry, added);
  // Names that no registry can hold end a look-up in a code, whatever they are.
  for (const text of HOSTILE_STRINGS) await lookUpCoded(registry, sierra(text));
  return { 'texts imported': added.length, 'texts refused': sources.length - added.length };
}

/** @returns whether an ID was given, after looking that the answer is the one that it has to be */
function judge(
  source: SourceIdentifier,
  why: string | null | undefined,
  answer: MintAnswer,
  isExact: boolean
): answer is Extract<MintAnswer, { canonicalId: CanonicalId }> {
  const { error } = answer;
  if (why) {
    demandEqual(`${show(source)}, whose ${why} cannot be`, error?.code, 'INVALID_IDENTIFIER');
    demandEqual(`${show(source)}, its part`, error?.details['part'], why);
    return false;
  }
  if (error === undefined) return true;
  // Of an heir, the predecessor may be the twin.
  const codes = isExact ? [] : ['IDENTIFIER_COLLISION', 'PREDECESSOR_NOT_FOUND'];
  demand(codes.includes(error.code), () => `${show(source)} got ${error.code}: ${error.message}`);
  return false;
}

/** What was given is in the tables, character by character, nothing else is, and the registry's own reading says so. */
async function readBack(
  registry: TestRegistry,
  given: readonly (readonly [SourceIdentifier, CanonicalId])[]
): Promise<void> {
  const expected = new Map(given.map(([source, id]) => [keyOf(source), id]));
  const { identifiers } = await registry.dump();
  for (const [ontologyType, sourceSystem, value, id] of identifiers as string[][]) {
    const source = { ontologyType, sourceSystem, value } as SourceIdentifier;
    demandEqual(`${show(source)} in the table`, id, expected.get(keyOf(source)));
  }
  demandEqual('Rows in the table', identifiers.length, expected.size);
  for (let at = 0; at < given.length; at += BATCH) {
    const some = given.slice(at, at + BATCH);
    const found = await registry.lookUp(some.map(([source]) => source));
    const ids = [...new Set(some.map(([, id]) => id))];
    const groups = await registry.sourcesOf(ids);
    for (const [index, [source, id]] of some.entries()) {
      demandEqual(`${show(source)}, looked up`, found[index]?.canonicalId, id);
      const isThere = groups.get(id)?.some(mapping => keyOf(mapping.source) === keyOf(source));
      demand(isThere === true, () => `${show(source)} is not among the sources of ${id}`);
    }
  }
}

/** What was refused for a spelling that stands is taken for it by the database itself. */
async function demandTwin({ database }: TestRegistry, source: SourceIdentifier): Promise<void> {
  const found = await database.sql(
    'SELECT 1 FROM identifiers WHERE OntologyType = ? AND SourceSystem = ? AND SourceId = ?',
    [source.ontologyType, source.sourceSystem, source.value]
  );
  demandEqual(`Rows equal to ${show(source)}, which was refused as a twin`, found.length, 1);
}

async function lookUpCoded(registry: TestRegistry, source: SourceIdentifier): Promise<void> {
  try {
    await registry.lookUp([source]);
    await registry.nearMisses(source);
  } catch (error) {
    demand(
      error instanceof IdMinterError && error.code === 'INVALID_IDENTIFIER',
      () => `${show(source)}, looked up: ${error}`
    );
  }
}

/** @returns the part because of which an identifier is refused before any SQL */
function whyRefused(source: SourceIdentifier, canHold: CanHold): string | undefined {
  const { ontologyType, sourceSystem, value } = source;
  const fits = (text: string) =>
    [...text].length <= PART_MAX && text.isWellFormed() && canHold(text);
  if (ontologyType === '' || ontologyType.includes('[') || !fits(ontologyType))
    return 'ontologyType';
  if (sourceSystem === '' || sourceSystem.includes('/') || !fits(sourceSystem))
    return 'sourceSystem';
  return fits(value) ? undefined : 'value';
}

/** Not by the product's table of characters: the server itself is asked what is left of each text. */
async function readCanHold(store: TestStore, { database }: TestRegistry): Promise<CanHold> {
  if (store.isExact) return () => true;
  const lost = new Set<string>();
  for (const text of HOSTILE_STRINGS) {
    if (!text.isWellFormed() || text.length > 2 * PART_MAX) continue;
    const [row] = await database.sql('SELECT HEX(CONVERT(CONVERT(? USING latin1) USING utf8mb4))', [
      text,
    ]);
    if (Buffer.from(String(row?.[0]), 'hex').toString('utf8') !== text) lost.add(text);
  }
  return text => !lost.has(text);
}

function show(source: SourceIdentifier): string {
  return JSON.stringify(source).slice(0, 200);
}
