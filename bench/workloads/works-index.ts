import { generateWorks, knownMappings } from '../../scripts/works-generator.ts';
import { compareSources } from '../../src/domain/source-identifier.ts';
import {
  indexName,
  openElasticsearch,
} from '../../test/support/elasticsearch/open-elasticsearch.ts';
import type { TestIndex } from '../../test/support/elasticsearch/test-index.ts';
import { askCluster, openTestIndex } from '../../test/support/elasticsearch/test-index.ts';
import { createBenchRegistry } from '../bench-registry.ts';
import { figureOf, figuresOf } from '../figures.ts';
import type { Side } from '../pairs.ts';
import { cpuOf, demand, ratioOf, runPairs, scaleOfPairs, wallOf } from '../pairs.ts';
import type { Workload } from '../workload.ts';

const PAIRS = 5;
const PUT_WORKS = 1_000;

export const worksIndex: Workload = {
  name: 'works-index',
  question: 'What does a reindex cost, index to index?',
  run: '`id-minter mint --full` of works of 6 identifiers, all known, from one index of Elasticsearch into another.',
  against:
    'a bare program that copies the same documents from index to index, three pages at once, and asks no registry',
  server: true,
  async *measure({ works, database, pairs, program }) {
    const options = { works, nothingNewShare: 1 };
    const known = Array.from(knownMappings(options), ({ source }) => source).sort(compareSources);
    await using registry = await createBenchRegistry(database, known.length, () => known);
    await using elasticsearch = await openElasticsearch();
    const { url } = elasticsearch;
    await using source = await openTestIndex({ url });
    await fill(source, options);
    const built = await program();
    const { host, port, user, database: name } = registry.minter;
    const password = await registry.minter.password();
    const copyInto = (copy: (target: string) => ReturnType<typeof built.bare>): Side => {
      return async () => {
        const target = await openTestIndex({ url, index: indexName('target') });
        return {
          run: () => copy(target.index),
          verify: async () => {
            await askCluster('POST', `${url}/${target.index}/_refresh`);
            const { count } = JSON.parse(await askCluster('GET', `${url}/${target.index}/_count`));
            await target[Symbol.asyncDispose]();
            demand(count === works, () => `${count} of ${works} documents came into the index.`);
          },
        };
      };
    };
    const measured = await runPairs(
      {
        ours: copyInto(target =>
          built.idMinter(
            [
              ...['mint', '--full', '--source', `${url}/${source.index}`],
              ...['--target', `${url}/${target}`],
              ...['--registry', `mysql://${user}@${host}:${port}/${name}`],
            ],
            { RDS_PASSWORD: password }
          )
        ),
        theirs: copyInto(target => built.bare('scan-and-bulk', [url, source.index, target])),
      },
      pairs(PAIRS),
      database.meter
    );
    const peaks = measured.flatMap(({ ours }) => ours.peakMib ?? []);
    yield {
      at: { works },
      pairs: measured.length,
      figures: figuresOf({
        wall: ratioOf(measured, wallOf, { atMost: 1.3 }),
        'client and server CPU': ratioOf(measured, cpuOf),
        'peak MiB above bare Node': figureOf(peaks, { atMost: 250 }),
        'ms for 1,000 works': figureOf(measured.map(({ ours }) => (ours.wallMs / works) * 1000)),
      }),
      scale: scaleOfPairs(measured, 'ours', 'scan and bulk'),
    };
  },
};

async function fill(index: TestIndex, options: Parameters<typeof generateWorks>[0]): Promise<void> {
  let documents: { _id: string; json: string }[] = [];
  for (const { _id, _source } of generateWorks(options)) {
    documents.push({ _id, json: JSON.stringify(_source) });
    if (documents.length < PUT_WORKS) continue;
    await index.put(documents);
    documents = [];
  }
  if (documents.length > 0) await index.put(documents);
}
