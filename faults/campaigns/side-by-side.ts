import type { Random } from '../../scripts/invented-identifiers.ts';
import { between } from '../../scripts/invented-identifiers.ts';
import type { MintRequest } from '../../src/domain/registry.ts';
import { keyOf } from '../../src/domain/source-identifier.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import type { MinterKind } from '../../test/registry/mysql/mint-in-process.ts';
import { mintInProcess } from '../../test/registry/mysql/mint-in-process.ts';
import { createMysqlRegistry, openStore } from '../../test/registry/mysql/mysql-registry.ts';
import { folio, sierra } from '../../test/support/identifiers.ts';
import type { Campaign, Figures, Ground } from '../campaign.ts';
import { demand, demandEqual } from '../campaign.ts';
import { History } from '../history.ts';
import { dumpOf } from '../registry-dump.ts';

const KEYS = 10_000;
const BATCH = 100;
const UNITS = { gate: 1, long: 20 } as const;

/** The four that mint every key; one of each kind knows the predecessors. */
const MINTERS: readonly { readonly as: MinterKind; readonly isAware: boolean }[] = [
  { as: 'us', isAware: true },
  { as: 'us', isAware: false },
  { as: 'original', isAware: true },
  { as: 'original', isAware: false },
];

export const sideBySide: Campaign = {
  name: 'side-by-side',
  tries:
    'Two processes of this minter and two with the statements of the Python minter mint the same keys on the same database: each key has one ID, ours answer what stands, and the pool is sound.',
  async open({ form, server }) {
    return {
      units: UNITS[form],
      run: (_, random) => mintSideBySide(server, random),
      async [Symbol.asyncDispose]() {},
    };
  },
};

async function mintSideBySide(server: Ground['server'], random: Random): Promise<Figures> {
  await using registry = await createMysqlRegistry(server, { free: 3 * KEYS });
  const history = new History();
  const predecessors: MintRequest[] = numbers().filter(hasPredecessor).map(predecessorOf);
  await using first = createRegistry(await openStore(registry.minter));
  history.asked(predecessors);
  history.acknowledged((await first.mint(predecessors)).answers);

  const plans = MINTERS.map(({ as, isAware }) => ({ as, batches: planFor(isAware, random) }));
  for (const { batches } of plans) history.asked(batches.flat());
  const ends = await Promise.all(
    plans.map(({ as, batches }) =>
      mintInProcess(as === 'us' ? registry.minter : registry.admin, batches, as)
    )
  );

  const dump = await dumpOf(registry);
  const held = new Map(
    (dump.identifiers as string[][]).map(
      ([ontologyType = '', sourceSystem = '', value = '', canonicalId]) =>
        [keyOf({ ontologyType, sourceSystem, value }), canonicalId] as const
    )
  );
  demandEqual('keys in the registry', held.size, KEYS + predecessors.length);
  const figures = {
    keys: KEYS,
    answers: 0,
    'answers of the original': 0,
    'wrong ones of the original': 0,
  };
  for (const [minter, { as, batches }] of plans.entries()) {
    const answers = ends[minter]?.flat() ?? [];
    demandEqual('answers to all keys', answers.length, KEYS);
    for (const [at, { source }] of batches.flat().entries()) {
      const [canonicalId, how] = answers[at] ?? [];
      if (as === 'original') {
        figures['answers of the original'] += 1;
        if (canonicalId !== held.get(keyOf(source))) figures['wrong ones of the original'] += 1;
        continue;
      }
      figures.answers += 1;
      demand(canonicalId !== undefined, () => `${source.value} got no ID but ${how}`);
      history.acknowledged([{ source, canonicalId: canonicalId as never }]);
    }
  }
  history.verify(dump);
  return figures;
}

/** All keys in batches. The order is nearly the same for every minter, so that they meet. */
function planFor(isAware: boolean, random: Random): MintRequest[][] {
  const order = numbers()
    .map(number => ({ number, place: number + between(0, 2 * BATCH, random) }))
    .sort((a, b) => a.place - b.place);
  const requests = order.map(({ number }): MintRequest => {
    const source = folio(`f${number}`);
    return isAware && hasPredecessor(number)
      ? { source, predecessor: predecessorOf(number).source }
      : { source };
  });
  return Array.from({ length: KEYS / BATCH }, (_, index) =>
    requests.slice(index * BATCH, (index + 1) * BATCH)
  );
}

function numbers(): number[] {
  return Array.from({ length: KEYS }, (_, number) => number);
}

function hasPredecessor(number: number): boolean {
  return number % 5 === 0;
}

/** The original only finds those that are in the registry before. */
function predecessorOf(number: number): MintRequest {
  return { source: sierra(`b${number}`) };
}
