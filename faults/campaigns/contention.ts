import type { Random } from '../../scripts/invented-identifiers.ts';
import { between } from '../../scripts/invented-identifiers.ts';
import type { MintRequest } from '../../src/domain/registry.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { mintInProcess } from '../../test/registry/mysql/mint-in-process.ts';
import { createMysqlRegistry, openStore } from '../../test/registry/mysql/mysql-registry.ts';
import { label } from '../../test/support/identifiers.ts';
import type { Campaign, Figures, Ground } from '../campaign.ts';
import { demand } from '../campaign.ts';
import { History } from '../history.ts';
import { dumpOf } from '../registry-dump.ts';
import { knownBefore, requestsFor } from '../works.ts';

const ANSWERS_A_UNIT = 25_000;
const BATCH = 250;
/** One batch in so many is asked twice. */
const AGAIN = 5;
const UNITS = { gate: 2, long: 40 } as const;

/**
 * Of all works: 30 % are asked for by every minter, each with a heading, since headings are what minters remember; 20 % have
 * a predecessor, one in two of which is known before.
 */
export const contention: Campaign = {
  name: 'contention',
  tries:
    '6 and 16 processes mint batches that overlap, half of which do not know the predecessors: every answer of all of them is what stands.',
  async open(ground) {
    return {
      units: UNITS[ground.form],
      run: (unit, random) => mintSideBySide(ground, unit % 2 === 0 ? 6 : 16, random),
      async [Symbol.asyncDispose]() {},
    };
  },
};

async function mintSideBySide(
  { server }: Ground,
  minters: number,
  random: Random
): Promise<Figures> {
  const works = Math.round(ANSWERS_A_UNIT / minters / 0.9);
  await using registry = await createMysqlRegistry(server, { free: 2 * ANSWERS_A_UNIT });
  const history = new History();
  const known = knownBefore(works);
  await using first = createRegistry(await openStore(registry.minter));
  history.asked(known);
  history.acknowledged((await first.mint(known)).answers);

  const plans = Array.from({ length: minters }, (_, minter) => planFor(minter, works, random));
  for (const batch of plans.flat()) history.asked(batch);
  const ends = await Promise.all(plans.map(plan => mintInProcess(registry.minter, plan)));

  const counts: Record<string, number> = { answers: 0, minted: 0, inherited: 0, existing: 0 };
  for (const [minter, plan] of plans.entries()) {
    for (const [at, batch] of plan.entries()) {
      const answers = ends[minter]?.[at] ?? [];
      demand(
        answers.length === batch.length,
        () => `${answers.length} answers to ${batch.length} requests`
      );
      for (const [index, { source }] of batch.entries()) {
        const [canonicalId, how = 'nothing'] = answers[index] ?? [];
        demand(canonicalId !== undefined, () => `${source.value} got no ID but ${how}`);
        history.acknowledged([{ source, canonicalId: canonicalId as never }]);
        counts[how] = (counts[how] ?? 0) + 1;
        counts['answers'] = (counts['answers'] ?? 0) + 1;
      }
    }
  }
  history.verify(await dumpOf(registry));
  return counts;
}

/**
 * The batches of one minter, in an order of its own; in every second one nothing is known of predecessors. Some are
 * asked again at the end, when their minter remembers them.
 */
function planFor(minter: number, works: number, random: Random): MintRequest[][] {
  const numbers = Array.from({ length: works }, (_, number) => number);
  for (let at = numbers.length - 1; at > 0; at -= 1) {
    const other = between(0, at, random);
    [numbers[at], numbers[other]] = [numbers[other] ?? 0, numbers[at] ?? 0];
  }
  const batches: MintRequest[][] = [];
  for (let at = 0; at < numbers.length; at += BATCH) {
    const isAware = batches.length % 2 === minter % 2;
    batches.push(
      numbers
        .slice(at, at + BATCH)
        .flatMap(number =>
          number % 10 < 3
            ? [...requestsFor(number, 'all', isAware), { source: label(`heading ${number}`) }]
            : requestsFor(number, minter, isAware)
        )
    );
  }
  const again = batches.slice(0, Math.ceil(batches.length / AGAIN));
  return [...batches, ...again.map(batch => batch.map(({ source }) => ({ source })))];
}
