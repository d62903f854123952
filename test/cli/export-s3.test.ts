import {
  CreateBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openExport } from '../../src/runtime/open-export.ts';
import type { TestAws } from '../support/aws/aws.ts';
import { openAws } from '../support/aws/aws.ts';
import type { Fault } from '../support/aws/proxy.ts';
import type { Desk } from '../support/command-line.ts';
import { someIds } from '../support/identifiers.ts';
import type { DeskOnRegistry } from './desk-on-registry.ts';
import { openDeskOn, REGISTRY_KINDS, sqliteAt } from './desk-on-registry.ts';
import { fillRegistry, tablesOf } from './restored.ts';

const BUCKET = 'an-identifiers-bucket';
const URL = `s3://${BUCKET}/exports/identifiers/2026-08-20/identifiers-export-one`;
const WRITE = ['export', 'write', URL];
const RESTORE = ['export', 'restore', URL, '--with-free', '--registry', 'sqlite:restored.sqlite'];

let aws: TestAws;
let s3: S3Client;

beforeAll(async () => {
  aws = await openAws();
  s3 = new S3Client({
    endpoint: aws.proxy.url,
    region: aws.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    forcePathStyle: true,
  });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET, ...placeOf(aws.region) }));
}, 300_000);

afterAll(async () => {
  s3.destroy();
  await aws[Symbol.asyncDispose]();
});

beforeEach(() => {
  aws.proxy.play({});
});

function placeOf(region: string) {
  return region === 'us-east-1'
    ? {}
    : { CreateBucketConfiguration: { LocationConstraint: region as 'eu-west-1' } };
}

/** A desk on a registry that holds something, with the AWS of the tests around it. */
async function openDeskInAws(prefix: string): Promise<DeskOnRegistry & { readonly url: string }> {
  const [kind] = REGISTRY_KINDS;
  if (!kind) throw new Error('There is always SQLite.');
  const desk = await openDeskOn(kind, { free: 0 });
  await fillRegistry(desk.registry, someIds(3_000), 300);
  desk.environment = { ...desk.environment, ...(aws.env as Record<string, string>) };
  return Object.assign(desk, { url: `s3://${BUCKET}/${prefix}` });
}

const swap = (args: readonly string[], url: string) => args.map(arg => (arg === URL ? url : arg));

async function keysBelow(prefix: string): Promise<string[]> {
  const { Contents = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${prefix}/` })
  );
  return Contents.map(({ Key = '' }) => Key.slice(prefix.length + 1));
}

async function expectRestored(desk: DeskOnRegistry): Promise<void> {
  expect(await tablesOf(sqliteAt(desk.path('restored.sqlite')))).toEqual(
    await tablesOf(desk.registry)
  );
}

/** What calls of S3 that match meet. */
function meet(what: RegExp, fault: Fault, times = Number.POSITIVE_INFINITY): void {
  let met = 0;
  aws.proxy.play({
    fault: ({ action }) => {
      if (!what.test(action) || met >= times) return undefined;
      met += 1;
      return fault;
    },
  });
}

async function expectError(
  desk: Desk,
  args: readonly string[],
  expected: { readonly status: number; readonly code: string; readonly message?: string }
): Promise<void> {
  const { status, stderr } = await desk.run(args);
  expect({ status, stderr }).toEqual({
    status: expected.status,
    stderr: expect.stringMatching(`error ${expected.code}: s3://${BUCKET}/`),
  });
  if (expected.message) expect(stderr).toContain(expected.message);
}

describe('an export in a bucket', () => {
  test('is laid out as RDS does, and restores the same registry', async () => {
    await using desk = await openDeskInAws('exports/one');

    const written = await desk.run([...swap(WRITE, desk.url), '--json']);
    expect(written).toMatchObject({ status: 0 });

    const name: string = JSON.parse(written.stdout).export;
    expect(await keysBelow('exports/one')).toEqual([
      `export_info_${name}.json`,
      `export_tables_info_${name}_from_1_to_2.json`,
      'identifiers/canonical_ids/1/_SUCCESS',
      'identifiers/canonical_ids/1/part-00000.gz.parquet',
      'identifiers/identifiers/1/_SUCCESS',
      'identifiers/identifiers/1/part-00000.gz.parquet',
      'manifest.json',
    ]);
    expect(await desk.run(swap(RESTORE, `${desk.url}/`))).toMatchObject({ status: 0 });
    await expectRestored(desk);
    const twice = await desk.run(swap(WRITE, desk.url));
    expect(twice).toMatchObject({ status: 2, stderr: expect.stringContaining('holds 7 files') });
  });

  test('is listed to its end, however many files it has', async () => {
    await using desk = await openDeskInAws('exports/many');
    expect(await desk.run(swap(WRITE, desk.url))).toMatchObject({ status: 0 });
    // Folders that the manifest does not tell of, each without its mark; they come before all others.
    const batches = Array.from({ length: 1_100 }, (_, index) => index + 2);
    for (let start = 0; start < batches.length; start += 50) {
      await Promise.all(
        batches.slice(start, start + 50).map(batch => {
          const Key = `exports/many/identifiers/canonical_ids/${batch}/part-00000.gz.parquet`;
          return s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'x' }));
        })
      );
    }
    const { stderr, status } = await desk.run([...swap(RESTORE, desk.url), '--json']);
    expect({ status, stderr }).toEqual({
      status: 6,
      stderr: expect.stringMatching(/canonical_ids\/\d+\/ has no _SUCCESS/),
    });
    const before = { ...process.env };
    Object.assign(process.env, aws.env);
    try {
      await using source = await openExport(desk.url, aws.env);
      expect(source.problems).toHaveLength(2_200);
    } finally {
      process.env = before;
    }
  });

  test('survives what is passing', async () => {
    await using desk = await openDeskInAws('exports/passing');
    meet(
      /^PUT /,
      { status: 503, code: 'SlowDown', message: 'Please reduce your request rate.' },
      2
    );
    expect(await desk.run(swap(WRITE, desk.url))).toMatchObject({ status: 0 });
    meet(/^GET .*part-/, 'cut', 2);
    expect(await desk.run(swap(RESTORE, desk.url))).toMatchObject({ status: 0 });
    await expectRestored(desk);
  });

  test('that breaks off while it is written leaves nothing in the bucket', async () => {
    await using desk = await openDeskInAws('exports/broken');
    meet(/^PUT .*identifiers\/identifiers\/1\/part-/, 'cut');
    await expectError(desk, swap(WRITE, desk.url), { status: 4, code: 'EXPORT_UNAVAILABLE' });
    expect(await keysBelow('exports/broken')).toEqual([]);
    aws.proxy.play({});
    expect(await desk.run(swap(WRITE, desk.url))).toMatchObject({ status: 0 });
  });

  test('that breaks off while it is restored is completed by the same command', async () => {
    await using desk = await openDeskInAws('exports/half');
    expect(await desk.run(swap(WRITE, desk.url))).toMatchObject({ status: 0 });
    let asked = 0;
    aws.proxy.play({
      fault: ({ action }) => {
        if (!/^GET .*identifiers\/identifiers\/1\/part-/.test(action)) return undefined;
        asked += 1;
        // All is read once before; then it goes on for as long as the client tries again.
        return asked > 2 ? 'cut' : undefined;
      },
    });
    await expectError(desk, swap(RESTORE, desk.url), { status: 4, code: 'EXPORT_UNAVAILABLE' });
    aws.proxy.play({});
    expect(await desk.run(swap(RESTORE, desk.url))).toMatchObject({ status: 0 });
    await expectRestored(desk);
  });

  test('that is not there, or that this user may not have, is told apart', async () => {
    await using desk = await openDeskInAws('exports/denied');
    const absent = await desk.run(['export', 'restore', 's3://no-such-bucket/x']);
    expect(absent).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('EXPORT_NOT_FOUND: s3://no-such-bucket/x'),
    });
    const empty = await desk.run(['export', 'restore', `s3://${BUCKET}/nothing`]);
    expect(empty).toMatchObject({ status: 3, stderr: expect.stringContaining('EXPORT_NOT_FOUND') });
    const nameless = await desk.run(['export', 'restore', 's3:///x']);
    expect(nameless).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('INVALID_CONFIGURATION: s3:///x names no bucket'),
    });

    const denied: Fault = { status: 403, code: 'AccessDenied', message: 'Access Denied' };
    meet(/^GET /, denied);
    await expectError(desk, swap(RESTORE, desk.url), {
      ...{ status: 3, code: 'EXPORT_ACCESS_DENIED', message: 's3:ListBucket' },
    });
    meet(/^PUT /, denied);
    await expectError(desk, swap(WRITE, desk.url), {
      ...{ status: 3, code: 'EXPORT_ACCESS_DENIED', message: 's3:PutObject' },
    });
    aws.proxy.play({});
    const {
      AWS_ACCESS_KEY_ID: _,
      AWS_SECRET_ACCESS_KEY: __,
      ...without
    } = aws.env as Record<string, string>;
    desk.environment = {
      ...{ ID_MINTER_REGISTRY: desk.registry.url, AWS_EC2_METADATA_DISABLED: 'true', ...without },
    };
    await expectError(desk, swap(RESTORE, desk.url), {
      ...{ status: 3, code: 'EXPORT_ACCESS_DENIED', message: 'credentials' },
    });
  });
});
