import type { CommonOptions, Io } from './io.ts';
import { isTerminal, speech } from './io.ts';

/** How often the line on a terminal is written anew, and how often a line is said to a log. */
const ON_TERMINAL_MS = 250;
const IN_LOG_MS = 10_000;

/** Says on stderr how far a run is, unless it shall be quiet: on a terminal one line that changes, else a line every 10 s. */
export function startProgress(
  io: Io,
  options: CommonOptions,
  describe: () => string
): Disposable & { stop(): void } {
  const { say, showLine } = speech(io, options);
  const began = performance.now();
  const line = (): string =>
    `${describe()} after ${Math.round((performance.now() - began) / 1000)} s`;
  const timer = isTerminal(io)
    ? setInterval(() => showLine(line()), ON_TERMINAL_MS)
    : setInterval(() => say(line()), IN_LOG_MS);
  timer.unref();
  const stop = (): void => {
    clearInterval(timer);
    if (isTerminal(io)) showLine('');
  };
  return { stop, [Symbol.dispose]: stop };
}
