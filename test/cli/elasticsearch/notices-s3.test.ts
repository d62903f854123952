/** Whom `id-minter mint` tells of a run into a real index: S3, SNS and CloudWatch of an AWS of the tests. */
import { CreateBucketCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import type { TestAws } from '../../support/aws/aws.ts';
import { openAws } from '../../support/aws/aws.ts';
import type { AwsCall, Fault } from '../../support/aws/proxy.ts';
import type { TestTopic } from '../../support/aws/queue.ts';
import { openTopic, takeAnnounced } from '../../support/aws/queue.ts';
import type { Desk } from '../../support/command-line.ts';
import { openDesk } from '../../support/command-line.ts';
import type { Spoil } from '../../support/elasticsearch/proxy.ts';
import { openProxy } from '../../support/elasticsearch/proxy.ts';
import type { TestIndex } from '../../support/elasticsearch/test-index.ts';
import { openTestIndex } from '../../support/elasticsearch/test-index.ts';
import { sierra } from '../../support/identifiers.ts';
import { runHere } from '../in-process.ts';
import { toLines, workOf } from '../works.ts';

const { url } = inject('elasticsearch');
const BUCKET = 'reports-of-runs';
const DENIED: Fault = { status: 403, code: 'AccessDenied', message: 'planted' };

let aws: TestAws;
let s3: S3Client;
let topics = 0;

beforeAll(async () => {
  aws = await openAws();
  s3 = new S3Client({
    ...{ endpoint: aws.proxy.url, region: aws.region, forcePathStyle: true },
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const LocationConstraint = aws.region as 'eu-west-1';
  await s3.send(
    new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration: { LocationConstraint } })
  );
}, 300_000);

afterAll(async () => {
  s3.destroy();
  await aws[Symbol.asyncDispose]();
});

beforeEach(() => aws.proxy.play({}));

interface Setting extends AsyncDisposable {
  readonly desk: Desk;
  readonly target: TestIndex;
  readonly topic: TestTopic;
  /** The report of the run, undefined where none was put. */
  report(job?: string): Promise<Report | undefined>;
  /** What a subscriber got since it last looked. */
  announced(): Promise<string[]>;
}

interface Report {
  readonly successful_ids: string[];
  readonly unannounced_ids: string[];
  readonly [more: string]: unknown;
}

/** A desk with works in a file, whose commands mint into an index of their own, in a pipeline with all that there is. */
async function openSetting({ works, spoil }: { works: number; spoil?: Spoil }): Promise<Setting> {
  topics += 1;
  const topic = await openTopic(aws, `identified-${topics}`);
  const [desk, target] = [await openDesk(), await openTestIndex()];
  const cluster = spoil && (await openProxy(url, spoil));
  const values = Array.from({ length: works }, (_, number) => sierra(`b${number}`));
  await desk.write('works.ndjson', toLines(values.map(source => workOf(source))));
  const prefix = `run-${topics}`;
  // What is counted from here on is asked for by the product.
  aws.proxy.play({});
  desk.environment = {
    ...(aws.env as Record<string, string>),
    ...{ ID_MINTER_REGISTRY: 'sqlite:registry.sqlite', ES_URL: cluster?.url ?? url },
    ...{ ES_TARGET_INDEX: target.index, PIPELINE_DATE: '2026-08-20' },
    ...{ S3_BUCKET: BUCKET, S3_PREFIX: prefix, DOWNSTREAM_SNS_TOPIC_ARN: topic.arn },
  };
  return {
    ...{ desk, target, topic },
    async report(job = 'job-1') {
      const Key = `pipeline-2026-08-20/id_minter/${prefix}/${job}.json`;
      const found = await s3
        .send(new GetObjectCommand({ Bucket: BUCKET, Key }))
        .catch(() => undefined);
      return found && JSON.parse((await found.Body?.transformToString()) ?? '');
    },
    announced: () => takeAnnounced(aws, topic),
    async [Symbol.asyncDispose]() {
      for (const one of [desk, target, cluster]) await one?.[Symbol.asyncDispose]();
    },
  };
}

const MINT = ['mint', 'works.ndjson', '--job-id', 'job-1'];

const idsIn = async ({ target }: Setting) => (await target.read()).map(({ _id }) => _id).sort();

/** From now on, what calls that match meet. */
function meet(what: RegExp, fault: Fault): void {
  aws.proxy.play({ fault: ({ action }) => (what.test(action) ? fault : undefined) });
}

const askedFor = (what: RegExp): AwsCall[] =>
  aws.proxy.calls.filter(({ action }) => what.test(action));

describe('mint into an index of a pipeline', () => {
  test('puts its report, announces every document, and puts its metrics', async () => {
    await using setting = await openSetting({ works: 34 });
    const { desk } = setting;
    const into = setting.target.index;
    const { status, stdout } = await desk.run([
      ...[...MINT, '--target-index', into, '--report', 'report.json', '--json'],
    ]);
    const calls = aws.proxy.calls.map(({ action }) => action.split(' ')[0]);
    const [metrics] = askedFor(/PutMetricData/);

    expect(status).toBe(0);
    const ids = await idsIn(setting);
    const report = await setting.report();
    expect(ids).toHaveLength(34);
    expect((await setting.announced()).sort()).toEqual(ids);
    expect(report?.successful_ids.toSorted()).toEqual(ids);
    expect(report).toMatchObject({
      ...{ job_id: 'job-1', window: null, pipeline_date: '2026-08-20', errors: [] },
      unannounced_ids: [],
    });
    expect(JSON.parse(await desk.read('report.json'))).toEqual(report);
    expect(JSON.parse(stdout).report).toBe('report.json');
    expect(calls).toEqual(['PUT', ...Array(4).fill('PublishBatch'), 'PutMetricData']);
    const figures = JSON.parse(metrics?.parameters['body'] ?? '').MetricData;
    expect(figures).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ MetricName: 'success_count', Value: 34 }),
        expect.objectContaining({ MetricName: 'minted', Value: 34 }),
        expect.objectContaining({ MetricName: 'pool_free', Value: 10_000 - 34 }),
        expect.objectContaining({
          MetricName: 'batch_latency',
          StatisticValues: expect.objectContaining({ SampleCount: 1 }),
        }),
      ])
    );
  });

  test('says where its report is, and that some were not announced; the same again announces them', async () => {
    await using setting = await openSetting({ works: 25 });
    const { desk } = setting;
    meet(/PublishBatch/, DENIED);
    const first = await desk.run([...MINT, '--target-index', setting.target.index]);
    const report = await setting.report();
    aws.proxy.play({});
    const again = await desk.run([...MINT, '--target-index', setting.target.index]);

    const ids = await idsIn(setting);
    expect(first.status).toBe(4);
    expect(first.stderr).toMatch(/error ANNOUNCEMENT_FAILED: 25 of 25 documents/);
    expect(first.stderr).toMatch(/Report: s3:\/\/reports-of-runs\/pipeline-2026-08-20\/.*job-1/);
    expect(report?.unannounced_ids.toSorted()).toEqual(ids);
    expect(again.status).toBe(0);
    expect((await setting.announced()).sort()).toEqual(ids);
    expect((await setting.report())?.unannounced_ids).toEqual([]);
  });

  test('names on standard error what neither topic nor bucket takes', async () => {
    await using setting = await openSetting({ works: 1_200 });
    meet(/PublishBatch|^PUT/, DENIED);
    const { status, stderr } = await setting.desk.run([
      ...[...MINT, '--target-index', setting.target.index, '--quiet'],
    ]);

    expect(status).toBe(4);
    const named = [...stderr.matchAll(/error ANNOUNCEMENT_FAILED: ((?:[a-z2-9]{8} ?)+)\b/g)];
    expect(named.flatMap(([, ids = '']) => ids.trim().split(' ')).toSorted()).toEqual(
      await idsIn(setting)
    );
    expect(stderr).toContain('error REPORT_FAILED');
  });

  test('tells of the documents that are there when the index fails in mid-run', async () => {
    let bulks = 0;
    await using setting = await openSetting({
      works: 60,
      // Refused for good from the third batch on, of which nobody knows what became.
      spoil: ({ path }) => {
        if (!path.includes('_bulk')) return undefined;
        bulks += 1;
        return bulks > 2 ? { status: 403, body: {} } : undefined;
      },
    });
    const { status, stderr } = await setting.desk.run([
      ...[
        ...MINT,
        '--target-index',
        setting.target.index,
        '--batch-size',
        '20',
        '--concurrency',
        '1',
      ],
    ]);

    const ids = await idsIn(setting);
    const report = await setting.report();
    expect(status).toBe(3);
    expect(stderr).toContain('error INDEX_ACCESS_DENIED');
    expect(ids).toHaveLength(40);
    expect((await setting.announced()).sort()).toEqual(ids);
    expect(report).toMatchObject({
      stopped_by: { code: 'INDEX_ACCESS_DENIED', message: expect.stringContaining('403') },
      works: { succeeded: 40 },
    });
    expect(report?.unannounced_ids).toHaveLength(20);
  });

  test('that is interrupted announces nothing more, and its report names what is there', async () => {
    const interrupt = new AbortController();
    let bulks = 0;
    await using setting = await openSetting({
      works: 60,
      spoil: ({ path }) => {
        if (path.includes('_bulk')) bulks += 1;
        if (bulks === 3) interrupt.abort();
        return undefined;
      },
    });
    const { desk, target } = setting;
    // In this process, whose clients of AWS look for it here.
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
    const registry = `sqlite:${desk.path('registry.sqlite')}`;
    await runHere(
      [
        ...['mint', desk.path('works.ndjson'), '--job-id', 'job-1', '--registry', registry],
        ...['--target-index', target.index, '--batch-size', '20', '--concurrency', '1'],
      ],
      desk.environment,
      interrupt.signal
    );

    const report = await setting.report();
    const ids = await idsIn(setting);
    // The third batch is sent when the first is in the index.
    expect([20, 40]).toContain(report?.successful_ids.length);
    expect(report).toMatchObject({ stopped_by: { code: null, message: 'It was interrupted.' } });
    // Those that were on their way may be there, or not.
    expect(report?.unannounced_ids).toHaveLength(60);
    expect(report?.unannounced_ids).toEqual(expect.arrayContaining(ids));
    expect(ids).toEqual(expect.arrayContaining(report?.successful_ids ?? ['none']));
    expect(await setting.announced()).toEqual([]);
  });

  test('tells nobody of a dry run, nor of works that go into a file', async () => {
    await using setting = await openSetting({ works: 3 });
    const { desk, target } = setting;
    const dry = await desk.run([...MINT, '--target-index', target.index, '--dry-run']);
    const toFile = await desk.run([...MINT, '--target', 'out.ndjson']);

    expect([dry.status, toFile.status]).toEqual([0, 0]);
    expect(aws.proxy.calls).toEqual([]);
    expect(await setting.report()).toBeUndefined();
  });
});
