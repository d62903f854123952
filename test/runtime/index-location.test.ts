import { describe, expect, test } from 'vitest';
import type { IndexFlags } from '../../src/runtime/index-location.ts';
import { locateIndex } from '../../src/runtime/index-location.ts';
import { readSettings } from '../../src/runtime/settings.ts';

const locate = (flags: IndexFlags, environment: Record<string, string> = {}, side = 'SOURCE') =>
  locateIndex(side as 'SOURCE' | 'TARGET', flags, {
    environment,
    settings: readSettings(environment),
  });

const IN_LAMBDA = { AWS_LAMBDA_FUNCTION_NAME: 'id_minter' };

describe('which cluster', () => {
  test.each<[what: string, flags: IndexFlags, environment: Record<string, string>, url: string]>([
    ['nothing is set', {}, {}, 'http://localhost:9200'],
    ['ES_URL', {}, { ES_URL: 'https://e:9243' }, 'https://e:9243'],
    ['ES_URL with a path', {}, { ES_URL: 'https://e/behind/' }, 'https://e/behind'],
    ['ES_SOURCE_URL', {}, { ES_URL: 'http://e', ES_SOURCE_URL: 'http://s' }, 'http://s'],
    ['not ES_TARGET_URL', {}, { ES_URL: 'http://e', ES_TARGET_URL: 'http://t' }, 'http://e'],
    ['a flag', { url: 'http://f:1' }, { ES_SOURCE_URL: 'http://s' }, 'http://f:1'],
    ['ES_URL in a Lambda', {}, { ...IN_LAMBDA, ES_URL: 'http://e' }, 'http://e'],
    ['ES_SOURCE_URL in a Lambda', {}, { ...IN_LAMBDA, ES_SOURCE_URL: 'http://s' }, 'http://s'],
    ['the local mode in a Lambda', { mode: 'local' }, IN_LAMBDA, 'http://localhost:9200'],
    ['ES_LOCAL_*', {}, { ES_LOCAL_HOST: 'h', ES_LOCAL_PORT: '1' }, 'http://h:1'],
    [
      'the local mode',
      { mode: 'local' },
      { ES_URL: 'http://e', ES_LOCAL_SCHEME: 'https' },
      'https://localhost:9200',
    ],
  ])('%s', async (_, flags, environment, url) => {
    const { name, ...cluster } = await locate(flags, environment);
    expect(cluster.url).toBe(url);
    expect(name).toBe(`${url}/works-source`);
  });

  test.each([
    [{ ES_API_KEY: 'a', ES_LOCAL_API_KEY: 'b' }, 'b'],
    [{ ES_API_KEY: 'a' }, 'a'],
    [{ ES_API_KEY: 'a', ES_LOCAL_API_KEY: 'b', ES_URL: 'http://e' }, 'a'],
    [{}, undefined],
  ])('%j gives the key %s', async (environment, apiKey) => {
    expect(await locate({}, environment as Record<string, string>)).toMatchObject({ apiKey });
  });

  test.each([
    [{ url: 'http://u:p@e' }, 'credentials never stand in a URL'],
    [{ url: 'http://e/a/b' }, 'its path has more than an index'],
    [{ url: 'http://e/a?b' }, 'it has more than a path'],
    [{ url: 'file:///e' }, 'http://HOST:PORT'],
  ])('is refused: %j', async (flags, why) => {
    await expect(locate(flags)).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining(why),
    });
  });

  test('of a mode that does not exist is refused', async () => {
    await expect(locate({ mode: 'other' })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('public, private and local are allowed'),
    });
  });

  test.each<[IndexFlags, Record<string, string>, string]>([
    [{ mode: 'public' }, {}, 'The public Elasticsearch'],
    [{ mode: 'private' }, { ES_URL: 'http://e' }, 'The private Elasticsearch'],
    [{}, IN_LAMBDA, 'The private Elasticsearch'],
    [{}, { ...IN_LAMBDA, ES_TARGET_URL: 'http://t' }, 'The private Elasticsearch'],
  ])(
    'of no pipeline is refused before a secret is read: %j with %j',
    async (flags, environment, which) => {
      await expect(locate(flags, environment)).rejects.toMatchObject({
        code: 'INVALID_CONFIGURATION',
        message: expect.stringContaining(which),
      });
    }
  );
});

describe('which index', () => {
  test.each<[flags: IndexFlags, environment: Record<string, string>, index: string]>([
    [{}, {}, 'works-source'],
    [{}, { ES_SOURCE_INDEX: 'a', PIPELINE_DATE: 'd', ES_SOURCE_INDEX_PREFIX: 'p' }, 'a'],
    [{}, { PIPELINE_DATE: 'd' }, 'works-source-d'],
    [{}, { ES_SOURCE_INDEX_PREFIX: 'p' }, 'p-dev'],
    [{}, { ES_SOURCE_INDEX_DATE_SUFFIX: 's', PIPELINE_DATE: 'd' }, 'works-source-s'],
    [{}, { ES_TARGET_INDEX_PREFIX: 'p' }, 'works-source'],
    [{ pipelineDate: 'f' }, { PIPELINE_DATE: 'd' }, 'works-source-f'],
    [{ prefix: 'q' }, { ES_SOURCE_INDEX: 'a', PIPELINE_DATE: 'd' }, 'q-d'],
    [{ dateSuffix: 't' }, { ES_SOURCE_INDEX: 'a' }, 'works-source-t'],
    [{ index: 'i', prefix: 'q' }, { ES_SOURCE_INDEX: 'a' }, 'i'],
    [{ url: 'http://e/u' }, { ES_SOURCE_INDEX: 'a' }, 'u'],
    [{ url: 'http://e/u', index: 'u' }, {}, 'u'],
    [{ url: 'http://e/', index: 'i' }, {}, 'i'],
  ])('%j with %j', async (flags, environment, index) => {
    expect(await locate(flags, environment)).toMatchObject({ index });
  });

  test('the target has names of its own', async () => {
    const { name } = await locate({}, {}, 'TARGET');
    expect(name).toBe('http://localhost:9200/works-identified');
  });

  test('two that differ are refused', async () => {
    await expect(locate({ url: 'http://e/a', index: 'b' })).rejects.toMatchObject({
      code: 'USAGE',
    });
  });
});
