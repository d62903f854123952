import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestAws } from '../support/aws/aws.ts';
import { openAws } from '../support/aws/aws.ts';
import { copyInfrastructure, INFRASTRUCTURE } from '../support/aws/terraform.ts';

const MINUTES = 60_000;

/** What an example leaves to a file of its reader's. */
const VARIABLES: Record<string, object> = {
  minimal: {},
  full: {
    account_id: '123456789012',
    cluster: {
      name: 'museum',
      host: 'museum.cluster-abc.eu-west-1.rds.amazonaws.com',
      security_group_id: 'sg-0123456789abcdef0',
      secret_name: 'museum/minter',
    },
    network: { vpc_id: 'vpc-0123456789abcdef0', subnet_ids: ['subnet-a', 'subnet-b'] },
  },
};

let aws: TestAws;

beforeAll(async () => {
  aws = await openAws();
}, 10 * MINUTES);

afterAll(async () => {
  await aws?.[Symbol.asyncDispose]();
});

test('there are no examples but those that are tried here', async () => {
  expect(await readdir(join(INFRASTRUCTURE, 'examples'))).toEqual(
    expect.arrayContaining(Object.keys(VARIABLES))
  );
  expect(await readdir(join(INFRASTRUCTURE, 'examples'))).toHaveLength(2);
});

test.each(Object.entries(VARIABLES))(
  'the example %s is valid, and its plan makes a whole pipeline',
  async (example, variables) => {
    const added = { 'test.auto.tfvars.json': JSON.stringify(variables) };
    await using copy = await copyInfrastructure(added, aws.env, join('examples', example));

    expect(JSON.parse(await copy.terraform('validate', '-json'))).toMatchObject({
      valid: true,
      diagnostics: [],
    });
    await copy.terraform('plan', '-input=false', '-out=plan');
    const plan = JSON.parse(await copy.terraform('show', '-json', 'plan'));
    const made: string[] = plan.resource_changes.map(({ type }: { type: string }) => type);
    const count = (type: string) => made.filter(name => name === type).length;
    expect(count('aws_lambda_function')).toBe(3);
    expect(count('aws_sfn_state_machine')).toBe(2);
    expect(count('aws_backup_plan')).toBe(1);
    expect(count('aws_rds_cluster')).toBe(example === 'minimal' ? 1 : 0);
  },
  10 * MINUTES
);
