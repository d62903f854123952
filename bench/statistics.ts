import { binomialDistribution, max, median, min, sum } from 'simple-statistics';

/** What the values of several runs come to. */
export interface Spread {
  readonly median: number;
  /** Between these two the true median lies, with 95 % confidence where there are six values or more. */
  readonly low: number;
  readonly high: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

const CONFIDENCE = 0.95;

/** @param values - at least one */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const { length: count } = sorted;
  const outside = countOutside(count);
  return {
    median: median(sorted),
    low: sorted[outside] ?? Number.NaN,
    high: sorted[count - 1 - outside] ?? Number.NaN,
    min: min(sorted),
    max: max(sorted),
    count,
  };
}

/**
 * How many of the sorted values may be left out at each end so that the median of what they were drawn from still lies
 * between the rest with 95 % confidence. Each value is below that median as often as a coin shows heads, so this holds
 * of any distribution.
 */
function countOutside(count: number): number {
  const chances = binomialDistribution(count, 0.5) ?? [];
  const missed = (outside: number) => 2 * sum(chances.slice(0, outside + 1));
  let outside = 0;
  while (missed(outside + 1) <= 1 - CONFIDENCE) outside += 1;
  return outside;
}
