import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { numberOf, TwinSearch } from '../../src/domain/twin-search.ts';

/** All rounds over the keys, as an audit makes them; each number that came more than once. */
function searchAll(keys: readonly string[], room: number): { found: number[]; rounds: number } {
  const search = new TwinSearch(room);
  const found: number[] = [];
  let rounds = 0;
  do {
    rounds += 1;
    for (const key of keys) search.add(key);
    found.push(...search.twice());
  } while (search.next());
  return { found, rounds };
}

describe('a search for twins', () => {
  test('finds every key that comes more than once, and no other, in any room', () => {
    const keys = fc.array(fc.string({ maxLength: 2, unit: fc.constantFrom('a', 'b', 'c', 'd') }));
    fc.assert(
      fc.property(keys, fc.integer({ min: 8, max: 40 }), (given, room) => {
        const counts = Map.groupBy(given, key => key);
        const twice = [...counts].filter(([, { length }]) => length > 1).map(([key]) => key);
        const { found } = searchAll(given, room);
        expect(found).toEqual(twice.map(numberOf).sort((a, b) => a - b));
      }),
      { numRuns: 500 }
    );
  });

  test('takes one round where there is room for all, and a few more where there is not', () => {
    const keys = Array.from({ length: 1_000 }, (_, number) => `key ${number % 990}`);
    expect(searchAll(keys, 1_000)).toMatchObject({ rounds: 1, found: { length: 10 } });
    const { found, rounds } = searchAll(keys, 100);
    expect(found).toEqual(searchAll(keys, 1_000).found);
    expect(rounds).toBeGreaterThanOrEqual(10);
    expect(rounds).toBeLessThanOrEqual(21);
  });

  test('needs one round for a key that comes without end', () => {
    expect(searchAll(Array(10_000).fill('again'), 8)).toEqual({
      found: [numberOf('again')],
      rounds: 1,
    });
  });
});

describe('the number of a key', () => {
  test('is a whole number that a double holds', () => {
    fc.assert(
      fc.property(fc.string(), key => {
        const number = numberOf(key);
        expect(Number.isSafeInteger(number) && number >= 0).toBe(true);
      })
    );
  });

  test('is another one for each of 300,000 keys that look alike, spread over all numbers', () => {
    const numbers = Array.from({ length: 300_000 }, (_, number) =>
      numberOf(`4:7:Worksierra b${number}`)
    );
    expect(new Set(numbers).size).toBe(numbers.length);
    const inTenths = new Map<number, number>();
    for (const number of numbers) {
      const tenth = Math.floor((number / 2 ** 53) * 10);
      inTenths.set(tenth, (inTenths.get(tenth) ?? 0) + 1);
    }
    expect(inTenths.size).toBe(10);
    for (const count of inTenths.values()) expect(Math.abs(count - 30_000)).toBeLessThan(1_000);
  });
});
