/** The function `id_minter`, run from its zip as Lambda runs it, on a real registry and real indexes. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Minted } from '../cli/works.ts';
import { workOf } from '../cli/works.ts';
import { openProxy } from '../support/elasticsearch/proxy.ts';
import { heading, sierra } from '../support/identifiers.ts';
import type { LambdaBundles, TestLambda } from '../support/lambda/test-lambda.ts';
import { openBundles, openLambda } from '../support/lambda/test-lambda.ts';
import { errorOf, replyOf } from './invoked.ts';
import type { Surroundings } from './surroundings.ts';
import { openSurroundings } from './surroundings.ts';

const CANONICAL_ID = expect.stringMatching(/^[a-hjkmnp-z][a-hjkmnp-z2-9]{7}$/);
const JOB_ID = expect.stringMatching(/^\d{8}T\d{6}-[a-z0-9]{4}$/);

let bundles: LambdaBundles;

beforeAll(async () => {
  bundles = await openBundles(['id_minter']);
});

afterAll(() => bundles?.[Symbol.asyncDispose]());

interface Setting extends Surroundings {
  readonly lambda: TestLambda;
}

async function openSetting(
  more: { free?: number; environment?: Record<string, string> } = {}
): Promise<Setting> {
  const surroundings = await openSurroundings(more);
  const environment = { ...surroundings.environment, ...more.environment };
  const lambda = await openLambda(bundles.folderOf('id_minter'), environment);
  return {
    ...surroundings,
    lambda,
    async [Symbol.asyncDispose]() {
      await lambda[Symbol.asyncDispose]();
      await surroundings[Symbol.asyncDispose]();
    },
  };
}

const textForm = (value: string) => `Work[sierra-system-number/${value}]`;
const stored = (value: string, more: object = {}) => ({
  _id: textForm(value),
  json: JSON.stringify({
    ...workOf(sierra(value), { subjects: [heading('Person', 'n1')] }),
    ...more,
  }),
});
const valuesIn = (works: readonly { _source: unknown }[]) =>
  works.map(({ _source }) => (_source as Minted).state.sourceIdentifier.value).sort();
const numbered = (count: number) => Array.from({ length: count }, (_, number) => `b${number}`);
describe('a request', () => {
  test('names its works, which come out with canonical IDs; those that are not there fail', async () => {
    await using setting = await openSetting();
    const { lambda, source, target } = setting;
    await source.put(numbered(4).map(value => stored(value)));

    const reply = replyOf(
      await lambda.invoke({
        source_identifiers: [textForm('b1'), ' sierra-system-number/b3 ', textForm('b9')],
        job_id: 'my-test-job',
      })
    );

    expect(reply).toEqual({
      job_id: 'my-test-job',
      window: null,
      success_count: 2,
      failure_count: 1,
      report_s3_uri: null,
    });
    const minted = await target.read();
    expect(valuesIn(minted)).toEqual(['b1', 'b3']);
    for (const { _id, _source } of minted) {
      const { state, data } = _source as Minted;
      expect({ _id, id: state.canonicalId }).toEqual({ _id: state.canonicalId, id: CANONICAL_ID });
      expect(data.subjects).toMatchObject([{ id: { canonicalId: CANONICAL_ID } }]);
    }
  });

  test('means a window, both ends included, in snake case and in camel case', async () => {
    await using setting = await openSetting();
    const { lambda, source, target } = setting;
    const times = ['02:59:59.999', '03:00:00.000', '03:15:00.000', '03:15:00.001'];
    await source.put(
      times.map((time, number) => stored(`b${number}`, { indexed_at: `2026-08-20T${time}Z` }))
    );
    const window = { start_time: '2026-08-20T03:00:00.000Z', end_time: '2026-08-20T03:15:00.000Z' };

    const snake = await lambda.invoke({ window, something_else: 1 });
    const camel = await lambda.invoke({
      window: { endTime: '2026-08-20T03:15:00Z' },
      jobId: 'a-job',
    });

    const counts = { window, success_count: 2, failure_count: 0 };
    expect(replyOf(snake)).toMatchObject({ ...counts, job_id: JOB_ID });
    expect(replyOf(camel)).toMatchObject({ ...counts, job_id: 'a-job' });
    expect(valuesIn(await target.read())).toEqual(['b1', 'b2']);
  });

  test('means the whole index where full is true, and nothing else stands for that', async () => {
    await using setting = await openSetting({ free: 1_300 });
    const { lambda, source, target } = setting;
    await source.put(numbered(1_200).map(value => stored(value)));
    const refused: unknown[] = [];
    for (const event of [{}, { full: false }, { full: 'true' }, { full: 1 }, null]) {
      refused.push(errorOf(await lambda.invoke(event))?.errorType);
    }
    const written = await target.read();

    const reply = replyOf(await lambda.invoke({ full: true }));

    expect(refused).toEqual(Array.from({ length: 5 }, () => 'INVALID_REQUEST'));
    expect(written).toEqual([]);
    expect(reply).toMatchObject({ success_count: 1_200, failure_count: 0, window: null });
    expect(valuesIn(await target.read())).toEqual(numbered(1_200).sort());
  });

  test('that is refused opens no connection', async () => {
    await using cluster = await openProxy(undefined, () => ({ status: 500 }));
    await using lambda = await openLambda(bundles.folderOf('id_minter'), {
      ...{ ES_URL: cluster.url, RDS_PRIMARY_HOST: '127.0.0.1', RDS_PORT: '1' },
    });
    const refused = errorOf(await lambda.invoke({ source_identifiers: [] }));
    expect(refused).toMatchObject({
      errorType: 'INVALID_REQUEST',
      errorMessage: expect.stringContaining('source_identifiers is []'),
    });
    expect(cluster.requests).toEqual([]);
    const tried = errorOf(await lambda.invoke({ source_identifiers: ['b1'] }));
    expect(tried?.errorType).toBe('INDEX_UNAVAILABLE');
  });

  test('of which every work fails, fails as a whole', async () => {
    await using setting = await openSetting({ free: 0 });
    const { lambda, source, target } = setting;
    await source.put([stored('b1'), stored('b2')]);
    const error = errorOf(await lambda.invoke({ full: true, job_id: 'hopeless' }));
    expect(error).toMatchObject({
      errorType: 'ALL_WORKS_FAILED',
      errorMessage: expect.stringMatching(/^All 2 works of hopeless failed: 4 POOL_EXHAUSTED/),
    });
    expect(await target.read()).toEqual([]);
  });

  test('that finds no works is done', async () => {
    await using setting = await openSetting();
    const reply = replyOf(await setting.lambda.invoke({ window: { end_time: '2026-08-20' } }));
    expect(reply).toMatchObject({ success_count: 0, failure_count: 0 });
  });

  test('fails works whose predecessor is unknown, and does not wait for it', async () => {
    await using setting = await openSetting();
    const { lambda, source } = setting;
    const successor = workOf(sierra('b2'), { predecessor: sierra('b9') });
    await source.put([stored('b1'), { _id: textForm('b2'), json: JSON.stringify(successor) }]);
    const reply = replyOf(await lambda.invoke({ full: true }));
    expect(reply).toMatchObject({ success_count: 1, failure_count: 1 });
  });

  test.each([
    ['the source and the target are one index', { ES_TARGET_INDEX: 'works-source' }],
    ['a variable has a wrong value', { RDS_PORT: 'many' }],
  ])('is refused where %s', async (_, wrong) => {
    await using lambda = await openLambda(bundles.folderOf('id_minter'), {
      ...{ ES_URL: inject('elasticsearch').url, ES_SOURCE_INDEX: 'works-source', ...wrong },
    });
    const error = errorOf(await lambda.invoke({ full: true }));
    expect(error?.errorType).toBe('INVALID_CONFIGURATION');
  });
});

describe('a batch', () => {
  const message = (messageId: string, body: unknown) => ({
    messageId,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    eventSource: 'aws:sqs',
  });
  const naming = (value: string) => ({ sourceIdentifiers: [textForm(value)] });

  test.each([
    ['messages of SQS', (messages: unknown[]) => messages],
    ['Records', (messages: unknown[]) => ({ Records: messages })],
  ])('of %s is answered with those that failed, and the others are done', async (_, asEvent) => {
    await using setting = await openSetting();
    const { lambda, source, target } = setting;
    await source.put(numbered(3).map(value => stored(value)));

    const reply = replyOf(
      await lambda.invoke(
        asEvent([
          message('one', naming('b0')),
          message('no-json', 'b1'),
          message('not-there', naming('b9')),
          message('two', naming('b2')),
        ])
      )
    );

    expect(reply).toEqual({
      batchItemFailures: [{ itemIdentifier: 'no-json' }, { itemIdentifier: 'not-there' }],
    });
    expect(valuesIn(await target.read())).toEqual(['b0', 'b2']);
  });

  test('of requests is answered with the places of those that failed', async () => {
    await using setting = await openSetting();
    const { lambda, source, target } = setting;
    await source.put([stored('b0')]);
    const reply = replyOf(await lambda.invoke([{ full: 1 }, naming('b0')]));
    expect(reply).toEqual({ batchItemFailures: [{ itemIdentifier: '0' }] });
    expect(valuesIn(await target.read())).toEqual(['b0']);
  });
});

describe('a process that is invoked again', () => {
  test('has its connections still, and asks the registry anew for what it knew', async () => {
    await using setting = await openSetting();
    const { lambda, registry, source, target } = setting;
    await source.put([stored('b1')]);
    const connections = async () => {
      const rows = await registry.sql<[number]>(
        'SELECT id FROM information_schema.processlist WHERE user = ? ORDER BY id',
        [registry.minter.user]
      );
      return rows.map(([id]) => id);
    };

    await lambda.invoke({ full: true });
    const first = await connections();
    const [minted] = await target.read();
    await registry.sql(
      "INSERT INTO canonical_ids (CanonicalId, Status) VALUES ('mended22', 'assigned')"
    );
    // As an audited repair by a person does it: the heading has another ID from here on.
    await registry.sql("UPDATE identifiers SET CanonicalId = 'mended22' WHERE SourceId = 'n1'");
    const reply = replyOf(await lambda.invoke({ full: true }));
    const second = await connections();

    expect(reply).toMatchObject({ success_count: 1 });
    expect(first.length).toBeGreaterThan(0);
    expect(second.filter(id => first.includes(id))).not.toEqual([]);
    expect(lambda.started).toBe(1);
    const [again] = await target.read();
    const headingIn = (one: typeof minted) =>
      (one?._source as Minted | undefined)?.data.subjects[0]?.id;
    expect(headingIn(again)?.canonicalId).toBe('mended22');
    expect(headingIn(minted)?.canonicalId).not.toBe('mended22');
  });

  test('opens the registry anew where it could not be reached', async () => {
    await using setting = await openSetting();
    const { lambda, registry, source } = setting;
    await source.put([stored('b1')]);
    await registry.sql('RENAME TABLE identifiers TO hidden');
    const error = errorOf(await lambda.invoke({ full: true }));
    await registry.sql('RENAME TABLE hidden TO identifiers');
    const reply = replyOf(await lambda.invoke({ full: true }));
    expect(error?.errorType).toMatch(/^SCHEMA_/);
    expect(reply).toMatchObject({ success_count: 1 });
    expect(lambda.started).toBe(1);
  });
});
