/** The function `find_work`, and what the minter reads of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import type { PartitionReference } from '../../src/domain/partitions.ts';
import { handler } from '../../src/lambda/find-work.ts';
import { readPartition } from '../../src/lambda/read-partition.ts';
import type { Partition } from '../../src/lambda/requests.ts';
import { readMintingEvent } from '../../src/lambda/requests.ts';
import type { TestAws } from '../support/aws/aws.ts';
import { openAws } from '../support/aws/aws.ts';
import type { TestBucket } from '../support/aws/test-bucket.ts';
import { openTestBucket } from '../support/aws/test-bucket.ts';
import type { TestIndex } from '../support/elasticsearch/test-index.ts';
import { openTestIndex } from '../support/elasticsearch/test-index.ts';

const { url } = inject('elasticsearch');
const NOWHERE = 'http://127.0.0.1:1';
const idOf = (number: number) => `Work[sierra-system-number/b${number}]`;

let aws: TestAws;
let source: TestIndex;
let bucket: TestBucket;

beforeAll(async () => {
  aws = await openAws();
  bucket = await openTestBucket(aws);
  source = await openTestIndex();
  await source.put(
    ['02:54', '02:55', '03:10', '03:11'].map((time, number) => ({
      _id: idOf(number),
      json: JSON.stringify({ indexed_at: `2026-08-20T${time}:00Z` }),
    }))
  );
}, 300_000);

afterAll(async () => {
  bucket[Symbol.dispose]();
  await source[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
});

beforeEach(() => {
  aws.proxy.play({});
  const environment = {
    ...(aws.env as Record<string, string>),
    ...{ ES_URL: url, ES_SOURCE_INDEX: source.index, CATALOGUE_GRAPH_S3_BUCKET: bucket.name },
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});

/** Says what a state machine does with the answer: passes each reference on to the minter, which reads it. */
async function mintersOf(found: unknown) {
  const { partitions } = found as { partitions: readonly PartitionReference[] };
  return await Promise.all(
    partitions.map(async reference => {
      const event = readMintingEvent(reference);
      if (event.kind !== 'one') throw new Error('A reference is one request.');
      const { selection } = event.request;
      if (selection === 'all' || !('partition' in selection)) throw new Error('It is a partition.');
      return await read(selection.partition);
    })
  );
}

const read = (partition: Partition) =>
  readPartition(partition, {
    environment: process.env,
    signal: new AbortController().signal,
  });

describe('find_work', () => {
  test('is started by a schedule, and gives minters the works of fifteen minutes until five minutes ago', async () => {
    const found = await handler({ scheduled_time: '2026-08-20T03:15:00Z', job_id: 'mine' });
    const minters = await mintersOf(found);
    expect(minters.map(({ jobId }) => jobId)).toEqual(['mine-p000']);
    expect(minters.flatMap(({ ids }) => ids).sort()).toEqual([idOf(1), idOf(2)]);
  });

  test('takes the size and the dates out of the request, in camel case too', async () => {
    const found = await handler({
      ...{ full: true, partitionSize: 3, pipelineDate: '2026-08-20', graphDate: '2026-08-01' },
    });
    const minters = await mintersOf(found);
    expect(minters.map(({ ids }) => ids.length)).toEqual([3, 1]);
    const { partitions } = found as { partitions: readonly PartitionReference[] };
    for (const { s3_uri } of partitions) {
      expect(s3_uri).toContain('/graph-2026-08-01/pipeline-2026-08-20/id_minter/find_work/full/');
    }
  });

  test('passes ids on without the index, and its date does not have to be said', async () => {
    vi.stubEnv('ES_URL', NOWHERE);
    vi.stubEnv('PIPELINE_DATE', '2026-08-20');
    vi.stubEnv('GRAPH_DATE', '2026-08-02');
    const found = await handler({ source_identifiers: [idOf(1), idOf(99)], full: true });
    expect(await mintersOf(found)).toMatchObject([{ ids: [idOf(1), idOf(99)] }]);
    expect(JSON.stringify(found)).toContain('/graph-2026-08-02/pipeline-2026-08-20/id_minter/');
  });

  test('finds nothing where there is nothing', async () => {
    const window = { end_time: '2020-01-01' };
    expect(await handler({ window })).toEqual({ partitions: [] });
  });

  test('refuses what it does not understand before it asks for anything', async () => {
    vi.stubEnv('ES_URL', NOWHERE);
    aws.proxy.play({});
    await expect(handler({ full: true, partition_size: 0 })).rejects.toMatchObject({
      name: 'INVALID_REQUEST',
      message: expect.stringContaining('partition_size is 0'),
    });
    await expect(handler({})).rejects.toMatchObject({ name: 'INVALID_REQUEST' });
    expect(aws.proxy.calls).toEqual([]);
  });

  test('fails where S3 refuses', async () => {
    const fault = { status: 403, code: 'AccessDenied', message: 'Access Denied' };
    aws.proxy.play({ fault: () => fault });
    await expect(handler({ full: true })).rejects.toMatchObject({
      name: 'PARTITION_REFUSED',
      message: expect.stringMatching(/AccessDenied.*Nothing was minted.*s3:PutObject/),
    });
    expect(await source.countOpenContexts()).toBe(0);
  });
});

describe('a partition', () => {
  const at = (uri: string, count?: number): Partition => {
    const key = uri.split('/').slice(3).join('/');
    return { uri, bucket: uri.split('/')[2] ?? '', key, count };
  };

  test('may hold any number of ids where nobody says how many', async () => {
    const uri = await bucket.put('any.json', '{"sourceIdentifiers": ["a", "b"]}');
    expect(await read(at(uri))).toEqual({ jobId: undefined, ids: ['a', 'b'] });
  });

  test.each([
    ['{"source_identifiers": ["a", "b"]}', 3, 'it holds 2 ids where the request says 3'],
    ['{"source_identifiers": ["a", "b"]}', 1, 'it holds 2 ids where the request says 1'],
    ['{"full": true}', 1, 'it names no ids'],
    ['{"window": {"end_time": "2026-08-20"}}', undefined, 'it names no ids'],
    ['{"source_identifiers": [" "]}', 1, 'source_identifiers[0] is ""'],
    ['{"source_identifiers": ["a"', 1, 'cannot be minted: '],
    [' ', undefined, 'cannot be minted: '],
  ])('that is not what find_work wrote is refused: %s, %s', async (text, count, why) => {
    const uri = await bucket.put('wrong.json', text);
    await expect(read(at(uri, count))).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining(why),
    });
  });

  test('that is not there, or that may not be read, is told apart from one that cannot be reached', async () => {
    await expect(read(at(`s3://${bucket.name}/none.json`))).rejects.toMatchObject({
      code: 'PARTITION_REFUSED',
      message: expect.stringMatching(/none\.json.*NoSuchKey.*Correct the bucket or the key/),
    });
    const uri = await bucket.put('denied.json', '{}');
    aws.proxy.play({ fault: () => ({ status: 403, code: 'AccessDenied', message: 'No' }) });
    await expect(read(at(uri))).rejects.toMatchObject({
      code: 'PARTITION_REFUSED',
      message: expect.stringContaining('s3:GetObject'),
    });
    aws.proxy.play({ fault: () => 'cut' });
    await expect(read(at(uri))).rejects.toMatchObject({ code: 'PARTITION_UNAVAILABLE' });
  });
});
