/** Pieces of a list, in its order, none longer than `length`. */
export function* cut<T>(list: readonly T[], length: number): Generator<T[]> {
  for (let start = 0; start < list.length; start += length) {
    yield list.slice(start, start + length);
  }
}
