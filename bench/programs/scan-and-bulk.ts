/**
 * `scan-and-bulk URL SOURCE TARGET`: copies the documents of an index into another, page by page, three pages at once, and
 * looks at nothing of them. (The client's own helpers now and then left out a page, and said that all were in.)
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@elastic/elasticsearch';
import pMap from 'p-map';

const PAGE = 1_000;
const PAGES_AT_ONCE = 3;
const [node = '', source = '', target = ''] = process.argv.slice(2);
const client = new Client({ node });

interface Hit {
  readonly _id?: string;
  readonly _source?: unknown;
  readonly sort?: unknown;
}

async function* pages(): AsyncGenerator<readonly Hit[]> {
  const { id } = await whenThereIsRoom(() =>
    client.openPointInTime({ index: source, keep_alive: '5m' })
  );
  for (let after: unknown; ; ) {
    const { hits } = await whenThereIsRoom(() =>
      client.search({
        pit: { id, keep_alive: '5m' },
        size: PAGE,
        track_total_hits: false,
        sort: [{ _shard_doc: 'asc' }],
        ...(after !== undefined && { search_after: after as string[] }),
      })
    );
    const page: readonly Hit[] = hits.hits;
    if (page.length === 0) break;
    yield page;
    after = page.at(-1)?.sort;
  }
  await client.closePointInTime({ id });
}

async function put(page: readonly Hit[]): Promise<void> {
  const operations = page.flatMap(({ _id, _source }) => [
    { index: { _index: target, _id } },
    _source,
  ]);
  await whenThereIsRoom(async () => {
    const { errors, items } = await client.bulk({ operations });
    if (!errors) return;
    const statuses = items.map(({ index }) => index?.status ?? 0);
    const statusCode = statuses.find(status => status >= 400);
    throw Object.assign(new Error(`Some documents were refused (${statusCode}).`), { statusCode });
  });
}

async function whenThereIsRoom<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode !== 429) throw error;
      await sleep(200);
    }
  }
}

await pMap(pages(), put, { concurrency: PAGES_AT_ONCE });
await client.close();
