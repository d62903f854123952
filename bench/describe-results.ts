import type { Limit, Ratio, Scale } from './figures.ts';
import { isKept } from './figures.ts';
import { plotsOf } from './plots.ts';
import type { Result } from './results.ts';
import { readResults } from './results.ts';
import { WORKLOADS } from './workloads.ts';

/** Works and rows of a large library today. */
const REINDEX_WORKS = 3_200_000;
const REGISTRY_ROWS = 50_000_000;

const NOTHING_YET = 'Nothing has been measured in full yet.';

/** Every figure that has to keep a limit, with whether it does. */
export function describeLimits(results: readonly Result[] = readResults()): string {
  const rows = inOrder(results).flatMap(result =>
    Object.entries(result.figures).flatMap(([name, figure]) =>
      figure.limit
        ? [
            [
              `[${result.workload}](#${result.workload})`,
              sizeOf(result),
              name,
              ...cellsOf(figure),
              showLimit(figure.limit),
              isKept(figure) ? 'yes' : '**no**',
            ],
          ]
        : []
    )
  );
  if (rows.length === 0) return NOTHING_YET;
  return [
    tableOf(['Workload', 'At', 'Figure', 'Median', '95 %', 'Demanded', 'Kept'], rows),
    machines(results),
  ].join('\n\n');
}

/** What was measured of each workload. */
export function describeWorkloads(results: readonly Result[] = readResults()): string {
  return WORKLOADS.map(({ name, question, run, against }) => {
    const own = inOrder(results).filter(({ workload }) => workload === name);
    const measured =
      own.length === 0 ? [NOTHING_YET] : [figureTable(own), scaleTable(own)].filter(Boolean);
    return [
      `### ${name}`,
      question,
      `${run} Compared with ${against}.`,
      ...measured,
      `Again: \`npm run bench -- ${name}\``,
    ].join('\n\n');
  }).join('\n\n');
}

/** How cost grows, one plot and one table for each thing that it may grow with. */
export function describeGrowth(results: readonly Result[] = readResults()): string {
  const plots = plotsOf(results);
  if (plots.length === 0) return NOTHING_YET;
  return plots
    .map(({ file, title, x, y, points }) => {
      const series = [...new Set(points.map(point => point.series))];
      const places = [...new Set(points.map(point => point.x))];
      const rows = places.map(place => [
        typeof place === 'number' ? count(place) : place,
        ...series.map(name => {
          const point = points.find(({ x: at, series: of }) => at === place && of === name);
          return point ? digits(point.y) : '–';
        }),
      ]);
      return [
        `### ${title}`,
        `![${title}: ${y} by ${x}](images/${file})`,
        tableOf([x, ...series.map(name => `${name}: ${y}`)], rows),
      ].join('\n\n');
    })
    .join('\n\n');
}

/** What the figures mean for libraries of today and of ten times the size. */
export function describeOutlook(results: readonly Result[] = readResults()): string {
  const told = [reindexOutlook(results), mintOutlook(results), growthOutlook(results)].flat();
  return told.length === 0 ? NOTHING_YET : told.map(line => `- ${line}`).join('\n');
}

function reindexOutlook(results: readonly Result[]): string[] {
  return inOrder(results)
    .filter(({ workload }) => workload === 'works-file')
    .flatMap(({ figures }) => {
      const ms = figures['ms for 1,000 works']?.median;
      if (ms === undefined) return [];
      const hours = (works: number) => ((works / 1000) * ms) / 3_600_000;
      return [
        `A full reindex of ${count(REINDEX_WORKS)} works of 42 identifiers, all known, takes one process ` +
          `${duration(hours(REINDEX_WORKS))}; ten times as many take it ${duration(hours(10 * REINDEX_WORKS))}. ` +
          'Works are independent, so a file cut in six is minted by six processes, as far as there are cores for them and the server.',
      ];
    });
}

function mintOutlook(results: readonly Result[]): string[] {
  const largest = inOrder(results).findLast(({ workload }) => workload === 'mint-new');
  const ms = largest?.figures['ms for 1,000 identifiers']?.median;
  if (largest === undefined || ms === undefined) return [];
  const hours = ((REGISTRY_ROWS / 1000) * ms) / 3_600_000;
  return [
    `To mint all of ${count(REGISTRY_ROWS)} identifiers anew at the pace of a registry of ${sizeOf(largest)} takes one process ` +
      `${duration(hours)}. A production run of 500 works mints a handful.`,
  ];
}

function growthOutlook(results: readonly Result[]): string[] {
  const grown = inOrder(results).findLast(({ workload }) => workload === 'look-up-growth');
  const ratio = grown?.figures['wall']?.median;
  const largest = inOrder(results).findLast(({ workload }) => workload === 'look-up');
  const bytes = largest?.figures['bytes a mapping']?.median;
  if (grown === undefined || ratio === undefined || bytes === undefined) return [];
  const gigabytes = (rows: number) => digits((rows * bytes) / 1e9);
  return [
    `A look-up in a registry of ${sizeOf(grown)} takes ${digits(ratio)} times as long as in the next smaller one. From there ` +
      `to ${count(REGISTRY_ROWS)}, and to ten times that, each index gains one level at most. What decides is whether the ` +
      `pages that a run needs fit into the memory of the server: ${count(REGISTRY_ROWS)} mappings take ` +
      `${gigabytes(REGISTRY_ROWS)} GB, ten times as many ${gigabytes(10 * REGISTRY_ROWS)} GB, both tables with their indexes.`,
  ];
}

/** A column for each size. */
function figureTable(results: readonly Result[]): string {
  const names = [...new Set(results.flatMap(({ figures }) => Object.keys(figures)))];
  const servers = new Set(results.map(({ server }) => server));
  const sizes = results.map(result =>
    servers.size > 1 ? `${result.server}, ${sizeOf(result)}` : sizeOf(result)
  );
  const rows = names.map(name => [
    name,
    ...results.map(({ figures }) => (figures[name] ? showSpread(figures[name]) : '–')),
  ]);
  const pairs = ['pairs', ...results.map(result => `${result.pairs}`)];
  return tableOf(['Median (95 %; all)', ...sizes], [...rows, pairs]);
}

/** What did not vary is said once. */
function showSpread({ median, low, high, min, max }: Ratio): string {
  if (min === max) return `**${digits(median)}**`;
  const all = `${digits(min)} to ${digits(max)}`;
  return low === min && high === max
    ? `**${digits(median)}** (${all})`
    : `**${digits(median)}** (${digits(low)} to ${digits(high)}; ${all})`;
}

const SCALE_COLUMNS: readonly (readonly [keyof Scale, string])[] = [
  ['wallMs', 'Wall ms'],
  ['clientCpuMs', 'Client CPU ms'],
  ['serverCpuMs', 'Server CPU ms'],
  ['statements', 'Statements'],
  ['rowsRead', 'Rows read'],
  ['peakMib', 'Peak MiB'],
];

function scaleTable(results: readonly Result[]): string {
  const sides = results.flatMap(result =>
    Object.entries(result.scale).map(([side, scale]) => ({ result, side, scale }))
  );
  const columns = SCALE_COLUMNS.filter(([name]) =>
    sides.some(({ scale }) => scale[name] !== undefined)
  );
  if (columns.length === 0) return '';
  return tableOf(
    ['Medians of one run', 'At', ...columns.map(([, title]) => title)],
    sides.map(({ result, side, scale }) => [
      side,
      sizeOf(result),
      ...columns.map(([name]) => {
        const value = scale[name];
        return value === undefined ? '–' : digits(value);
      }),
    ])
  );
}

function machines(results: readonly Result[]): string {
  const told = new Set(
    results.map(({ server, node, cores }) => `${server}, Node ${node}, ${cores} cores`)
  );
  const days = results.map(({ date }) => date).sort();
  return `Measured with: ${[...told].sort().join('; ')}. Between ${days[0]} and ${days.at(-1)}.`;
}

/** In the order of the workloads, then by size. */
function inOrder(results: readonly Result[]): Result[] {
  const places = new Map(WORKLOADS.map(({ name }, place) => [name, place]));
  const place = ({ workload }: Result) => places.get(workload) ?? places.size;
  const size = ({ at }: Result) => Object.values(at).reduce((sum, value) => sum + value, 0);
  return results.toSorted(
    (a, b) => place(a) - place(b) || compare(a.server, b.server) || size(a) - size(b)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sizeOf({ at }: Result): string {
  const told = Object.entries(at).map(([name, value]) => `${count(value)} ${name}`);
  return told.length === 0 ? '–' : told.join(', ');
}

function cellsOf({ median, low, high }: Ratio): string[] {
  return [`**${digits(median)}**`, `${digits(low)} to ${digits(high)}`];
}

function showLimit(limit: Limit): string {
  return 'atMost' in limit ? `≤ ${limit.atMost}` : `≥ ${limit.atLeast}`;
}

function duration(hours: number): string {
  return hours < 1
    ? `${Math.round(hours * 60)} minutes`
    : hours < 48
      ? `${hours.toFixed(1)} hours`
      : `${(hours / 24).toFixed(1)} days`;
}

function digits(value: number): string {
  if (value >= 100 || Number.isInteger(value)) return count(Math.round(value));
  return Number(value.toPrecision(3)).toString();
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n');
}
