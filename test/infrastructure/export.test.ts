import { createHash } from 'node:crypto';
import validate from 'asl-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EndedExport, ExportStack, TestEvent } from '../support/aws/export-stack.ts';
import { applyExportStack } from '../support/aws/export-stack.ts';
import type { AwsCall, Fault } from '../support/aws/proxy.ts';

let stack: ExportStack;
let snapshot: string;

beforeAll(async () => {
  stack = await applyExportStack();
  snapshot = await stack.addSnapshot('job-1');
}, 600_000);

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

const today = () => new Date().toISOString().slice(0, 10);

/** It ended well, said so once, and alerted nobody. */
function expectExported(ended: EndedExport): void {
  expect(ended).toMatchObject({ status: 'SUCCEEDED', error: undefined, alerts: [] });
  expect(ended.events).toHaveLength(1);
}

/** It ended as a failure whose cause stands in the one alert, and no consumer heard of an export. */
function expectAlert(ended: EndedExport, cause: string | RegExp): void {
  expect(ended).toMatchObject({ status: 'FAILED', error: 'ExportFailed', events: [] });
  expect(ended.alerts).toHaveLength(1);
  expect(ended.alerts[0]).toMatch(cause);
  expect(ended.alerts[0]).toContain(`:id-minter-rds-export:${ended.name}`);
  expect(ended.cause).toMatch(cause);
}

describe('an export that succeeds', () => {
  test('is polled until it is complete, and announced as consumers read it', async () => {
    const ended = await stack.runExport(
      { resources: [snapshot] },
      { statuses: ['STARTING', 'IN_PROGRESS', 'IN_PROGRESS', 'COMPLETE'] }
    );

    expectExported(ended);
    expect(ended.calls('DescribeExportTasks')).toHaveLength(4);
    expect(ended.events[0]).toMatchObject({
      source: 'catalogue-pipeline.id-minter',
      'detail-type': 'Export Completed',
      detail: { export_date: today(), cluster_name: 'identifiers-serverless', truncate: true },
    });
  });

  test('takes its name and its folder from the execution, where a person starts it', async () => {
    const ended = await stack.runExport({ resources: [snapshot] }, {}, 'by-hand');

    expectExported(ended);
    const [started] = ended.calls('StartExportTask');
    expect(started?.parameters).toMatchObject({
      ExportTaskIdentifier: 'identifiers-export-by-hand',
      SourceArn: snapshot,
      S3BucketName: 'wellcomecollection-platform-id-minter',
      S3Prefix: `exports/identifiers/${today()}`,
      IamRoleArn: expect.stringMatching(/:role\/id-minter-rds-s3-export$/),
      KmsKeyId: expect.stringMatching(/^arn:aws:kms:/),
    });
    const [asked] = ended.calls('DescribeExportTasks');
    expect(asked?.parameters['ExportTaskIdentifier']).toBe('identifiers-export-by-hand');
  });

  test('takes a name that RDS allows and the cluster of the event, where EventBridge starts it', async () => {
    // EventBridge names executions so: its own event’s ID and another, with an underscore between
    const name = '710b0398-d48e-f3c3-afca-cfeb2fdaa656_92d0ae5b-2f1c-4d3a-8a83-1d4f5b0f3c11';
    const event = {
      version: '0',
      source: 'aws.backup',
      'detail-type': 'Backup Job State Change',
      resources: [snapshot],
      detail: { state: 'COMPLETED', resourceName: 'identifiers-of-the-event' },
    };

    const ended = await stack.runExport(event, {}, name);

    expectExported(ended);
    const task = ended.calls('StartExportTask')[0]?.parameters['ExportTaskIdentifier'] ?? '';
    expect(task).toBe(`identifiers-export-${createHash('sha1').update(name).digest('hex')}`);
    expect(task).toMatch(/^(?!.*--)[A-Za-z][A-Za-z0-9-]{0,58}[A-Za-z0-9]$/);
    expect(ended.events[0]).toMatchObject({ detail: { cluster_name: 'identifiers-of-the-event' } });
  });

  test('tries a hashed name where RDS refuses that of the execution', async () => {
    const name = `a-name-that-is-${'very-'.repeat(6)}long`;
    const ended = await stack.runExport(
      { resources: [snapshot] },
      {
        fault: ({ action, parameters }) =>
          action === 'StartExportTask' && (parameters['ExportTaskIdentifier'] ?? '').length > 60
            ? refusal('InvalidParameterValue', 'The export task identifier is too long.')
            : undefined,
      },
      name
    );

    expectExported(ended);
    const task = ended.calls('StartExportTask').at(-1)?.parameters['ExportTaskIdentifier'];
    expect(task).toBe(`identifiers-export-${createHash('sha1').update(name).digest('hex')}`);
  });

  test('goes on with the export that is there, where only the answer of the start was lost', async () => {
    const ended = await stack.runExport(
      { resources: [snapshot] },
      { fault: faultOf('StartExportTask', nth => (nth === 1 ? 'cut after' : undefined)) }
    );

    expectExported(ended);
    expect(ended.calls('StartExportTask')).toHaveLength(2);
  });

  test.each([
    [
      'the account has its five exports',
      'You have reached the limit of 5 in-progress export tasks.',
    ],
    ['the snapshot is being exported', 'Another export of this snapshot is in progress.'],
    ['a quota is used up', 'Quota exceeded for export tasks.'],
  ])('waits while %s', async (_case, message) => {
    const ended = await stack.runExport(
      { resources: [snapshot] },
      {
        fault: faultOf('StartExportTask', nth =>
          nth <= 20 ? refusal('SnapshotExportRefused', message) : undefined
        ),
      }
    );

    expectExported(ended);
    expect(ended.calls('StartExportTask')).toHaveLength(21);
  });

  test('waits while the recovery point is still being copied', async () => {
    const ended = await stack.runExport(
      { resources: [snapshot] },
      {
        fault: faultOf('StartExportTask', nth =>
          nth <= 3
            ? refusal('InvalidExportSourceState', 'The snapshot is being copied.')
            : undefined
        ),
      }
    );

    expectExported(ended);
    expect(ended.calls('StartExportTask')).toHaveLength(4);
  });

  test('is announced again where EventBridge took the call and not the event', async () => {
    const ended = await stack.runExport(
      { resources: [snapshot] },
      { fault: faultOf('PutEvents', nth => (nth <= 2 ? { answer: NOT_TAKEN } : undefined)) }
    );

    expectExported(ended);
    expect(ended.calls('PutEvents')).toHaveLength(3);
  });
});

describe('an export that fails', () => {
  test('is alerted with the cause that RDS gives', async () => {
    const ended = await stack.runExport(
      { resources: [snapshot] },
      { statuses: ['IN_PROGRESS', 'FAILED'], failureCause: 'The KMS key is disabled.' }
    );

    expectAlert(ended, 'The KMS key is disabled.');
  });

  test('is alerted where somebody cancelled it, once it is cancelled', async () => {
    const ended = await stack.runExport(
      { resources: [snapshot] },
      { statuses: ['IN_PROGRESS', 'CANCELING', 'CANCELED'] }
    );

    expectAlert(ended, 'CANCELED');
    expect(ended.calls('DescribeExportTasks')).toHaveLength(3);
  });

  test('is alerted at once where the snapshot is not there', async () => {
    const missing = snapshot.replace('job-1', 'job-gone');
    const ended = await stack.runExport({ resources: [missing] });

    expectAlert(ended, 'Rds.DbClusterSnapshotNotFoundException');
    expect(ended.alerts[0]).toContain(missing);
    expect(ended.calls('StartExportTask')).toHaveLength(1);
  });

  test.each([
    ['nothing in it', {}],
    ['no resource', { resources: [] }],
    ['null for resources', { resources: null }],
    ['a resource that is no text', { resources: [{ arn: 'snapshot' }] }],
    ['an array around it', [{ resources: ['snapshot'] }]],
    ['text alone', 'snapshot'],
    ['null', null],
  ])('is alerted where the input has %s, and calls nothing else', async (_case, input) => {
    const ended = await stack.runExport(input);

    expectAlert(ended, 'NoSnapshotGiven');
    expect(ended.calls('StartExportTask')).toHaveLength(0);
  });

  test.each(['PAUSED', 'complete'])(
    'is alerted where its status is %s, which is not known',
    async status => {
      const ended = await stack.runExport(
        { resources: [snapshot] },
        { statuses: ['STARTING', status] }
      );

      expectAlert(ended, 'StatusUnknown');
      expect(ended.alerts[0]).toContain(status);
    }
  );

  test('is alerted where RDS knows no export of that name any more', async () => {
    const answer =
      '<DescribeExportTasksResponse><DescribeExportTasksResult><ExportTasks/></DescribeExportTasksResult></DescribeExportTasksResponse>';
    const ended = await stack.runExport(
      { resources: [snapshot] },
      { fault: faultOf('DescribeExportTasks', () => ({ answer })) }
    );

    expectAlert(ended, 'StatusUnknown');
  });

  test('is alerted where an export of another snapshot has its name', async () => {
    await stack.aws.query('rds', {
      Action: 'StartExportTask',
      ExportTaskIdentifier: 'identifiers-export-again',
      SourceArn: await stack.addSnapshot('job-of-last-year'),
      S3BucketName: 'wellcomecollection-platform-id-minter',
      IamRoleArn: 'arn:aws:iam::123456789012:role/made-up',
      KmsKeyId: 'made-up',
    });

    const ended = await stack.runExport({ resources: [snapshot] }, {}, 'again');

    expectAlert(ended, 'NameTaken');
  });

  test('is alerted after half a day of polls where it never ends', async () => {
    const ended = await stack.runExport({ resources: [snapshot] }, { statuses: ['IN_PROGRESS'] });

    expectAlert(ended, 'TooSlow');
    expect(ended.calls('DescribeExportTasks')).toHaveLength(144);
  }, 600_000);

  test('is alerted after two hours of waiting where no place becomes free', async () => {
    const ended = await stack.runExport(
      { resources: [snapshot] },
      {
        fault: faultOf('StartExportTask', () =>
          refusal('SnapshotExportRefused', 'The limit is 5.')
        ),
      }
    );

    expectAlert(ended, 'The limit is 5.');
  }, 600_000);

  test('is alerted where RDS refuses the hashed name too', async () => {
    const ended = await stack.runExport(
      { resources: [snapshot] },
      {
        fault: faultOf('StartExportTask', () =>
          refusal('InvalidParameterValue', 'Invalid identifier.')
        ),
      }
    );

    expectAlert(ended, 'Invalid identifier.');
  });

  test('is alerted where EventBridge never takes the event of a complete export', async () => {
    const ended = await stack.runExport(
      { resources: [snapshot] },
      { fault: faultOf('PutEvents', () => ({ answer: NOT_TAKEN })) }
    );

    expectAlert(ended, 'NotAnnounced');
  });
});

const PASSING: readonly [string, Fault][] = [
  ['throttling', refusal('Throttling', 'Rate exceeded')],
  ['a service that is unavailable', { status: 503, code: 'ServiceUnavailable', message: 'Later.' }],
  ['an internal failure', { status: 500, code: 'InternalFailure', message: 'Oh.' }],
  ['a connection that breaks', 'cut'],
];

const LASTING: readonly [string, Fault, string][] = [
  ['throttling that does not end', refusal('Throttling', 'Rate exceeded'), 'Rate exceeded'],
  [
    'a service that stays away',
    { status: 503, code: 'ServiceUnavailable', message: 'Later.' },
    'Later.',
  ],
  [
    'a missing right',
    { status: 403, code: 'AccessDenied', message: 'Not allowed.' },
    'Not allowed.',
  ],
  ['connections that all break', 'cut', 'SdkClientException'],
];

describe.each(['StartExportTask', 'DescribeExportTasks', 'PutEvents'])('%s', action => {
  test.each(PASSING)('is tried again after %s', async (_case, fault) => {
    const ended = await stack.runExport(
      { resources: [snapshot] },
      { fault: faultOf(action, nth => (nth <= 3 ? fault : undefined)) }
    );

    expectExported(ended);
    expect(ended.calls(action)).toHaveLength(4);
  });

  test('is tried again where no answer comes', async () => {
    const ended = await stack.runExport(
      { resources: [snapshot] },
      { fault: faultOf(action, nth => (nth === 1 ? 'no answer' : undefined)) }
    );

    expectExported(ended);
  });

  test.each(LASTING)(
    'ends in one alert after %s',
    async (_case, fault, cause) => {
      const ended = await stack.runExport(
        { resources: [snapshot] },
        { fault: faultOf(action, () => fault) }
      );

      expectAlert(ended, cause);
    },
    600_000
  );
});

describe('the alert itself', () => {
  const failed = { statuses: ['FAILED'], failureCause: 'The KMS key is disabled.' };

  test.each(PASSING)('arrives once after %s', async (_case, fault) => {
    const ended = await stack.runExport(
      { resources: [snapshot] },
      { ...failed, fault: faultOf('Publish', nth => (nth <= 3 ? fault : undefined)) }
    );

    expectAlert(ended, 'The KMS key is disabled.');
  });

  test('that cannot be published ends the execution in a way that a rule tells instead', async () => {
    const ended = await stack.runExport(
      { resources: [snapshot] },
      { ...failed, fault: faultOf('Publish', () => refusal('AuthorizationError', 'Not allowed.')) }
    );

    expect(ended).toMatchObject({ status: 'FAILED', error: 'AlertFailed', alerts: [] });
    expect(ended.cause).toContain('The KMS key is disabled.');
    expect(ended.cause).toContain('Not allowed.');
  });
});

describe('the rules', () => {
  const backup = (state: string, backupVaultName = 'id-minter-backup-vault') => ({
    source: 'aws.backup',
    type: 'Backup Job State Change',
    detail: { state, backupVaultName, backupJobId: 'job-1' },
  });
  const execution = (detail: object, stateMachineArn = stack.machineArn) => ({
    source: 'aws.states',
    type: 'Step Functions Execution Status Change',
    detail: { stateMachineArn, ...detail },
  });
  const takes = (rule: string, event: TestEvent) => stack.ruleTakes(rule, event);

  test('start an export after a completed backup of the vault, and after no other event', async () => {
    const rule = 'id-minter-backup-completed';
    expect(await takes(rule, backup('COMPLETED'))).toBe(true);
    expect(await takes(rule, backup('RUNNING'))).toBe(false);
    expect(await takes(rule, backup('COMPLETED', 'another-vault'))).toBe(false);
  });

  test.each(['FAILED', 'ABORTED', 'EXPIRED'])('alert where a backup ended %s', async state => {
    expect(await takes('id-minter-backup-failed', backup(state))).toBe(true);
    expect(await takes('id-minter-backup-failed', backup(state, 'another-vault'))).toBe(false);
  });

  test('do not alert where a backup is under way or complete', async () => {
    for (const state of ['CREATED', 'RUNNING', 'COMPLETED']) {
      expect(await takes('id-minter-backup-failed', backup(state))).toBe(false);
    }
  });

  test.each([
    ['was stopped', { status: 'ABORTED', error: null }],
    ['ran out of time', { status: 'TIMED_OUT', error: null }],
    ['could not publish its alert', { status: 'FAILED', error: 'AlertFailed' }],
    ['met what nothing catches', { status: 'FAILED', error: 'States.Runtime' }],
  ])('alert where an export %s', async (_case, detail) => {
    expect(await takes('id-minter-rds-export-ended-untold', execution(detail))).toBe(true);
  });

  test.each([
    ['published its alert', { status: 'FAILED', error: 'ExportFailed' }],
    ['succeeded', { status: 'SUCCEEDED', error: null }],
    ['goes on', { status: 'RUNNING', error: null }],
  ])('do not alert once more where an export %s', async (_case, detail) => {
    expect(await takes('id-minter-rds-export-ended-untold', execution(detail))).toBe(false);
  });

  test('do not watch other state machines', async () => {
    const other = stack.machineArn.replace('id-minter-rds-export', 'another');
    const event = execution({ status: 'ABORTED', error: null }, other);
    expect(await takes('id-minter-rds-export-ended-untold', event)).toBe(false);
  });
});

test('the definition is one of the Amazon States Language, with no state that cannot be reached', () => {
  const { isValid, errors } = validate(JSON.parse(stack.definition));
  expect(errors).toEqual([]);
  expect(isValid).toBe(true);
});

const NOT_TAKEN = JSON.stringify({
  FailedEntryCount: 1,
  Entries: [{ ErrorCode: 'InternalFailure', ErrorMessage: 'The bus is busy.' }],
});

function refusal(code: string, message: string): Fault {
  return { status: 400, code, message };
}

function faultOf(action: string, fault: (nth: number) => Fault | undefined) {
  return (call: AwsCall, nth: number) => (call.action === action ? fault(nth) : undefined);
}
