import type { GeneratedWorksOptions } from '../../scripts/works-generator.ts';
import { generateWorks, knownMappings } from '../../scripts/works-generator.ts';
import { readWorks, writeWorks } from '../../src/documents/works-ndjson.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { remembering } from '../../src/registry/remembering.ts';
import { openStore } from '../../test/registry/mysql/mysql-registry.ts';
import { bytesOf } from '../../test/support/byte-streams.ts';
import type { BenchRegistry } from '../bench-registry.ts';
import { figureOf, figuresOf } from '../figures.ts';
import { mintAll } from '../mint-all.ts';
import type { Side } from '../pairs.ts';
import { cpuOf, ratioOf, runPairs, scaleOfPairs, wallOf } from '../pairs.ts';
import type { Ground, Workload } from '../workload.ts';
import { rewritePlainly, verifyWorks } from '../works.ts';

const IMPORT_ROWS = 5_000;

interface Kind {
  readonly name: string;
  readonly question: string;
  readonly works: string;
  readonly options: Omit<GeneratedWorksOptions, 'seed'>;
  /** Whether the same works come again in each run, and so are all known. */
  readonly again?: boolean;
}

const KINDS: readonly Kind[] = [
  {
    name: 'all-new',
    question: 'What does a run cost in which everything is new?',
    works: '1,000 works of 6 identifiers, none of which is known',
    options: { works: 1_000, identifiersPerWork: 6 },
  },
  {
    name: 'all-existing',
    question: 'What does a run cost in which nothing is new?',
    works: '1,000 works of 6 identifiers, all of which are known',
    options: { works: 1_000, identifiersPerWork: 6 },
    again: true,
  },
  {
    name: 'mixed',
    question: 'What does a run cost in which some works are new, and some replace others?',
    works:
      '1,000 works of 6 identifiers: in half of them nothing is new, and a tenth names a predecessor',
    options: {
      ...{ works: 1_000, identifiersPerWork: 6 },
      ...{ nothingNewShare: 0.5, predecessorShare: 0.1 },
    },
  },
  {
    name: 'large-fanout',
    question: 'What does a run over large works cost?',
    works: '200 works of 51 identifiers, none of which is known',
    options: { works: 200, identifiersPerWork: 51 },
  },
];

export const WORKS_IN_MEMORY: readonly Workload[] = KINDS.map(kind => ({
  name: kind.name,
  question: kind.question,
  run: `Read lines of JSON, mint, and write lines of JSON, in memory: ${kind.works}.`,
  against:
    'the floor: one loop that parses, finds the identifiers, sends the statements of the floor above, sets the IDs, and writes',
  server: true,
  measure: ground => measureKind(kind, ground),
}));

async function* measureKind(kind: Kind, ground: Ground) {
  const registry = await ground.database.registry(ground.usualRows);
  const count = kind.options.works;
  await using sides = await openSides(registry, kind);
  const pairs = await runPairs(sides, ground.pairs(), ground.database.meter);
  yield {
    at: { rows: registry.rows },
    pairs: pairs.length,
    figures: figuresOf({
      wall: ratioOf(pairs, wallOf, { atMost: 1.3 }),
      'client and server CPU': ratioOf(pairs, cpuOf),
      'ms for 1,000 works': figureOf(pairs.map(({ ours }) => (ours.wallMs / count) * 1000)),
    }),
    scale: scaleOfPairs(pairs, 'ours', 'floor'),
  };
}

/** Seeds differ, so that works are fresh in each run and in each workload. */
let seed = 1_000;

async function openSides(
  registry: BenchRegistry,
  kind: Kind
): Promise<{ ours: Side; theirs: Side } & AsyncDisposable> {
  const ours = await registry.open();
  const admin = createRegistry(await openStore(registry.admin));
  const bare = await registry.connect();
  const mintOurs = async (works: Buffer): Promise<Buffer> => {
    const parts: Buffer[] = [];
    const target = writeWorks({
      name: 'memory',
      write: async text => {
        parts.push(Buffer.from(text));
      },
      complete: async () => {},
      discard: async () => {},
    });
    // As the command line has it: a run remembers what it was answered.
    await mintAll(remembering(ours), readWorks(bytesOf(works)), target);
    return Buffer.concat(parts);
  };
  const makeWorks = async (): Promise<Buffer> => {
    seed += 1;
    const options = { ...kind.options, seed };
    const known = [...knownMappings(options)];
    for (let start = 0; start < known.length; start += IMPORT_ROWS) {
      await admin.importMappings(known.slice(start, start + IMPORT_ROWS));
    }
    const lines = generateWorks(options).map(work => `${JSON.stringify(work)}\n`);
    return Buffer.from([...lines].join(''));
  };
  const standing = kind.again ? await makeWorks() : undefined;
  if (standing) await mintOurs(standing);
  const side = (mint: (works: Buffer) => Promise<Buffer>): Side => {
    return async () => {
      await registry.topUp();
      const works = standing ?? (await makeWorks());
      let minted: Buffer = Buffer.alloc(0);
      return {
        run: async () => {
          minted = await mint(works);
          return undefined;
        },
        verify: () => verifyWorks(bare, works, minted),
      };
    };
  };
  return {
    ours: side(mintOurs),
    theirs: side(works => rewritePlainly(bare, works)),
    async [Symbol.asyncDispose]() {
      await ours.close();
      await admin.close();
      await bare.end();
    },
  };
}
