import { expect, inject, test } from 'vitest';
import { openIndexedIds } from '../../../src/runtime/open-documents.ts';
import { openProxy } from '../../support/elasticsearch/proxy.ts';
import { openTestIndex } from '../../support/elasticsearch/test-index.ts';

const { url } = inject('elasticsearch');
const { signal } = new AbortController();

test('the ids of an index come each once, in pages of 10,000 and without the documents', async () => {
  await using source = await openTestIndex();
  const names = Array.from({ length: 35_000 }, (_, number) => `Work[s/${number}]`);
  await source.put(names.map(_id => ({ _id, json: '{"data":{"title":"a title"}}' })));
  await using proxy = await openProxy(url, () => undefined);
  const address = { name: 'works', url: proxy.url, apiKey: undefined, index: source.index };

  const read: string[] = [];
  {
    await using ids = await openIndexedIds(address, 'all', { signal });
    expect(ids.total).toBe(35_000);
    for await (const id of ids.ids()) read.push(id);
  }

  expect(new Set(read).size).toBe(35_000);
  expect(read.toSorted()).toEqual(names.toSorted());
  const searches = proxy.requests
    .filter(({ path }) => path.startsWith('/_search'))
    .map(({ body }) => JSON.parse(body.toString()) as { size: number; _source?: boolean });
  const pages = searches.filter(({ size }) => size > 0);
  expect(pages.every(({ size, _source }) => size === 10_000 && _source === false)).toBe(true);
  expect(pages.length).toBeLessThanOrEqual(9);
  expect(await source.countOpenContexts()).toBe(0);
});

test('the ids of an index fail as a whole where a page of them is lost for good', async () => {
  await using source = await openTestIndex();
  await source.put([{ _id: 'Work[s/1]', json: '{}' }]);
  await using proxy = await openProxy(url, ({ path, body }) =>
    path.startsWith('/_search') && body.includes('"_source":false')
      ? { status: 404, body: { error: { type: 'search_context_missing_exception' }, status: 404 } }
      : undefined
  );
  const address = { name: 'works', url: proxy.url, apiKey: undefined, index: source.index };
  const reading = async () => {
    await using ids = await openIndexedIds(address, 'all', { signal });
    for await (const id of ids.ids()) expect.fail(`${id} came.`);
  };
  await expect(reading()).rejects.toMatchObject({ code: 'INDEX_UNAVAILABLE' });
  expect(await source.countOpenContexts()).toBe(0);
});
