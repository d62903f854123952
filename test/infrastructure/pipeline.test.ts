import validate from 'asl-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EndedRun, PipelineStack } from '../support/aws/pipeline-stack.ts';
import { applyPipelineStack, PIPELINE_BUCKET } from '../support/aws/pipeline-stack.ts';
import type { Fault } from '../support/aws/proxy.ts';

const MINUTES = 60_000;

let stack: PipelineStack;

beforeAll(async () => {
  stack = await applyPipelineStack();
}, 10 * MINUTES);

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

interface Partition {
  readonly s3_uri: string;
  readonly count: number;
}

const FOLDER = 'graph-prod/pipeline-2026-02-09/id_minter/find_work';

const partitionsOf = (count: number): Partition[] =>
  Array.from({ length: count }, (_, i) => ({
    s3_uri: `s3://${PIPELINE_BUCKET}/${FOLDER}/full/run-1/partition-${i}.json`,
    count: 10_000,
  }));

/** Functions that find this and mint whatever is not to fail. */
const functions =
  (found: unknown, fails: (partition: Partition) => boolean = () => false) =>
  (name: string, payload: unknown): unknown => {
    if (name.endsWith('-find_work')) return found;
    const partition = payload as Partition;
    if (fails(partition)) throw nothingMinted();
    return { job_id: 'job', window: null, success_count: partition.count, failure_count: 0 };
  };

function nothingMinted(): Error {
  const error = new Error('Nothing was minted.');
  error.name = 'IdMinterError';
  return error;
}

const outputOf = ({ output }: EndedRun): unknown => JSON.parse(output ?? 'null');
const causeOf = ({ cause }: EndedRun): unknown => JSON.parse(cause ?? 'null');
const byUri = (a: unknown, b: unknown) =>
  (a as Partition).s3_uri.localeCompare((b as Partition).s3_uri);

test('the definition is one that AWS takes', () => {
  expect(validate(JSON.parse(stack.definition))).toMatchObject({ isValid: true, errors: [] });
});

describe('a run of the pipeline', () => {
  test('goes from the schedule over the works that were found to the sum of their parts', async () => {
    const schedule = await stack.get(
      'scheduler',
      '/schedules/id-minter-pipeline?groupName=default'
    );
    const target = schedule['Target'] as { Input: string; Arn: string };
    expect(schedule['ScheduleExpression']).toBe('cron(5,20,35,50 * * * ? *)');
    expect(target.Arn).toBe(stack.outputs['pipeline_state_machine_arn']);
    // as the scheduler does it
    const input = JSON.parse(
      target.Input.replace('<aws.scheduler.scheduled-time>', '2026-02-09T10:20:00Z')
    );
    const partitions = partitionsOf(3);

    const ended = await stack.runPipeline(input, { invoke: functions({ partitions }) });

    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(ended.payloads('find_work')).toEqual([{ scheduled_time: '2026-02-09T10:20:00Z' }]);
    expect(ended.payloads('id_minter').toSorted(byUri)).toEqual(partitions);
    expect(outputOf(ended)).toEqual({ partitions: 3, failed_count: 0, failed: [] });
  });

  test('fails at its end where one part failed, names that part, and has minted the others', async () => {
    const partitions = partitionsOf(5);
    const ended = await stack.runPipeline(
      { full: true },
      { invoke: functions({ partitions }, ({ s3_uri }) => s3_uri.endsWith('-1.json')) }
    );

    expect(ended).toMatchObject({ status: 'FAILED', error: 'PartitionsFailed' });
    expect(ended.payloads('id_minter').toSorted(byUri)).toEqual(partitions);
    expect(causeOf(ended)).toEqual({ partitions: 5, failed_count: 1, failed: [partitions[1]] });
  });

  test('mints no part and succeeds where nothing changed', async () => {
    const ended = await stack.runPipeline({}, { invoke: functions({ partitions: [] }) });

    expect(ended.status).toBe('SUCCEEDED');
    expect(ended.payloads('id_minter')).toEqual([]);
    expect(outputOf(ended)).toEqual({ partitions: 0, failed_count: 0, failed: [] });
  });

  test('reads the parts of a long list from its manifest', async () => {
    const partitions = partitionsOf(7);
    const key = `${FOLDER}/full/run-1/manifest.json`;
    await stack.putObject(key, JSON.stringify(partitions));
    const s3_uri = `s3://${PIPELINE_BUCKET}/${key}`;
    const manifest = { s3_uri, bucket: PIPELINE_BUCKET, key, partitions: 7 };

    const ended = await stack.runPipeline(
      { full: true },
      { invoke: functions({ manifest }, ({ s3_uri }) => s3_uri.endsWith('-6.json')) }
    );

    expect(ended).toMatchObject({ status: 'FAILED', error: 'PartitionsFailed' });
    expect(ended.payloads('id_minter').toSorted(byUri)).toEqual(partitions);
    expect(causeOf(ended)).toEqual({ partitions: 7, failed_count: 1, failed: [partitions[6]] });
  });

  test(
    'mints a thousand parts, at most six at once',
    async () => {
      const partitions = partitionsOf(1000);
      const mint = functions({ partitions });
      let atOnce = 0;
      let most = 0;
      const ended = await stack.runPipeline(
        { full: true },
        {
          invoke: async (name, payload) => {
            most = Math.max(most, ++atOnce);
            await new Promise(resolve => setTimeout(resolve, 2));
            atOnce--;
            return mint(name, payload);
          },
        }
      );

      expect(outputOf(ended)).toEqual({ partitions: 1000, failed_count: 0, failed: [] });
      expect(ended.payloads('id_minter').toSorted(byUri)).toEqual(partitions.toSorted(byUri));
      expect(most).toBeLessThanOrEqual(6);
    },
    5 * MINUTES
  );

  test(
    'names a hundred failed parts where many failed, and counts them all',
    async () => {
      const ended = await stack.runPipeline(
        { full: true },
        { invoke: functions({ partitions: partitionsOf(130) }, () => true) }
      );

      expect(ended).toMatchObject({ status: 'FAILED', error: 'PartitionsFailed' });
      expect(causeOf(ended)).toMatchObject({ partitions: 130, failed_count: 130 });
      expect((causeOf(ended) as { failed: unknown[] }).failed).toHaveLength(100);
    },
    2 * MINUTES
  );

  test('fails as a whole where the works cannot be found', async () => {
    const ended = await stack.runPipeline(
      { full: true },
      {
        invoke: () => {
          throw nothingMinted();
        },
      }
    );

    expect(ended).toMatchObject({ status: 'FAILED', error: 'IdMinterError' });
    expect(ended.payloads('find_work')).toHaveLength(1);
    expect(ended.payloads('id_minter')).toEqual([]);
  });

  const refusal = (code: string, status = 500): Fault => ({ status, code, message: 'Later.' });

  test.each([
    ['ServiceException', 3],
    ['AWSLambdaException', 3],
    ['TooManyRequestsException', 3],
    ['Unknown', 2],
  ])('tries again after Lambda.%s, %i times', async (code, retries) => {
    const partitions = partitionsOf(1);
    const runAfter = (times: number) =>
      stack.runPipeline(
        { full: true },
        {
          invoke: functions({ partitions }),
          // the first call is that of find_work
          fault: ({ action }, nth) =>
            action === 'Invoke' && nth > 1 && nth <= 1 + times ? refusal(code) : undefined,
        }
      );

    const mended = await runAfter(retries);
    expect(mended.status).toBe('SUCCEEDED');
    expect(mended.payloads('id_minter')).toHaveLength(retries + 1);
    const broken = await runAfter(retries + 1);
    expect(broken).toMatchObject({ status: 'FAILED', error: 'PartitionsFailed' });
    expect(broken.payloads('id_minter')).toHaveLength(retries + 1);
  });
});
