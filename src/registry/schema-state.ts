import { IdMinterError } from '../domain/errors.ts';
import { DEFAULT_CONCEPT_TYPES } from '../domain/source-identifier.ts';
import type { MigrationRecord } from './migration-database.ts';
import { migrationsOf, restoreMarkerOf } from './migration-database.ts';

/** What a store is told of the program that opens it. */
export interface Program {
  /** The migrations that this version needs, in their order. */
  readonly knownMigrations: readonly string[];
  /** Of this program, e.g. `1.0.0`. */
  readonly version: string;
  /** Told what a person should know although the registry can be used. */
  readonly warn: (message: string) => void;
  /** Whether it opens the registry in order to restore an export into it. */
  readonly restoring?: boolean | undefined;
}

/**
 * Whether this program may work with a registry, by what its migrations' record says.
 *
 * @param records - in order of their ids; none where the record table is not there
 * @returns what the registry fixed when it was created
 * @throws IdMinterError MIGRATION_UNFINISHED, RESTORE_UNFINISHED, SCHEMA_MISSING or SCHEMA_NEWER
 */
export function checkSchemaState(
  allRecords: readonly MigrationRecord[],
  { knownMigrations, version, warn, restoring = false }: Program
): { conceptTypes: ReadonlySet<string> } {
  const records = migrationsOf(allRecords);
  refuseUnfinished(records);
  if (!restoring) refuseHalfRestored(allRecords);
  const recorded = new Set(records.map(({ id }) => id));
  const missing = knownMigrations.filter(id => !recorded.has(id));
  if (missing.length > 0) {
    throw new IdMinterError(
      'SCHEMA_MISSING',
      `The registry lacks ${missing.join(', ')}, which this version needs. Nothing was written. Run \`id-minter migrate\`: ` +
        'it creates the tables, or takes over those that are there.',
      { missing }
    );
  }
  const newer = records.filter(({ id }) => !knownMigrations.includes(id));
  for (const { id, oldestCode } of newer) {
    if (isOlder(version, oldestCode)) {
      throw new IdMinterError(
        'SCHEMA_NEWER',
        `The registry has the migration ${id}, which version ${oldestCode} or later can work with; this is ${version}. ` +
          'Nothing was written. Use that version.',
        { migration: id, oldestCode, version }
      );
    }
  }
  if (newer.length > 0) {
    const ids = newer.map(({ id }) => id).join(', ');
    warn(
      `The registry has newer migrations, ${ids}. Version ${version} can work with them; use the version that made them when you can.`
    );
  }
  const conceptTypes = records.find(({ facts }) => facts.conceptTypes)?.facts.conceptTypes;
  return { conceptTypes: new Set(conceptTypes ?? DEFAULT_CONCEPT_TYPES) };
}

/** @throws IdMinterError MIGRATION_UNFINISHED */
export function refuseUnfinished(records: readonly MigrationRecord[]): void {
  const unfinished = records.find(({ finishedAt }) => finishedAt === undefined);
  if (unfinished === undefined) return;
  const { id, startedAt } = unfinished;
  throw new IdMinterError(
    'MIGRATION_UNFINISHED',
    `The migration ${id} was started at ${startedAt.toISOString()} and is not finished. If it is not running at this ` +
      'moment, it broke off and may be half done. Nothing was written. Compare the tables with the schema.sql beside ' +
      'the migrations, finish or undo by hand, then correct its row in id_minter_migrations.',
    { migration: id, startedAt }
  );
}

function refuseHalfRestored(records: readonly MigrationRecord[]): void {
  const marker = restoreMarkerOf(records);
  if (marker === undefined || marker.phase === 'done') return;
  const { name, expected, restored, withFree } = marker;
  const done = restored.assigned + restored.mappings + restored.free;
  const all = expected.assigned + expected.mappings + (withFree ? expected.free : 0);
  throw new IdMinterError(
    'RESTORE_UNFINISHED',
    `The export ${name} is being restored into this registry, or the restore broke off: ${done} of ${all} rows are ` +
      'there. Nothing was read or written. Say the same `id-minter export restore` again: it goes on where it stopped. ' +
      'Or drop the database and begin anew.',
    { export: name, restored: done, expected: all }
  );
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map(text => text.split(/[.+-]/, 3).map(Number));
  for (const [index, part] of (b ?? []).entries()) {
    const difference = (a?.[index] ?? 0) - part;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
