/**
 * Cuts a stream into arrays of `size`, the last one shorter. Ends early, after a whole batch, on the signal. Where the
 * stream fails, what came before is given first.
 */
export async function* inBatches<T>(
  items: AsyncIterable<T>,
  size: number,
  signal?: AbortSignal
): AsyncGenerator<T[], void, undefined> {
  let batch: T[] = [];
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const item of items) {
      if (signal?.aborted) return;
      batch.push(item);
      if (batch.length < size) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    failure = { error };
  }
  if (batch.length > 0 && !signal?.aborted) yield batch;
  if (failure) throw failure.error;
}
