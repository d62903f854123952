/** `id-minter mint` on an Elasticsearch that the secrets of a pipeline name. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { TestAws } from '../../support/aws/aws.ts';
import { openAws } from '../../support/aws/aws.ts';
import { askedSecrets, putSecret } from '../../support/aws/secrets.ts';
import type { Desk } from '../../support/command-line.ts';
import { openDesk } from '../../support/command-line.ts';
import type { ElasticsearchProxy } from '../../support/elasticsearch/proxy.ts';
import { openProxy } from '../../support/elasticsearch/proxy.ts';
import type { TestIndex } from '../../support/elasticsearch/test-index.ts';
import { openTestIndex } from '../../support/elasticsearch/test-index.ts';
import { sierra } from '../../support/identifiers.ts';
import { workOf } from '../works.ts';

const { url } = inject('elasticsearch');
const KEY = 'canary-key-93c1';
const IN_LAMBDA = { AWS_LAMBDA_FUNCTION_NAME: 'id_minter' };
/** The two names of one host: a cluster has one inside its network and one for everybody. */
const [PRIVATE_HOST, PUBLIC_HOST] = ['localhost', '127.0.0.1'];

let aws: TestAws;

beforeAll(async () => {
  aws = await openAws();
}, 300_000);

afterAll(() => aws[Symbol.asyncDispose]());

interface Setting extends AsyncDisposable {
  readonly desk: Desk;
  readonly source: TestIndex;
  readonly target: TestIndex;
  /** Lets in those who have the key, and nobody else. */
  readonly cluster: ElasticsearchProxy;
  /** Changes one of the secrets of the pipeline. */
  put(name: string, text: string): Promise<void>;
}

let settings = 0;

/** A desk in AWS, whose commands are told nothing of the cluster but the date of its pipeline. */
async function openSetting(): Promise<Setting> {
  settings += 1;
  const date = `2026-01-${String(settings).padStart(2, '0')}`;
  const [desk, source, target] = [await openDesk(), await openTestIndex(), await openTestIndex()];
  const cluster = await openProxy(url, ({ headers }) =>
    headers.authorization === `ApiKey ${KEY}` ? undefined : refused()
  );
  const put = (name: string, text: string) =>
    putSecret(aws, `elasticsearch/pipeline_storage_${date}/${name}`, text);
  await put('protocol', 'http');
  await put('private_host', PRIVATE_HOST);
  await put('public_host', PUBLIC_HOST);
  await put('port', new URL(cluster.url).port);
  await put('id_minter/api_key', KEY);
  aws.proxy.play({});
  desk.environment = {
    ...(aws.env as Record<string, string>),
    ID_MINTER_REGISTRY: 'sqlite:registry.sqlite',
    PIPELINE_DATE: date,
    ES_SOURCE_INDEX: source.index,
    ES_TARGET_INDEX: target.index,
  };
  await source.put([{ _id: 'Work[s/b1]', json: JSON.stringify(workOf(sierra('b1'))) }]);
  return {
    ...{ desk, source, target, cluster, put },
    async [Symbol.asyncDispose]() {
      for (const one of [desk, source, target, cluster]) await one[Symbol.asyncDispose]();
    },
  };
}

function refused() {
  const error = { type: 'security_exception', reason: 'no such key' };
  return { status: 401, body: { error, status: 401 } };
}

/** By which names of its host the cluster was asked for works, and given them. */
function hostsOf({ requests }: ElasticsearchProxy) {
  const hosts = (what: RegExp) => [
    ...new Set(
      requests
        .filter(({ path }) => what.test(path))
        .map(({ headers }) => new URL(`http://${headers.host}`).hostname)
    ),
  ];
  return { read: hosts(/_search/), written: hosts(/_bulk/) };
}

describe('an index of a pipeline', () => {
  test.each<[string, readonly string[], Record<string, string>, string, string]>([
    [
      'each side has its mode',
      ['--source-es-mode', 'public', '--target-es-mode', 'private'],
      {},
      ...([PUBLIC_HOST, PRIVATE_HOST] as const),
    ],
    ['in a Lambda both are private', [], IN_LAMBDA, PRIVATE_HOST, PRIVATE_HOST],
    [
      'a mode wins over the one of a Lambda',
      ['--source-es-mode', 'public'],
      IN_LAMBDA,
      ...([PUBLIC_HOST, PRIVATE_HOST] as const),
    ],
    [
      'a mode wins over ES_URL, and over its key',
      ['--source-es-mode', 'public', '--target-es-mode', 'public'],
      { ES_URL: 'http://127.0.0.1:1', ES_API_KEY: 'another' },
      ...([PUBLIC_HOST, PUBLIC_HOST] as const),
    ],
  ])(
    'is read and written with the key of its secret: %s',
    async (_, flags, environment, read, written) => {
      await using setting = await openSetting();
      const { desk, target, cluster } = setting;

      const ended = await desk.run(['mint', '--full', ...flags, '--debug'], { environment });

      expect(ended).toMatchObject({ status: 0, stderr: expect.stringContaining('1 succeeded') });
      expect(ended.stdout + ended.stderr).not.toContain(KEY);
      expect(await target.read()).toHaveLength(1);
      expect(hostsOf(cluster)).toEqual({ read: [read], written: [written] });
      expect(new Set(askedSecrets(aws).map(({ stage }) => stage))).toEqual(new Set(['AWSCURRENT']));
    }
  );

  test('may be on one side only; the other is in a file, or where ES_TARGET_URL says', async () => {
    await using setting = await openSetting();
    const { desk, cluster } = setting;

    const toFile = ['mint', '--full', '--source-es-mode', 'private', '--target', 'out.ndjson'];
    const first = await desk.run(toFile);
    const second = await desk.run(['mint', '--full'], {
      environment: { ...IN_LAMBDA, ES_TARGET_URL: url },
    });

    expect([first.status, second.status]).toEqual([0, 0]);
    expect(await desk.list()).toContain('out.ndjson');
    expect(hostsOf(cluster)).toEqual({ read: [PRIVATE_HOST], written: [] });
  });

  test('that refuses the key of its secret is an error that does not show it', async () => {
    await using setting = await openSetting();
    await setting.put('id_minter/api_key', `${KEY}-from-before`);
    const { status, stderr } = await setting.desk.run([
      ...['mint', '--full', '--source-es-mode', 'public', '--debug'],
    ]);
    expect(status).toBe(3);
    expect(stderr).toMatch(/^error INDEX_ACCESS_DENIED: http:\/\/127\.0\.0\.1:\d+\/works/m);
    expect(stderr).not.toContain(KEY);
  });

  test('of a date that no secrets are for is an error that names the secret, and nothing is asked', async () => {
    await using setting = await openSetting();
    const { desk, cluster } = setting;
    const { status, stderr } = await desk.run([
      ...['mint', '--full', '--source-es-mode', 'public', '--pipeline-date', '1999-12-31'],
    ]);
    expect(status).toBe(3);
    expect(stderr).toMatch(
      /^error SECRET_NOT_FOUND: The secret elasticsearch\/pipeline_storage_1999-12-31\/.*--pipeline-date/
    );
    expect(cluster.requests).toEqual([]);
    expect(await desk.list()).toEqual([]);
  });

  test.each([
    ['protocol', `${KEY}:`, 'http and https are allowed'],
    ['public_host', `user:${KEY}@host`, 'it is no name of a host'],
    ['port', KEY, 'it is no number of a port'],
    ['id_minter/api_key', ' ', 'it is empty'],
  ])('whose secret %s is unfit is refused, and the secret not shown', async (name, text, why) => {
    await using setting = await openSetting();
    await setting.put(name, text);
    const { status, stderr } = await setting.desk.run([
      ...['mint', '--full', '--source-es-mode', 'public', '--debug'],
    ]);
    expect(status).toBe(3);
    expect(stderr).toMatch(new RegExp(`^error INVALID_CONFIGURATION: .*/${name} .*${why}`));
    expect(stderr).not.toContain(KEY);
  });

  test('is not asked for, nor are its secrets, where the command line is wrong or names no registry', async () => {
    await using setting = await openSetting();
    const { desk, cluster } = setting;
    const modes = ['--source-es-mode', 'public', '--target-es-mode'];
    const { ID_MINTER_REGISTRY: _, ...without } = desk.environment;

    const wrong = await desk.run(['mint', '--full', ...modes, 'somewhere']);
    desk.environment = without;
    const nowhere = await desk.run(['mint', '--full', ...modes, 'public']);

    expect([wrong.status, nowhere.status]).toEqual([2, 3]);
    expect(nowhere.stderr).toContain('REGISTRY_NOT_NAMED');
    expect({ secrets: askedSecrets(aws), asked: cluster.requests }).toEqual({
      ...{ secrets: [], asked: [] },
    });
  });
});
