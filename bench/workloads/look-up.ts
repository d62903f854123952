import { seededRandom } from '../../scripts/invented-identifiers.ts';
import type { Registry } from '../../src/domain/registry.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import type { BenchRegistry } from '../bench-registry.ts';
import { figureOf, figuresOf } from '../figures.ts';
import type { Side } from '../pairs.ts';
import { cpuOf, demand, ratioOf, runPairs, scaleOfPairs, wallOf } from '../pairs.ts';
import { lookUpPlainly } from '../plain-program.ts';
import { query } from '../sql.ts';
import type { Database, Workload } from '../workload.ts';

const WORKS = 500;

export const lookUp: Workload = {
  name: 'look-up',
  question:
    'What does a batch cost of which everything is known, as nearly all of a production run is?',
  run: 'Look up the 21,000 identifiers of 500 works, all of which are in the registry, whose pages are in memory.',
  against: 'the floor: one JSON_TABLE join for each type and system, into an array',
  server: true,
  async *measure(ground) {
    for (const rows of ground.rows) {
      const registry = await ground.database.registry(rows);
      await using sides = await openLookUp(registry);
      const pairs = await runPairs(
        { ours: sides.ours, theirs: sides.floor },
        ground.pairs(),
        ground.database.meter
      );
      const perThousand = pairs.map(({ ours }) => (ours.wallMs / sides.count) * 1000);
      yield {
        at: { rows },
        pairs: pairs.length,
        figures: figuresOf({
          wall: ratioOf(pairs, wallOf, { atMost: 1.3 }),
          'client and server CPU': ratioOf(pairs, cpuOf, { atMost: 1.3 }),
          'ms for 1,000 identifiers': figureOf(perThousand),
          'bytes a mapping': figureOf([(await readBytes(ground.database, registry)) / rows]),
        }),
        scale: scaleOfPairs(pairs, 'ours', 'floor'),
      };
    }
  },
};

export const lookUpGrowth: Workload = {
  name: 'look-up-growth',
  question: 'Does a look-up cost more in a registry of ten million than in one of a million?',
  run: 'The look-up of the workload above, by the product, in a larger registry and in a smaller one.',
  against: 'the product itself in the next smaller registry',
  server: true,
  async *measure(ground) {
    for (const [index, rows] of ground.rows.entries()) {
      const fewer = ground.rows[index - 1];
      if (fewer === undefined || fewer < WORKS * 42) continue;
      await using larger = await openLookUp(await ground.database.registry(rows));
      await using smaller = await openLookUp(await ground.database.registry(fewer));
      const pairs = await runPairs(
        { ours: larger.ours, theirs: smaller.ours },
        ground.pairs(),
        ground.database.meter
      );
      yield {
        at: { rows },
        pairs: pairs.length,
        figures: figuresOf({
          wall: ratioOf(pairs, wallOf, { atMost: 1.3 }),
          'client and server CPU': ratioOf(pairs, cpuOf),
        }),
        scale: scaleOfPairs(pairs, 'larger', 'smaller'),
      };
    }
  },
};

interface LookUp extends AsyncDisposable {
  readonly ours: Side;
  readonly floor: Side;
  readonly count: number;
}

/** The same works in each run, so that their pages are in memory after the first. */
async function openLookUp(registry: BenchRegistry): Promise<LookUp> {
  const sources = registry.storedWorks(WORKS, seededRandom(WORKS));
  const opened: Registry = await registry.open();
  const bare = await registry.connect();
  const expected = await lookUpPlainly(bare, sources);
  const verify = async (ids: readonly (string | undefined)[]) => {
    const isRight =
      ids.length === sources.length && ids.every((id, at) => id && id === expected[at]);
    demand(isRight, () => `Of ${sources.length} stored identifiers some got another ID or none.`);
  };
  const side = (look: (sources: SourceIdentifier[]) => Promise<(string | undefined)[]>): Side => {
    return async () => {
      let ids: (string | undefined)[] = [];
      return {
        run: async () => {
          ids = await look(sources);
          return undefined;
        },
        verify: () => verify(ids),
      };
    };
  };
  return {
    count: sources.length,
    ours: side(async asked => {
      const { answers } = await opened.mint(asked.map(source => ({ source })));
      return answers.map(({ canonicalId }) => canonicalId);
    }),
    floor: side(asked => lookUpPlainly(bare, asked)),
    async [Symbol.asyncDispose]() {
      await opened.close();
      await bare.end();
    },
  };
}

/** Of both tables and their indexes. */
async function readBytes({ admin }: Database, { admin: { database } }: BenchRegistry) {
  const [[bytes] = [0]] = await query<[number | string]>(
    admin,
    'SELECT SUM(DATA_LENGTH + INDEX_LENGTH) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?',
    [database]
  );
  return Number(bytes);
}
