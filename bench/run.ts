/**
 * Measures the product beside the plainest program that does the same work, or beside another minter's statements.
 * docs/benchmarks.md tells how to read what it finds, and is made from what the full form keeps in bench/results.json.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SERVER_NAMES } from '../test/support/servers/kinds.ts';
import { openServers } from '../test/support/servers/open-servers.ts';
import type { Program } from './children.ts';
import { buildProgram } from './children.ts';
import { openDatabase } from './database.ts';
import { measureAll } from './measure.ts';
import { keepResult } from './results.ts';
import type { Database, Ground, Workload } from './workload.ts';
import { WORKLOADS } from './workloads.ts';

const USAGE = `npm run bench                     every workload, in full; takes hours
npm run bench -- NAME...          these workloads
npm run bench -- --short          the answers of all of them, on one small registry; keeps nothing
  --rows N,N      sizes of registries (10000,1000000,10000000)
  --pairs N       pairs of runs that are counted (15)
  --works N       works of the large files (100000)

Workloads:
${WORKLOADS.map(({ name, question }) => `  ${name.padEnd(16)} ${question}`).join('\n')}`;

const FULL = { rows: [10_000, 1_000_000, 10_000_000], pairs: 15, works: 100_000 };
/** As small as can be, so that what is wrong is known soon. */
const SHORT = { rows: [50_000], pairs: 1, works: 200 };
/** At which workloads run that do not ask how cost grows. */
const USUAL_ROWS = 1_000_000;

interface Order {
  readonly isShort: boolean;
  readonly workloads: readonly Workload[];
  readonly rows: readonly number[];
  readonly pairs: number;
  readonly works: number;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const order = readOrder();
  if (typeof order === 'string') {
    console.error(order);
    return 2;
  }
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'id-minter-bench-'));
  resources.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const keep = order.isShort ? () => {} : keepResult;
  let program: Promise<Program> | undefined;
  const build = () => {
    program ??= buildProgram(folder);
    return program;
  };
  const say = (text: string) => console.log(text);
  let failed = 0;
  const needed = order.workloads.filter(({ server }) => server);
  if (needed.length > 0) {
    const { servers } = resources.use(await openServers());
    for (const server of servers) {
      console.log(`${SERVER_NAMES[server.kind]} ${server.version}: ${server.chosen}.`);
      await using database = await openDatabase(server, say);
      const name = `${server.kind} ${server.version}`;
      const ground = groundOf(order, { folder, program: build, say, database });
      failed += await measureAll({ workloads: needed, server: name, ground, keep });
    }
  }
  const others = order.workloads.filter(({ server }) => !server);
  const ground = groundOf(order, { folder, program: build, say });
  failed += await measureAll({ workloads: others, server: 'none', ground, keep });
  console.log(failed === 0 ? 'All answers were right.' : `${failed} workloads failed.`);
  return failed === 0 ? 0 : 1;
}

function readOrder(): Order | string {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        short: { type: 'boolean', default: false },
        rows: { type: 'string' },
        pairs: { type: 'string' },
        works: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) return USAGE;
    const workloads = positionals.map(name => {
      const workload = WORKLOADS.find(known => known.name === name);
      if (workload === undefined) throw new Error(`There is no workload ${name}.`);
      return workload;
    });
    const form = values.short ? SHORT : FULL;
    return {
      isShort: values.short,
      workloads: workloads.length === 0 ? WORKLOADS : workloads,
      rows: (values.rows?.split(',').map(text => toCount('rows', text)) ?? form.rows).toSorted(
        (a, b) => a - b
      ),
      pairs: toCount('pairs', values.pairs ?? `${form.pairs}`),
      works: toCount('works', values.works ?? `${form.works}`),
    };
  } catch (error) {
    return `${error instanceof Error ? error.message : error}\n\n${USAGE}`;
  }
}

function toCount(name: string, text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new Error(`--${name} takes whole numbers from 1, not ${text}.`);
}

function groundOf(
  { isShort, rows, pairs, works }: Order,
  { database, ...rest }: Pick<Ground, 'folder' | 'program' | 'say'> & { database?: Database }
): Ground {
  return {
    ...{ isShort, rows, works, ...rest },
    usualRows: rows.includes(USUAL_ROWS) ? USUAL_ROWS : (rows.at(-1) ?? USUAL_ROWS),
    pairs: (atMost = pairs) => Math.min(pairs, atMost),
    get database() {
      if (database !== undefined) return database;
      throw new Error('A workload asks for a server that did not say that it needs one.');
    },
  };
}
