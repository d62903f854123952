import type { TestAws } from './aws.ts';
import { openAws } from './aws.ts';
import type { AwsCall, Scenario } from './proxy.ts';
import { openQueue, takeAll } from './queue.ts';
import { stateMachine } from './state-machine.ts';
import { applyInfrastructure } from './terraform.ts';

/** The infrastructure, applied to the AWS of the tests. */
export interface ExportStack extends AsyncDisposable {
  readonly aws: TestAws;
  readonly machineArn: string;
  /** the definition of the state machine, as it is deployed */
  readonly definition: string;
  /** A recovery point that is there. @returns its ARN */
  addSnapshot(name: string): Promise<string>;
  /** Whether a rule that is deployed lets an event through to its targets. */
  ruleTakes(rule: string, event: TestEvent): Promise<boolean>;
  /** Starts an execution and waits for its end. */
  runExport(input: unknown, scenario?: Scenario, name?: string): Promise<EndedExport>;
}

/** An event as AWS's services put it. */
export interface TestEvent {
  readonly source: string;
  readonly type: string;
  readonly detail: object;
}

/** What an execution did, seen from outside. */
export interface EndedExport {
  readonly name: string;
  readonly status: string;
  readonly error: string | undefined;
  readonly cause: string | undefined;
  /** the messages that a subscriber of the alerts got */
  readonly alerts: readonly string[];
  /** the events that a rule on the bus let through to its target */
  readonly events: readonly Record<string, unknown>[];
  /** @returns the calls of this action, in order */
  calls(action: string): readonly AwsCall[];
}

const CLUSTER = 'identifiers-serverless';
const BUS = 'catalogue-pipeline-id-minter';
const TRIAL_BUS = 'trial';

export async function applyExportStack(): Promise<ExportStack> {
  const aws = await openAws();
  const alerts = await openQueue(aws, 'alerts');
  const events = await openQueue(aws, 'events');

  const variables = {
    account_id: aws.account,
    cluster_arn: `arn:aws:rds:${aws.region}:${aws.account}:cluster:${CLUSTER}`,
    alert_subscribers: [{ protocol: 'sqs', endpoint: alerts.arn }],
    create_bucket: true,
    create_event_bus: true,
  };
  const copy = await applyInfrastructure(aws, variables);
  const machineArn = String((await copy.outputs())['state_machine_arn']);

  const putRule = async (rule: { Name: string; EventBusName: string; EventPattern: string }) => {
    await aws.json('events', 'AWSEvents.PutRule', rule);
    await aws.json('events', 'AWSEvents.PutTargets', {
      Rule: rule.Name,
      EventBusName: rule.EventBusName,
      Targets: [{ Id: 'queue', Arn: events.arn }],
    });
  };
  await aws.json('events', 'AWSEvents.CreateEventBus', { Name: TRIAL_BUS });
  // as a consumer of the event would
  await putRule({
    Name: 'consumer',
    EventBusName: BUS,
    EventPattern: JSON.stringify({
      source: ['catalogue-pipeline.id-minter'],
      'detail-type': ['Export Completed'],
    }),
  });
  await aws.query('rds', {
    Action: 'CreateDBCluster',
    DBClusterIdentifier: CLUSTER,
    Engine: 'aurora-mysql',
    MasterUsername: 'id_minter',
    MasterUserPassword: 'only-for-moto',
  });

  const machine = stateMachine(aws, machineArn);

  let executions = 0;
  return {
    aws,
    machineArn,
    definition: await machine.definition(),
    async addSnapshot(name) {
      await aws.query('rds', {
        Action: 'CreateDBClusterSnapshot',
        DBClusterIdentifier: CLUSTER,
        DBClusterSnapshotIdentifier: name,
      });
      return `arn:aws:rds:${aws.region}:${aws.account}:cluster-snapshot:${name}`;
    },
    // moto has no topics and state machines as targets: a rule with the same pattern, on a bus of its own, sends to
    // a queue.
    async ruleTakes(rule, { source, type, detail }) {
      const { EventPattern } = await aws.json('events', 'AWSEvents.DescribeRule', { Name: rule });
      await putRule({
        Name: `copy-of-${rule}`,
        EventBusName: TRIAL_BUS,
        EventPattern: String(EventPattern),
      });
      await takeAll(aws, events.url);
      await aws.json('events', 'AWSEvents.PutEvents', {
        Entries: [
          {
            EventBusName: TRIAL_BUS,
            Source: source,
            DetailType: type,
            Detail: JSON.stringify(detail),
          },
        ],
      });
      const taken = await takeAll(aws, events.url);
      await aws.json('events', 'AWSEvents.RemoveTargets', {
        Rule: `copy-of-${rule}`,
        EventBusName: TRIAL_BUS,
        Ids: ['queue'],
      });
      return taken.length > 0;
    },
    async runExport(input, scenario = {}, name = `export-${++executions}`) {
      await takeAll(aws, alerts.url);
      await takeAll(aws, events.url);
      aws.proxy.play({ statuses: ['COMPLETE'], ...scenario });
      const execution = await machine.run(name, input);
      const calls = [...aws.proxy.calls];
      aws.proxy.play({});
      return {
        name,
        ...execution,
        alerts: (await takeAll(aws, alerts.url)).map(body => String(JSON.parse(body).Message)),
        events: (await takeAll(aws, events.url)).map(body => JSON.parse(body)),
        calls: action => calls.filter(call => call.action === action),
      };
    },
    async [Symbol.asyncDispose]() {
      await copy[Symbol.asyncDispose]();
      await aws[Symbol.asyncDispose]();
    },
  };
}
