import { cut } from '../../domain/cut.ts';
import type { RestoreBatch, RestoreMarker } from '../../domain/registry-restore.ts';
import type { RegistryFacts } from '../migration-database.ts';
import { RESTORE } from '../migration-database.ts';
import type { MysqlConnection } from './mysql-connection.ts';
import { LISTED_MAX } from './statement-sizes.ts';

/** The marker as nobody can change it until the transaction ends. */
export async function lockRestoreMarker(
  connection: MysqlConnection
): Promise<RestoreMarker | undefined> {
  const [row] = await connection.rows<[string]>(
    'SELECT Facts FROM id_minter_migrations WHERE Id = ? FOR UPDATE',
    [RESTORE]
  );
  return row && (JSON.parse(row[0]) as RegistryFacts).restore;
}

/** The rows of an export, and the marker that tells of them, in a transaction that is open. */
export async function restoreRows(
  connection: MysqlConnection,
  { before, after, ids, mappings }: RestoreBatch
): Promise<void> {
  for (const chunk of cut(ids, LISTED_MAX)) {
    await connection.change('INSERT INTO canonical_ids (CanonicalId, Status, CreatedAt) VALUES ?', [
      chunk.map(row => [row.canonicalId, row.status, formatTime(row.createdAt)]),
    ]);
  }
  for (const chunk of cut(mappings, LISTED_MAX)) {
    const rows = chunk.map(({ source, canonicalId, createdAt }) => {
      const { ontologyType, sourceSystem, value } = source;
      return [ontologyType, sourceSystem, value, canonicalId, formatTime(createdAt)];
    });
    await connection.change(
      'INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId, CreatedAt) VALUES ?',
      [rows]
    );
  }
  const facts = JSON.stringify({ restore: after });
  if (before === undefined) {
    await connection.change(
      "INSERT INTO id_minter_migrations (Id, OldestCode, Facts) VALUES (?, '1.0.0', ?)",
      [RESTORE, facts]
    );
    return;
  }
  await connection.change(
    'UPDATE id_minter_migrations SET Facts = ?, FinishedAt = IF(?, CURRENT_TIMESTAMP, NULL) WHERE Id = ?',
    [facts, after.phase === 'done' ? 1 : 0, RESTORE]
  );
}

/** In UTC, as the session is. */
function formatTime(seconds: number | null): string | null {
  return seconds === null ? null : new Date(seconds * 1000).toISOString().slice(0, 19);
}
