import { inject } from 'vitest';
import type { MysqlRegistry } from '../registry/mysql/mysql-registry.ts';
import { createMysqlRegistry } from '../registry/mysql/mysql-registry.ts';
import type { TestIndex } from '../support/elasticsearch/test-index.ts';
import { openTestIndex } from '../support/elasticsearch/test-index.ts';

/** What a function works on: a registry on a real server, and two indexes. */
export interface Surroundings extends AsyncDisposable {
  readonly registry: MysqlRegistry;
  readonly source: TestIndex;
  readonly target: TestIndex;
  /** With which a function finds them. */
  readonly environment: Readonly<Record<string, string>>;
}

/** @param free - canonical IDs in the pool */
export async function openSurroundings({
  free = 100,
}: {
  free?: number;
} = {}): Promise<Surroundings> {
  const [server] = inject('servers');
  if (!server) throw new Error('Functions are tried on a database server, and there is none.');
  const registry = await createMysqlRegistry(server, { free });
  const [source, target] = [await openTestIndex(), await openTestIndex()];
  return {
    registry,
    source,
    target,
    environment: {
      ...(await environmentOf(registry, 'minter')),
      ES_URL: source.url,
      ES_SOURCE_INDEX: source.index,
      ES_TARGET_INDEX: target.index,
    },
    async [Symbol.asyncDispose]() {
      for (const one of [registry, source, target]) await one[Symbol.asyncDispose]();
    },
  };
}

/** The variables of a user with the rights of a role. */
export async function environmentOf(
  registry: MysqlRegistry,
  role: 'minter' | 'pool-filler'
): Promise<Record<string, string>> {
  const { host, port, user, database, password } =
    role === 'minter' ? registry.minter : await registry.as(role);
  return {
    RDS_PRIMARY_HOST: host,
    RDS_PORT: String(port),
    RDS_USERNAME: user,
    RDS_PASSWORD: await password(),
    IDENTIFIERS_DATABASE: database,
  };
}
