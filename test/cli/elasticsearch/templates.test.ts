/** The templates of the folder elasticsearch on a real node, and works of Wellcome in indexes that they make. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { readBlocks } from '../../support/checkout.ts';
import type { Desk } from '../../support/command-line.ts';
import { openDesk } from '../../support/command-line.ts';
import { indexName } from '../../support/elasticsearch/open-elasticsearch.ts';
import type { TestIndex } from '../../support/elasticsearch/test-index.ts';
import { askCluster, openTestIndex } from '../../support/elasticsearch/test-index.ts';
import { sierra } from '../../support/identifiers.ts';
import { sharedDataFolder } from '../../support/shared-data.ts';
import { fromLines, toLines, workOf } from '../works.ts';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

const { url } = inject('elasticsearch');

const PAGE = await readFile(join(PROJECT, 'docs/configuration.md'), 'utf8');
const TEMPLATES = ['works-source', 'works-identified'] as const;
const PIPELINE = '_ingest/pipeline/works-source-indexed-at';

/** The processor comes with the distribution; a node that was made from its jars has none. */
const { nodes } = JSON.parse(await askCluster('GET', `${url}/_nodes/ingest`)) as {
  nodes: Record<string, { ingest: { processors: { type: string }[] } }>;
};
const canSet = Object.values(nodes).every(({ ingest }) =>
  ingest.processors.some(({ type }) => type === 'set')
);
/** There `indexed_at` is given by hand. */
const BY_HAND = canSet ? {} : { 'index.final_pipeline': '_none' };

beforeAll(async () => {
  await using desk = await openDesk();
  desk.environment = { ES_URL: url };
  const [{ text = '' } = {}] = readBlocks(PAGE).filter(({ needs }) => needs === 'an Elasticsearch');
  const commands = canSet ? text : text.replace(/^put _ingest.*\n/m, '');
  const { status, stderr } = await desk.shell(`set -e; cd '${PROJECT}'\n${commands}`);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

afterAll(async () => {
  for (const name of TEMPLATES) await askCluster('DELETE', `${url}/_index_template/${name}`);
  if (canSet) await askCluster('DELETE', `${url}/${PIPELINE}`);
});

/** An index that a template makes, by its name alone. */
async function openFromTemplate(name: (typeof TEMPLATES)[number]): Promise<TestIndex> {
  return await openTestIndex({
    index: indexName(name),
    mappings: undefined,
    settings: name === 'works-source' ? BY_HAND : {},
  });
}

describe('an index that a template makes', () => {
  test('finds works by their identifiers in any case, and by nothing that is not meant', async () => {
    await using index = await openFromTemplate('works-source');
    const work = { ...workOf(sierra('B1')), indexed_at: '2026-08-20T03:00:00Z' };
    const other = { identifierType: { id: 'miro' }, ontologyType: 'Work', value: 'V0001' };
    const data = { title: 'About B1', otherIdentifiers: [other] };
    await index.put([
      { _id: 'Work[sierra-system-number/B1]', json: JSON.stringify({ ...work, data }) },
    ]);
    const count = async (field: string, value: string) => {
      const query = { query: { term: { [field]: value } } };
      return JSON.parse(await askCluster('POST', `${url}/${index.index}/_count`, query)).count;
    };
    expect(await count('state.sourceIdentifier.value', 'b1')).toBe(1);
    expect(await count('state.sourceIdentifier.identifierType.id', 'Sierra-System-Number')).toBe(1);
    expect(await count('data.otherIdentifiers.value', 'v0001')).toBe(1);
    expect(await count('data.title', 'about')).toBe(0);
    expect(await count('type', 'Visible')).toBe(0);
  });

  test('of works with their IDs takes an indexed_at that no date index would take', async () => {
    await using index = await openFromTemplate('works-identified');
    await index.put([{ _id: 'a2345678', json: '{"indexed_at": "noon"}' }]);
    expect(await index.read()).toEqual([{ _id: 'a2345678', _source: { indexed_at: 'noon' } }]);
  });

  test('has a pipeline that sets when a work came in', async () => {
    const text = await readFile(join(PROJECT, 'elasticsearch/works-source.pipeline.json'), 'utf8');
    expect(JSON.parse(text).processors).toEqual([
      { set: { field: 'indexed_at', value: '{{{_ingest.timestamp}}}' } },
    ]);
    const template = await askCluster('GET', `${url}/_index_template/works-source`);
    expect(template).toContain(`"final_pipeline":"${PIPELINE.split('/').at(-1)}"`);
    if (!canSet) return;
    await using index = await openFromTemplate('works-source');
    const began = Date.now();
    await index.put([{ _id: 'Work[s/1]', json: JSON.stringify(workOf(sierra('b1'))) }]);
    const [at = ''] = (await index.read()).map(
      ({ _source }) => (_source as { indexed_at: string }).indexed_at
    );
    expect(Date.parse(at)).toBeGreaterThan(began - 60_000);
  });
});

const data = sharedDataFolder();

/** A line `{"_id", …, "_source"}` without being read: what stands in it is compared as text. */
function split(line: string): { _id: string; json: string } {
  const { _id, _source } = JSON.parse(line) as { _id?: string; _source?: unknown };
  if (_id === undefined || _source === undefined) throw new Error('A real work has no wrapper.');
  const start = line.indexOf('"_source":') + '"_source":'.length;
  return { _id, json: line.slice(start, line.lastIndexOf('}')).trim() };
}

const linesOf = (text: string) => text.split('\n').filter(line => line !== '');
const byId = (a: { _id: string }, b: { _id: string }) =>
  Number(a._id > b._id) - Number(a._id < b._id);

describe.each(data === undefined ? [] : [data])('real works of %s', folder => {
  /** The source index, a file of the same works, and what the file comes to. */
  async function openRealWorks(desk: Desk): Promise<{
    source: TestIndex;
    works: { _id: string; json: string }[];
    minted: { _id: string; _source: unknown }[];
  }> {
    const source = await openFromTemplate('works-source');
    const real = linesOf(await readFile(join(folder, 'works-source.ndjson'), 'utf8')).map(split);
    const indexedAt = (json: string, time: string) =>
      json.replace('{', `{"indexed_at": "2026-08-20T03:${time}:00.000Z", `);
    const works = real.map(({ _id, json }, at) => ({
      _id,
      json: indexedAt(json, at % 2 ? '00' : '15'),
    }));
    await source.put(works);
    const tooLate = indexedAt(JSON.stringify(workOf(sierra('later'))), '16');
    await source.put([{ _id: 'Work[sierra-system-number/later]', json: tooLate }]);
    await desk.write(
      'works.ndjson',
      works.map(({ _id, json }) => `{"_id":${JSON.stringify(_id)},"_source":${json}}\n`).join('')
    );
    desk.environment = { ID_MINTER_REGISTRY: 'sqlite:registry.sqlite', ES_URL: url };
    const { status } = await desk.run(['mint', 'works.ndjson', '--target', 'minted.ndjson']);
    // Three of them name predecessors that are not there.
    expect(status).toBe(1);
    const minted = fromLines<{ _id: string; _source: unknown }>(await desk.read('minted.ndjson'));
    expect(minted).toHaveLength(works.length - 3);
    return { source, works, minted: minted.sort(byId) };
  }

  test('come out by ids, by window and in full as they come out of a file', async () => {
    await using desk = await openDesk();
    const { source, works, minted } = await openRealWorks(desk);
    await using _ = source;
    await desk.write('ids.txt', works.map(({ _id }) => `${_id}\n`).join(''));
    const modes = {
      ids: ['--source-identifiers', '@ids.txt'],
      window: ['--window-end', '2026-08-20T03:15'],
      full: ['--full'],
    };
    for (const [mode, flags] of Object.entries(modes)) {
      await using target = await openFromTemplate('works-identified');
      const from = ['mint', ...flags, '--source', `${url}/${source.index}`];

      const toIndex = await desk.run([...from, '--target', `${url}/${target.index}`]);
      const toFile = await desk.run([...from, '--target', `${mode}.ndjson`]);

      expect({ mode, statuses: [toIndex.status, toFile.status] }).toEqual({
        mode,
        statuses: [1, 1],
      });
      const isMeant = ({ _source }: { _source: unknown }) =>
        !JSON.stringify(_source).includes('later');
      expect((await target.read()).filter(isMeant)).toEqual(minted);
      const texts = async (name: string) =>
        linesOf(await desk.read(name))
          .map(split)
          .map(({ json }) => json);
      const written = (await texts(`${mode}.ndjson`))
        .filter(json => !json.includes('"later"'))
        .sort();
      expect(written).toEqual((await texts('minted.ndjson')).sort());
      expect(await target.read()).toHaveLength(minted.length + Number(mode === 'full'));
    }
  });

  test('are the same in the index when they are compared, and differ where something is planted', async () => {
    await using desk = await openDesk();
    const { source, minted } = await openRealWorks(desk);
    await using _ = source;
    await using target = await openFromTemplate('works-identified');
    const compare = async () => {
      const { stdout } = await desk.run([
        ...['mint', 'works.ndjson', '--dry-run', '--against', target.index, '--json'],
      ]);
      return JSON.parse(stdout).against;
    };
    await desk.run([
      'mint',
      '--full',
      '--source',
      `${url}/${source.index}`,
      '--target',
      `${url}/${target.index}`,
    ]);
    expect(await compare()).toEqual({
      ...{ same: minted.length, different: 0, absent: 0, newly_failing: 0, new: 0 },
    });
    const [first] = minted;
    await target.put([{ _id: first?._id ?? '', json: toLines([{}]).trim() }]);
    expect(await compare()).toMatchObject({ same: minted.length - 1, different: 1 });
  });
});
