import { IdMinterError } from '../domain/errors.ts';

/**
 * An error as Lambda reports it: by its name, which state machines and alarms see, and which for ours is the code.
 */
export function asReported(error: unknown): Error {
  if (!(error instanceof IdMinterError)) {
    return error instanceof Error ? error : new Error(String(error));
  }
  const reported = new Error(error.message, { cause: error });
  reported.name = error.code;
  return reported;
}
