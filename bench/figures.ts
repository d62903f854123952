import type { Spread } from './statistics.ts';
import { spreadOf } from './statistics.ts';

/** What one run took. What could not be had is left out. */
export interface Cost {
  readonly wallMs: number;
  readonly clientCpuMs: number;
  /** Of the server's process, its work in the background included. */
  readonly serverCpuMs?: number;
  readonly statements?: number;
  readonly rowsRead?: number;
  readonly peakMib?: number;
}

/** What a figure may be at most, or has to be at least. */
export type Limit = { readonly atMost: number } | { readonly atLeast: number };

/** A figure of all pairs, with what it may be; its median is what counts. */
export interface Ratio extends Spread {
  readonly limit?: Limit;
}

/** What one run of one side took, as medians over the runs: for scale. */
export type Scale = Partial<Record<keyof Cost, number>>;

/** A workload at one size. */
export interface Measured {
  /** What it was run at: `{ rows: 10000000 }`, `{ rows: 1000000, identifiers: 45000 }`. */
  readonly at: Readonly<Record<string, number>>;
  readonly pairs: number;
  /** By what they are called on the page: `wall`, `client and server CPU`. */
  readonly figures: Readonly<Record<string, Ratio>>;
  /** By side: `ours`, `floor`. */
  readonly scale: Readonly<Record<string, Scale>>;
}

export function isKept({ median, limit }: Ratio): boolean | undefined {
  if (limit === undefined) return undefined;
  return 'atMost' in limit ? median <= limit.atMost : median >= limit.atLeast;
}

export function scaleOf(costs: readonly Cost[]): Scale {
  const names = [
    'wallMs',
    'clientCpuMs',
    'serverCpuMs',
    'statements',
    'rowsRead',
    'peakMib',
  ] as const;
  const scale: Scale = {};
  for (const name of names) {
    const values = costs.flatMap(cost => cost[name] ?? []);
    if (values.length > 0) scale[name] = spreadOf(values).median;
  }
  return scale;
}

/** Leaves out what could not be measured. */
export function figuresOf(
  figures: Readonly<Record<string, Ratio | undefined>>
): Measured['figures'] {
  const known: Record<string, Ratio> = {};
  for (const [name, figure] of Object.entries(figures)) if (figure) known[name] = figure;
  return known;
}

/** A figure that is no ratio. */
export function figureOf(values: readonly number[], limit?: Limit): Ratio {
  return { ...spreadOf(values), ...(limit && { limit }) };
}
