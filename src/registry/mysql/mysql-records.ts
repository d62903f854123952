import { IdMinterError } from '../../domain/errors.ts';
import type { MigrationRecord, RegistryFacts } from '../migration-database.ts';
import type { Program } from '../schema-state.ts';
import type { MysqlConnection } from './mysql-connection.ts';
import { ERROR_NUMBER, errorNumberOf } from './mysql-errors.ts';

/**
 * What the record says of the registry that a minter opens. Tables that another minter made have no record of ours;
 * they are what the first migration makes.
 *
 * @throws IdMinterError REGISTRY_ACCESS_DENIED: what the record says is never guessed, since it decides what is folded
 */
export async function readRecordsOrAdopt(
  connection: MysqlConnection,
  { knownMigrations: [first] }: Program
): Promise<readonly MigrationRecord[]> {
  try {
    return await readRecords(connection);
  } catch (error) {
    const number = errorNumberOf(error);
    if (number === ERROR_NUMBER.tableAccessDenied) throw recordClosed(error);
    if (number !== ERROR_NUMBER.noSuchTable || first === undefined) throw error;
    const unknown = new Date(0);
    return [{ id: first, startedAt: unknown, finishedAt: unknown, oldestCode: '1.0.0', facts: {} }];
  }
}

/** @throws the driver's error 1146 where there is no record table, 1142 where this user may not read it */
export async function readRecords(connection: MysqlConnection): Promise<MigrationRecord[]> {
  type Row = [string, Date, Date | null, string, string];
  const rows = await connection.rows<Row>(
    'SELECT Id, StartedAt, FinishedAt, OldestCode, Facts FROM id_minter_migrations ORDER BY Id'
  );
  return rows.map(([id, startedAt, finishedAt, oldestCode, facts]) => ({
    id,
    startedAt,
    finishedAt: finishedAt ?? undefined,
    oldestCode,
    facts: JSON.parse(facts) as RegistryFacts,
  }));
}

function recordClosed(cause: unknown): IdMinterError {
  return new IdMinterError(
    'REGISTRY_ACCESS_DENIED',
    'This user may not read id_minter_migrations, which says what the registry folds, or the table is not there yet. ' +
      'Nothing was written. Run `id-minter migrate`, then GRANT SELECT ON id_minter_migrations to the user: ' +
      'migrations/mysql/grants/ has the rights that each role needs.',
    { cause }
  );
}
