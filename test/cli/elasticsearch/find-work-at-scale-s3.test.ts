import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { openAws } from '../../support/aws/aws.ts';
import type { TestBucket } from '../../support/aws/test-bucket.ts';
import { openTestBucket } from '../../support/aws/test-bucket.ts';
import { PROGRAM } from '../../support/command-line.ts';
import { openTestIndex, putIds } from '../../support/elasticsearch/test-index.ts';
import { atScale, SCALE_TIMEOUT_MS } from '../scale.ts';

const SAY_PEAK = new URL('../../support/say-peak-memory.ts', import.meta.url).href;
const FUNCTION = new URL('../../../src/lambda/find-work.ts', import.meta.url).href;
const IDS = atScale(100_000);
const A_PARTITION = 10_000;
const PEAK_MAX_BYTES = 256_000_000;

/** As a command, and as a function by itself in a process. */
const WAYS = {
  command: [PROGRAM, 'find-work', '--full'],
  function: [
    ...['--input-type=module', '--eval'],
    `const { handler } = await import('${FUNCTION}');
     console.log(JSON.stringify(await handler({ full: true })));`,
  ],
};

test(`${IDS} ids come into partitions, each once, in at most 256 MB of memory`, {
  timeout: SCALE_TIMEOUT_MS,
}, async () => {
  await using aws = await openAws();
  await using source = await openTestIndex();
  using bucket = await openTestBucket(aws);
  await putIds(source, IDS);
  const environment = {
    ...{ PATH: process.env['PATH'], ...aws.env },
    ...{ ES_URL: inject('elasticsearch').url, ES_SOURCE_INDEX: source.index },
    CATALOGUE_GRAPH_S3_BUCKET: bucket.name,
  };
  for (const [name, args] of Object.entries(WAYS)) {
    aws.proxy.play({});
    const began = performance.now();
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--import', SAY_PEAK, ...args],
      { env: environment }
    );
    const seconds = (performance.now() - began) / 1_000;
    const peakKib = Number(/^Peak memory: (\d+) KiB$/m.exec(stderr)?.[1]);
    console.log(
      `${IDS} ids by the ${name}: ${(peakKib / 1_024).toFixed(0)} MiB, ${seconds.toFixed(1)} s.`
    );
    expect(peakKib * 1_024).toBeLessThan(PEAK_MAX_BYTES);
    await expectAllIds(JSON.parse(stdout).partitions, bucket);
  }
});

async function expectAllIds(
  partitions: readonly { s3_uri: string; count: number }[],
  bucket: TestBucket
): Promise<void> {
  expect(partitions).toHaveLength(Math.ceil(IDS / A_PARTITION));
  const ids = new Set<string>();
  for (const { s3_uri, count } of partitions) {
    const { source_identifiers: own } = JSON.parse(await bucket.read(s3_uri));
    expect(own).toHaveLength(count);
    for (const id of own) ids.add(id);
  }
  expect(ids.size).toBe(IDS);
}
