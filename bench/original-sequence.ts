import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { CanonicalId } from '../src/domain/canonical-id.ts';
import type { SourceIdentifier, SourceKey } from '../src/domain/source-identifier.ts';
import { keyOf } from '../src/domain/source-identifier.ts';

/** Values a look-up statement, as the Python minter cuts them. */
const LOOK_UP_CHUNK = 1_000;

/**
 * The rival: the statements that the Python minter sends for a batch without predecessors, in their order, as a
 * plain program. Look up by type and system, claim any free IDs, insert, read again, mark what was used.
 *
 * @param connection - autocommit off, isolation as the server has it
 */
export async function mintAsOriginal(
  connection: Connection,
  sources: readonly SourceIdentifier[]
): Promise<Map<SourceKey, CanonicalId>> {
  const found = await lookUp(connection, sources);
  const missing = sources.filter(source => !found.has(keyOf(source)));
  if (missing.length > 0) {
    const [claimed] = await connection.query<RowDataPacket[]>(
      "SELECT CanonicalId FROM canonical_ids WHERE Status = 'free' LIMIT ? FOR UPDATE SKIP LOCKED",
      [missing.length]
    );
    if (claimed.length < missing.length) throw new Error('The pool is exhausted.');
    const rows = missing.map(({ ontologyType, sourceSystem, value }, index) => [
      ontologyType,
      sourceSystem,
      value,
      claimed[index]?.['CanonicalId'],
    ]);
    await connection.query(
      `INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) VALUES ?
        ON DUPLICATE KEY UPDATE CanonicalId = CanonicalId`,
      [rows]
    );
    const standing = await lookUp(connection, missing, 'LOCK IN SHARE MODE');
    const ours = new Set(claimed.map(row => String(row['CanonicalId'])));
    const used = [...standing.values()].filter(id => ours.has(id));
    if (used.length > 0) {
      await connection.query(
        "UPDATE canonical_ids SET Status = 'assigned' WHERE CanonicalId IN (?)",
        [used]
      );
    }
    for (const [key, id] of standing) found.set(key, id);
  }
  await connection.commit();
  return found;
}

async function lookUp(
  connection: Connection,
  sources: readonly SourceIdentifier[],
  lock = ''
): Promise<Map<SourceKey, CanonicalId>> {
  const groups = Map.groupBy(sources, ({ ontologyType, sourceSystem }) =>
    JSON.stringify([ontologyType, sourceSystem])
  );
  const found = new Map<SourceKey, CanonicalId>();
  for (const group of groups.values()) {
    const values = group.map(({ value }) => value).sort();
    for (let start = 0; start < values.length; start += LOOK_UP_CHUNK) {
      const [rows] = await connection.query<RowDataPacket[]>(
        `SELECT OntologyType, SourceSystem, SourceId, CanonicalId FROM identifiers
          WHERE OntologyType = ? AND SourceSystem = ? AND SourceId IN (?) ${lock}`,
        [group[0]?.ontologyType, group[0]?.sourceSystem, values.slice(start, start + LOOK_UP_CHUNK)]
      );
      for (const row of rows) {
        const source = {
          ontologyType: String(row['OntologyType']),
          sourceSystem: String(row['SourceSystem']),
          value: String(row['SourceId']),
        };
        found.set(keyOf(source), row['CanonicalId']);
      }
    }
  }
  return found;
}
