import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;

/** Waits between the attempts at one thing: each up to twice as long as the one before, at random, and not for ever. */
export class Patience {
  readonly #until: number;
  readonly #signal: AbortSignal;
  #waits = 0;

  /** @param boundMs - for all waits and attempts together */
  constructor(boundMs: number, signal: AbortSignal) {
    this.#until = performance.now() + boundMs;
    this.#signal = signal;
  }

  /** @returns false where the time is over, or the run is to end: there is no further attempt then */
  async wait(): Promise<boolean> {
    // Full jitter: those who were refused together do not come back together.
    const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#waits);
    this.#waits += 1;
    const ms = Math.random() * most;
    if (this.#signal.aborted || performance.now() + ms > this.#until) return false;
    return await sleep(ms, true, { signal: this.#signal }).catch(() => false);
  }
}
