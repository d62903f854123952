/** Fetches the next item while the one before it is worked on, so that reading and minting overlap. */
export async function* readAhead<T>(
  items: AsyncGenerator<T, void, undefined>
): AsyncGenerator<T, void, undefined> {
  let next = fetch(items);
  try {
    for (;;) {
      const current = await next;
      if (current.done) return;
      next = fetch(items);
      yield current.value;
    }
  } finally {
    // Not waited for: an input that waits for more ends only when it is closed.
    items.return().catch(() => {});
  }
}

function fetch<T>(items: AsyncGenerator<T, void, undefined>): Promise<IteratorResult<T, void>> {
  const next = items.next();
  // Whoever asks for it meets the error; nobody may ask for it any more.
  next.catch(() => {});
  return next;
}
