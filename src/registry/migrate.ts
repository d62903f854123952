import type { Umzug } from 'umzug';
import { IdMinterError } from '../domain/errors.ts';
import { DEFAULT_CONCEPT_TYPES } from '../domain/source-identifier.ts';
import type { MigrationDatabase, MigrationRecord, RegistryFacts } from './migration-database.ts';
import { RESTORE } from './migration-database.ts';
import type { MigrationFile } from './migration-files.ts';
import { folderOf, readMigrations } from './migration-files.ts';
import { refuseUnfinished } from './schema-state.ts';

export { knownMigrations } from './migration-files.ts';

/** What is fixed when a registry is created; undefined leaves it as it is, or at the default. */
export interface MigrateOptions {
  /** The types that are looked up as `Concept`; an empty list folds none. */
  readonly conceptTypes?: readonly string[] | undefined;
  /** Whether spellings that differ only by case, accent or trailing space are different identifiers. */
  readonly exact?: boolean | undefined;
}

/** Ids of migrations, in their order. */
export interface MigrationStatus {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** Applied by a newer version than this one. */
  readonly unknown: readonly string[];
  /** Started and not finished: running at this moment, or broken off. */
  readonly unfinished: readonly string[];
}

/**
 * Brings a database to the schema that this version needs; where it is there already, nothing changes. Tables that
 * another minter made are taken over as they are. Two starters at once do not collide.
 *
 * @returns the migrations that ran, and those whose work was found done
 * @throws IdMinterError MIGRATION_UNFINISHED; SCHEMA_UNSUPPORTED where a table is missing; INVALID_CONFIGURATION where
 *   the registry has other facts than those that are wanted
 */
export async function migrate(
  database: MigrationDatabase,
  wanted: MigrateOptions = {},
  files: readonly MigrationFile[] = readMigrations(folderOf(database.dialect))
): Promise<{ applied: readonly string[]; adopted: readonly string[] }> {
  checkConceptTypes(wanted.conceptTypes);
  // Not locked where nothing is to be done: a user who may only read the record can say so too.
  const isDone = isUpToDate(await database.records(), files);
  const isThere = (await database.registryTables()).length > 0;
  if (isDone && isThere && !wanted.conceptTypes && !wanted.exact) {
    return { applied: [], adopted: [] };
  }
  return await database.withLock(async () => {
    await refuseUnfit(database, wanted, files);
    const adopted = await adopt(database, wanted, files);
    const umzug = await createUmzug(database, wanted, files);
    const applied = await unwrapped(() => umzug.up());
    return { applied: applied.map(({ name }) => name), adopted };
  });
}

/** What `migrate` would do, and what it cannot know. Reads only. */
export async function migrationStatus(
  database: MigrationDatabase,
  files: readonly MigrationFile[] = readMigrations(folderOf(database.dialect))
): Promise<MigrationStatus> {
  const records = await database.records();
  const finished = records.filter(({ finishedAt }) => finishedAt).map(({ id }) => id);
  const recorded = new Set(records.map(({ id }) => id));
  const known = new Set(files.map(({ id }) => id));
  return {
    applied: finished.filter(id => known.has(id)),
    pending: files.map(({ id }) => id).filter(id => !recorded.has(id)),
    unknown: finished.filter(id => !known.has(id)),
    unfinished: records.filter(({ finishedAt }) => !finishedAt).map(({ id }) => id),
  };
}

/**
 * Undoes the newest migration.
 *
 * @param dropMappings - how many mappings may go; has to be their exact number
 * @returns what was undone, undefined where nothing is recorded
 * @throws IdMinterError ROLLBACK_REFUSED, MIGRATION_UNFINISHED, SCHEMA_NEWER
 */
export async function rollback(
  database: MigrationDatabase,
  { dropMappings = 0 }: { dropMappings?: number | undefined } = {},
  files: readonly MigrationFile[] = readMigrations(folderOf(database.dialect))
): Promise<{ rolledBack: string | undefined; droppedMappings: number }> {
  if ((await database.records()).length === 0) return { rolledBack: undefined, droppedMappings: 0 };
  return await database.withLock(async () => {
    const records = await database.records();
    refuseUnfinished(records);
    const newest = records.at(-1);
    if (newest === undefined) return { rolledBack: undefined, droppedMappings: 0 };
    const file = files.find(({ id }) => id === newest.id);
    if (file === undefined) throw newerThanThisVersion(newest);
    const mappings = file.dropsMappings ? await database.countMappings() : 0;
    if (mappings !== dropMappings) throw rollbackRefused(file, mappings, dropMappings);
    const umzug = await createUmzug(database, newest.facts, files);
    await unwrapped(() => umzug.down());
    // With the mappings goes what an export had brought.
    if (file.dropsMappings) await database.forget(RESTORE);
    return { rolledBack: file.id, droppedMappings: mappings };
  });
}

function isUpToDate(records: readonly MigrationRecord[], files: readonly MigrationFile[]): boolean {
  const finished = new Set(records.filter(({ finishedAt }) => finishedAt).map(({ id }) => id));
  return finished.size === records.length && files.every(({ id }) => finished.has(id));
}

async function refuseUnfit(
  database: MigrationDatabase,
  wanted: MigrateOptions,
  files: readonly MigrationFile[]
): Promise<void> {
  const records = await database.records();
  refuseUnfinished(records);
  const tables = await database.registryTables();
  const isRecorded = records.some(({ id }) => id === files[0]?.id);
  if (tables.length === 1 || (isRecorded && tables.length === 0)) {
    throw tableMissing(database, tables, isRecorded);
  }
  if (tables.length > 0) refuseOtherFacts(database, records, wanted);
}

/** Records the first migration as done where its tables are there without our record of it. */
async function adopt(
  database: MigrationDatabase,
  wanted: MigrateOptions,
  [first]: readonly MigrationFile[]
): Promise<string[]> {
  if (first === undefined) return [];
  const isRecorded = (await database.records()).some(({ id }) => id === first.id);
  if (isRecorded || (await database.registryTables()).length === 0) return [];
  const { id, oldestCode } = first;
  await database.start({ id, oldestCode, facts: factsOf(database, wanted) });
  await database.finish(id);
  return [id];
}

/** Loaded only where something has to be done: it takes longer than opening a registry. */
async function createUmzug(
  database: MigrationDatabase,
  wanted: MigrateOptions,
  files: readonly MigrationFile[]
): Promise<Umzug> {
  const umzug = await import('umzug');
  return new umzug.Umzug({
    logger: undefined,
    migrations: files.map((file, index) => {
      const { id, oldestCode } = file;
      const facts = index === 0 ? factsOf(database, wanted) : {};
      return {
        name: id,
        up: async () => {
          await database.start({ id, oldestCode, facts });
          await database.execute(file.sql);
          if (facts.exact) await database.makeExact();
        },
        down: async () => {
          // Unfinished while it runs: a rollback that breaks off half-way must not look like a sound registry.
          await database.forget(id);
          await database.start({ id, oldestCode, facts });
          await database.execute(file.rollbackSql);
        },
      };
    }),
    storage: {
      executed: async () => (await database.records()).map(({ id }) => id),
      logMigration: ({ name }) => database.finish(name),
      unlogMigration: ({ name }) => database.forget(name),
    },
  });
}

/** Our own errors as they are, without what umzug wraps round them. */
async function unwrapped<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Error && error.cause instanceof IdMinterError) throw error.cause;
    throw error;
  }
}

function factsOf({ dialect }: MigrationDatabase, wanted: MigrateOptions): RegistryFacts {
  const { conceptTypes, exact } = wanted;
  return {
    ...(conceptTypes && { conceptTypes }),
    ...(exact && dialect === 'mysql' && { exact }),
  };
}

function checkConceptTypes(conceptTypes: MigrateOptions['conceptTypes']): void {
  const wrong = conceptTypes?.find(
    type => type.trim() !== type || type === '' || /[[,]/.test(type)
  );
  if (wrong === undefined) return;
  throw new IdMinterError(
    'INVALID_CONFIGURATION',
    `${JSON.stringify(wrong)} cannot be a concept type: give names like Person,Organisation, or none. Nothing was ` +
      'changed.',
    { value: wrong }
  );
}

/** What source identifiers a registry takes for one decided over its mappings, so it cannot change under them. */
function refuseOtherFacts(
  { name, dialect }: MigrationDatabase,
  records: readonly MigrationRecord[],
  { conceptTypes, exact }: MigrateOptions
): void {
  const facts: RegistryFacts = Object.assign({}, ...records.map(record => record.facts));
  const standing = facts.conceptTypes ?? DEFAULT_CONCEPT_TYPES;
  const refuse = (what: string, details: Record<string, unknown>) =>
    new IdMinterError(
      'INVALID_CONFIGURATION',
      `The registry ${name} was created ${what}, and that never changes. Nothing was changed. Say \`id-minter migrate\` ` +
        'without it, or name a new database.',
      details
    );
  if (conceptTypes !== undefined && !isSameSet(conceptTypes, standing)) {
    throw refuse(`with the concept types ${standing.join(', ') || 'none'}`, {
      conceptTypes: standing,
      wanted: conceptTypes,
    });
  }
  if (exact && !facts.exact && dialect === 'mysql') {
    throw refuse('with the spelling rules of its collation, not exact', { exact: false });
  }
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return new Set(a).size === new Set(b).size && a.every(type => b.includes(type));
}

function tableMissing(
  { name }: MigrationDatabase,
  tables: readonly string[],
  isRecorded: boolean
): IdMinterError {
  const missing = ['canonical_ids', 'identifiers'].filter(table => !tables.includes(table));
  const why = isRecorded
    ? 'its record says that they were created'
    : `it has ${tables.join(', ')} without it`;
  return new IdMinterError(
    'SCHEMA_UNSUPPORTED',
    `The database ${name} lacks the table ${missing.join(' and ')}, though ${why}. Nothing was changed. Restore it from a ` +
      'backup, or name a new database.',
    { missing }
  );
}

function newerThanThisVersion({ id, oldestCode }: MigrationRecord): IdMinterError {
  return new IdMinterError(
    'SCHEMA_NEWER',
    `The newest migration, ${id}, was made by a later version than this one, which cannot undo it. Nothing was changed. ` +
      'Use that version.',
    { migration: id, oldestCode }
  );
}

function rollbackRefused({ id }: MigrationFile, mappings: number, named: number): IdMinterError {
  const remedy =
    mappings === 0
      ? 'Leave --drop-mappings out.'
      : `Back up first. If they shall go, add \`--drop-mappings ${mappings}\`.`;
  return new IdMinterError(
    'ROLLBACK_REFUSED',
    `Rolling ${id} back drops ${mappings} mappings, and ${named} were named. Nothing was changed. ${remedy}`,
    { migration: id, mappings, named }
  );
}
