import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TerraformCopy } from '../support/aws/terraform.ts';
import { copyInfrastructure } from '../support/aws/terraform.ts';

let copy: TerraformCopy;

beforeAll(async () => {
  copy = await copyInfrastructure();
});

afterAll(async () => {
  await copy?.[Symbol.asyncDispose]();
});

test('the files are laid out as Terraform lays them out', async () => {
  expect(await copy.terraform('fmt', '-check', '-diff', '-recursive')).toBe('');
}, 180_000);

test('Terraform takes the files as valid, and warns of nothing', async () => {
  expect(JSON.parse(await copy.terraform('validate', '-json'))).toMatchObject({
    valid: true,
    diagnostics: [],
  });
}, 180_000);

test('schedule, retention, names, policies and states are what their users rely on', async () => {
  const said = await copy.terraform('test', '-json');
  const messages = said
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  const summary = messages.find(({ type }) => type === 'test_summary')?.test_summary;
  expect(summary).toMatchObject({ status: 'pass', failed: 0, errored: 0, skipped: 0 });
  expect(summary.passed).toBeGreaterThan(30);
}, 600_000);
