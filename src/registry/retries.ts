import pRetry from 'p-retry';
import type { IdMinterError } from '../domain/errors.ts';
import type { RegistryStore } from '../domain/registry.ts';

/** Waits of 20 ms, doubled each time up to 4 s, with jitter: about 15 to 30 s in all, the time of an Aurora failover. */
const RETRY = {
  retries: 11,
  minTimeout: 20,
  maxTimeout: 4_000,
  factor: 2,
  randomize: true,
} as const;

/** Thrown by an attempt that may succeed when it is made again; `error` reaches the caller when none does. */
export class PassingError extends Error {
  readonly error: IdMinterError;

  constructor(error: IdMinterError) {
    super(error.message, { cause: error });
    this.error = error;
  }
}

/**
 * Makes an attempt again while what stops it is passing: a deadlock, a lock wait, a lost connection, a failover.
 *
 * @throws IdMinterError as the store translates what stopped the last attempt
 */
export async function withRetries<T>(
  store: Pick<RegistryStore, 'translate' | 'onRetry'>,
  attempt: (about: { isLast: boolean }) => Promise<T>
): Promise<T> {
  let passing = false;
  return await pRetry(
    async number => {
      try {
        return await attempt({ isLast: number > RETRY.retries });
      } catch (error) {
        const translated =
          error instanceof PassingError
            ? { error: error.error, passing: true }
            : store.translate(error);
        passing = translated.passing;
        throw translated.error;
      }
    },
    {
      ...RETRY,
      shouldRetry: () => {
        if (passing) store.onRetry?.();
        return passing;
      },
    }
  );
}
