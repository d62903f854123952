import type { TestAws } from './aws.ts';
import { openAws } from './aws.ts';
import type { AwsCall, Scenario } from './proxy.ts';
import type { EndedExecution } from './state-machine.ts';
import { stateMachine } from './state-machine.ts';
import { applyInfrastructure } from './terraform.ts';

/** The whole infrastructure with cluster and pipeline, applied to the AWS of the tests. */
export interface PipelineStack extends AsyncDisposable {
  readonly aws: TestAws;
  /** the definition of the state machine, as it is deployed */
  readonly definition: string;
  readonly outputs: Readonly<Record<string, unknown>>;
  /** A GET of a service that has no protocol of actions. @returns what it answers */
  get(service: string, path: string): Promise<Record<string, unknown>>;
  /** Puts an object into the bucket of the pipeline. */
  putObject(key: string, body: string): Promise<void>;
  /** Starts an execution and waits for its end. */
  runPipeline(input: unknown, scenario: Scenario): Promise<EndedRun>;
}

/** What an execution did, seen from outside. */
export interface EndedRun extends EndedExecution {
  /** @returns the payloads that the function of this name was invoked with, in order */
  payloads(name: string): readonly unknown[];
}

export const PIPELINE_BUCKET = 'wellcomecollection-platform-id-minter';

const BUCKET =
  '<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>';

export async function applyPipelineStack(): Promise<PipelineStack> {
  const aws = await openAws();
  const network = await makeNetwork(aws);
  // A bucket that is there already: that which is made here refuses what comes without TLS, and moto takes the refusal
  // without its condition.
  await aws.fetch('s3', `/${PIPELINE_BUCKET}`, { method: 'PUT', body: BUCKET });
  const copy = await applyInfrastructure(aws, {
    account_id: aws.account,
    cluster_arn: `arn:aws:rds:${aws.region}:${aws.account}:cluster:museum`,
    alert_subscribers: [{ protocol: 'email', endpoint: 'team@example.org' }],
    create_event_bus: true,
    create_cluster: true,
    create_pipeline: true,
    pipeline_date: '2026-02-09',
    ...network,
  });
  const outputs = await copy.outputs();
  const machine = stateMachine(aws, String(outputs['pipeline_state_machine_arn']));
  let executions = 0;
  return {
    aws,
    definition: await machine.definition(),
    outputs,
    async get(service, path) {
      const answer = await aws.fetch(service, path, { method: 'GET' });
      return JSON.parse(await answer.text());
    },
    async putObject(key, body) {
      await aws.fetch('s3', `/${PIPELINE_BUCKET}/${key}`, { method: 'PUT', body });
    },
    async runPipeline(input, scenario) {
      aws.proxy.play(scenario);
      const ended = await machine.run(`run-${++executions}`, input);
      const invoked = aws.proxy.calls.filter(({ action }) => action === 'Invoke');
      aws.proxy.play({});
      return { ...ended, payloads: name => invoked.filter(isOf(name)).map(readPayload) };
    },
    async [Symbol.asyncDispose]() {
      await copy[Symbol.asyncDispose]();
      await aws[Symbol.asyncDispose]();
    },
  };
}

const isOf =
  (name: string) =>
  ({ parameters }: AwsCall) =>
    parameters['function'] === `id-minter-pipeline-${name}`;

const readPayload = ({ parameters }: AwsCall): unknown => JSON.parse(parameters['body'] ?? 'null');

async function makeNetwork(aws: TestAws): Promise<{ vpc_id: string; subnet_ids: string[] }> {
  const vpc = await aws.query('ec2', {
    Action: 'CreateVpc',
    Version: '2016-11-15',
    CidrBlock: '10.0.0.0/16',
  });
  const vpcId = tagged(vpc, 'vpcId');
  const subnets: string[] = [];
  for (const [number, zone] of ['a', 'b'].entries()) {
    const subnet = await aws.query('ec2', {
      Action: 'CreateSubnet',
      Version: '2016-11-15',
      VpcId: vpcId,
      CidrBlock: `10.0.${number}.0/24`,
      AvailabilityZone: `${aws.region}${zone}`,
    });
    subnets.push(tagged(subnet, 'subnetId'));
  }
  return { vpc_id: vpcId, subnet_ids: subnets };
}

function tagged(xml: string, tag: string): string {
  const found = new RegExp(`<${tag}>([^<]+)</${tag}>`).exec(xml)?.[1];
  if (found === undefined) throw new Error(`There is no ${tag} in ${xml}`);
  return found;
}
