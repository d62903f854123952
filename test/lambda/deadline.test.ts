/** What becomes of a run of `id_minter` that does not come to its end in the time that Lambda gives it. */
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { reserveOf } from '../../src/lambda/deadline.ts';
import { workOf } from '../cli/works.ts';
import { startWire } from '../registry/mysql/wire.ts';
import type { TestAws } from '../support/aws/aws.ts';
import { openAws } from '../support/aws/aws.ts';
import type { TestBucket } from '../support/aws/test-bucket.ts';
import { openTestBucket } from '../support/aws/test-bucket.ts';
import { openProxy } from '../support/elasticsearch/proxy.ts';
import { openTestIndex } from '../support/elasticsearch/test-index.ts';
import { heading, sierra } from '../support/identifiers.ts';
import type { LambdaBundles } from '../support/lambda/test-lambda.ts';
import { openBundles, openLambda } from '../support/lambda/test-lambda.ts';
import { errorOf, replyOf } from './invoked.ts';
import type { Surroundings } from './surroundings.ts';
import { openSurroundings } from './surroundings.ts';

let aws: TestAws;
let bucket: TestBucket;
let bundles: LambdaBundles;

beforeAll(async () => {
  bundles = await openBundles(['id_minter']);
  aws = await openAws();
  bucket = await openTestBucket(aws);
}, 300_000);

afterAll(async () => {
  bucket?.[Symbol.dispose]();
  await aws?.[Symbol.asyncDispose]();
  await bundles?.[Symbol.asyncDispose]();
});

beforeEach(() => aws.proxy.play({}));

const textForm = (value: string) => `Work[sierra-system-number/${value}]`;
const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, number) => `${prefix}-${number}`);
const stored = (value: string, indexedAt = '2026-08-20T03:00:00Z') => {
  const subjects = [heading('Person', `n-of-${value.at(-1)}`)];
  const work = { ...workOf(sierra(value), { subjects }), indexed_at: indexedAt };
  return { _id: textForm(value), json: JSON.stringify(work) };
};
const inPipeline = () => ({
  ...(aws.env as Record<string, string>),
  ...{ S3_BUCKET: bucket.name, S3_PREFIX: 'prod', PIPELINE_DATE: '2026-08-20' },
});
const reportOf = async (jobId: string) =>
  JSON.parse(
    await bucket.read(`s3://${bucket.name}/pipeline-2026-08-20/id_minter/prod/${jobId}.json`)
  );

/** Nobody has subscribed to it: thousands of messages would have to be taken one by one. */
async function openTopic(name: string): Promise<string> {
  await aws.query('sns', { Action: 'CreateTopic', Name: name });
  return `arn:aws:sns:${aws.region}:${aws.account}:${name}`;
}

/** The IDs that SNS was given, each once, in order. */
function announced(): string[] {
  const batches = aws.proxy.calls.filter(({ action }) => action === 'PublishBatch');
  const ids = batches.flatMap(({ parameters }) =>
    Object.entries(parameters)
      .filter(([name]) => name.endsWith('.Message'))
      .map(([, message]) => String(JSON.parse(message).default))
  );
  return [...new Set(ids)].sort();
}

test.each([
  [900, 90],
  [120, 30],
  [60, 20],
  [9, 3],
])('of %i s, %i s are kept for telling what became of a run', (whole, kept) => {
  expect(reserveOf(whole * 1000)).toBe(kept * 1000);
});

/** Takes one batch, and has no room for more until the test says so. */
async function openNarrowIndex({ source }: Surroundings) {
  const state = { isOpen: false, writes: 0 };
  const proxy = await openProxy(source.url, ({ path }) => {
    if (!path.includes('/_bulk')) return undefined;
    state.writes += 1;
    return state.isOpen || state.writes === 1 ? undefined : { status: 429 };
  });
  return Object.assign(proxy, { state });
}

describe('a run that stops before its deadline', () => {
  const TIMEOUT_MS = 30_000;
  const values = numbered('b', 1_200);

  test.each([
    ['named', { source_identifiers: values.map(textForm) }],
    ['in a window', { window: { end_time: '2026-08-20T03:00:00Z' } }],
  ])(
    'says what is left of works that are %s, and goes on where it is sent again',
    async (kind, asked) => {
      await using works = await openSurroundings({ free: 2_000 });
      await using narrow = await openNarrowIndex(works);
      const topic = await openTopic(`works-${works.target.index}`);
      await using lambda = await openLambda(bundles.folderOf('id_minter'), {
        ...works.environment,
        ...inPipeline(),
        ...{ ES_TARGET_URL: narrow.url, DOWNSTREAM_SNS_TOPIC_ARN: topic },
      });
      await works.source.put(values.map(value => stored(value)));
      const request = { ...asked, job_id: `stopped-${works.target.index}` };

      const error = errorOf(await lambda.invoke(request, { timeoutMs: TIMEOUT_MS }));
      const written = await works.target.read();
      const report = await reportOf(request.job_id);
      narrow.state.isOpen = true;
      const again = replyOf(await lambda.invoke(request));

      expect(error).toMatchObject({
        errorType: 'DEADLINE',
        errorMessage: expect.stringMatching(
          `^The time .* ${written.length} works succeeded, .* ${1_200 - written.length} are left .*again`
        ),
      });
      // One request got through, whichever it was.
      expect([200, 500]).toContain(written.length);
      expect(report).toMatchObject({
        stopped_by: { code: 'DEADLINE' },
        works: { succeeded: written.length, failed: 0 },
        remaining: { count: 1_200 - written.length },
      });
      expect(report.successful_ids.sort()).toEqual(written.map(({ _id }) => _id));
      if (kind === 'named') {
        const done = written.map(
          ({ _source }) => (_source as Written).state.sourceIdentifier.value
        );
        const left = new Set(values);
        for (const value of done) left.delete(value);
        expect(report.remaining.ids).toEqual([...left].map(textForm));
      } else expect(report.remaining).not.toHaveProperty('ids');
      expect(again).toMatchObject({ success_count: 1_200, failure_count: 0 });
      const all = (await works.target.read()).map(({ _id }) => _id);
      expect(all).toHaveLength(1_200);
      expect(announced()).toEqual(all);
      expect(lambda.started).toBe(1);
    },
    300_000
  );

  test('fails those messages of a batch that were not done', async () => {
    await using works = await openSurroundings();
    await using narrow = await openNarrowIndex(works);
    await using lambda = await openLambda(bundles.folderOf('id_minter'), {
      ...works.environment,
      ES_TARGET_URL: narrow.url,
    });
    await works.source.put(numbered('b', 3).map(value => stored(value)));
    const messages = numbered('b', 3).map(value => ({
      messageId: value,
      body: JSON.stringify({ source_identifiers: [textForm(value)] }),
    }));
    const reply = replyOf(await lambda.invoke(messages, { timeoutMs: TIMEOUT_MS / 2 }));
    expect(reply).toEqual({
      batchItemFailures: [{ itemIdentifier: 'b-1' }, { itemIdentifier: 'b-2' }],
    });
    expect(await works.target.read()).toHaveLength(1);
  }, 120_000);
});

interface Written {
  readonly state: { readonly sourceIdentifier: { readonly value: string } };
}

type Party = 'index' | 'registry' | 'aws';

/** Sees what the function says to whom, and ends it at one of these moments. */
async function openWatched(works: Surroundings) {
  const [server] = inject('servers');
  const counts: Record<Party, number> = { index: 0, registry: 0, aws: 0 };
  const plan: { at?: { party: Party; nth: number }; kill: () => void } = { kill: () => {} };
  const heard = (party: Party): void => {
    counts[party] += 1;
    if (plan.at?.party === party && plan.at.nth === counts[party]) plan.kill();
  };
  const cluster = await openProxy(works.source.url, () => void heard('index'));
  const wire = await startWire(server?.url ?? '');
  wire.decide = () => {
    heard('registry');
    return 'pass';
  };
  aws.proxy.play({ fault: () => void heard('aws') });
  return {
    counts,
    plan,
    environment: {
      ES_URL: cluster.url,
      RDS_PRIMARY_HOST: '127.0.0.1',
      RDS_PORT: String(wire.port),
    },
    begin: (at?: { party: Party; nth: number }) => {
      for (const party of Object.keys(counts) as Party[]) counts[party] = 0;
      if (at) plan.at = at;
      else delete plan.at;
    },
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose]();
      await wire[Symbol.asyncDispose]();
    },
  };
}

describe('a run that its deadline kills', () => {
  const WORKS = 520;
  const dayOf = (position: number) => `2026-08-${String(position + 1).padStart(2, '0')}`;
  const valuesOf = (position: number) => numbered(`p${position}`, WORKS);
  const requestOf = (position: number) => ({
    window: { start_time: dayOf(position), end_time: `${dayOf(position)}T23:00:00Z` },
    job_id: `killed-${position}`,
  });

  // Twenty moments in all, spread over a run: what is said to each party falls into so many parts, and it is in the middle of each.
  test.each([
    ['index', 8],
    ['registry', 8],
    ['aws', 4],
  ] as const)(
    'in the midst of what it says to the %s, at %i moments, ends as an undisturbed one when it is sent again',
    async (party, moments) => {
      await using works = await openSurroundings({ free: (moments + 1) * (WORKS + 20) });
      await using undisturbed = await openTestIndex();
      await using watched = await openWatched(works);
      const topic = await openTopic(`works-${works.target.index}`);
      const environment = {
        ...works.environment,
        ...inPipeline(),
        DOWNSTREAM_SNS_TOPIC_ARN: topic,
      };
      const folder = bundles.folderOf('id_minter');
      await using lambda = await openLambda(folder, { ...environment, ...watched.environment });
      watched.plan.kill = lambda.kill;
      for (let position = 0; position <= moments; position += 1) {
        await works.source.put(valuesOf(position).map(value => stored(value, dayOf(position))));
      }

      // The last one is the measure for the others.
      watched.begin();
      replyOf(await lambda.invoke(requestOf(moments)));
      const said = watched.counts[party];
      const ends: unknown[] = [];
      for (let position = 0; position < moments; position += 1) {
        lambda.kill();
        watched.begin({ party, nth: Math.ceil(((position + 0.5) / moments) * said) });
        ends.push(errorOf(await lambda.invoke(requestOf(position)))?.errorType);
        watched.begin();
        const again = replyOf(await lambda.invoke(requestOf(position)));
        expect(again).toMatchObject({ success_count: WORKS, failure_count: 0 });
      }

      expect(ends).toEqual(Array.from({ length: moments }, () => 'Killed'));
      const documents = await works.target.read();
      expect(documents).toHaveLength((moments + 1) * WORKS);
      await using steady = await openLambda(folder, {
        ...environment,
        ES_TARGET_INDEX: undisturbed.index,
      });
      expect(replyOf(await steady.invoke({ full: true }))).toMatchObject({ failure_count: 0 });
      expect(documents).toEqual(await undisturbed.read());
      // One ID for each identifier, and none that was taken for nothing.
      const [[mappings, ids, assigned] = []] = await works.registry.sql<[number, number, number]>(
        `SELECT COUNT(*), COUNT(DISTINCT CanonicalId),
         (SELECT COUNT(*) FROM canonical_ids WHERE Status = 'assigned') FROM identifiers`
      );
      const expected = (moments + 1) * WORKS + 10;
      expect({ mappings, ids, assigned }).toEqual({
        mappings: expected,
        ids: expected,
        assigned: expected,
      });
      expect(announced()).toEqual(documents.map(({ _id }) => _id));
    },
    900_000
  );
});
