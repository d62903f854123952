import type { CommonOptions, Io } from './io.ts';
import { speech } from './io.ts';

const EVERY_MS = 10_000;

/** Says every 10 s on stderr how far a run is, unless it shall be quiet. */
export function startProgress(
  io: Io,
  options: CommonOptions,
  describe: () => string
): Disposable & { stop(): void } {
  const { say } = speech(io, options);
  const began = performance.now();
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - began) / 1000);
    say(`${describe()} after ${seconds} s`);
  }, EVERY_MS).unref();
  const stop = (): void => clearInterval(timer);
  return { stop, [Symbol.dispose]: stop };
}
