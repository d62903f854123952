import { describe, expect, test } from 'vitest';
import { figureOf, isKept } from '../../bench/figures.ts';
import { measureAll } from '../../bench/measure.ts';
import { clientMeter } from '../../bench/meter.ts';
import type { Attempt, Side } from '../../bench/pairs.ts';
import { demand, ratioOf, runPairs, WrongAnswer, wallOf } from '../../bench/pairs.ts';
import type { Result } from '../../bench/results.ts';
import { spreadOf } from '../../bench/statistics.ts';
import type { Ground, Workload } from '../../bench/workload.ts';
import { verifyWorks } from '../../bench/works.ts';

describe('a spread', () => {
  test('of 15 values has its 95 % interval from the 4th to the 12th', () => {
    const values = [8, 3, 15, 1, 12, 6, 10, 2, 14, 5, 9, 4, 13, 7, 11];
    const spread = { median: 8, low: 4, high: 12, min: 1, max: 15, count: 15 };
    expect(spreadOf(values)).toEqual(spread);
  });

  test.each([
    { count: 1, low: 1, high: 1 },
    { count: 5, low: 1, high: 5 },
    { count: 6, low: 1, high: 6 },
    { count: 8, low: 1, high: 8 },
    { count: 9, low: 2, high: 8 },
    { count: 100, low: 40, high: 61 },
  ])(
    'of $count values has its interval from number $low to number $high',
    ({ count, low, high }) => {
      const values = Array.from({ length: count }, (_, index) => index + 1);
      expect(spreadOf(values)).toMatchObject({ low, high, count });
    }
  );

  test('of an even number of values has its median between the two in the middle', () => {
    expect(spreadOf([1, 10, 2, 4]).median).toBe(3);
  });
});

describe('pairs', () => {
  test('take turns in who goes first, and the first of them is not counted', async () => {
    const order: string[] = [];
    const side = (name: string): Side => {
      return async () => ({
        run: async () => {
          order.push(name);
          return { wallMs: name === 'ours' ? 3 : 2, cpuMs: 1 };
        },
        verify: async () => {},
      });
    };
    const pairs = await runPairs({ ours: side('ours'), theirs: side('theirs') }, 2, clientMeter);
    expect(order).toEqual(['ours', 'theirs', 'theirs', 'ours', 'ours', 'theirs']);
    expect(pairs).toHaveLength(2);
    expect(ratioOf(pairs, wallOf, { atMost: 1.4 })).toMatchObject({ median: 1.5, count: 2 });
    expect(ratioOf(pairs, ({ serverCpuMs }) => serverCpuMs)).toBeUndefined();
  });

  test('measure the run and neither what is made for it nor its check', async () => {
    const pause = () => new Promise(resolve => setTimeout(resolve, 150));
    const side: Side = async () => {
      await pause();
      return { run: async () => undefined, verify: async () => void (await pause()) };
    };
    const [pair] = await runPairs({ ours: side, theirs: side }, 1, clientMeter);
    expect(pair?.ours.wallMs).toBeLessThan(100);
  });
});

test.each([
  { value: 1.3, limit: { atMost: 1.3 }, kept: true },
  { value: 1.31, limit: { atMost: 1.3 }, kept: false },
  { value: 4, limit: { atLeast: 4 }, kept: true },
  { value: 3.9, limit: { atLeast: 4 }, kept: false },
])('a median of $value under $limit is kept: $kept', ({ value, limit, kept }) => {
  expect(isKept(figureOf([value], limit))).toBe(kept);
});

describe('the short form', () => {
  test('counts a workload that answers wrong, names it, keeps nothing of it, and goes on', async () => {
    const { failed, kept, said } = await measure([
      workloadOf('wrong', () => demand(false, () => 'Two sources have one ID.')),
      workloadOf('right', () => {}),
    ]);
    expect(failed).toBe(1);
    expect(kept.map(({ workload }) => workload)).toEqual(['right']);
    expect(said.join('\n')).toMatch(/FAILED wrong on none: WrongAnswer: Two sources have one ID/);
  });

  test('is not failed by a time', async () => {
    const slow = workloadOf('slow', () => {}, { wallMs: 1_000_000, cpuMs: 1_000_000 });
    const { failed, kept } = await measure([slow]);
    expect(failed).toBe(0);
    expect(kept[0]?.figures['wall']?.median).toBeGreaterThan(1000);
  });
});

test('works that lost an identifier on their way are a wrong answer', async () => {
  const line = (value: string) =>
    Buffer.from(
      `${JSON.stringify({
        _id: 'a',
        _source: {
          state: {
            canonicalId: 'a',
            sourceIdentifier: { ontologyType: 'Work', identifierType: { id: 's' }, value },
          },
        },
      })}\n`
    );
  const none = undefined as never;
  await expect(verifyWorks(none, line('b1'), line('b2'))).rejects.toThrow(WrongAnswer);
  await expect(verifyWorks(none, line('b1'), Buffer.alloc(0))).rejects.toThrow('1 works in, 0 out');
});

function workloadOf(name: string, verify: () => void, cost = { wallMs: 1, cpuMs: 1 }): Workload {
  const sideOf = (use: { wallMs: number; cpuMs: number }, check: () => void): Side => {
    return async (): Promise<Attempt> => ({ run: async () => use, verify: async () => check() });
  };
  return {
    ...{ name, question: 'Does it answer right?', run: 'Nothing.', against: 'nothing' },
    server: false,
    async *measure() {
      const sides = {
        ours: sideOf(cost, verify),
        theirs: sideOf({ wallMs: 1, cpuMs: 1 }, () => {}),
      };
      const wall = ratioOf(await runPairs(sides, 1, clientMeter), wallOf, { atMost: 1.3 });
      yield { at: {}, pairs: 1, figures: { ...(wall && { wall }) }, scale: {} };
    },
  };
}

async function measure(workloads: readonly Workload[]) {
  const kept: Result[] = [];
  const said: string[] = [];
  const ground = { isShort: true, say: text => said.push(text) } as Partial<Ground> as Ground;
  const keep = (result: Result) => void kept.push(result);
  const failed = await measureAll({ workloads, server: 'none', ground, keep });
  return { failed, kept, said };
}
