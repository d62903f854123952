/** Every event that docs/lambda.md shows, sent to its function, and the reply that it shows. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { workOf } from '../cli/works.ts';
import { openAws } from '../support/aws/aws.ts';
import { openTestBucket } from '../support/aws/test-bucket.ts';
import { readBlocks } from '../support/checkout.ts';
import { sierra } from '../support/identifiers.ts';
import { openBundles, openLambda } from '../support/lambda/test-lambda.ts';
import { replyOf } from './invoked.ts';
import { environmentOf, openSurroundings } from './surroundings.ts';

const PAGE = fileURLToPath(new URL('../../docs/lambda.md', import.meta.url));
const NAMES = ['id_minter', 'id_generator', 'find_work'] as const;

test('docs/lambda.md shows events, and how they are answered', async () => {
  await using works = await openSurroundings({ free: 23 });
  await using bundles = await openBundles(NAMES);
  await using aws = await openAws();
  using bucket = await openTestBucket(aws);
  const shown = readBlocks(await readFile(PAGE, 'utf8')).map(({ needs, text }) => ({
    needs,
    value: JSON.parse(text.replaceAll('BUCKET', bucket.name)),
  }));
  const ids = ['b1000001', 'b1000002', 'b1000003'].map(value => ({
    value,
    _id: `Work[sierra-system-number/${value}]`,
  }));
  await works.source.put(
    ids.map(({ value, _id }, number) => {
      const indexed_at = `2026-08-20T03:${number === 2 ? '20' : '05'}:00Z`;
      return { _id, json: JSON.stringify({ ...workOf(sierra(value)), indexed_at }) };
    })
  );
  const source_identifiers = ids.slice(0, 2).map(({ _id }) => _id);
  const partition = { source_identifiers, job_id: '20260820T0315-p000' };
  await bucket.put('partition-0.json', JSON.stringify(partition));
  const environment = {
    ...works.environment,
    ...(aws.env as Record<string, string>),
    ...{ S3_BUCKET: bucket.name, S3_PREFIX: 'prod', PIPELINE_DATE: '2026-08-20' },
    CATALOGUE_GRAPH_S3_BUCKET: bucket.name,
    ID_GENERATOR_DESIRED_FREE_IDS_COUNT: '50',
  };
  const filler = { ...environment, ...(await environmentOf(works.registry, 'pool-filler')) };

  const tried = new Set<string>();
  for (const name of NAMES) {
    await using lambda = await openLambda(
      bundles.folderOf(name),
      name === 'id_generator' ? filler : environment
    );
    for (const [place, { needs, value }] of shown.entries()) {
      if (needs !== name) continue;
      const reply = replyOf(await lambda.invoke(value));
      const expected = shown[place + 1];
      expect(expected?.needs).toBe('reply');
      expect({ event: value, reply: withoutRun(reply) }).toEqual({
        event: value,
        reply: expected?.value,
      });
      tried.add(JSON.stringify(value));
    }
  }
  expect(tried.size).toBe(7);
}, 600_000);

/** Runs name themselves: 20260820T031500-k3x9 */
function withoutRun(reply: unknown): unknown {
  return JSON.parse(JSON.stringify(reply).replaceAll(/\/[^/"]+(?=\/partition-)/g, '/RUN'));
}
