/** Takes items over, in their order, and resolves when the last of them was taken. */
export type Give<T> = (items: Iterable<T>) => Promise<void>;

/**
 * What a producer gives, to be iterated over. It begins when the first item is asked for, and waits while nobody takes.
 * Leaving the iteration stops it by its signal, and waits for its end.
 *
 * @param outer - stops it too; what was given comes first, then the iteration throws the signal's reason
 */
export async function* handOver<T>(
  produce: (give: Give<T>, signal: AbortSignal) => Promise<void>,
  outer?: AbortSignal
): AsyncGenerator<T, void, undefined> {
  const leaving = new AbortController();
  const signal = outer ? AbortSignal.any([outer, leaving.signal]) : leaving.signal;
  let given = Promise.withResolvers<void>();
  let taken = Promise.withResolvers<void>();
  let items: T[] = [];
  let hasEnded = false;
  const give: Give<T> = async more => {
    if (leaving.signal.aborted) return;
    for (const item of more) items.push(item);
    given.resolve();
    await taken.promise;
  };
  const ended = produce(give, signal).finally(() => {
    hasEnded = true;
    given.resolve();
  });
  // Whoever iterates meets the failure below; until then nobody may be listening.
  ended.catch(() => {});
  try {
    for (let isLast = false; !isLast; ) {
      await given.promise;
      given = Promise.withResolvers();
      isLast = hasEnded;
      const next = items;
      items = [];
      yield* next;
      taken.resolve();
      taken = Promise.withResolvers();
    }
    await ended;
    outer?.throwIfAborted();
  } finally {
    leaving.abort();
    taken.resolve();
    await ended.catch(() => {});
  }
}

/** The same items, up to the signal, also where the next one never comes. */
export async function* untilAborted<T>(
  items: Iterable<T> | AsyncIterable<T>,
  signal: AbortSignal
): AsyncGenerator<T, void, undefined> {
  const iterator =
    Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let stop = (): void => {};
  // One listener for all items: a race for each would keep all of them in memory.
  signal.addEventListener('abort', () => stop(), { once: true });
  const next = (): Promise<IteratorResult<T> | undefined> =>
    new Promise((resolve, reject) => {
      stop = () => resolve(undefined);
      Promise.resolve(iterator.next()).then(resolve, reject);
    });
  let isAtEnd = false;
  try {
    while (!signal.aborted) {
      const item = await next();
      isAtEnd = item?.done === true;
      if (!item || item.done) return;
      yield item.value;
    }
  } finally {
    if (!isAtEnd) await close(iterator, signal);
  }
}

async function close(
  iterator: Iterator<unknown> | AsyncIterator<unknown>,
  signal: AbortSignal
): Promise<void> {
  const closing = (async () => await iterator.return?.())();
  // One that is stuck may never answer.
  if (signal.aborted) closing.catch(() => {});
  else await closing;
}
