import type { RegistryFigures } from '../domain/notices.ts';
import type { Registry } from '../domain/registry.ts';

/** Free IDs are counted up to here: a pool of more is not low, and to count all of 50 million takes seconds. */
const FREE_MAX = 1_000_000;

/** What the registry took of a run: how long its batches lasted, how often something was tried again. */
export class RegistryMeter {
  #retries = 0;
  #latency = { count: 0, sum: 0, least: 0, most: 0 };

  /** To be told by `openRegistry`. */
  readonly onRetry = (): void => {
    this.#retries += 1;
  };

  /** The registry, its batches timed. */
  timing(registry: Registry): Registry {
    const mint: Registry['mint'] = async requests => {
      const began = performance.now();
      try {
        return await registry.mint(requests);
      } finally {
        this.#took(performance.now() - began);
      }
    };
    return { ...registry, mint, dryRun: () => this.timing(registry.dryRun()) };
  }

  /** The figures since the last time, for registries that serve one run after the other. */
  async take(registry: Registry): Promise<RegistryFigures> {
    const figures = { retries: this.#retries, batchLatency: this.#latency };
    this.#retries = 0;
    this.#latency = { count: 0, sum: 0, least: 0, most: 0 };
    // The run is done: a registry that fails now shall not make it look otherwise.
    const poolFree = await registry.countFree(FREE_MAX).catch(() => undefined);
    return { ...figures, poolFree };
  }

  #took(ms: number): void {
    const { count, sum, least, most } = this.#latency;
    this.#latency = {
      count: count + 1,
      sum: sum + ms,
      least: count === 0 ? ms : Math.min(least, ms),
      most: Math.max(most, ms),
    };
  }
}
