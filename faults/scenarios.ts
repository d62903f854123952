import type { MintAnswer, MintRequest } from '../src/domain/registry.ts';
import type { SourceIdentifier } from '../src/domain/source-identifier.ts';
import { keyOf } from '../src/domain/source-identifier.ts';
import type { MysqlRegistry } from '../test/registry/mysql/mysql-registry.ts';
import { folio, sierra, someIds } from '../test/support/identifiers.ts';
import type { Dump } from '../test/support/store-kinds.ts';
import { demand } from './campaign.ts';

/** Two batches that get in each other's way, on a registry that holds nothing else. */
export interface Scenario {
  /** Sources that have an ID before, each one of its own. */
  readonly standing: readonly SourceIdentifier[];
  readonly free: number;
  readonly left: readonly MintRequest[];
  readonly right: readonly MintRequest[];
  /** The right one looks its sources up, again and again, and does not mint. */
  readonly rightReads?: true;
}

/** The values differ from unit to unit, so that nothing is met that an earlier one left behind. */
export type MakeScenario = (unit: number) => Scenario;

/** By what happens in them, in the order of their units. */
export const SCENARIOS: readonly (readonly [name: string, make: MakeScenario])[] = Object.entries({
  'the same new source': unit => {
    const { a } = sourcesOf(unit);
    return { standing: [], free: 4, left: [{ source: a }], right: [{ source: a }] };
  },
  'one side names a predecessor': unit => {
    const { a, p } = sourcesOf(unit);
    const left = [{ source: a, predecessor: p }];
    return { standing: [p], free: 4, left, right: [{ source: a }] };
  },
  'different predecessors': unit => {
    const { a, p, q } = sourcesOf(unit);
    const left = [{ source: a, predecessor: p }];
    return { standing: [p, q], free: 4, left, right: [{ source: a, predecessor: q }] };
  },
  'overlapping batches in opposite order': unit => {
    const { a, b, c, d, e } = sourcesOf(unit);
    const left = [{ source: a }, { source: b }, { source: c }, { source: d }];
    const right = [{ source: e }, { source: c }, { source: b }, { source: a }];
    return { standing: [], free: 8, left, right };
  },
  'a pool that is just enough': unit => {
    const { a, b, c } = sourcesOf(unit);
    const left = [{ source: a }, { source: b }];
    return { standing: [], free: 3, left, right: [{ source: b }, { source: c }] };
  },
  'a pool that is one short': unit => {
    const { a, b, c, d } = sourcesOf(unit);
    const left = [{ source: a }, { source: b }];
    return { standing: [], free: 3, left, right: [{ source: c }, { source: d }] };
  },
  'a look-up against a mint': unit => {
    const { a, b, c, p } = sourcesOf(unit);
    const left = [{ source: a }, { source: b, predecessor: a }, { source: c, predecessor: p }];
    const right = left.map(({ source }) => ({ source }));
    return { standing: [p], free: 4, left, right, rightReads: true };
  },
  'a predecessor in the same batch': unit => {
    const { a, b, c } = sourcesOf(unit);
    const left = [{ source: b, predecessor: a }, { source: a }];
    const right = [{ source: a }, { source: b }, { source: c, predecessor: a }];
    return { standing: [], free: 6, left, right };
  },
} satisfies Record<string, MakeScenario>);

/** What was asked of one minter, and how it answered. */
export interface Answered {
  readonly requests: readonly MintRequest[];
  readonly answers: readonly Pick<
    MintAnswer,
    'source' | 'canonicalId' | 'outcome' | 'error' | 'warning'
  >[];
}

export function sourcesOf(unit: number) {
  const old = (letter: string) => sierra(`${letter} of ${unit}`);
  const recent = (letter: string) => folio(`${letter} of ${unit}`);
  return {
    ...{ a: recent('a'), b: recent('b'), c: recent('c'), d: recent('d'), e: recent('e') },
    ...{ p: old('p'), q: old('q') },
  };
}

/** Empties a registry and sets a scenario up in it. */
export async function setUp({ sql }: MysqlRegistry, { standing, free }: Scenario): Promise<void> {
  // From the end of all IDs: wherever a claim begins, the free ones come after it, in one statement.
  const pool = someIds(free).map(id => [`zzzzz${id.slice(5)}`, 'free']);
  const given = someIds(standing.length).map(id => [id, 'assigned']);
  await sql('START TRANSACTION');
  await sql('DELETE FROM identifiers');
  await sql('DELETE FROM canonical_ids');
  await sql('INSERT INTO canonical_ids (CanonicalId, Status) VALUES ?', [[...pool, ...given]]);
  if (standing.length > 0) {
    const rows = standing.map(({ ontologyType, sourceSystem, value }, index) => [
      ...[ontologyType, sourceSystem, value, given[index]?.[0]],
    ]);
    await sql(
      'INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) VALUES ?',
      [rows]
    );
  }
  await sql('COMMIT');
}

/**
 * Compares the answers of all minters with what the registry holds in the end, by the rules of minting: each new
 * source was given its ID by one of them, in the way in which it was asked for.
 *
 * @throws Broken
 */
export function verifyAnswers(
  { standing, free }: Scenario,
  all: readonly Answered[],
  dump: Dump
): void {
  const held = new Map<string, string>();
  for (const [ontologyType, sourceSystem, value, id] of dump.identifiers as string[][]) {
    held.set(keyOf({ ontologyType, sourceSystem, value } as SourceIdentifier), id ?? '');
  }
  const left = dump.canonicalIds.filter(([, status]) => status === 'free').length;
  const givers = new Map<string, number>([...held.keys()].map(key => [key, 0]));
  for (const source of standing) givers.set(keyOf(source), 1);
  let minted = 0;
  for (const { requests, answers } of all) {
    demand(
      answers.length === requests.length,
      () => `${answers.length} answers to ${requests.length} requests`
    );
    verifyRefusals(answers, held, left);
    for (const [index, request] of requests.entries()) {
      const { canonicalId, outcome, error, warning } = answers[index] ?? {};
      if (error !== undefined) continue;
      verifyGiven(request, { canonicalId, outcome, warning }, held);
      const key = keyOf(request.source);
      if (outcome !== 'existing') givers.set(key, (givers.get(key) ?? 0) + 1);
      if (outcome === 'minted') minted += 1;
    }
  }
  for (const [key, count] of givers)
    demand(count === 1, () => `${key} was given its ID by ${count} minters`);
  demand(
    left === free - minted,
    () => `${minted} minted, and of ${free} free IDs ${left} are left`
  );
}

/** A batch for which the pool is too small takes nothing from it; what another minter did for it needs no ID. */
function verifyRefusals(
  answers: Answered['answers'],
  held: ReadonlyMap<string, string>,
  left: number
): void {
  const refused = answers.flatMap(({ error }) => error ?? []);
  const needed = answers.filter(({ error, source }) => error && !held.has(keyOf(source))).length;
  for (const { code, message } of refused) {
    demand(
      code === 'POOL_EXHAUSTED' && left < needed,
      () => `Refused, with ${left} free IDs left: ${message}`
    );
    demand(
      answers.every(({ outcome }) => outcome !== 'minted'),
      () => `Refused, and another one of the batch got an ID from the pool: ${message}`
    );
  }
}

function verifyGiven(
  { source, predecessor }: MintRequest,
  { canonicalId, outcome, warning }: Pick<MintAnswer, 'canonicalId' | 'outcome' | 'warning'>,
  held: ReadonlyMap<string, string>
): void {
  const key = keyOf(source);
  const ofPredecessor = predecessor ? held.get(keyOf(predecessor)) : undefined;
  const told = () =>
    `${key} was answered ${canonicalId} (${outcome}, ${warning?.code}); the registry has ${held.get(key)} for it, and ` +
    `${ofPredecessor} for its predecessor`;
  demand(held.get(key) === canonicalId, told);
  demand(outcome === 'existing' || outcome === (predecessor ? 'inherited' : 'minted'), told);
  demand(outcome !== 'inherited' || ofPredecessor === canonicalId, told);
  const isConflict = outcome === 'existing' && predecessor && ofPredecessor !== canonicalId;
  demand((warning?.code === 'INHERITANCE_CONFLICT') === Boolean(isConflict), told);
}
