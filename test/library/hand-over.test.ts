import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Give } from '../../src/library/hand-over.ts';
import { handOver, untilAborted } from '../../src/library/hand-over.ts';

const fault = new Error('the registry is gone');

async function takeAll<T>(items: AsyncIterable<T>): Promise<{ taken: T[]; error?: unknown }> {
  const taken: T[] = [];
  try {
    for await (const item of items) taken.push(item);
    return { taken };
  } catch (error) {
    return { taken, error };
  }
}

describe('what a producer gives', () => {
  test('is taken in its order, also where it gives from several places at once', async () => {
    const items = handOver<number>(async give => {
      await Promise.all([give([1, 2]), give([]), give([3])]);
      await give(new Set([4]));
    });
    expect(await takeAll(items)).toEqual({ taken: [1, 2, 3, 4] });
  });

  test('is produced only when it is asked for, and no further than it is taken', async () => {
    const given: number[] = [];
    const items = handOver<number>(async give => {
      for (const number of [1, 2, 3]) {
        given.push(number);
        await give([number]);
      }
    });
    await sleep(5);
    expect(given).toEqual([]);
    await items.next();
    await sleep(5);
    expect(given).toEqual([1]);
    await items.next();
    expect(given).toEqual([1, 2]);
    await items.return();
  });

  test('comes before the failure that ends it', async () => {
    const items = handOver<number>(async give => {
      const taking = give([1, 2]);
      await Promise.race([taking, sleep(1)]);
      throw fault;
    });
    async function* slowly() {
      for await (const item of items) {
        await sleep(5);
        yield item;
      }
    }
    expect(await takeAll(slowly())).toEqual({ taken: [1, 2], error: fault });
  });

  test('a failure that nobody asks for after leaving harms nobody', async () => {
    const items = handOver<number>(async (give, signal) => {
      await give([1]);
      signal.throwIfAborted();
    });
    for await (const item of items) {
      expect(item).toBe(1);
      break;
    }
  });

  test('leaving stops the producer, frees it, and waits for its end', async () => {
    const seen: string[] = [];
    const produce = async (give: Give<number>, signal: AbortSignal): Promise<void> => {
      await give([1, 2]);
      seen.push(signal.aborted ? 'stopped' : 'not stopped');
      await give([3]);
      await sleep(10);
      seen.push('ended');
    };
    for await (const _ of handOver(produce)) break;
    expect(seen).toEqual(['stopped', 'ended']);
  });

  test('comes before the reason of an outer signal', async () => {
    const outer = new AbortController();
    const items = handOver<number>(async (give, signal) => {
      await give([1]);
      outer.abort(fault);
      expect(signal.aborted).toBe(true);
      await give([2]);
    }, outer.signal);
    expect(await takeAll(items)).toEqual({ taken: [1, 2], error: fault });
  });
});

/** Gives one number and is then stuck, as a pipe is that nobody writes to. */
function stuck() {
  const state = { isClosed: false };
  const items: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => {
      let count = 0;
      return {
        next: async () => {
          count += 1;
          return count === 1 ? { value: 1 } : await new Promise(() => {});
        },
        return: async () => {
          state.isClosed = true;
          return await new Promise(() => {});
        },
      };
    },
  };
  return { state, items };
}

describe('items until a signal', () => {
  test('are all of them where it never comes', async () => {
    const { signal } = new AbortController();
    expect(await takeAll(untilAborted([1, 2], signal))).toEqual({ taken: [1, 2] });
    const later = async function* () {
      yield 1;
      await sleep(1);
      yield 2;
    };
    expect(await takeAll(untilAborted(later(), signal))).toEqual({ taken: [1, 2] });
  });

  test('end at once, also where the next one and the closing never come', async () => {
    const stop = new AbortController();
    const { state, items } = stuck();
    setTimeout(() => stop.abort(), 5);
    expect(await takeAll(untilAborted(items, stop.signal))).toEqual({ taken: [1] });
    expect(state.isClosed).toBe(true);
  });

  test('are none where it came before', async () => {
    const { state, items } = stuck();
    expect(await takeAll(untilAborted(items, AbortSignal.abort()))).toEqual({ taken: [] });
    expect(state.isClosed).toBe(true);
  });

  test('fail as they fail, and are closed where they are left', async () => {
    const { signal } = new AbortController();
    let isClosed = false;
    const failing = function* () {
      try {
        yield 1;
        yield 2;
        throw fault;
      } finally {
        isClosed = true;
      }
    };
    expect(await takeAll(untilAborted(failing(), signal))).toEqual({ taken: [1, 2], error: fault });
    isClosed = false;
    for await (const _ of untilAborted(failing(), signal)) break;
    expect(isClosed).toBe(true);
  });
});
