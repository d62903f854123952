import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { readAhead } from '../../src/steps/read-ahead.ts';
import { allOf } from '../support/byte-streams.ts';

function numbers(count: number, fault?: Error) {
  const state = { given: 0, isClosed: false };
  async function* give(): AsyncGenerator<number, void, undefined> {
    try {
      while (state.given < count) {
        state.given += 1;
        yield state.given;
      }
      if (fault) throw fault;
    } finally {
      state.isClosed = true;
    }
  }
  return { state, items: give() };
}

describe('reading ahead', () => {
  test('gives the same items in the same order', async () => {
    expect(await allOf(readAhead(numbers(0).items))).toEqual([]);
    expect(await allOf(readAhead(numbers(5).items))).toEqual([1, 2, 3, 4, 5]);
  });

  test('has the next item fetched while one is worked on, and no more than that', async () => {
    const { state, items } = numbers(5);
    for await (const item of readAhead(items)) {
      await nextTurn();
      expect(state.given).toBe(Math.min(item + 1, 5));
    }
  });

  test('gives what came before a fault, then the fault, which is heard whenever it comes', async () => {
    const fault = new Error('the pipe burst');
    const got: number[] = [];
    const reading = (async () => {
      for await (const item of readAhead(numbers(2, fault).items)) {
        await nextTurn();
        got.push(item);
      }
    })();
    await expect(reading).rejects.toBe(fault);
    expect(got).toEqual([1, 2]);
  });

  test('left early closes what it reads from', async () => {
    const { state, items } = numbers(5);
    for await (const item of readAhead(items)) if (item === 2) break;
    await nextTurn();
    expect(state).toEqual({ given: 3, isClosed: true });
  });

  test('left early does not mind a fault that nobody asks for any more', async () => {
    const { state, items } = numbers(2, new Error('the pipe burst'));
    for await (const item of readAhead(items)) if (item === 2) break;
    await nextTurn();
    expect(state.isClosed).toBe(true);
  });

  test('left early does not wait for an item that never comes', async () => {
    async function* stuck(): AsyncGenerator<number, void, undefined> {
      yield 1;
      await new Promise(() => {});
    }
    for await (const item of readAhead(stuck())) if (item === 1) break;
  });
});
