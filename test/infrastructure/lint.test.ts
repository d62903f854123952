import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { INFRASTRUCTURE } from '../support/aws/terraform.ts';
import type { PythonModule } from '../support/aws/tools.ts';
import { findPython, findTflint } from '../support/aws/tools.ts';
import { run } from '../support/servers/processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CHECKOV: PythonModule = {
  name: 'checkov',
  fit: "__import__('checkov.main')",
  requirement: 'checkov==3.3.30',
};

const EVERYTHING = `
create_bucket   = true
create_cluster  = true
create_pipeline = true
pipeline_date   = "2026-02-09"
vpc_id          = "vpc-1"
subnet_ids      = ["subnet-1", "subnet-2"]
`;

const MINUTES = 60_000;

test(
  'tflint finds nothing',
  async () => {
    const tflint = await findTflint();
    const said = await run(tflint, [`--chdir=${INFRASTRUCTURE}`, '--recursive', '--format=json'], {
      seconds: 120,
    });
    expect(JSON.parse(said)).toEqual({ issues: [], errors: [] });
  },
  10 * MINUTES
);

test(
  'checkov finds nothing, also in bucket, cluster and pipeline, which are made where they are asked for',
  async () => {
    const python = await findPython(CHECKOV);
    await using folder = await temporaryFolder();
    const all = await folder.write('all.tfvars', EVERYTHING);
    const said = await run(
      python,
      [
        ...['-m', 'checkov.main', '--directory', INFRASTRUCTURE, '--framework', 'terraform'],
        ...['--var-file', all],
        ...['--quiet', '--compact', '--output', 'json', '--soft-fail', '--skip-download'],
      ],
      { seconds: 300 }
    );
    const { results, summary } = JSON.parse(said);
    expect(results.failed_checks.map(describeCheck)).toEqual([]);
    expect(summary).toMatchObject({ failed: 0, parsing_errors: 0 });
    expect(summary.passed).toBeGreaterThan(200);
  },
  12 * MINUTES
);

test('at most five checks are switched off, each with its reason', async () => {
  const all = await readdir(INFRASTRUCTURE, { recursive: true });
  const files = all.filter(name => name.endsWith('.tf'));
  const texts = await Promise.all(files.map(name => readFile(join(INFRASTRUCTURE, name), 'utf8')));
  const off = texts.flatMap(text => [
    ...text.matchAll(/checkov:skip=(\w+)(.*)|tflint-ignore:(.*)/g),
  ]);
  expect(off.length).toBeLessThanOrEqual(5);
  for (const [, check = '', reason = ''] of off) expect(reason, check).toMatch(/^:\w.{20,}/);
});

function describeCheck(check: Record<string, string>): string {
  return `${check['check_id']} ${check['resource']}: ${check['check_name']}`;
}
