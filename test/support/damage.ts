import { DatabaseSync } from 'node:sqlite';
import type { TestRegistry } from './store-kinds.ts';

/** Does to a registry what its constraints forbid, as a load that switches them off can. */
export async function damage(
  { name, database }: TestRegistry,
  ...statements: readonly string[]
): Promise<void> {
  if (name.startsWith('sqlite:')) {
    const connection = new DatabaseSync(name.slice('sqlite:'.length), {
      enableForeignKeyConstraints: false,
      timeout: 5_000,
    });
    connection.exec('PRAGMA ignore_check_constraints = ON');
    connection.exec(['BEGIN', ...statements, 'COMMIT'].join('; '));
    connection.close();
    return;
  }
  await database.sql("SET SESSION foreign_key_checks = 0, sql_mode = ''");
  for (const statement of statements) await database.sql(statement);
}

/** A row of `identifiers`, in SQL. */
export function mappingRow(
  canonicalId: string,
  value: string,
  { type = 'Work', system = 'miro' }: { type?: string; system?: string } = {}
): string {
  const texts = [type, system, value, canonicalId].map(text => `'${text.replaceAll("'", "''")}'`);
  return `INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) VALUES (${texts.join(', ')})`;
}

/** A row of `canonical_ids`, in SQL. */
export function poolRow(canonicalId: string, status: string): string {
  return `INSERT INTO canonical_ids (CanonicalId, Status) VALUES ('${canonicalId}', '${status}')`;
}
