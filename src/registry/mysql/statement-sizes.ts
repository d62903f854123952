/**
 * How many rows or IDs a statement names: with more of them in a list the server gives up its index. 45,000 in one
 * list made an update lock a whole table of 10 million rows.
 */
export const LISTED_MAX = 1_000;

/** How many values a statement unfolds from one JSON value; the packet stays far below what servers accept. */
export const UNFOLDED_MAX = 10_000;

/** Pieces of a list that are short enough for one statement. */
export function* cut<T>(list: readonly T[], length: number): Generator<T[]> {
  for (let start = 0; start < list.length; start += length) {
    yield list.slice(start, start + length);
  }
}
