/** The deployed state machine with the functions out of their zips: from the schedule's word to the reports. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { workOf } from '../cli/works.ts';
import type { TestAws } from '../support/aws/aws.ts';
import { openAws } from '../support/aws/aws.ts';
import type { Fault } from '../support/aws/proxy.ts';
import type { TestStateMachine } from '../support/aws/state-machine.ts';
import { stateMachine } from '../support/aws/state-machine.ts';
import type { AppliedInfrastructure } from '../support/aws/terraform.ts';
import { applyInfrastructure } from '../support/aws/terraform.ts';
import type { TestBucket } from '../support/aws/test-bucket.ts';
import { openTestBucket } from '../support/aws/test-bucket.ts';
import { sierra } from '../support/identifiers.ts';
import type { LambdaBundles, TestLambda } from '../support/lambda/test-lambda.ts';
import { openBundles, openLambda } from '../support/lambda/test-lambda.ts';
import { openSurroundings } from './surroundings.ts';

const MINUTES = 60_000;
const DATE = '2026-08-20';

let aws: TestAws;
let bucket: TestBucket;
let bundles: LambdaBundles;
let infrastructure: AppliedInfrastructure;
let machine: TestStateMachine;

beforeAll(async () => {
  bundles = await openBundles(['find_work', 'id_minter']);
  aws = await openAws();
  bucket = await openTestBucket(aws);
  const variables = {
    account_id: aws.account,
    cluster_arn: `arn:aws:rds:${aws.region}:${aws.account}:cluster:museum`,
    alert_subscribers: [{ protocol: 'email', endpoint: 'team@example.org' }],
    bucket_name: bucket.name,
    database_host: 'museum.cluster-abc.eu-west-1.rds.amazonaws.com',
    database_secret_name: 'museum/minter',
    create_pipeline: true,
    pipeline_date: DATE,
    vpc_id: 'vpc-1',
    subnet_ids: ['subnet-1', 'subnet-2'],
  };
  infrastructure = await applyInfrastructure(aws, variables, ['aws_sfn_state_machine.pipeline']);
  const arn = `arn:aws:states:${aws.region}:${aws.account}:stateMachine:id-minter-pipeline`;
  machine = stateMachine(aws, arn);
}, 10 * MINUTES);

afterAll(async () => {
  bucket?.[Symbol.dispose]();
  for (const one of [infrastructure, aws, bundles]) await one?.[Symbol.asyncDispose]();
});

/** Runs functions for the state machine, as Lambda does: one invocation at a time in each process. */
function runWith(processes: Readonly<Record<string, readonly TestLambda[]>>) {
  const idle = Object.fromEntries(Object.entries(processes).map(([name, all]) => [name, [...all]]));
  return async (name: string, payload: unknown): Promise<unknown> => {
    const free = idle[name.replace('id-minter-pipeline-', '')];
    const lambda = free?.pop();
    if (free === undefined || lambda === undefined) throw new Error(`${name} is not free.`);
    const { reply, error } = { reply: undefined, ...(await lambda.invoke(payload)) };
    free.push(lambda);
    if (error === undefined) return reply;
    throw Object.assign(new Error(error.errorMessage), { name: error.errorType });
  };
}

test(
  'works that changed are minted in parts; a part that failed is named, and a run afresh mints it',
  async () => {
    await using surroundings = await openSurroundings();
    const { source, target } = surroundings;
    const environment = {
      ...surroundings.environment,
      ...(aws.env as Record<string, string>),
      ...{ PIPELINE_DATE: DATE, S3_BUCKET: bucket.name, S3_PREFIX: 'prod' },
      CATALOGUE_GRAPH_S3_BUCKET: bucket.name,
    };
    const open = (name: 'find_work' | 'id_minter') =>
      openLambda(bundles.folderOf(name), environment);
    await using finder = await open('find_work');
    await using first = await open('id_minter');
    await using second = await open('id_minter');
    await using third = await open('id_minter');
    const invoke = runWith({ find_work: [finder], id_minter: [first, second, third] });
    await source.put(
      Array.from({ length: 6 }, (_, number) => ({
        _id: `Work[sierra-system-number/b${number}]`,
        json: JSON.stringify({ ...workOf(sierra(`b${number}`)), indexed_at: `${DATE}T03:00:00Z` }),
      }))
    );
    const input = { scheduled_time: `${DATE}T03:15:00Z`, partition_size: 2 };
    const refused: Fault = { status: 500, code: 'ServiceException', message: 'Later.' };

    aws.proxy.play({
      invoke,
      fault: ({ action, parameters }) =>
        action === 'Invoke' && parameters['body']?.includes('partition-1.json')
          ? refused
          : undefined,
    });
    const broken = await machine.run('broken', input);
    const before = await target.read();

    expect(broken).toMatchObject({ status: 'FAILED', error: 'PartitionsFailed' });
    expect(JSON.parse(broken.cause ?? '')).toEqual({
      ...{ partitions: 3, failed_count: 1 },
      failed: [{ s3_uri: expect.stringMatching(/\/partition-1\.json$/), count: 2 }],
    });
    expect(before).toHaveLength(4);

    aws.proxy.play({ invoke });
    const afresh = await machine.run('afresh', input);
    const after = await target.read();

    expect(afresh.status).toBe('SUCCEEDED');
    expect(JSON.parse(afresh.output ?? '')).toEqual({ partitions: 3, failed_count: 0, failed: [] });
    expect(after).toHaveLength(6);
    expect(after).toEqual(expect.arrayContaining(before));
    const reports = (await bucket.list()).filter(url =>
      /\/pipeline-2026-08-20\/id_minter\/prod\/[^/]+-p00[012]\.json$/.test(url)
    );
    // two of the run that broke, three of the one afresh
    expect(reports).toHaveLength(5);
  },
  5 * MINUTES
);
