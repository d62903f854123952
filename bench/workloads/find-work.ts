import { openAws } from '../../test/support/aws/aws.ts';
import { openTestBucket } from '../../test/support/aws/test-bucket.ts';
import { openElasticsearch } from '../../test/support/elasticsearch/open-elasticsearch.ts';
import { openTestIndex, putIds } from '../../test/support/elasticsearch/test-index.ts';
import { figureOf, figuresOf } from '../figures.ts';
import { clientMeter } from '../meter.ts';
import type { Side } from '../pairs.ts';
import { cpuOf, demand, ratioOf, runPairs, scaleOfPairs, wallOf } from '../pairs.ts';
import type { Workload } from '../workload.ts';

const PAIRS = 5;
const IDS = 1_000_000;
const IDS_IN_SHORT = 1_000;

interface Partition {
  readonly s3_uri: string;
  readonly count: number;
}

export const findWork: Workload = {
  name: 'find-work',
  question: 'What does it take to find the works of a whole index?',
  run: '`id-minter find-work --full`: their ids, in partitions of 10,000 in S3.',
  against:
    'a bare program that reads the same ids, pages of 10,000, and puts each page as it is into the same bucket',
  server: false,
  async *measure({ isShort, pairs, program }) {
    const ids = isShort ? IDS_IN_SHORT : IDS;
    await using aws = await openAws();
    using bucket = await openTestBucket(aws);
    await using elasticsearch = await openElasticsearch();
    const { url } = elasticsearch;
    await using source = await openTestIndex({ url });
    await putIds(source, ids);
    const built = await program();
    const environment = {
      ...aws.env,
      ...{ ES_URL: url, ES_SOURCE_INDEX: source.index, CATALOGUE_GRAPH_S3_BUCKET: bucket.name },
    };
    const ours: Side = async () => {
      let partitions: readonly Partition[] = [];
      return {
        run: async () => {
          const ran = await built.idMinter(['find-work', '--full'], environment);
          ({ partitions } = JSON.parse(ran.stdout));
          return ran;
        },
        verify: async () => {
          const found = new Set<string>();
          for (const { s3_uri } of partitions) {
            const { source_identifiers: own } = JSON.parse(await bucket.read(s3_uri));
            for (const id of own) found.add(id);
          }
          const told = partitions.reduce((sum, { count }) => sum + count, 0);
          demand(
            found.size === ids && told === ids,
            () => `${found.size} of ${ids} ids stand in partitions, which tell of ${told}.`
          );
        },
      };
    };
    const theirs: Side = async () => ({
      run: () => built.bare('scan-ids', [url, source.index, bucket.name], environment),
      verify: async () => {},
    });
    const measured = await runPairs({ ours, theirs }, pairs(PAIRS), clientMeter);
    const peaks = measured.flatMap(({ ours: run }) => run.peakMib ?? []);
    yield {
      at: { ids },
      pairs: measured.length,
      figures: figuresOf({
        wall: ratioOf(measured, wallOf),
        'client CPU': ratioOf(measured, cpuOf),
        'peak MiB above bare Node': figureOf(peaks, { atMost: 200 }),
        seconds: figureOf(measured.map(({ ours: run }) => run.wallMs / 1000)),
      }),
      scale: scaleOfPairs(measured, 'ours', 'bare'),
    };
  },
};
