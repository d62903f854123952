import type { RestoreMarker } from '../domain/registry-restore.ts';

/** What the runner (`migrate.ts`) needs of a database: the same for MySQL and SQLite. */

/** One row of `id_minter_migrations`, a table of ours. */
export interface MigrationRecord {
  /** The file's name without its ending, e.g. `0001_create_identifiers_schema`. */
  readonly id: string;
  readonly startedAt: Date;
  /** Undefined while it runs, and for ever if it broke off: MySQL commits each schema change by itself. */
  readonly finishedAt: Date | undefined;
  /** The oldest version of this program that works with the database after it. */
  readonly oldestCode: string;
  /** What was fixed when it ran, e.g. `{"conceptTypes": […]}`. */
  readonly facts: RegistryFacts;
}

/**
 * The row of `id_minter_migrations` that is no migration: how far an export is in a registry that is being restored.
 * It stands there since every user of a registry may read that table, and none opens one that has an unfinished row.
 */
export const RESTORE = 'restore';

/** Facts of a registry that never change after it was created. */
export interface RegistryFacts {
  /** Absent: the default list. */
  readonly conceptTypes?: readonly string[];
  /** Present where `makeExact` was run. */
  readonly exact?: boolean;
  /** In the row {@link RESTORE} alone, where it changes until the restore is done. */
  readonly restore?: RestoreMarker;
}

export interface MigrationDatabase {
  readonly name: string;
  /** The folder in `migrations/` whose files it runs. */
  readonly dialect: 'mysql' | 'sqlite';
  /** Runs `work` while no other starter migrates the same database; waits for them within a bound. */
  withLock<T>(work: () => Promise<T>): Promise<T>;
  /** Which of `canonical_ids` and `identifiers` are there. */
  registryTables(): Promise<readonly string[]>;
  /** The records in order of their ids; none where the record table is not there. */
  records(): Promise<MigrationRecord[]>;
  /** Writes a record that is started and not finished; makes the record table first. */
  start(record: Omit<MigrationRecord, 'startedAt' | 'finishedAt'>): Promise<void>;
  finish(id: string): Promise<void>;
  /** Takes a record away, after a rollback. */
  forget(id: string): Promise<void>;
  /** Runs a migration file of several statements. */
  execute(sql: string): Promise<void>;
  /** MySQL only: makes the columns of source identifiers exact while the tables are empty. */
  makeExact(): Promise<void>;
  countMappings(): Promise<number>;
  close(): Promise<void>;
}

/** The records without that of a restore. */
export function migrationsOf(records: readonly MigrationRecord[]): MigrationRecord[] {
  return records.filter(({ id }) => id !== RESTORE);
}

export function restoreMarkerOf(records: readonly MigrationRecord[]): RestoreMarker | undefined {
  return records.find(({ id }) => id === RESTORE)?.facts.restore;
}
