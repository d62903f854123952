import { describe, expect, test } from 'vitest';
import { createRegistry } from '../../src/registry/registry.ts';
import { RegistryMeter } from '../../src/registry/registry-meter.ts';
import { sierra } from '../support/identifiers.ts';
import { STORES } from '../support/stores.ts';

describe.each(STORES)('what the registry took of a run, on $name', store => {
  test('is how long its batches lasted and how many IDs are free, from one run to the next', async () => {
    await using below = await store.open({ freeCount: 5 });
    const meter = new RegistryMeter();
    // Asked as it stands in the product, and not as the tests count.
    const registry = createRegistry(below.store);
    const timed = meter.timing(registry);
    await timed.mint([{ source: sierra('b1') }]);
    await timed.mint([{ source: sierra('b1') }, { source: sierra('b2') }]);
    const first = await meter.take(registry);
    const second = await meter.take(registry);

    expect(first).toMatchObject({ retries: 0, poolFree: 3, batchLatency: { count: 2 } });
    const { sum, least, most } = first.batchLatency;
    expect(least).toBeGreaterThan(0);
    expect(most).toBeGreaterThanOrEqual(least);
    expect(sum).toBeCloseTo(least + most, 6);
    expect(second).toEqual({
      ...{ retries: 0, poolFree: 3, batchLatency: { count: 0, sum: 0, least: 0, most: 0 } },
    });
  });

  test('counts each time that something was tried again, and not the last failure', async () => {
    await using below = await store.open({ freeCount: 5 });
    const meter = new RegistryMeter();
    let toFail = 3;
    // A connection that is lost three times, and then a fault that no retry mends.
    const shaky = Object.assign(Object.create(below.store), {
      onRetry: meter.onRetry,
      countFree: async () => {
        toFail -= 1;
        throw new Error('planted');
      },
      translate: (error: unknown) => ({ ...below.store.translate(error), passing: toFail >= 0 }),
    });
    const registry = createRegistry(shaky);
    await expect(registry.countFree(1)).rejects.toThrow();
    const { retries, poolFree } = await meter.take(registry);

    expect(retries).toBe(3);
    // It cannot be counted, and the run is none the worse for it.
    expect(poolFree).toBeUndefined();
  });
});
