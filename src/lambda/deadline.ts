/** What Lambda tells a function of the call that it is in. */
export interface Invocation {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/**
 * The end of the time that Lambda gives a call, at which it kills the process. Before that come these, each aborted when
 * its turn is there.
 */
export interface Deadline extends Disposable {
  /** Nothing new is begun: the rest of the time is for what is at work, and for telling what became of it. */
  readonly stop: AbortSignal;
  /** What is at work is given up. */
  readonly end: AbortSignal;
  /** What was not announced by now will not be. */
  readonly announcing: AbortSignal;
  /** Nothing is told any more. */
  readonly everything: AbortSignal;
}

const RESERVE_MS = 30_000;

/** Begins to watch the time of a call; disposal ends it. */
export function watchDeadline(invocation: Invocation): Deadline {
  const left = invocation.getRemainingTimeInMillis();
  const reserve = reserveOf(left);
  const timers: NodeJS.Timeout[] = [];
  const before = (ms: number): AbortSignal => {
    const controller = new AbortController();
    timers.push(setTimeout(() => controller.abort(), left - ms));
    return controller.signal;
  };
  return {
    stop: before(reserve),
    end: before(reserve * 0.7),
    announcing: before(reserve * 0.25),
    everything: before(reserve * 0.05),
    [Symbol.dispose]: () => {
      for (const timer of timers) clearTimeout(timer);
    },
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
