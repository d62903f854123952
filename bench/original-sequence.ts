import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { CanonicalId } from '../src/domain/canonical-id.ts';
import type { SourceIdentifier, SourceKey } from '../src/domain/source-identifier.ts';
import { keyOf } from '../src/domain/source-identifier.ts';

/** Values a look-up statement, as the Python minter cuts them. */
const LOOK_UP_CHUNK = 1_000;

/**
 * The rival: the statements that the Python minter sends for a batch, in their order, as a plain program. Look up by
 * type and system; insert what inherits, whose answer is then taken from memory; claim any free IDs, insert, read
 * again, mark what was used.
 *
 * @param connection - autocommit off, isolation as the server has it
 * @param predecessors - of those sources that name one; they have to be in the registry before
 */
export async function mintAsOriginal(
  connection: Connection,
  sources: readonly SourceIdentifier[],
  predecessors: ReadonlyMap<SourceKey, SourceIdentifier> = new Map()
): Promise<Map<SourceKey, CanonicalId>> {
  const found = await lookUp(connection, [...sources, ...predecessors.values()]);
  const missing = sources.filter(source => !found.has(keyOf(source)));
  const [inheriting, fresh] = [true, false].map(inherits =>
    missing.filter(source => predecessors.has(keyOf(source)) === inherits)
  );
  if (inheriting?.length) {
    const inherited = inheriting.map(source => {
      const predecessor = predecessors.get(keyOf(source));
      const id = predecessor && found.get(keyOf(predecessor));
      if (id === undefined) throw new Error('Predecessor not found.');
      return [keyOf(source), id] as const;
    });
    await insert(
      connection,
      inheriting,
      inherited.map(([, id]) => id)
    );
    for (const [key, id] of inherited) found.set(key, id);
  }
  if (fresh?.length) {
    const [claimed] = await connection.query<RowDataPacket[]>(
      "SELECT CanonicalId FROM canonical_ids WHERE Status = 'free' LIMIT ? FOR UPDATE SKIP LOCKED",
      [fresh.length]
    );
    if (claimed.length < fresh.length) throw new Error('The pool is exhausted.');
    await insert(
      connection,
      fresh,
      claimed.map(row => row['CanonicalId'])
    );
    const standing = await lookUp(connection, fresh, 'LOCK IN SHARE MODE');
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

async function insert(
  connection: Connection,
  sources: readonly SourceIdentifier[],
  ids: readonly CanonicalId[]
): Promise<void> {
  const rows = sources.map(({ ontologyType, sourceSystem, value }, index) => [
    ...[ontologyType, sourceSystem, value, ids[index]],
  ]);
  await connection.query(
    `INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) VALUES ?
      ON DUPLICATE KEY UPDATE CanonicalId = CanonicalId`,
    [rows]
  );
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
