import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { openCheckout, readBlocks } from '../../support/checkout.ts';
import { openTestIndex } from '../../support/elasticsearch/test-index.ts';
import { sierra } from '../../support/identifiers.ts';
import { workOf } from '../works.ts';

const README = fileURLToPath(new URL('../../../README.md', import.meta.url));

test('the README’s command takes a work from one index to another', async () => {
  const blocks = readBlocks(await readFile(README, 'utf8'));
  const [command] = blocks.filter(({ needs }) => needs === 'Elasticsearch');
  await using checkout = await openCheckout();
  await using source = await openTestIndex();
  await using target = await openTestIndex();
  const document = JSON.stringify(workOf(sierra('b1000001')));
  await source.put([{ _id: 'Work[sierra-system-number/b1000001]', json: document }]);

  const { status, stderr } = await checkout.shell(
    String(command?.text)
      .replace('http://localhost:9200', inject('elasticsearch').url)
      .replace('works-source', source.index)
      .replace('works-identified', target.index)
  );

  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(await target.read()).toMatchObject([
    { _source: { state: { sourceIdentifier: { value: 'b1000001' } } } },
  ]);
});
