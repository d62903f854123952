import {
  migrate,
  migrationStatus,
  openForMigrations,
  rollback,
} from '../../runtime/open-registry.ts';
import { EXIT } from '../exit.ts';
import type { CommonOptions, Io, Speech } from '../io.ts';
import { speech } from '../io.ts';
import { survey } from '../session.ts';

export interface MigrateCommandOptions extends CommonOptions {
  /** A comma-separated list, or `none`. */
  readonly conceptTypes?: string;
  readonly exact?: boolean;
}

export interface RollbackOptions extends CommonOptions {
  readonly dropMappings?: number;
}

type Database = Awaited<ReturnType<typeof openForMigrations>>;

/** `id-minter migrate`: creates or updates the tables. */
export async function applyMigrations(
  { conceptTypes, exact, ...options }: MigrateCommandOptions,
  io: Io
): Promise<number> {
  return await onDatabase(options, io, async (database, { data, say }) => {
    const { applied, adopted } = await migrate(database, {
      conceptTypes: conceptTypes === undefined ? undefined : readList(conceptTypes),
      exact,
    });
    if (options.json) data(JSON.stringify({ applied, adopted }));
    for (const id of adopted) say(`Found in place: ${id}`);
    for (const id of applied) say(`Applied: ${id}`);
    if (applied.length + adopted.length === 0) say('Nothing to do: the registry is up to date.');
    return EXIT.done;
  });
}

/** `id-minter migrate status`: which migrations are applied and which are pending. */
export async function showStatus(options: CommonOptions, io: Io): Promise<number> {
  return await onDatabase(options, io, async (database, { data }) => {
    const status = await migrationStatus(database);
    const rows = Object.entries(status).flatMap(([state, ids]) =>
      (ids as readonly string[]).map(id => `${state}\t${id}`)
    );
    data(options.json ? JSON.stringify(status) : rows.join('\n'));
    const isCurrent = status.pending.length + status.unfinished.length === 0;
    return isCurrent ? EXIT.done : EXIT.differences;
  });
}

/** `id-minter migrate rollback`: undoes the newest migration. */
export async function rollBack(
  { dropMappings, ...options }: RollbackOptions,
  io: Io
): Promise<number> {
  return await onDatabase(options, io, async (database, { data, say }) => {
    const { rolledBack, droppedMappings } = await rollback(database, { dropMappings });
    if (options.json) data(JSON.stringify({ rolledBack: rolledBack ?? null, droppedMappings }));
    say(
      rolledBack === undefined
        ? 'Nothing to undo.'
        : `Undone: ${rolledBack}, mappings dropped: ${droppedMappings}.`
    );
    return EXIT.done;
  });
}

async function onDatabase(
  options: CommonOptions,
  io: Io,
  work: (database: Database, speak: Speech) => Promise<number>
): Promise<number> {
  const speak = speech(io, options);
  const database = await openForMigrations(survey(io, options).location);
  try {
    speak.say(`Registry: ${database.name}`);
    return await work(database, speak);
  } finally {
    await database.close();
  }
}

function readList(text: string): string[] {
  return text === 'none' ? [] : text.split(',').map(type => type.trim());
}
