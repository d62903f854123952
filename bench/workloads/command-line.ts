import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { generateWorks } from '../../scripts/works-generator.ts';
import { migrate } from '../../src/registry/migrate.ts';
import { openSqliteMigrations } from '../../src/registry/sqlite/sqlite-migrations.ts';
import { IDENTIFIERS_A_BATCH } from '../../src/steps/batch-defaults.ts';
import { inventIdentifiers } from '../bench-registry.ts';
import { figureOf, figuresOf, scaleOf } from '../figures.ts';
import { countLines, writeLines } from '../lines.ts';
import { clientMeter } from '../meter.ts';
import type { Pair, Side } from '../pairs.ts';
import { cpuOf, demand, ratioOf, runOnce, runPairs, scaleOfPairs, wallOf } from '../pairs.ts';
import type { Ground, Workload } from '../workload.ts';

const PAIRS = 5;
const IDENTIFIERS = { full: 1_000_000, short: 5_000 };
const MEMORY_WORKS = { full: [10_000, 100_000, 1_000_000], short: [1_000] };
const PEAK = { atMost: 200 };

export const sqliteAssign: Workload = {
  name: 'sqlite-assign',
  question: 'How near does the registry in a file come to what SQLite itself can do?',
  run: '`id-minter assign` of new identifiers out of a CSV file into a new SQLite registry.',
  against:
    'a bare program that reads the same file and inserts the same rows in the same transactions, with IDs drawn on the spot',
  server: false,
  async *measure(ground) {
    const count = ground.isShort ? IDENTIFIERS.short : IDENTIFIERS.full;
    const source = join(ground.folder, 'identifiers.csv');
    await writeLines(source, csvOf(count));
    const pairs = await runPairs(
      { ours: assignSide(ground, source, count), theirs: insertSide(ground, source, count) },
      ground.pairs(PAIRS),
      clientMeter
    );
    yield {
      at: { identifiers: count },
      pairs: pairs.length,
      figures: figuresOf({
        wall: ratioOf(pairs, wallOf, { atMost: 1.5 }),
        'client CPU': ratioOf(pairs, cpuOf),
        'peak MiB above bare Node': figureOf(peaksOf(pairs), PEAK),
        'ms for 1,000 identifiers': figureOf(pairs.map(({ ours }) => (ours.wallMs / count) * 1000)),
      }),
      scale: scaleOfPairs(pairs, 'ours', 'bare'),
    };
    await rm(source);
  },
};

export const memory: Workload = {
  name: 'memory',
  question: 'Does memory grow with a run?',
  run: '`id-minter mint` of works of 6 identifiers, all new, file to file, into a new SQLite registry, once.',
  against: 'Node that does nothing',
  server: false,
  async *measure(ground) {
    for (const works of ground.isShort ? MEMORY_WORKS.short : MEMORY_WORKS.full) {
      const source = join(ground.folder, 'works.ndjson');
      await writeLines(source, linesOf(works));
      const cost = await runOnce(mintSide(ground, source, works), clientMeter);
      yield {
        at: { works },
        pairs: 1,
        figures: figuresOf({
          'peak MiB above bare Node': figureOf([cost.peakMib ?? Number.NaN], PEAK),
          'ms for 1,000 works': figureOf([(cost.wallMs / works) * 1000]),
        }),
        scale: { ours: scaleOf([cost]) },
      };
      await rm(source);
    }
  },
};

export const help: Workload = {
  name: 'help',
  question: 'How soon does the program say something?',
  run: '`id-minter --help`, as installed.',
  against: 'the same Node with nothing to do, `node -e 0`',
  server: false,
  async *measure({ program, pairs }) {
    const built = await program();
    let told = '';
    const measured = await runPairs(
      {
        ours: async () => ({
          run: async () => {
            const ran = await built.idMinter(['--help']);
            told = ran.stdout;
            return ran;
          },
          verify: async () =>
            demand(told.startsWith('Usage: id-minter'), () => `--help said: ${told}`),
        }),
        theirs: async () => ({ run: () => built.node(['-e', '0']), verify: async () => {} }),
      },
      pairs(),
      clientMeter
    );
    yield {
      at: {},
      pairs: measured.length,
      figures: figuresOf({
        wall: ratioOf(measured, wallOf, { atMost: 2 }),
        'client CPU': ratioOf(measured, cpuOf),
      }),
      scale: scaleOfPairs(measured, 'ours', 'node'),
    };
  },
};

function assignSide({ program, folder }: Ground, source: string, count: number): Side {
  return async () => {
    const built = await program();
    const [path, target] = [join(folder, 'ours.sqlite'), join(folder, 'answers.csv')];
    return {
      run: () =>
        built.idMinter([
          ...['assign', '--source', source, '--target', target],
          ...['--registry', `sqlite:${path}`],
        ]),
      verify: async () => {
        const lines = await countLines(target);
        demand(lines === count + 1, () => `${count} identifiers went in, ${lines - 1} came out.`);
        await verifyRegistry(path, count);
        await rm(target);
      },
    };
  };
}

function insertSide({ program, folder }: Ground, source: string, count: number): Side {
  return async () => {
    const built = await program();
    const path = join(folder, 'bare.sqlite');
    const database = openSqliteMigrations(path);
    await migrate(database);
    await database.close();
    return {
      run: () => built.bare('insert-rows', [source, path, `${IDENTIFIERS_A_BATCH}`]),
      verify: () => verifyRegistry(path, count),
    };
  };
}

function mintSide({ program, folder }: Ground, source: string, works: number): Side {
  return async () => {
    const built = await program();
    const [path, target] = [join(folder, 'ours.sqlite'), join(folder, 'minted.ndjson')];
    return {
      run: () =>
        built.idMinter(['mint', source, '--target', target, '--registry', `sqlite:${path}`]),
      verify: async () => {
        const lines = await countLines(target);
        demand(lines === works, () => `${works} works went in, and ${lines} lines came out.`);
        await rm(target);
        await removeRegistry(path);
      },
    };
  };
}

/** As many mappings as asked for, each with an ID of its own that is assigned. */
async function verifyRegistry(path: string, count: number): Promise<void> {
  const database = new DatabaseSync(path, { readOnly: true });
  const held = database
    .prepare(
      `SELECT COUNT(*) AS rows, COUNT(DISTINCT i.CanonicalId) AS ids FROM identifiers AS i
       JOIN canonical_ids AS c ON c.CanonicalId = i.CanonicalId AND c.Status = 'assigned'`
    )
    .get();
  database.close();
  demand(
    held?.['rows'] === count && held['ids'] === count,
    () => `${count} identifiers were to be in the registry: ${JSON.stringify(held)}`
  );
  await removeRegistry(path);
}

async function removeRegistry(path: string): Promise<void> {
  for (const end of ['', '-wal', '-shm']) await rm(`${path}${end}`, { force: true });
}

function peaksOf(pairs: readonly Pair[]): number[] {
  return pairs.flatMap(({ ours }) => ours.peakMib ?? []);
}

function* csvOf(count: number): Generator<string> {
  yield 'OntologyType,SourceSystem,SourceId';
  for (const { ontologyType, sourceSystem, value } of inventIdentifiers(count)) {
    yield `${ontologyType},${sourceSystem},${value}`;
  }
}

function* linesOf(works: number): Generator<string> {
  for (const work of generateWorks({ works })) yield JSON.stringify(work);
}
