import type { ErrorCode } from '../domain/errors.ts';
import { ERRORS } from '../domain/errors.ts';

/** The statuses with which the command line ends; `docs/cli.md` lists them. */
export const EXIT = {
  done: 0,
  failures: 1,
  usage: 2,
  differences: 6,
  internal: 70,
  interrupted: 130,
  terminated: 143,
} as const;

const GRAVEST_FIRST = [EXIT.internal, 4, 5, EXIT.failures, EXIT.differences];

/** The one status for all that went wrong in a run: 70, 4, 5, 1, 6 in this order, else 0. */
export function exitFor(codes: Iterable<ErrorCode>): number {
  const statuses = new Set<number>([...codes].map(code => ERRORS[code].exit));
  return GRAVEST_FIRST.find(status => statuses.has(status)) ?? EXIT.done;
}
