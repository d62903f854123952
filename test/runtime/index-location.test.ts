import { describe, expect, test } from 'vitest';
import type { IndexFlags } from '../../src/runtime/index-location.ts';
import { locateIndex } from '../../src/runtime/index-location.ts';
import { readSettings } from '../../src/runtime/settings.ts';

const locate = (flags: IndexFlags, environment: Record<string, string> = {}, side = 'SOURCE') =>
  locateIndex(side as 'SOURCE' | 'TARGET', flags, {
    environment,
    settings: readSettings(environment),
  });

describe('which cluster', () => {
  test.each<[what: string, flags: IndexFlags, environment: Record<string, string>, url: string]>([
    ['nothing is set', {}, {}, 'http://localhost:9200'],
    ['ES_URL', {}, { ES_URL: 'https://e:9243' }, 'https://e:9243'],
    ['ES_URL with a path', {}, { ES_URL: 'https://e/behind/' }, 'https://e/behind'],
    ['ES_SOURCE_URL', {}, { ES_URL: 'http://e', ES_SOURCE_URL: 'http://s' }, 'http://s'],
    ['not ES_TARGET_URL', {}, { ES_URL: 'http://e', ES_TARGET_URL: 'http://t' }, 'http://e'],
    ['a flag', { url: 'http://f:1' }, { ES_SOURCE_URL: 'http://s' }, 'http://f:1'],
    ['ES_LOCAL_*', {}, { ES_LOCAL_HOST: 'h', ES_LOCAL_PORT: '1' }, 'http://h:1'],
    [
      'the local mode',
      { mode: 'local' },
      { ES_URL: 'http://e', ES_LOCAL_SCHEME: 'https' },
      'https://localhost:9200',
    ],
  ])('%s', (_, flags, environment, url) => {
    const { name, ...cluster } = locate(flags, environment);
    expect(cluster.url).toBe(url);
    expect(name).toBe(`${url}/works-source`);
  });

  test.each([
    [{ ES_API_KEY: 'a', ES_LOCAL_API_KEY: 'b' }, 'b'],
    [{ ES_API_KEY: 'a' }, 'a'],
    [{ ES_API_KEY: 'a', ES_LOCAL_API_KEY: 'b', ES_URL: 'http://e' }, 'a'],
    [{}, undefined],
  ])('%j gives the key %s', (environment, apiKey) => {
    expect(locate({}, environment as Record<string, string>).apiKey).toBe(apiKey);
  });

  test.each([
    [{ url: 'http://u:p@e' }, 'credentials never stand in a URL'],
    [{ url: 'http://e/a/b' }, 'its path has more than an index'],
    [{ url: 'http://e/a?b' }, 'it has more than a path'],
    [{ url: 'file:///e' }, 'http://HOST:PORT'],
  ])('is refused: %j', (flags, why) => {
    expect(() => locate(flags)).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIGURATION',
        message: expect.stringContaining(why),
      })
    );
  });

  test.each([
    ['public', 'NOT_AVAILABLE'],
    ['private', 'NOT_AVAILABLE'],
    ['other', 'USAGE'],
  ])('the mode %s ends with %s', (mode, code) => {
    expect(() => locate({ mode })).toThrow(expect.objectContaining({ code }));
  });
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
  ])('%j with %j', (flags, environment, index) => {
    expect(locate(flags, environment).index).toBe(index);
  });

  test('the target has names of its own', () => {
    expect(locate({}, {}, 'TARGET').name).toBe('http://localhost:9200/works-identified');
  });

  test('two that differ are refused', () => {
    expect(() => locate({ url: 'http://e/a', index: 'b' })).toThrow(
      expect.objectContaining({ code: 'USAGE' })
    );
  });
});
