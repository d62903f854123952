import { EXIT } from './exit.ts';

/** How long a clean stop may take; then the process ends all the same, and the registry is right in any case. */
const STOP_MS = 1_500;

export interface Stop {
  readonly signal: AbortSignal;
  /** The status to end with once a signal came. */
  readonly status: number | undefined;
  /** Stops watching, so that the process can end. */
  done(): void;
}

/**
 * Ctrl-C and SIGTERM end the run at the next border between batches; a second one ends it at once.
 *
 * @param tell - told what a person has to know of it
 */
export function watchSignals(tell: (text: string) => void): Stop {
  const controller = new AbortController();
  let status: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const stop = (name: 'SIGINT' | 'SIGTERM'): void => {
    const ended = name === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
    if (status !== undefined) process.exit(ended);
    status = ended;
    tell('Stopping. What was done so far is right; the same command again completes the run.');
    controller.abort();
    timer = setTimeout(() => process.exit(ended), STOP_MS);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return {
    signal: controller.signal,
    get status() {
      return status;
    },
    done() {
      clearTimeout(timer);
      process.off('SIGINT', stop).off('SIGTERM', stop);
    },
  };
}
