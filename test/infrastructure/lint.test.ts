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

const MINUTES = 60_000;

test(
  'tflint finds nothing',
  async () => {
    const tflint = await findTflint();
    const said = await run(tflint, [`--chdir=${INFRASTRUCTURE}`, '--format=json'], {
      seconds: 120,
    });
    expect(JSON.parse(said)).toEqual({ issues: [], errors: [] });
  },
  10 * MINUTES
);

test(
  'checkov finds nothing, also in the bucket that is made where it is asked for',
  async () => {
    const python = await findPython(CHECKOV);
    await using folder = await temporaryFolder();
    const bucket = await folder.write('bucket.tfvars', 'create_bucket = true\n');
    const said = await run(
      python,
      [
        ...['-m', 'checkov.main', '--directory', INFRASTRUCTURE, '--framework', 'terraform'],
        ...['--var-file', bucket],
        ...['--quiet', '--compact', '--output', 'json', '--soft-fail', '--skip-download'],
      ],
      { seconds: 300 }
    );
    const { results, summary } = JSON.parse(said);
    expect(results.failed_checks.map(describeCheck)).toEqual([]);
    expect(summary).toMatchObject({ failed: 0, parsing_errors: 0 });
    expect(summary.passed).toBeGreaterThan(50);
  },
  12 * MINUTES
);

test('at most five checks are switched off, each with its reason', async () => {
  const files = (await readdir(INFRASTRUCTURE)).filter(name => name.endsWith('.tf'));
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
