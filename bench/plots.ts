import { parse, View } from 'vega';
import type { TopLevelSpec } from 'vega-lite';
import { compile } from 'vega-lite';
import type { Result } from './results.ts';
import { readResults } from './results.ts';

/** How one thing grows with another. */
export interface Plot {
  readonly file: string;
  readonly title: string;
  /** What stands below and beside the axes. */
  readonly x: string;
  readonly y: string;
  readonly points: readonly Point[];
}

interface Point {
  readonly x: number | string;
  readonly y: number;
  readonly series: string;
}

const FOLDER = 'docs/images';
/** Distinct also for those who see no colour, and in print. */
const COLOURS = ['#0b6e99', '#c4570a', '#5b3a86'];

/** What there is to plot; a plot of which nothing has been measured is left out. */
export function plotsOf(all: readonly Result[]): Plot[] {
  const results = all.filter(({ server }) => /^(mysql|none)/.test(server));
  const points = (workload: string, x: string, figure: string, series: string): Point[] =>
    results
      .filter(result => result.workload === workload)
      .flatMap(({ at, figures }) => {
        const [place, y] = [at[x], figures[figure]?.median];
        return place === undefined || y === undefined ? [] : [{ x: place, y, series }];
      })
      .sort((a, b) => a.x - b.x);
  const perThousand = 'ms for 1,000 identifiers';
  const plots: Plot[] = [
    {
      ...{ file: 'bench-rows.svg', title: 'With the registry', x: 'rows', y: perThousand },
      points: [
        ...points('look-up', 'rows', perThousand, 'look up'),
        ...points('mint-new', 'rows', perThousand, 'mint'),
      ],
    },
    {
      ...{ file: 'bench-batch.svg', title: 'With the batch', x: 'identifiers', y: perThousand },
      points: points('large-batch', 'identifiers', perThousand, 'mint'),
    },
    {
      file: 'bench-minters.svg',
      ...{ title: 'With the minters', x: 'minters', y: 'identifiers a second' },
      points: [
        ...points('minters-shared', 'minters', 'our identifiers a second', 'ours'),
        ...points('minters-shared', 'minters', 'rival’s identifiers a second', 'rival'),
      ],
    },
    {
      file: 'bench-claims.svg',
      ...{ title: 'With the minters: claims', x: 'minters', y: 'ms of claims a batch' },
      points: points('minters-own', 'minters', 'ms of claims a batch', 'ours'),
    },
    {
      ...{ file: 'bench-cold.svg', title: 'With a cold server', x: 'batch', y: 'ms' },
      points: ['works', 'scattered', 'new'].flatMap(batch =>
        ['cold', 'warm'].flatMap(series =>
          results
            .filter(({ workload }) => workload === 'cold')
            .flatMap(({ figures }) => {
              const y = figures[`ms ${series}, ${batch}`]?.median;
              return y === undefined ? [] : [{ x: batch, y, series }];
            })
        )
      ),
    },
  ];
  return plots.filter(plot => plot.points.length > 0);
}

/** The plots as files of docs/images: the same figures make the same bytes. */
export async function drawPlots(
  results: readonly Result[] = readResults()
): Promise<{ path: string; text: string }[]> {
  return await Promise.all(
    plotsOf(results).map(async plot => ({
      path: `${FOLDER}/${plot.file}`,
      text: `${await draw(plot)}\n`,
    }))
  );
}

async function draw({ title, x, y, points }: Plot): Promise<string> {
  const isNamed = points.some(point => typeof point.x === 'string');
  const spec: TopLevelSpec = {
    ...{ width: 480, height: 260, background: 'white', title: `${title}: ${y}` },
    data: { values: [...points] },
    mark: isNamed ? { type: 'bar' } : { type: 'line', point: true },
    encoding: {
      x: isNamed
        ? { field: 'x', type: 'nominal', title: x, sort: null, axis: { labelAngle: 0 } }
        : {
            ...{ field: 'x', type: 'quantitative', title: x },
            scale: { type: 'log' },
            axis: { values: [...new Set(points.map(point => Number(point.x)))], format: ',' },
          },
      y: { field: 'y', type: 'quantitative', title: y, scale: { zero: true } },
      color: { field: 'series', type: 'nominal', title: null, scale: { range: COLOURS } },
      ...(isNamed && { xOffset: { field: 'series', sort: null } }),
    },
    config: { font: 'sans-serif' },
  };
  return await new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG();
}
