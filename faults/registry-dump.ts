import type { MysqlRegistry } from '../test/registry/mysql/mysql-registry.ts';
import type { Dump } from '../test/support/store-kinds.ts';

/** Everything in both tables but the times, as the administrator sees it. */
export async function dumpOf({ sql }: Pick<MysqlRegistry, 'sql'>): Promise<Dump> {
  return {
    identifiers: await sql(
      'SELECT OntologyType, SourceSystem, SourceId, CanonicalId FROM identifiers'
    ),
    canonicalIds: await sql('SELECT CanonicalId, Status FROM canonical_ids'),
  };
}

/** Both tables as they were at one moment, while others are at work. */
export async function snapshotOf({ sql }: Pick<MysqlRegistry, 'sql'>): Promise<Dump> {
  await sql('START TRANSACTION WITH CONSISTENT SNAPSHOT');
  const dump = await dumpOf({ sql });
  await sql('COMMIT');
  return dump;
}
