/** Cuts a stream into arrays of `size`, the last one shorter. Ends early, after a whole batch, on the signal. */
export async function* inBatches<T>(
  items: AsyncIterable<T>,
  size: number,
  signal?: AbortSignal
): AsyncGenerator<T[], void, undefined> {
  let batch: T[] = [];
  for await (const item of items) {
    if (signal?.aborted) return;
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0 && !signal?.aborted) yield batch;
}
