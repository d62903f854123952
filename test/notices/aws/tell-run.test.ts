import { CreateBucketCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RegistryFigures, ReportHead, RunRecord } from '../../../src/domain/notices.ts';
import { openNotices, openRecord } from '../../../src/runtime/open-notices.ts';
import { readSettings } from '../../../src/runtime/settings.ts';
import type { TellRunSignals, ToldRun } from '../../../src/steps/tell-run.ts';
import { tellRun } from '../../../src/steps/tell-run.ts';
import type { AwsCall, Fault } from '../../support/aws/proxy.ts';
import { openTopic, takeAnnounced } from '../../support/aws/queue.ts';
import { id, someIds } from '../../support/identifiers.ts';
import { awsAround, NEVER } from './aws-around.ts';

const BUCKET = 'reports-of-runs';
const IDS = someIds(25);
const HEAD: ReportHead = {
  ...{ job_id: 'job-1', window: null, pipeline_date: '2026-08-20', dry_run: false },
  works: { succeeded: 25, failed: 0 },
  identifiers: { existing: 20, inherited: 2, minted: 3 },
  warnings: { INHERITANCE_CONFLICT: 1, EMPTY_VALUE: 2 },
  elapsed_ms: 12,
};
const FIGURES: RegistryFigures = {
  ...{ retries: 0, poolFree: 7, batchLatency: { count: 1, sum: 9, least: 9, most: 9 } },
};
const DENIED: Fault = { status: 403, code: 'AccessDenied', message: 'planted' };

const aws = awsAround();
let s3: S3Client;
let topics = 0;

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

interface Told extends ToldRun {
  readonly received: readonly string[];
  /** What stands in the bucket afterwards. */
  readonly report: Record<string, unknown> | undefined;
  readonly namedElsewhere: readonly string[];
  /** What AWS was asked to do, in order. */
  readonly steps: readonly string[];
}

interface Circumstances {
  readonly fault?: (step: string, nth: number) => Fault | undefined;
  readonly variables?: Readonly<Record<string, string>>;
  readonly signals?: Partial<TellRunSignals>;
  readonly head?: Partial<ReportHead>;
  readonly record?: RunRecord;
}

/** Tells of a run that has written 25 documents. */
async function tell({
  fault,
  variables = {},
  signals,
  head = {},
  record = openRecord(),
}: Circumstances = {}): Promise<Told> {
  topics += 1;
  const topic = await openTopic(aws(), `told-works-${topics}`);
  const environment: Record<string, string> = {
    ...(aws().env as Record<string, string>),
    ...{ PIPELINE_DATE: '2026-08-20', S3_BUCKET: BUCKET, S3_PREFIX: `run-${topics}` },
    ...{ DOWNSTREAM_SNS_TOPIC_ARN: topic.arn, ...variables },
  };
  const settings = readSettings(environment);
  using notices = await openNotices({ environment, settings, jobId: 'job-1' });
  await record.succeeded(IDS);
  const namedElsewhere: string[] = [];
  aws().proxy.play(fault ? { fault: (call, nth) => fault(stepOf(call), nth) } : {});
  const told = await tellRun({
    ...{ record, ...notices, head: { ...HEAD, ...head }, figures: async () => FIGURES },
    nameUnannounced: ids => void namedElsewhere.push(...ids),
    signals: { announcing: NEVER, everything: NEVER, ...signals },
  });
  const steps = aws().proxy.calls.map(stepOf);
  aws().proxy.play({});
  await record.close();
  const report = await readReport(`pipeline-2026-08-20/id_minter/run-${topics}/job-1.json`);
  return { ...told, namedElsewhere, steps, report, received: await takeAnnounced(aws(), topic) };
}

function stepOf({ action }: AwsCall): string {
  if (action.startsWith('PUT')) return 'report';
  return action === 'PublishBatch' ? 'announcement' : 'metrics';
}

async function readReport(key: string): Promise<Record<string, unknown> | undefined> {
  const found = await s3
    .send(new GetObjectCommand({ Bucket: BUCKET, Key: key }))
    .catch(() => undefined);
  return found && JSON.parse((await found.Body?.transformToString()) ?? '');
}

describe('telling of a run', () => {
  test('puts its report, then announces its documents, then puts its metrics', async () => {
    const { steps, received, report, reportUri, problems } = await tell();

    expect(problems).toEqual([]);
    expect(steps).toEqual([
      ...['report', 'announcement', 'announcement', 'announcement', 'metrics'],
    ]);
    expect(received.toSorted()).toEqual(IDS.toSorted());
    expect(reportUri).toBe(`s3://${BUCKET}/pipeline-2026-08-20/id_minter/run-${topics}/job-1.json`);
    expect(report).toMatchObject({ ...HEAD, successful_ids: IDS, errors: [], unannounced_ids: [] });
  });

  test('announces and measures also where the bucket refuses the report', async () => {
    const { received, steps, reportUri, problems, namedElsewhere } = await tell({
      fault: step => (step === 'report' ? DENIED : undefined),
    });

    expect(received.toSorted()).toEqual(IDS.toSorted());
    expect(steps.at(-1)).toBe('metrics');
    expect({ reportUri, namedElsewhere }).toEqual({ reportUri: null, namedElsewhere: [] });
    expect(problems).toMatchObject([{ code: 'REPORT_FAILED' }]);
  });

  test('names in the report what could not be announced, and measures all the same', async () => {
    const { received, steps, report, reportUri, problems, namedElsewhere } = await tell({
      fault: (step, nth) => (step === 'announcement' && nth > 1 ? DENIED : undefined),
    });

    expect(received).toHaveLength(10);
    const missed = report?.['unannounced_ids'] as string[];
    expect([...received, ...missed].toSorted()).toEqual(IDS.toSorted());
    expect(steps.filter(step => step === 'report')).toHaveLength(2);
    expect(steps.at(-1)).toBe('metrics');
    expect(namedElsewhere).toEqual([]);
    expect(problems).toMatchObject([
      {
        code: 'ANNOUNCEMENT_FAILED',
        message: expect.stringMatching(
          new RegExp(`^15 of 25 documents .*AccessDenied.* ${reportUri} names them`)
        ),
      },
    ]);
  });

  test('names elsewhere what could not be announced where no report can: none is lost', async () => {
    const always = await tell({ fault: step => (step === 'metrics' ? undefined : DENIED) });
    const secondTime = await tell({
      fault: (step, nth) => (step === 'announcement' || nth > 1 ? DENIED : undefined),
    });

    for (const { namedElsewhere, received, problems } of [always, secondTime]) {
      expect(received).toEqual([]);
      expect(namedElsewhere.toSorted()).toEqual(IDS.toSorted());
      expect(problems.map(({ code }) => code)).toEqual(['REPORT_FAILED', 'ANNOUNCEMENT_FAILED']);
    }
    expect(always.reportUri).toBeNull();
    // The first report stands.
    expect(secondTime.report).toMatchObject({ successful_ids: IDS, unannounced_ids: [] });
    expect(secondTime.reportUri).not.toBeNull();
  });

  test('fails with the metrics when all else is done', async () => {
    const { received, report, problems } = await tell({
      fault: step => (step === 'metrics' ? DENIED : undefined),
    });

    expect(received).toHaveLength(25);
    expect(report).toMatchObject({ successful_ids: IDS });
    expect(problems).toMatchObject([{ code: 'METRICS_FAILED' }]);
  });

  test('of a run that was stopped says why, what remains, and what may be written', async () => {
    const record = openRecord();
    await record.unconfirmed?.([id('z2345678')]);
    const stopped = {
      stopped_by: { code: null, message: 'The deadline came.' },
      remaining: { count: 2, ids: ['Work[a/1]', 'Work[a/2]'] },
    };
    const { received, report, problems } = await tell({ head: stopped, record });

    expect(problems).toEqual([]);
    expect(received).toHaveLength(25);
    expect(report).toMatchObject({ ...stopped, unannounced_ids: ['z2345678'] });
  });

  test('announces nothing after its signal, and names all in the report', async () => {
    const { received, report, problems, steps } = await tell({
      signals: { announcing: AbortSignal.abort() },
    });
    expect(received).toEqual([]);
    expect(report?.['unannounced_ids']).toEqual(IDS);
    expect(problems.map(({ code }) => code)).toEqual(['ANNOUNCEMENT_FAILED']);
    expect(steps).toEqual(['report', 'report', 'metrics']);
  });

  test('names all elsewhere where it has to end at once', async () => {
    const now = AbortSignal.abort();
    const { namedElsewhere, problems, steps } = await tell({
      signals: { announcing: now, everything: now },
    });
    expect(steps).toEqual([]);
    expect(namedElsewhere).toEqual(IDS);
    expect(problems.map(({ code }) => code)).toEqual([
      ...['REPORT_FAILED', 'ANNOUNCEMENT_FAILED', 'METRICS_FAILED'],
    ]);
  });

  test.each<[string, Record<string, string>, readonly string[]]>([
    ['no metrics of the pipeline called dev', { PIPELINE_DATE: 'dev' }, ['report', 'announcement']],
    ['no metrics without a date', { PIPELINE_DATE: '' }, ['report', 'announcement']],
    ['no report without a bucket', { S3_BUCKET: '' }, ['announcement', 'metrics']],
    ['nobody without a topic', { DOWNSTREAM_SNS_TOPIC_ARN: '' }, ['report', 'metrics']],
    ['nobody at all', { S3_BUCKET: '', DOWNSTREAM_SNS_TOPIC_ARN: '' }, []],
  ])('tells %s', async (_, variables, expected) => {
    const { steps, problems } = await tell({ variables });
    expect([...new Set(steps)]).toEqual(expected);
    expect(problems).toEqual([]);
  });

  test('refuses a topic that is none before anything is minted', () => {
    vi.stubEnv('DOWNSTREAM_SNS_TOPIC_ARN', 'works');
    expect(() => readSettings(process.env)).toThrow(
      /DOWNSTREAM_SNS_TOPIC_ARN is "works", and the ARN/
    );
  });
});
