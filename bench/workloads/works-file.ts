import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import type { GeneratedWorksOptions } from '../../scripts/works-generator.ts';
import { generateWorks, knownMappings } from '../../scripts/works-generator.ts';
import { openForReading } from '../../src/documents/files.ts';
import { readWorks } from '../../src/documents/works-ndjson.ts';
import { compareSources } from '../../src/domain/source-identifier.ts';
import { remembering } from '../../src/registry/remembering.ts';
import { nowhere } from '../../src/runtime/open-documents.ts';
import type { BenchRegistry } from '../bench-registry.ts';
import { createBenchRegistry } from '../bench-registry.ts';
import type { Program } from '../children.ts';
import type { Ratio } from '../figures.ts';
import { figureOf, figuresOf } from '../figures.ts';
import { countLines, writeLines } from '../lines.ts';
import { readCounters } from '../meter.ts';
import { mintAll } from '../mint-all.ts';
import type { Side } from '../pairs.ts';
import { cpuOf, demand, ratioOf, runPairs, scaleOfPairs, wallOf } from '../pairs.ts';
import type { Database, Workload } from '../workload.ts';

const PAIRS = 5;
const OPTIONS = { identifiersPerWork: 42, repeatedShare: 0.6, nothingNewShare: 1 };

export const worksFile: Workload = {
  name: 'works-file',
  question: 'What does a reindex cost, file to file?',
  run: '`id-minter mint` of 100,000 works of 42 identifiers, 60 % of which come again in other works; all are known.',
  against: 'a bare program that reads, parses and writes the same lines, and asks no registry',
  server: true,
  async *measure({ works, folder, database, pairs, program }) {
    const options = { works, ...OPTIONS };
    const source = join(folder, 'works.ndjson');
    const target = join(folder, 'minted.ndjson');
    await writeLines(
      source,
      mapped(generateWorks(options), work => JSON.stringify(work))
    );
    await using registry = await createKnown(database, options);
    const built = await program();
    const measured = await runPairs(
      {
        ours: mintSide(built, registry, { source, target, works }),
        theirs: bareSide(built, { source, target, works }),
      },
      pairs(PAIRS),
      database.meter
    );
    const lookUps = await compareLookUps(database, registry, source);
    const peaks = measured.flatMap(({ ours }) => ours.peakMib ?? []);
    yield {
      at: { works },
      pairs: measured.length,
      figures: figuresOf({
        wall: ratioOf(measured, wallOf, { atMost: 1.5 }),
        'client and server CPU': ratioOf(measured, cpuOf),
        'look-up statements, with the cache over without': lookUps.statements,
        'rows looked up, with the cache over without': lookUps.rows,
        'rows looked up, over identifiers in the works': lookUps.share,
        'peak MiB above bare Node': figureOf(peaks, { atMost: 200 }),
        'ms for 1,000 works': figureOf(measured.map(({ ours }) => (ours.wallMs / works) * 1000)),
      }),
      scale: scaleOfPairs(measured, 'ours', 'bare'),
    };
    await rm(source);
  },
};

interface Files {
  readonly source: string;
  readonly target: string;
  readonly works: number;
}

function mintSide(program: Program, { minter }: BenchRegistry, files: Files): Side {
  const { host, port, user, database } = minter;
  const { source, target, works } = files;
  return async () => {
    const secret = await minter.password();
    let told = '';
    return {
      run: async () => {
        const ran = await program.idMinter(
          [
            ...['mint', source, '--target', target, '--json'],
            ...['--registry', `mysql://${user}@${host}:${port}/${database}`],
          ],
          { RDS_PASSWORD: secret }
        );
        told = ran.stdout;
        return ran;
      },
      verify: async () => {
        const summary = JSON.parse(told) as {
          works: { succeeded: number; failed: number };
          identifiers: { minted: number };
        };
        const isRight =
          summary.works.succeeded === works &&
          summary.works.failed === 0 &&
          summary.identifiers.minted === 0;
        demand(isRight, () => `Of ${works} known works it came to this: ${told}`);
        await verifyLines(target, works);
      },
    };
  };
}

function bareSide(program: Program, { source, target, works }: Files): Side {
  return async () => ({
    run: () => program.bare('rewrite-lines', [source, target]),
    verify: () => verifyLines(target, works),
  });
}

async function verifyLines(target: string, works: number): Promise<void> {
  const lines = await countLines(target);
  demand(lines === works, () => `${works} works went in, and ${lines} lines came out.`);
  await rm(target);
}

/** A registry that holds what the works name. */
async function createKnown(
  database: Database,
  options: GeneratedWorksOptions
): Promise<BenchRegistry> {
  const known = Array.from(knownMappings(options), ({ source }) => source).sort(compareSources);
  return await createBenchRegistry(database, known.length, () => known);
}

/** What a run asks the server for with what it remembers, over what it asks for without; one run each. */
async function compareLookUps(
  { admin }: Database,
  registry: BenchRegistry,
  path: string
): Promise<{ statements: Ratio; rows: Ratio; share: Ratio }> {
  const counts: { statements: number; rows: number }[] = [];
  let identifiers = 0;
  for (const remembers of [true, false]) {
    await using opened = await registry.open();
    const source = readWorks(await openForReading(path, process.stdin));
    const before = await countReads(admin);
    const tally = await mintAll(remembers ? remembering(opened) : opened, source, nowhere());
    identifiers = tally.identifiers.existing;
    const after = await countReads(admin);
    counts.push({
      statements: after.statements - before.statements,
      rows: after.rows - before.rows,
    });
  }
  const [withCache, without] = counts;
  const ratio = (name: 'statements' | 'rows') => (withCache?.[name] ?? 0) / (without?.[name] ?? 0);
  return {
    statements: figureOf([ratio('statements')], { atMost: 0.5 }),
    rows: figureOf([ratio('rows')]),
    share: figureOf([(withCache?.rows ?? 0) / identifiers]),
  };
}

async function countReads(admin: Connection): Promise<{ statements: number; rows: number }> {
  const [selects, rows] = ['Com_select', 'Innodb_rows_read'] as const;
  const counters = await readCounters(admin, [selects, rows]);
  return { statements: counters.get(selects) ?? 0, rows: counters.get(rows) ?? 0 };
}

function* mapped<From, To>(items: Iterable<From>, change: (item: From) => To): Generator<To> {
  for (const item of items) yield change(item);
}
