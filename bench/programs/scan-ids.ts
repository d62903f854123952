/** `scan-ids URL INDEX BUCKET`: puts the ids of an index into a bucket, an object a page, three at once. */
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Client } from '@elastic/elasticsearch';
import pMap from 'p-map';

const PAGE = 10_000;
const PAGES_AT_ONCE = 3;
const [node = '', index = '', bucket = ''] = process.argv.slice(2);
const client = new Client({ node });
const s3 = new S3Client({ forcePathStyle: true });

async function* pages(): AsyncGenerator<readonly (string | undefined)[]> {
  const { id } = await client.openPointInTime({ index, keep_alive: '5m' });
  for (let after: unknown; ; ) {
    const { hits } = await client.search({
      pit: { id, keep_alive: '5m' },
      size: PAGE,
      _source: false,
      track_total_hits: false,
      sort: [{ _shard_doc: 'asc' }],
      ...(after !== undefined && { search_after: after as string[] }),
    });
    if (hits.hits.length === 0) break;
    yield hits.hits.map(({ _id }) => _id);
    after = hits.hits.at(-1)?.sort;
  }
  await client.closePointInTime({ id });
}

await pMap(
  pages(),
  (ids, place) =>
    s3.send(
      new PutObjectCommand({ Bucket: bucket, Key: `bare/${place}.json`, Body: JSON.stringify(ids) })
    ),
  { concurrency: PAGES_AT_ONCE }
);
await client.close();
