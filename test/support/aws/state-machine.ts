import { setTimeout as sleep } from 'node:timers/promises';
import type { TestAws } from './aws.ts';

/** A state machine that is deployed to the AWS of the tests. */
export interface TestStateMachine {
  /** @returns its definition, as it is deployed */
  definition(): Promise<string>;
  /** Starts an execution and waits for its end. */
  run(name: string, input: unknown): Promise<EndedExecution>;
}

/** How an execution ended. */
export interface EndedExecution {
  readonly status: string;
  readonly error: string | undefined;
  readonly cause: string | undefined;
  /** as text; undefined where it failed */
  readonly output: string | undefined;
}

export function stateMachine(aws: TestAws, stateMachineArn: string): TestStateMachine {
  const states = (operation: string, parameters: object) =>
    aws.json('states', `AWSStepFunctions.${operation}`, parameters);

  const waitForEnd = async (executionArn: string) => {
    for (let tries = 0; tries < 6000; tries++) {
      const execution = await states('DescribeExecution', { executionArn });
      if (execution['status'] !== 'RUNNING') return execution;
      await sleep(50);
    }
    throw new Error(`The execution ${executionArn} does not end.`);
  };

  return {
    async definition() {
      return String((await states('DescribeStateMachine', { stateMachineArn }))['definition']);
    },
    async run(name, input) {
      const started = await states('StartExecution', {
        stateMachineArn,
        name,
        input: JSON.stringify(input),
      });
      const execution = await waitForEnd(String(started['executionArn']));
      return {
        status: String(execution['status']),
        error: textOf(execution['error']),
        cause: textOf(execution['cause']),
        output: textOf(execution['output']),
      };
    },
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
