import { describe, expect, test } from 'vitest';
import { inBatches } from '../../src/steps/in-batches.ts';
import { allOf } from '../support/byte-streams.ts';

async function* upTo(count: number, fault?: Error): AsyncGenerator<number> {
  for (let number = 1; number <= count; number += 1) yield number;
  if (fault) throw fault;
}

describe('a stream in batches', () => {
  test.each([
    [0, 3, []],
    [2, 3, [[1, 2]]],
    [3, 3, [[1, 2, 3]]],
    [7, 3, [[1, 2, 3], [4, 5, 6], [7]]],
    [3, 1, [[1], [2], [3]]],
  ])('%i in batches of %i', async (count, size, batches) => {
    expect(await allOf(inBatches(upTo(count), size))).toEqual(batches);
  });

  test('gives what came before a fault, then the fault', async () => {
    const fault = new Error('the pipe burst');
    for (const [count, batches] of [
      [4, [[1, 2, 3], [4]]],
      [3, [[1, 2, 3]]],
      [0, []],
    ] as const) {
      const got: number[][] = [];
      const reading = (async () => {
        for await (const batch of inBatches(upTo(count, fault), 3)) got.push(batch);
      })();
      await expect(reading).rejects.toBe(fault);
      expect(got).toEqual(batches);
    }
  });

  test('gives nothing more once it is told to end, not even a part', async () => {
    const controller = new AbortController();
    const got: number[][] = [];
    for await (const batch of inBatches(upTo(9), 2, controller.signal)) {
      got.push(batch);
      if (got.length === 2) controller.abort();
    }
    expect(got).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await allOf(inBatches(upTo(1), 2, AbortSignal.abort()))).toEqual([]);
    const late = new AbortController();
    async function* abortingAtTheEnd() {
      yield 1;
      late.abort();
    }
    expect(await allOf(inBatches(abortingAtTheEnd(), 2, late.signal))).toEqual([]);
  });

  test('is closed when it is left early', async () => {
    let isClosed = false;
    async function* numbers() {
      try {
        yield* upTo(9);
      } finally {
        isClosed = true;
      }
    }
    for await (const batch of inBatches(numbers(), 2)) if (batch.includes(3)) break;
    expect(isClosed).toBe(true);
  });
});
