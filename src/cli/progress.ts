import type { Reading } from '../domain/documents.ts';
import type { CommonOptions, Io } from './io.ts';
import { isTerminal, speech } from './io.ts';

/** How often the line on a terminal is written anew, and how often a line is said to a log. */
const ON_TERMINAL_MS = 250;
const IN_LOG_MS = 10_000;

/** Before that a rate tells more of the start than of the run. */
const RATE_KNOWN_SECONDS = 1;
const END_KNOWN_SECONDS = 2;

/** Three digits of a rate would jump about. */
const RATE = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 });
const COUNT = new Intl.NumberFormat('en');

/**
 * Says on stderr how far a run is, unless it shall be quiet: on a terminal one line that changes, else a line every 10 s.
 *
 * @param describe - given the seconds since the start
 */
export function startProgress(
  io: Io,
  options: CommonOptions,
  describe: (seconds: number) => string
): Disposable & { stop(): void } {
  const { say, showLine } = speech(io, options);
  const began = performance.now();
  const line = (): string => describe((performance.now() - began) / 1000);
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

/** How far a run is. */
export interface RunSoFar {
  readonly done: number;
  /** What is counted, e.g. `works`. */
  readonly unit: string;
  /** The part of the whole that is done, 0 to 1; undefined where nobody knows how much there is. */
  readonly share: number | undefined;
  /** What the share is of: the name of a file, or a number. */
  readonly whole: string | number;
}

/**
 * `12,000 works, 1,900 a second, about 9 s left, 40 % of works.ndjson`. Rate and end are reckoned from the whole run so
 * far. The name comes last, since a narrow terminal cuts the line off.
 */
export function describeRun({ done, unit, share, whole }: RunSoFar, seconds: number): string {
  const parts = [`${COUNT.format(done)} ${unit}`];
  if (done > 0 && seconds >= RATE_KNOWN_SECONDS)
    parts.push(`${RATE.format(done / seconds)} a second`);
  if (share === undefined) return parts.join(', ');
  if (share > 0 && share < 1 && seconds >= END_KNOWN_SECONDS)
    parts.push(`about ${describeSeconds((seconds * (1 - share)) / share)} left`);
  parts.push(
    `${Math.floor(share * 100)} % of ${typeof whole === 'number' ? COUNT.format(whole) : whole}`
  );
  return parts.join(', ');
}

/** How much of a source is done: of what was read, as much as came to its end. */
export function shareDone(done: number, { items, share }: Reading): number | undefined {
  return share !== undefined && items ? share * Math.min(done / items, 1) : share;
}

function describeSeconds(seconds: number): string {
  if (seconds < 59.5) return `${Math.max(Math.round(seconds), 1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
