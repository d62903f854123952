import { CreateBucketCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WaitingFile } from '../../../src/documents/waiting-file.ts';
import type { ReportHead, ReportPlace } from '../../../src/domain/notices.ts';
import { KeptReport } from '../../../src/notices/kept-report.ts';
import { s3Report } from '../../../src/notices/s3-report.ts';
import type { Fault } from '../../support/aws/proxy.ts';
import { id, someIds } from '../../support/identifiers.ts';
import { awsAround, NEVER } from './aws-around.ts';

const BUCKET = 'reports-of-runs';
const HEAD: ReportHead = {
  ...{ job_id: 'job-1', window: null, pipeline_date: '2026-08-20', dry_run: false },
  works: { succeeded: 1, failed: 50_000 },
  identifiers: { existing: 1, inherited: 2, minted: 3 },
  warnings: {},
  elapsed_ms: 12,
};

const aws = awsAround();
let s3: S3Client;

beforeAll(async () => {
  s3 = new S3Client({
    ...{ endpoint: aws().proxy.url, region: aws().region, forcePathStyle: true },
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const LocationConstraint = aws().region as 'eu-west-1';
  await s3.send(
    new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration: { LocationConstraint } })
  );
});

afterAll(() => s3.destroy());

const placeAt = (key: string, bucket = BUCKET) => s3Report({ bucket, key, pathStyle: true });
const openReport = () => new KeptReport(() => new WaitingFile());

async function read(key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
  return (await Body?.transformToString()) ?? '';
}

function meet(fault: Fault): void {
  aws().proxy.play({ fault: ({ action }) => (action.startsWith('P') ? fault : undefined) });
}

async function failureOf(place: ReportPlace, signal = NEVER): Promise<unknown> {
  const report = openReport();
  await report.succeeded(someIds(3));
  const failure = await place.write(report.texts(HEAD), signal).catch(error => error);
  await report.close();
  return failure;
}

describe('a report in a bucket', () => {
  test('stands under its name, as the text that it is, and is replaced as a whole', async () => {
    using place = placeAt('pipeline-2026-08-20/id_minter/dev/job-1.json');
    const report = openReport();
    await report.succeeded(someIds(3));
    await place.write(report.texts(HEAD), NEVER);
    const first = JSON.parse(await read('pipeline-2026-08-20/id_minter/dev/job-1.json'));
    await report.unannounced(id('a2345678'));
    await place.write(report.texts(HEAD), NEVER);
    await report.close();
    const second = JSON.parse(await read('pipeline-2026-08-20/id_minter/dev/job-1.json'));

    expect(place.name).toBe(`s3://${BUCKET}/pipeline-2026-08-20/id_minter/dev/job-1.json`);
    expect(first).toMatchObject({ ...HEAD, successful_ids: someIds(3), unannounced_ids: [] });
    expect(second).toEqual({ ...first, unannounced_ids: ['a2345678'] });
  });

  test('names all of 50,000 failures, in several parts', async () => {
    using place = placeAt('failures.json');
    const report = openReport();
    for (let number = 0; number < 50_000; number += 1) {
      await report.failed({
        ...{ row_id: `Work[a/${number}]`, stage: 'index', code: 'DOCUMENT_REFUSED' },
        detail: `${number}: ${'x'.repeat(200)}`,
      });
    }
    await place.write(report.texts(HEAD), NEVER);
    await report.close();

    const { errors, works } = JSON.parse(await read('failures.json'));
    expect(works.failed).toBe(50_000);
    expect(errors.map(({ row_id }: { row_id: string }) => row_id)).toEqual(
      Array.from({ length: 50_000 }, (_, number) => `Work[a/${number}]`)
    );
    const parts = aws().proxy.calls.filter(({ action }) => /partNumber=/.test(action));
    expect(parts.length).toBeGreaterThan(1);
  }, 120_000);

  test.each<[string, Fault, RegExp]>([
    ['refuses', { status: 403, code: 'AccessDenied', message: 'planted' }, /right s3:PutObject/],
    ['is out of order', { status: 503, code: 'SlowDown', message: 'planted' }, /can be reached/],
    ['breaks off', 'cut', /can be reached/],
  ])('that %s is an error with the report and a remedy', async (_, fault, remedy) => {
    using place = placeAt('refused.json');
    meet(fault);
    expect(await failureOf(place)).toMatchObject({
      code: 'REPORT_FAILED',
      message: expect.stringMatching(
        new RegExp(
          `${place.name} .*documents that the run counts are in the index.*${remedy.source}`
        )
      ),
    });
  });

  test('says that its bucket is not there', async () => {
    using place = placeAt('one.json', 'no-such-bucket');
    expect(await failureOf(place)).toMatchObject({
      code: 'REPORT_FAILED',
      message: expect.stringMatching(/NoSuchBucket.*Correct the bucket in S3_BUCKET/),
    });
  });

  test('ends on the signal, also in the midst of a call that nobody answers', async () => {
    using place = placeAt('late.json');
    const controller = new AbortController();
    aws().proxy.play({
      fault: () => {
        setTimeout(() => controller.abort(), 50);
        return 'no answer';
      },
    });
    expect(await failureOf(place, controller.signal)).toMatchObject({ code: 'REPORT_FAILED' });
    aws().proxy.play({});
    await expect(read('late.json')).rejects.toThrow();
    expect(await failureOf(place, AbortSignal.abort())).toMatchObject({ code: 'REPORT_FAILED' });
  });
});
