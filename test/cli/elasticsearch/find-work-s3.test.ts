/** `id-minter find-work` from a real Elasticsearch into S3. */
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { TestAws } from '../../support/aws/aws.ts';
import { openAws } from '../../support/aws/aws.ts';
import type { Fault } from '../../support/aws/proxy.ts';
import type { TestBucket } from '../../support/aws/test-bucket.ts';
import { openTestBucket } from '../../support/aws/test-bucket.ts';
import type { Desk } from '../../support/command-line.ts';
import { openDesk } from '../../support/command-line.ts';
import type { TestIndex } from '../../support/elasticsearch/test-index.ts';
import { openTestIndex } from '../../support/elasticsearch/test-index.ts';
import { refusals } from '../published-schemas.ts';

const { url } = inject('elasticsearch');
const RUN = '\\d{8}T\\d{6}-[0-9a-z]{4}';

let aws: TestAws;

beforeAll(async () => {
  aws = await openAws();
}, 300_000);

afterAll(async () => {
  await aws[Symbol.asyncDispose]();
});

beforeEach(() => {
  aws.proxy.play({});
});

interface Setting extends AsyncDisposable {
  readonly desk: Desk;
  readonly source: TestIndex;
  readonly bucket: TestBucket;
}

/** A desk whose commands find work in an index of its own, and have a bucket of their own. */
async function openSetting(): Promise<Setting> {
  const [desk, source, bucket] = [
    await openDesk(),
    await openTestIndex(),
    await openTestBucket(aws),
  ];
  desk.environment = {
    ...(aws.env as Record<string, string>),
    ...{ ES_URL: url, ES_SOURCE_INDEX: source.index },
    CATALOGUE_GRAPH_S3_BUCKET: bucket.name,
  };
  return {
    desk,
    source,
    bucket,
    async [Symbol.asyncDispose]() {
      bucket[Symbol.dispose]();
      for (const one of [desk, source]) await one[Symbol.asyncDispose]();
    },
  };
}

const idOf = (number: number) => `Work[sierra-system-number/b${number}]`;
const stored = (number: number, indexedAt = '2026-08-20T03:00:00Z') => ({
  _id: idOf(number),
  json: JSON.stringify({ indexed_at: indexedAt }),
});
const range = (length: number) => Array.from({ length }, (_, number) => number);

interface Reference {
  readonly s3_uri: string;
  readonly count: number;
}

function partitionsIn(stdout: string): Reference[] {
  expect(refusals('find-work', [JSON.parse(stdout)])).toEqual([]);
  return JSON.parse(stdout).partitions;
}

async function requestsIn(bucket: TestBucket, partitions: readonly Reference[]) {
  const texts = await Promise.all(partitions.map(({ s3_uri }) => bucket.read(s3_uri)));
  return texts.map(text => JSON.parse(text) as { job_id: string; source_identifiers: string[] });
}

describe('find-work', () => {
  test('cuts all works of an index into partitions, each of which is a minting request', async () => {
    await using setting = await openSetting();
    const { desk, source, bucket } = setting;
    await source.put(range(25).map(number => stored(number)));

    const { status, stdout, stderr } = await desk.run([
      ...['find-work', '--full', '--partition-size', '10', '--pipeline-date', '2026-08-20'],
    ]);

    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringMatching(/^Found 25 works of http.*: 3 partitions in s3:\/\/.*\n$/),
    });
    const partitions = partitionsIn(stdout);
    expect(partitions.map(({ count }) => count)).toEqual([10, 10, 5]);
    const folder = `s3://${bucket.name}/graph-prod/pipeline-2026-08-20/id_minter/find_work/full`;
    for (const [place, { s3_uri }] of partitions.entries()) {
      expect(s3_uri).toMatch(new RegExp(`^${folder}/${RUN}/partition-${place}\\.json$`));
    }
    const requests = await requestsIn(bucket, partitions);
    const run = partitions[0]?.s3_uri.split('/').at(-2);
    expect(requests.map(({ job_id }) => job_id)).toEqual(
      [0, 1, 2].map(place => `${run}-p00${place}`)
    );
    expect(requests.map(({ source_identifiers: ids }) => ids.length)).toEqual([10, 10, 5]);
    expect(requests.flatMap(({ source_identifiers: ids }) => ids).sort()).toEqual(
      range(25).map(idOf).sort()
    );
    expect(await bucket.list()).toEqual(partitions.map(({ s3_uri }) => s3_uri).sort());
    expect(await source.countOpenContexts()).toBe(0);
  });

  test('takes the works of a window, both ends included, and says which it was in the path', async () => {
    await using setting = await openSetting();
    const { desk, source, bucket } = setting;
    const times = ['02:59:59.999', '03:00:00.000', '03:15:00.000', '03:15:00.001'];
    await source.put(times.map((time, number) => stored(number, `2026-08-20T${time}Z`)));

    const { stdout } = await desk.run(
      ['find-work', '--window-end', '2026-08-20T05:15+02:00', '--graph-date', '2026-08-01'],
      { environment: { ID_MINTER_S3_PREFIX: 'minter', PIPELINE_DATE: '2026-08-20' } }
    );

    const partitions = partitionsIn(stdout);
    expect(partitions).toEqual([
      {
        count: 2,
        s3_uri: expect.stringContaining(
          '/graph-2026-08-01/pipeline-2026-08-20/minter/find_work/windows/20260820T0300-20260820T0315/'
        ),
      },
    ]);
    const [request] = await requestsIn(bucket, partitions);
    expect(request?.source_identifiers.sort()).toEqual([idOf(1), idOf(2)]);
  });

  test('passes all ids on that it is given: the minter names those that are not there', async () => {
    await using setting = await openSetting();
    const { desk, bucket } = setting;
    const nowhere = { environment: { ES_URL: 'http://127.0.0.1:1' } };
    const few = ['find-work', '--ids', idOf(1), ` ${idOf(9)} `, idOf(1)];
    const many = ['find-work', '--ids', ...range(6).map(idOf)];

    const byName = partitionsIn((await desk.run([...few, '--job-id', 'mine'], nowhere)).stdout);
    const byHash = partitionsIn((await desk.run(many, nowhere)).stdout);

    expect(await requestsIn(bucket, byName)).toEqual([
      { job_id: 'mine-p000', source_identifiers: [idOf(1), idOf(9)] },
    ]);
    expect(byName[0]?.s3_uri).toContain(
      `/graph-prod/pipeline-dev/id_minter/find_work/by_id/${idOf(1)}_${idOf(9)}/`
    );
    expect(byHash[0]?.s3_uri).toMatch(/\/by_id\/hash_[0-9a-f]{12}\//);
    expect((await requestsIn(bucket, byHash))[0]?.source_identifiers).toHaveLength(6);
  });

  test('finds nothing where there is nothing, and writes nothing', async () => {
    await using setting = await openSetting();
    const { desk, bucket } = setting;
    const { status, stdout } = await desk.run(['find-work', '--full', '--quiet']);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '{"partitions":[]}\n' });
    expect(await bucket.list()).toEqual([]);
  });

  test('never writes over what was found before, also under the same name', async () => {
    await using setting = await openSetting();
    const { desk, source, bucket } = setting;
    await source.put(range(3).map(number => stored(number)));
    const line = ['find-work', '--window-end', '2026-08-20T03:15Z', '--job-id', 'replayed'];

    const first = partitionsIn((await desk.run(line)).stdout);
    const before = await requestsIn(bucket, first);
    await source.put([stored(3)]);
    const again = partitionsIn((await desk.run(line)).stdout);

    expect(again).toMatchObject([{ count: 4 }]);
    expect(await requestsIn(bucket, first)).toEqual(before);
    expect(await bucket.list()).toEqual([...first, ...again].map(({ s3_uri }) => s3_uri).sort());
  });

  test('refers to a manifest where the list is too long for a state machine', async () => {
    await using setting = await openSetting();
    const { desk, source, bucket } = setting;
    await source.put(range(300).map(number => stored(number)));
    const { status, stdout, stderr } = await desk.run(
      ['find-work', '--full', '--partition-size', '1'],
      { environment: { ID_MINTER_S3_PREFIX: 'p'.repeat(700) } }
    );

    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringContaining(': 300 partitions in '),
    });
    expect(refusals('find-work', [JSON.parse(stdout)])).toEqual([]);
    const { manifest } = JSON.parse(stdout) as {
      manifest: { s3_uri: string; bucket: string; key: string };
    };
    expect(manifest).toEqual({
      s3_uri: expect.stringMatching(new RegExp(`/full/${RUN}/manifest\\.json$`)),
      bucket: bucket.name,
      key: expect.any(String),
      partitions: 300,
    });
    expect(manifest.s3_uri).toBe(`s3://${bucket.name}/${manifest.key}`);
    const references: Reference[] = JSON.parse(await bucket.read(manifest.s3_uri));
    expect(references).toHaveLength(300);
    const requests = await requestsIn(bucket, references);
    expect(requests.flatMap(({ source_identifiers: ids }) => ids).sort()).toEqual(
      range(300).map(idOf).sort()
    );
    expect(requests[7]?.job_id).toMatch(new RegExp(`^${RUN}-p007$`));
  });
});

describe('find-work is refused', () => {
  test.each([
    [[], 'Give one of --ids, --window-start with --window-end, and --full'],
    [['--full', '--ids', idOf(1)], 'Give one of --ids'],
    [['--full', '--window-end', '2026-08-20'], 'Give one of --ids'],
    [['--window-start', '2026-08-20'], 'has no end'],
    [['--window-start', '2026-08-21', '--window-end', '2026-08-20'], 'after its end'],
    [['--ids', ' '], 'One of the --ids is empty'],
    [['--full', '--partition-size', '0'], 'A whole number from 1 is needed'],
    [['--full', '--partition-size', '100001'], 'At most 100000 are allowed'],
    [['--full', '--registry', 'sqlite:x'], 'find-work asks no registry'],
    [['--full', '--es-mode', 'secret'], 'Allowed choices are public, private, local'],
  ])('before anything is asked: %j', async (args, message) => {
    await using desk = await openDesk();
    desk.environment = { ES_URL: 'http://127.0.0.1:1' };
    const { status, stderr } = await desk.run(['find-work', ...args]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(/^error USAGE: .*Nothing was done\./),
    });
    expect(stderr).toContain(message);
  });

  test('where the index is not there, without a partition', async () => {
    await using setting = await openSetting();
    const { desk, bucket } = setting;
    const { status, stderr } = await desk.run(['find-work', '--full'], {
      environment: { ES_SOURCE_INDEX: 'no-such-index' },
    });
    expect(status).toBe(3);
    expect(stderr).toMatch(/^error INDEX_NOT_FOUND: .*no-such-index/);
    expect(await bucket.list()).toEqual([]);
  });
});

describe('S3', () => {
  const busy: Fault = {
    status: 503,
    code: 'SlowDown',
    message: 'Please reduce your request rate.',
  };
  const denied: Fault = { status: 403, code: 'AccessDenied', message: 'Access Denied' };

  /** What the writing of partitions meets from the `from`th on. */
  function meet(fault: Fault, { from = 1, times = Number.POSITIVE_INFINITY } = {}): void {
    let puts = 0;
    aws.proxy.play({
      fault: ({ action }) => {
        if (!/^PUT .*partition-/.test(action)) return undefined;
        puts += 1;
        return puts >= from && puts < from + times ? fault : undefined;
      },
    });
  }

  test.each([
    [
      'a right that is missing',
      denied,
      3,
      /^error PARTITION_REFUSED: s3:\/\/.*AccessDenied.*s3:PutObject/,
    ],
    [
      'an outage',
      busy,
      4,
      /^error PARTITION_UNAVAILABLE: s3:\/\/.*SlowDown.*say the same command again/,
    ],
  ])('%s ends the command with nothing on standard output', async (_, fault, exit, message) => {
    await using setting = await openSetting();
    const { desk, source } = setting;
    await source.put(range(20).map(number => stored(number)));
    meet(fault, { from: 2 });
    const { status, stdout, stderr } = await desk.run([
      'find-work',
      '--full',
      '--partition-size',
      '2',
    ]);
    expect({ status, stdout, stderr }).toEqual({
      status: exit,
      stdout: '',
      stderr: expect.stringMatching(message),
    });
    expect(stderr).toContain('are used by nobody');
    expect(await source.countOpenContexts()).toBe(0);
  });

  test('that is busy for a while is asked again', async () => {
    await using setting = await openSetting();
    const { desk, source } = setting;
    await source.put(range(4).map(number => stored(number)));
    meet(busy, { times: 2 });
    const { status, stdout } = await desk.run(['find-work', '--full', '--partition-size', '2']);
    expect(status).toBe(0);
    expect(partitionsIn(stdout)).toHaveLength(2);
  });

  test('without the bucket is a bucket to correct', async () => {
    await using setting = await openSetting();
    const { status, stderr } = await setting.desk.run(['find-work', '--ids', idOf(1)], {
      environment: { CATALOGUE_GRAPH_S3_BUCKET: 'no-such-bucket' },
    });
    expect(status).toBe(3);
    expect(stderr).toMatch(
      /^error PARTITION_REFUSED: s3:\/\/no-such-bucket\/.*NoSuchBucket.*Correct the bucket/
    );
  });

  test('that does not answer keeps no Ctrl-C waiting, and the cluster lets go', async () => {
    await using setting = await openSetting();
    const { desk, source } = setting;
    await source.put(range(4).map(number => stored(number)));
    meet('no answer');
    const { child, ended } = desk.start(['find-work', '--full', '--partition-size', '2']);
    while (!aws.proxy.calls.some(({ action }) => action.startsWith('PUT '))) {
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ status: 130, stdout: '' });
    expect(await source.countOpenContexts()).toBe(0);
  });
});
