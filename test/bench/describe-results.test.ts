import { expect, test } from 'vitest';
import {
  describeGrowth,
  describeLimits,
  describeOutlook,
  describeWorkloads,
} from '../../bench/describe-results.ts';
import type { Measured } from '../../bench/figures.ts';
import { figureOf } from '../../bench/figures.ts';
import { drawPlots } from '../../bench/plots.ts';
import type { Result } from '../../bench/results.ts';

const RESULTS: readonly Result[] = [
  resultOf('look-up', { rows: 10_000_000 }, { 'bytes a mapping': figureOf([200]) }),
  resultOf('look-up', { rows: 10_000 }, {}),
  resultOf('look-up-growth', { rows: 10_000_000 }, { wall: figureOf([1.1], { atMost: 1.3 }) }),
  resultOf('works-file', { works: 100_000 }, { 'ms for 1,000 works': figureOf([450]) }),
];

test('each limit stands in one line, with whether it is kept', () => {
  const lines = describeLimits(RESULTS).split('\n');
  expect(lines).toContain(
    '| [look-up](#look-up) | 10,000 rows | wall | **1.5** | 1.5 to 1.5 | ≤ 1.3 | **no** |'
  );
  expect(lines).toContain(
    '| [look-up-growth](#look-up-growth) | 10,000,000 rows | wall | **1.1** | 1.1 to 1.1 | ≤ 1.3 | yes |'
  );
});

test('sizes stand in rising order, and a workload that was not measured says so', () => {
  const text = describeWorkloads(RESULTS);
  expect(text.indexOf('| 10,000 rows')).toBeLessThan(text.indexOf('| 10,000,000 rows'));
  expect(text).toMatch(/### help\n[^#]*Nothing has been measured in full yet\./);
});

test('3.2 million works at 450 ms a thousand take 24 minutes, and ten times as many 4 hours', () => {
  const text = describeOutlook(RESULTS);
  expect(text).toContain('24 minutes; ten times as many take it 4.0 hours');
  expect(text).toContain('50,000,000 mappings take 10 GB');
});

test('the same figures draw the same plots, which the page shows', async () => {
  const [first, second] = [await drawPlots(RESULTS), await drawPlots(RESULTS)];
  expect(first).toEqual(second);
  expect(first.map(({ path }) => path)).toEqual(['docs/images/bench-rows.svg']);
  expect(first[0]?.text).toMatch(/^<svg .*look up/s);
  expect(describeGrowth(RESULTS)).toContain('(images/bench-rows.svg)');
});

function resultOf(workload: string, at: Measured['at'], figures: Measured['figures']): Result {
  return {
    ...{ workload, at, server: 'mysql 9.7.4', pairs: 1, seconds: 1, date: '2026-01-01' },
    ...{ node: '24.0.0', cores: 2, scale: { ours: { wallMs: 150 } } },
    figures: {
      wall: figureOf([1.5], { atMost: 1.3 }),
      'ms for 1,000 identifiers': figureOf([7]),
      ...figures,
    },
  };
}
