import { inject } from 'vitest';
import { indexName } from './open-elasticsearch.ts';

/** A document as it stands in an index. */
export interface Stored {
  readonly _id: string;
  readonly _source: unknown;
}

/** An index of a test's own; disposal removes it. */
export interface TestIndex extends AsyncDisposable {
  /** of the cluster, without the index */
  readonly url: string;
  readonly index: string;
  /** Puts documents in as the JSON that they are given as. */
  put(documents: readonly { _id: string; json: string }[]): Promise<void>;
  remove(id: string): Promise<void>;
  /** All documents, in the order of their IDs. */
  read(): Promise<Stored[]>;
  /** The same as text. */
  readText(): Promise<string>;
  /** How many points in time and searches of it, a shard each, the cluster holds open. */
  countOpenContexts(): Promise<number>;
}

const PUT_AT_ONCE = 5_000;

/** Wellcome's own, as far as it matters to a minter: nothing is indexed but what is searched for. */
const WORKS_MAPPING = { dynamic: false, properties: { indexed_at: { type: 'date' } } };

/**
 * @param url - of a cluster that is not the one of all tests
 * @param mappings - undefined where a template of the cluster says
 */
export async function openTestIndex(
  about: { url?: string; index?: string; mappings?: object | undefined; settings?: object } = {}
): Promise<TestIndex> {
  const { url = inject('elasticsearch').url, index = indexName('works'), settings = {} } = about;
  const mappings = 'mappings' in about ? about.mappings : WORKS_MAPPING;
  const own = { number_of_shards: 2, number_of_replicas: 0, ...settings };
  await askCluster('PUT', `${url}/${index}`, { mappings, settings: own });
  const readText = async () => {
    await askCluster('POST', `${url}/${index}/_refresh`);
    return await askCluster('POST', `${url}/${index}/_search`, { size: 10_000 });
  };
  return {
    url,
    index,
    put: async documents => {
      for (let start = 0; start < documents.length; start += PUT_AT_ONCE) {
        const lines = documents
          .slice(start, start + PUT_AT_ONCE)
          .map(({ _id, json }) => `${JSON.stringify({ index: { _id } })}\n${json}\n`);
        const answer = await askCluster(
          'POST',
          `${url}/${index}/_bulk?refresh=true`,
          lines.join('')
        );
        if (JSON.parse(answer).errors) throw new Error(answer.slice(0, 1_000));
      }
    },
    remove: async id => {
      await askCluster('DELETE', `${url}/${index}/_doc/${encodeURIComponent(id)}?refresh=true`);
    },
    read: async () => {
      const { hits } = JSON.parse(await readText()) as { hits: { hits: Stored[] } };
      return hits.hits
        .map(({ _id, _source }) => ({ _id, _source }))
        .sort((a, b) => Number(a._id > b._id) - Number(a._id < b._id));
    },
    readText,
    countOpenContexts: async () => {
      const stats = JSON.parse(await askCluster('GET', `${url}/${index}/_stats/search`)) as {
        _all: { total: { search: { open_contexts: number } } };
      };
      return stats._all.total.search.open_contexts;
    },
    async [Symbol.asyncDispose]() {
      await askCluster('DELETE', `${url}/${index}`);
    },
  };
}

/** Puts so many works in of which only the ids matter. */
export async function putIds({ put }: TestIndex, count: number): Promise<void> {
  for (let start = 0; start < count; start += PUT_AT_ONCE) {
    const documents = Array.from({ length: Math.min(PUT_AT_ONCE, count - start) }, (_, place) => ({
      _id: `Work[sierra-system-number/b${1_000_000 + start + place}]`,
      json: '{}',
    }));
    await put(documents);
  }
}

/** @returns the answer as text */
export async function askCluster(
  method: string,
  url: string,
  body?: object | string
): Promise<string> {
  const isText = typeof body === 'string';
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': isText ? 'application/x-ndjson' : 'application/json' },
    ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url} answered ${answer.status}: ${text}`);
  return text;
}
