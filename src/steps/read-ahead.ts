/**
 * Works on one item after the other. Meanwhile what came of the one before is settled, and then the next one is fetched:
 * two items are held at a time, not three.
 *
 * @param work - ends the run where it gives undefined
 * @param settle - told the results in the order of the items; also of those before a failure
 */
export async function inOverlap<T, Result>(
  items: AsyncGenerator<T, void, undefined>,
  work: (item: T) => Promise<Result | undefined>,
  settle: (result: Result) => Promise<void>
): Promise<void> {
  let settling: Promise<void> = Promise.resolve();
  try {
    for await (const item of readAhead(items, () => settling)) {
      const result = await work(item);
      await settling;
      if (result === undefined) return;
      settling = settle(result);
      // Met when it is waited for, before the next result is settled.
      settling.catch(() => {});
    }
  } finally {
    await settling;
  }
}

/**
 * Fetches the next item while the one before it is worked on, so that reading and minting overlap.
 *
 * @param room - resolves when there is room for one more item
 */
export async function* readAhead<T>(
  items: AsyncGenerator<T, void, undefined>,
  room: () => Promise<void> = async () => {}
): AsyncGenerator<T, void, undefined> {
  let next = fetch(items, room());
  try {
    for (;;) {
      const current = await next;
      if (current.done) return;
      next = fetch(items, room());
      yield current.value;
    }
  } finally {
    // Not waited for: an input that waits for more ends only when it is closed.
    items.return().catch(() => {});
  }
}

function fetch<T>(
  items: AsyncGenerator<T, void, undefined>,
  room: Promise<void>
): Promise<IteratorResult<T, void>> {
  const next = room.then(() => items.next());
  // Whoever asks for it meets the error; nobody may ask for it any more.
  next.catch(() => {});
  return next;
}
