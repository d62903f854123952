/** The oldest kind of server that the product speaks to, beside whichever one the other tests run on. */
import { expect, test } from 'vitest';
import { openDesk } from '../../support/command-line.ts';
import { openElasticsearch } from '../../support/elasticsearch/open-elasticsearch.ts';
import { openTestIndex } from '../../support/elasticsearch/test-index.ts';
import { heading, sierra } from '../../support/identifiers.ts';
import type { Minted } from '../works.ts';
import { workOf } from '../works.ts';

const VERSION = '8.19.21';
const WORKS = 300;

test('a run from index to index works on Elasticsearch 8.19 as on any other', {
  timeout: 600_000,
}, async () => {
  await using server = await openElasticsearch(VERSION);
  expect(server.version).toBe(VERSION);
  await using desk = await openDesk();
  await using source = await openTestIndex({ url: server.url });
  await using target = await openTestIndex({ url: server.url });
  await source.put(
    Array.from({ length: WORKS }, (_, number) => ({
      _id: `Work[sierra-system-number/b${number}]`,
      json: JSON.stringify({
        ...workOf(sierra(`b${number}`), { subjects: [heading('Person', 'n1')] }),
        indexed_at: '2026-08-20T03:00:00Z',
      }),
    }))
  );
  desk.environment = {
    ID_MINTER_REGISTRY: 'sqlite:registry.sqlite',
    ES_URL: server.url,
    ES_SOURCE_INDEX: source.index,
    ES_TARGET_INDEX: target.index,
  };

  const full = await desk.run(['mint', '--full', '--json']);
  const window = await desk.run(['mint', '--window-end', '2026-08-20T03:00', '--json']);
  const compared = await desk.run([
    'mint',
    '--full',
    '--dry-run',
    '--against',
    target.index,
    '--json',
  ]);

  expect([full.status, window.status, compared.status]).toEqual([0, 0, 0]);
  expect(JSON.parse(full.stdout)).toMatchObject({ works: { succeeded: WORKS, failed: 0 } });
  expect(JSON.parse(window.stdout).identifiers).toEqual({
    ...{ existing: 2 * WORKS, inherited: 0, minted: 0 },
  });
  expect(JSON.parse(compared.stdout).against).toMatchObject({ same: WORKS, different: 0 });
  const minted = await target.read();
  expect(minted.map(({ _id }) => _id)).toEqual(
    minted.map(({ _source }) => (_source as Minted).state.canonicalId)
  );
  expect(minted).toHaveLength(WORKS);
});
