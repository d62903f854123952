/** The function `id_generator`, run from its zip as Lambda runs it. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createMysqlRegistry } from '../registry/mysql/mysql-registry.ts';
import { createDatabase, createUser } from '../support/databases.ts';
import type { LambdaBundles } from '../support/lambda/test-lambda.ts';
import { openBundles, openLambda } from '../support/lambda/test-lambda.ts';
import type { TestServer } from '../support/servers/open-servers.ts';
import { errorOf, replyOf } from './invoked.ts';
import { environmentOf } from './surroundings.ts';

let bundles: LambdaBundles;
let server: TestServer;

beforeAll(async () => {
  bundles = await openBundles(['id_generator']);
  const [first] = inject('servers');
  if (!first) throw new Error('Functions are tried on a database server, and there is none.');
  server = first;
});

afterAll(() => bundles?.[Symbol.asyncDispose]());

describe('id_generator', () => {
  test('fills the pool, with the rights of a pool-filler and whatever it is sent', async () => {
    await using registry = await createMysqlRegistry(server, { free: 20 });
    await using lambda = await openLambda(bundles.folderOf('id_generator'), {
      ...(await environmentOf(registry, 'pool-filler')),
      ID_GENERATOR_DESIRED_FREE_IDS_COUNT: '50',
    });
    const first = replyOf(await lambda.invoke({ source: 'aws.scheduler', full: 'yes' }));
    const again = replyOf(await lambda.invoke(null));
    expect(first).toEqual({ status: 'success', free: 50, added: 30 });
    expect(again).toEqual({ status: 'success', free: 50, added: 0 });
    expect(await registry.sql("SELECT COUNT(*) FROM canonical_ids WHERE Status = 'free'")).toEqual([
      [50],
    ]);
    expect(lambda.started).toBe(1);
  });

  test('makes the tables where migrations are to be applied, out of the files in its zip', async () => {
    await using database = await createDatabase(server);
    const grants = "GRANT ALL ON identifiers.* TO 'id_minter'@'%';";
    const { user, password } = await createUser(database, grants);
    const { hostname, port } = new URL(server.url);
    await using lambda = await openLambda(bundles.folderOf('id_generator'), {
      ...{ RDS_PRIMARY_HOST: hostname, RDS_PORT: port, RDS_USERNAME: user, RDS_PASSWORD: password },
      ...{ IDENTIFIERS_DATABASE: database.name, ID_GENERATOR_DESIRED_FREE_IDS_COUNT: '10' },
      APPLY_MIGRATIONS: 'true',
    });
    expect(replyOf(await lambda.invoke({}))).toEqual({ status: 'success', free: 10, added: 0 });
  });

  test('fails by the code of what is wrong, and works again when that is mended', async () => {
    await using registry = await createMysqlRegistry(server);
    await using lambda = await openLambda(bundles.folderOf('id_generator'), {
      ...(await environmentOf(registry, 'pool-filler')),
      ID_GENERATOR_DESIRED_FREE_IDS_COUNT: '10',
    });
    await registry.sql('RENAME TABLE canonical_ids TO hidden');
    const error = errorOf(await lambda.invoke({}));
    await registry.sql('RENAME TABLE hidden TO canonical_ids');
    expect(error?.errorType).toMatch(/^SCHEMA_/);
    expect(replyOf(await lambda.invoke({}))).toMatchObject({ free: 10 });
    expect(lambda.started).toBe(1);
  });
});
