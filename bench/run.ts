/**
 * `npm run bench`: each workload beside its rival in one run, alternating; ratios of wall time, pair by pair. Writes
 * docs/benchmarks.md.
 *
 *   npm run bench -- [--rows 1000000] [--pairs 15]
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { openServers } from '../test/support/servers/open-servers.ts';
import { openMysqlBench } from './mysql-workloads.ts';
import type { Comparison, Spread, Workload } from './pairs.ts';
import { compare } from './pairs.ts';
import type { PeakMemory } from './peak-memory.ts';
import { mintPeakMemory } from './peak-memory.ts';
import { mintIntoSqlite } from './sqlite-workloads.ts';

const PAGE = new URL('../docs/benchmarks.md', import.meta.url);
const [BEGIN, END] = ['<!-- figures -->', '<!-- end of figures -->'];

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    pairs: { type: 'string', default: '15' },
  },
});
const [rows, pairs] = [Number(values.rows), Number(values.pairs)];

const comparisons: Comparison[] = [];
const run = async (workload: Workload): Promise<void> => {
  await using opened = workload;
  const comparison = await compare(opened, pairs);
  console.log(`${comparison.name}: ${show(comparison.ratio)} x ${comparison.against}`);
  comparisons.push(comparison);
};

await using open = await openServers();
const servers: string[] = [];
for (const server of open.servers) {
  servers.push(`${server.kind} ${server.version}`);
  await using bench = await openMysqlBench(server, rows);
  await run(bench.lookUp(21_000));
  await run(bench.mint(5_000));
}
await run(await mintIntoSqlite(50_000));
const memory = [await mintPeakMemory(10_000), await mintPeakMemory(100_000)];
console.log(memory);

const page = await readFile(PAGE, 'utf8');
const [before] = page.split(BEGIN);
const [, after] = page.split(END);
await writeFile(PAGE, `${before}${BEGIN}\n\n${figures(comparisons, memory)}\n\n${END}${after}`);

function figures(compared: readonly Comparison[], peaks: readonly PeakMemory[]): string {
  const table = [
    '| Work | Against | Ratio of wall time: median (min to max) | Ours, median ms | Theirs, median ms |',
    '|---|---|---|---|---|',
    ...compared.map(
      ({ name, against, ratio, oursMs, theirsMs }) =>
        `| ${name} | ${against} | **${show(ratio)}** | ${Math.round(oursMs.median)} | ${Math.round(theirsMs.median)} |`
    ),
  ];
  const [small, large] = peaks;
  const growth = small && large ? (large.mib / small.mib).toFixed(2) : '-';
  const peak = peaks.map(({ works, mib }) => `${works} works ${mib} MiB`).join(', ');
  return [
    `${servers.join(', ')}; Node ${process.versions.node}; ${cpus().length} cores; ${rows} mappings in the registry; ${pairs} pairs.`,
    '',
    ...table,
    '',
    `Peak memory of \`mint\`, file to file, new SQLite registry: ${peak}; ratio ${growth}.`,
  ].join('\n');
}

function show({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;
}
