import { afterAll, beforeAll, beforeEach, vi } from 'vitest';
import type { TestAws } from '../../support/aws/aws.ts';
import { openAws } from '../../support/aws/aws.ts';

/** The AWS of a test file, which the clients of this process find as those of the product do. */
export function awsAround(): () => TestAws {
  let aws: TestAws | undefined;
  const opened = (): TestAws => {
    if (!aws) throw new Error('It is opened before the first test.');
    return aws;
  };
  beforeAll(async () => {
    aws = await openAws();
  }, 300_000);
  afterAll(async () => {
    await aws?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    opened().proxy.play({});
    for (const [name, value] of Object.entries(opened().env)) vi.stubEnv(name, value);
  });
  return opened;
}

export const NEVER = new AbortController().signal;
