import type { Connection } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import type { Random } from '../../scripts/invented-identifiers.ts';
import { seededRandom } from '../../scripts/invented-identifiers.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import { startServer } from '../../test/support/servers/start-server.ts';
import type { BenchRegistry } from '../bench-registry.ts';
import { createBenchRegistry } from '../bench-registry.ts';
import { figureOf, figuresOf } from '../figures.ts';
import { readCounters } from '../meter.ts';
import { demand } from '../pairs.ts';
import type { Workload } from '../workload.ts';

const RESTARTS = 3;
const WORKS = 500;
const SCATTERED = 21_000;
const NEW = 5_000;
/** Pages are read from the disk itself, and none is remembered over a restart. */
const SERVER_ARGS = [
  ...['--innodb-buffer-pool-size=2G', '--innodb-flush-method=O_DIRECT'],
  ...['--innodb-buffer-pool-load-at-startup=OFF', '--innodb-buffer-pool-dump-at-shutdown=OFF'],
];

interface Batch {
  readonly name: string;
  choose(registry: BenchRegistry, random: Random): SourceIdentifier[];
}

const BATCHES: readonly Batch[] = [
  { name: 'works', choose: (registry, random) => registry.storedWorks(WORKS, random) },
  {
    name: 'scattered',
    // One identifier a work, in another place of each.
    choose: (registry, random) =>
      registry.storedWorks(SCATTERED, random).filter((_, at) => at % 43 === 0),
  },
  { name: 'new', choose: registry => registry.freshIdentifiers(NEW) },
];

export const cold: Workload = {
  name: 'cold',
  question: 'What does a batch cost when the server has nothing in memory?',
  run: 'After a restart of the server: look up the 21,000 identifiers of 500 works, look up 21,000 scattered ones, or mint 5,000 new.',
  against: 'the same batch again, or for what was new, the next new batch',
  server: true,
  async *measure({ database, isShort, rows, pairs, say }) {
    if (!database.isOurs) {
      say('cold: this server ran already, and so is not restarted.');
      return;
    }
    await using stack = new AsyncDisposableStack();
    const first = stack.use(await startServer(database.kind, { extraArgs: SERVER_ARGS }));
    let server = first;
    const size = rows.at(isShort ? 0 : -1) ?? 0;
    const registry = await createBenchRegistry(first, size);
    const { dataDir, port } = first;
    const measured: Record<string, number[]> = {};
    const note = (name: string, value: number) => {
      measured[name] = [...(measured[name] ?? []), value];
    };
    // So that what is cold is the server, and not this program.
    await measure(registry, first.url, registry.storedWorks(WORKS, seededRandom(-1)));
    await measure(registry, first.url, registry.freshIdentifiers(NEW));
    const restarts = pairs(RESTARTS);
    for (let restart = 0; restart < restarts; restart += 1) {
      for (const { name, choose } of BATCHES) {
        await server.stop();
        server = stack.use(
          await startServer(database.kind, { dataDir, port, extraArgs: SERVER_ARGS })
        );
        const random = seededRandom(restart);
        const chosen = choose(registry, random);
        const before = await measure(registry, server.url, chosen);
        const after = await measure(
          registry,
          server.url,
          name === 'new' ? choose(registry, random) : chosen
        );
        note(`cold over warm, ${name}`, before.ms / after.ms);
        note(`ms cold, ${name}`, before.ms);
        note(`ms warm, ${name}`, after.ms);
        note(`pages read cold, ${name}`, before.pages);
      }
    }
    yield {
      at: { rows: size },
      pairs: restarts,
      figures: figuresOf(
        Object.fromEntries(
          Object.entries(measured).map(([name, values]) => [name, figureOf(values)])
        )
      ),
      scale: {},
    };
  },
};

async function measure(
  registry: BenchRegistry,
  url: string,
  sources: readonly SourceIdentifier[]
): Promise<{ ms: number; pages: number }> {
  await using minter = await registry.open();
  const admin = await createConnection({ uri: url, rowsAsArray: true });
  try {
    const read = await pagesRead(admin);
    const began = performance.now();
    const { answers } = await minter.mint(sources.map(source => ({ source })));
    const ms = performance.now() - began;
    demand(
      answers.every(({ canonicalId }) => canonicalId !== undefined),
      () => 'A batch on a cold server was not answered.'
    );
    return { ms, pages: (await pagesRead(admin)) - read };
  } finally {
    await admin.end();
  }
}

async function pagesRead(admin: Connection): Promise<number> {
  const name = 'Innodb_buffer_pool_reads';
  return (await readCounters(admin, [name])).get(name) ?? 0;
}
