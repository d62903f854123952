/** `scan-and-bulk URL SOURCE TARGET`: copies the documents of an index into another with the client's own helpers. */
import { Client } from '@elastic/elasticsearch';

const [node = '', source = '', target = ''] = process.argv.slice(2);
const client = new Client({ node });

/** In the order of the shards, as the fastest way through an index is. */
const documents = client.helpers.scrollSearch<{ readonly _id?: string }>({
  ...{ index: source, size: 1_000, sort: ['_doc'] },
});

async function* hits() {
  for await (const { body } of documents) yield* body.hits.hits;
}

const { failed } = await client.helpers.bulk<{ _id?: string; _source?: unknown }>({
  datasource: hits(),
  onDocument: ({ _id = '', _source }) => [{ index: { _index: target, _id } }, _source],
});
if (failed > 0) throw new Error(`${failed} documents were refused.`);
await client.close();
