/**
 * Cuts a stream into arrays of `size`, the last one shorter. Ends early, after a whole batch, on the signal. Where the
 * stream fails, what came before is given first.
 *
 * @param weigh - what an item counts; a batch is full as soon as all of it counts `size`
 */
export async function* inBatches<T>(
  items: AsyncIterable<T>,
  size: number,
  signal?: AbortSignal,
  weigh: (item: T) => number = () => 1
): AsyncGenerator<T[], void, undefined> {
  let batch: T[] = [];
  let weight = 0;
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const item of items) {
      if (signal?.aborted) return;
      batch.push(item);
      weight += weigh(item);
      if (weight < size) continue;
      yield batch;
      batch = [];
      weight = 0;
    }
  } catch (error) {
    failure = { error };
  }
  if (batch.length > 0 && !signal?.aborted) yield batch;
  if (failure) throw failure.error;
}
