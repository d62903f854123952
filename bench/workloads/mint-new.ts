import type { Connection } from 'mysql2/promise';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import type { BenchRegistry } from '../bench-registry.ts';
import { figureOf, figuresOf } from '../figures.ts';
import type { Side } from '../pairs.ts';
import { cpuOf, demand, ratioOf, runPairs, scaleOfPairs, wallOf } from '../pairs.ts';
import { lookUpPlainly, mintPlainly } from '../plain-program.ts';
import type { Workload } from '../workload.ts';

const NEW = 5_000;

export const mintNew: Workload = {
  name: 'mint-new',
  question: 'What does a batch cost that is all new?',
  run: 'Mint the 5,000 identifiers of 120 new works in one batch.',
  against:
    'the floor: look up, claim from a random place, see that none is in use, insert sorted, mark by the thousand',
  server: true,
  async *measure(ground) {
    for (const rows of ground.rows) {
      await using minting = await openMinting(await ground.database.registry(rows), NEW);
      const pairs = await runPairs(minting, ground.pairs(), ground.database.meter);
      yield {
        at: { rows },
        pairs: pairs.length,
        figures: figuresOf({
          wall: ratioOf(pairs, wallOf, { atMost: 1.25 }),
          'client and server CPU': ratioOf(pairs, cpuOf, { atMost: 1.25 }),
          'ms for 1,000 identifiers': figureOf(pairs.map(({ ours }) => (ours.wallMs / NEW) * 1000)),
        }),
        scale: scaleOfPairs(pairs, 'ours', 'floor'),
      };
    }
  },
};

/** Both sides of minting so many new identifiers in one batch, and that so many times in one run. */
export async function openMinting(
  registry: BenchRegistry,
  count: number,
  times = 1
): Promise<{ ours: Side; theirs: Side } & AsyncDisposable> {
  const opened = await registry.open();
  const bare = await registry.connect();
  const side = (mint: (sources: SourceIdentifier[]) => Promise<(string | undefined)[]>): Side => {
    return async () => {
      await registry.topUp();
      const batches = Array.from({ length: times }, () => registry.freshIdentifiers(count));
      const ids: (string | undefined)[] = [];
      return {
        run: async () => {
          for (const sources of batches) for (const id of await mint(sources)) ids.push(id);
          return undefined;
        },
        verify: () => verifyMinted(bare, batches.flat(), ids),
      };
    };
  };
  return {
    ours: side(async sources => {
      const { answers } = await opened.mint(sources.map(source => ({ source })));
      return answers.map(({ canonicalId }) => canonicalId);
    }),
    theirs: side(sources => mintPlainly(bare, sources)),
    async [Symbol.asyncDispose]() {
      await opened.close();
      await bare.end();
    },
  };
}

/** @throws WrongAnswer unless each new source has an ID of its own, and it is the one that the registry holds */
async function verifyMinted(
  connection: Connection,
  sources: readonly SourceIdentifier[],
  ids: readonly (string | undefined)[]
): Promise<void> {
  const held = await lookUpPlainly(connection, sources);
  const differing = sources.filter((_, at) => ids[at] === undefined || ids[at] !== held[at]);
  demand(
    differing.length === 0,
    () =>
      `${differing.length} of ${sources.length} new sources got another ID than the registry holds.`
  );
  demand(new Set(ids).size === sources.length, () => 'Two new sources got one ID.');
}
