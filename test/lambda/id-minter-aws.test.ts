/** What the function `id_minter` does in AWS: partitions and secrets in, a report, announcements and metrics out. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { workOf } from '../cli/works.ts';
import type { TestAws } from '../support/aws/aws.ts';
import { openAws } from '../support/aws/aws.ts';
import type { TestTopic } from '../support/aws/queue.ts';
import { openTopic, takeAnnounced } from '../support/aws/queue.ts';
import { putSecret } from '../support/aws/secrets.ts';
import type { TestBucket } from '../support/aws/test-bucket.ts';
import { openTestBucket } from '../support/aws/test-bucket.ts';
import { openProxy } from '../support/elasticsearch/proxy.ts';
import { sierra } from '../support/identifiers.ts';
import type { LambdaBundles, TestLambda } from '../support/lambda/test-lambda.ts';
import { openBundles, openLambda } from '../support/lambda/test-lambda.ts';
import { errorOf, replyOf } from './invoked.ts';
import type { Surroundings } from './surroundings.ts';
import { openSurroundings } from './surroundings.ts';

let aws: TestAws;
let bucket: TestBucket;
let bundles: LambdaBundles;

beforeAll(async () => {
  bundles = await openBundles(['id_minter']);
  aws = await openAws();
  bucket = await openTestBucket(aws);
}, 300_000);

afterAll(async () => {
  bucket?.[Symbol.dispose]();
  await aws?.[Symbol.asyncDispose]();
  await bundles?.[Symbol.asyncDispose]();
});

beforeEach(() => aws.proxy.play({}));

interface Setting extends Surroundings {
  readonly lambda: TestLambda;
  readonly topic: TestTopic;
}

/** A function of a pipeline, which tells what it does. */
async function openSetting(
  more: (surroundings: Surroundings) => Promise<Record<string, string>> = async () => ({})
): Promise<Setting> {
  const surroundings = await openSurroundings({ free: 1_000 });
  const topic = await openTopic(aws, `works-${surroundings.target.index}`);
  const lambda = await openLambda(bundles.folderOf('id_minter'), {
    ...surroundings.environment,
    ...(aws.env as Record<string, string>),
    ...{ S3_BUCKET: bucket.name, S3_PREFIX: 'prod', PIPELINE_DATE: '2026-08-20' },
    DOWNSTREAM_SNS_TOPIC_ARN: topic.arn,
    ...(await more(surroundings)),
  });
  return {
    ...surroundings,
    lambda,
    topic,
    async [Symbol.asyncDispose]() {
      await lambda[Symbol.asyncDispose]();
      await surroundings[Symbol.asyncDispose]();
    },
  };
}

const textForm = (value: string) => `Work[sierra-system-number/${value}]`;
const stored = (value: string) => ({
  _id: textForm(value),
  json: JSON.stringify(workOf(sierra(value))),
});
const numbered = (count: number) => Array.from({ length: count }, (_, number) => `b${number}`);
const reportOf = async (jobId: string) =>
  JSON.parse(
    await bucket.read(`s3://${bucket.name}/pipeline-2026-08-20/id_minter/prod/${jobId}.json`)
  );
const calls = (action: string) => aws.proxy.calls.filter(call => call.action === action);

describe('a run', () => {
  test('writes its report, announces its documents and puts its figures', async () => {
    await using setting = await openSetting();
    const { lambda, source, target, topic } = setting;
    await source.put(numbered(25).map(stored));

    const reply = replyOf(
      await lambda.invoke({
        source_identifiers: [...numbered(25).map(textForm), 'lost'],
        job_id: 'a-job',
      })
    );

    const ids = (await target.read()).map(({ _id }) => _id);
    expect(reply).toMatchObject({
      ...{ success_count: 25, failure_count: 1 },
      report_s3_uri: `s3://${bucket.name}/pipeline-2026-08-20/id_minter/prod/a-job.json`,
    });
    const report = await reportOf('a-job');
    expect(report).toMatchObject({
      ...{ job_id: 'a-job', pipeline_date: '2026-08-20', window: null },
      works: { succeeded: 25, failed: 1 },
      errors: [{ row_id: 'lost', stage: 'read', code: 'WORK_NOT_FOUND' }],
    });
    expect(report.successful_ids.sort()).toEqual(ids);
    expect((await takeAnnounced(aws, topic)).sort()).toEqual(ids);
    expect(calls('PublishBatch')).toHaveLength(3);
    expect(calls('PutMetricData').length).toBeGreaterThan(0);
    expect(lambda.printed()).toMatch(/"event":"Minting complete"/);
  });

  test('of which every work fails has its report all the same', async () => {
    await using setting = await openSetting();
    const error = errorOf(
      await setting.lambda.invoke({ source_identifiers: ['lost'], job_id: 'hopeless' })
    );
    expect(error).toMatchObject({
      errorType: 'ALL_WORKS_FAILED',
      errorMessage: expect.stringContaining('id_minter/prod/hopeless.json'),
    });
    expect(await reportOf('hopeless')).toMatchObject({ works: { succeeded: 0, failed: 1 } });
  });

  test('that cannot announce its documents fails, names them, and announces them when it comes again', async () => {
    await using setting = await openSetting();
    const { lambda, source, target, topic } = setting;
    await source.put(numbered(3).map(stored));
    const refused = { status: 403, code: 'AuthorizationError', message: 'planted' };
    aws.proxy.play({ fault: ({ action }) => (action === 'PublishBatch' ? refused : undefined) });

    const error = errorOf(await lambda.invoke({ full: true, job_id: 'unheard' }));
    const report = await reportOf('unheard');
    aws.proxy.play({});
    const again = replyOf(await lambda.invoke({ full: true, job_id: 'unheard' }));

    const ids = (await target.read()).map(({ _id }) => _id);
    expect(error?.errorType).toBe('ANNOUNCEMENT_FAILED');
    expect(report.unannounced_ids.sort()).toEqual(ids);
    expect(again).toMatchObject({ success_count: 3 });
    expect((await takeAnnounced(aws, topic)).sort()).toEqual(ids);
  });

  test('that an outage of the index ends tells what was done before it', async () => {
    await using works = await openSurroundings({ free: 2_000 });
    let writes = 0;
    await using cluster = await openProxy(works.source.url, ({ path }) => {
      if (!path.includes('/_bulk')) return undefined;
      writes += 1;
      return writes > 1 ? { status: 400 } : undefined;
    });
    await works.source.put(numbered(1_200).map(stored));
    await using lambda = await openLambda(bundles.folderOf('id_minter'), {
      ...works.environment,
      ...(aws.env as Record<string, string>),
      ...{ S3_BUCKET: bucket.name, S3_PREFIX: 'prod', PIPELINE_DATE: '2026-08-20' },
      ES_TARGET_URL: cluster.url,
    });

    const error = errorOf(await lambda.invoke({ full: true, job_id: 'cut-short' }));

    expect(error?.errorType).toBe('INDEX_UNAVAILABLE');
    const report = await reportOf('cut-short');
    const written = (await works.target.read()).map(({ _id }) => _id);
    // One request got through, whichever it was.
    expect([200, 500]).toContain(written.length);
    expect(report).toMatchObject({
      stopped_by: { code: 'INDEX_UNAVAILABLE' },
      works: { succeeded: written.length, failed: 0 },
      remaining: { count: 1_200 - written.length },
    });
    expect(report.successful_ids.sort()).toEqual(written);
  });
});

describe('a partition', () => {
  const request = (ids: readonly string[]) =>
    JSON.stringify({ source_identifiers: ids, job_id: '20260820T0300-p000' });

  test('is fetched, and minted under the name of the job that it holds', async () => {
    await using setting = await openSetting();
    const { lambda, source, target } = setting;
    await source.put(numbered(5).map(stored));
    const uri = await bucket.put('partition-0.json', request(numbered(3).map(textForm)));
    const reply = replyOf(await lambda.invoke({ s3_uri: uri, count: 3 }));
    expect(reply).toMatchObject({ job_id: '20260820T0300-p000', success_count: 3 });
    expect(await target.read()).toHaveLength(3);
  });

  test.each([
    ['has another count than the request says', request(['b1']), 'INVALID_REQUEST'],
    ['is no request', '[]', 'INVALID_REQUEST'],
  ])('is refused where it %s', async (_, text, code) => {
    await using setting = await openSetting();
    const uri = await bucket.put('partition-1.json', text);
    const error = errorOf(await setting.lambda.invoke({ s3_uri: uri, count: 2 }));
    expect(error?.errorType).toBe(code);
    expect(await setting.target.read()).toEqual([]);
  });
});

test('logins and clusters come out of secrets', async () => {
  await using setting = await openSetting(async ({ environment, source }) => {
    const { hostname, port } = new URL(source.url);
    const folder = 'elasticsearch/pipeline_storage_2026-08-20';
    await putSecret(aws, `${folder}/private_host`, hostname);
    await putSecret(aws, `${folder}/port`, port);
    await putSecret(aws, `${folder}/protocol`, 'http');
    await putSecret(aws, `${folder}/id_minter/api_key`, 'a-key-that-nobody-checks');
    const { RDS_USERNAME: username, RDS_PASSWORD: password } = environment;
    await putSecret(aws, 'a-login', JSON.stringify({ username, password }));
    return { ES_URL: '', RDS_SECRET_NAME: 'a-login', RDS_USERNAME: '', RDS_PASSWORD: '' };
  });
  const { lambda, source, target } = setting;
  await source.put([stored('b1')]);
  expect(replyOf(await lambda.invoke({ full: true }))).toMatchObject({ success_count: 1 });
  expect(await target.read()).toHaveLength(1);
  expect(lambda.printed()).not.toContain('a-key-that-nobody-checks');
});
