import { describe, expect, test } from 'vitest';
import { describeIdleVariables, readSettings, VARIABLES } from '../../src/runtime/settings.ts';

describe('the environment', () => {
  test('has the defaults that today’s users know', () => {
    expect(readSettings({})).toEqual({
      ...{ LOG_LEVEL: 'info', PIPELINE_STEP: 'id_minter', S3_PREFIX: 'dev' },
      RDS_PRIMARY_HOST: 'localhost',
      RDS_PORT: 3306,
      RDS_USERNAME: 'id_minter',
      RDS_PASSWORD: '',
      RDS_IAM_AUTHENTICATION: false,
      RDS_MAX_CONNECTIONS: 8,
      IDENTIFIERS_DATABASE: 'identifiers',
      IDENTIFIERS_TABLE_NAME: 'identifiers',
      CANONICAL_IDS_TABLE_NAME: 'canonical_ids',
      APPLY_MIGRATIONS: false,
      ID_GENERATOR_DESIRED_FREE_IDS_COUNT: 100_000,
      ES_SOURCE_INDEX: 'works-source',
      ES_TARGET_INDEX: 'works-identified',
      ES_SOURCE_INDEX_PREFIX: 'works-source',
      ES_TARGET_INDEX_PREFIX: 'works-identified',
      ES_LOCAL_SCHEME: 'http',
      ES_LOCAL_HOST: 'localhost',
      ES_LOCAL_PORT: 9200,
      CATALOGUE_GRAPH_S3_BUCKET: 'wellcomecollection-catalogue-graph',
      ID_MINTER_S3_PREFIX: 'id_minter',
    });
  });

  test('counts a variable that is empty as not set', () => {
    const empty = Object.fromEntries(Object.keys(VARIABLES).map(name => [name, '']));
    expect(readSettings(empty)).toEqual(readSettings({}));
  });

  test('leaves what is not ours alone', () => {
    expect(readSettings({ RDS_REPLICA_HOST: 'replica', HOME: '/root' })).toEqual(readSettings({}));
  });

  test('is read where it is set', () => {
    const environment = {
      ID_MINTER_REGISTRY: 'sqlite:x',
      RDS_PRIMARY_HOST: 'db.example',
      RDS_USERNAME: 'minter',
      RDS_PASSWORD: ' spaces are part of it ',
      IDENTIFIERS_DATABASE: 'other',
      ES_SOURCE_INDEX: 'works-source-2026-01-01',
      ES_TARGET_INDEX: 'works-identified-2026-01-01',
    };
    expect(readSettings({ ...environment, RDS_PORT: '3307' })).toMatchObject({
      ...environment,
      RDS_PORT: 3307,
    });
  });

  test.each([
    ...['true', '1', 'yes', 'TRUE', 'Yes'].map(text => [text, true] as const),
    ...['false', '0', 'no', 'No'].map(text => [text, false] as const),
  ])('takes %j as a yes or no', (text, value) => {
    expect(readSettings({ APPLY_MIGRATIONS: text }).APPLY_MIGRATIONS).toBe(value);
  });

  test.each([
    ['APPLY_MIGRATIONS', 'perhaps', 'true, 1, yes, false, 0, no'],
    ['RDS_PORT', '0', 'a whole number from 1 to 65535'],
    ['RDS_PORT', '65536', 'a whole number from 1 to 65535'],
    ['RDS_PORT', '3306.5', 'a whole number from 1 to 65535'],
    ['RDS_PORT', 'mysql', 'a whole number from 1 to 65535'],
    ['RDS_PORT', '0x10', 'a whole number from 1 to 65535'],
    ['RDS_PORT', '1e3', 'a whole number from 1 to 65535'],
    ['RDS_MAX_CONNECTIONS', '0', 'a whole number from 1 to 1000'],
    ['RDS_IAM_AUTHENTICATION', 'iam', 'true, 1, yes, false, 0, no'],
    [
      'IDENTIFIERS_TABLE_NAME',
      'mappings',
      'only identifiers (for another registry, set IDENTIFIERS_DATABASE)',
    ],
    ['CANONICAL_IDS_TABLE_NAME', 'ids', 'only canonical_ids'],
    ['ID_GENERATOR_DESIRED_FREE_IDS_COUNT', '0', 'a whole number from 1'],
    ['ID_GENERATOR_DESIRED_FREE_IDS_COUNT', '-5', 'a whole number from 1'],
    ['ID_GENERATOR_DESIRED_FREE_IDS_COUNT', '1000000000000000', 'a whole number from 1'],
  ])('refuses %s=%s by name, with what is allowed', (name, value, allowed) => {
    expect(() => readSettings({ [name]: value })).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIGURATION',
        message: expect.stringContaining(`${name} is "${value}", and ${allowed}`),
      })
    );
  });
});

describe('what is set and not used', () => {
  test.each([
    ['RDS_REPLICA_HOST', 'a replica may lag behind'],
    ['RDS_CLUSTER_ID', 'the registry is asked itself'],
    ['ES_TRANSIENT_MAX_RETRIES', 'tried again for two minutes'],
    ['REQUESTS_BACKOFF_MAX_TIME', 'tried again for two minutes'],
  ])('%s is named, with the reason', (name, why) => {
    const sentences = describeIdleVariables({ [name]: '30', RDS_PRIMARY_HOST: 'h', HOME: '/' });
    expect(sentences).toEqual([expect.stringMatching(new RegExp(`^${name} is set .*${why}`))]);
    expect(describeIdleVariables({ [name]: '' })).toEqual([]);
  });

  test('is no replica that is the primary itself', () => {
    const host = 'db.example';
    expect(describeIdleVariables({ RDS_REPLICA_HOST: host, RDS_PRIMARY_HOST: host })).toEqual([]);
  });
});
