/** What Lambda tells a function of the call that it is in. */
export interface Invocation {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** The end of the time that Lambda gives a call, at which it kills the process. */
export interface Deadline extends Disposable {
  /** Aborted while there is time left for a report and announcements: nothing new is begun. */
  readonly stop: AbortSignal;
  /** Aborted when half of that time is over: what is at work is given up. */
  readonly end: AbortSignal;
}

const RESERVE_MS = 30_000;

/** Begins to watch the time of a call; disposal ends it. */
export function watchDeadline(invocation: Invocation): Deadline {
  const left = invocation.getRemainingTimeInMillis();
  const reserve = reserveOf(left);
  const [stop, end] = [new AbortController(), new AbortController()];
  const timers = [
    setTimeout(() => stop.abort(), left - reserve),
    setTimeout(() => end.abort(), left - reserve / 2),
  ];
  return {
    stop: stop.signal,
    end: end.signal,
    [Symbol.dispose]: () => timers.forEach(clearTimeout),
  };
}

/**
 * For telling what became of a run: 90 s of a quarter of an hour, 30 s of two minutes, and never more than a third.
 *
 * @param wholeMs - the time of the call
 */
export function reserveOf(wholeMs: number): number {
  return Math.min(Math.max(RESERVE_MS, wholeMs / 10), wholeMs / 3);
}
