import { setTimeout as sleep } from 'node:timers/promises';
import { IdMinterError } from '../../domain/errors.ts';
import {
  migrate,
  migrationStatus,
  openForMigrations,
  rollback,
} from '../../runtime/open-registry.ts';
import { EXIT } from '../exit.ts';
import type { CommonOptions, Io, Speech } from '../io.ts';
import { speech } from '../io.ts';
import { startProgress } from '../progress.ts';
import { survey } from '../session.ts';

export interface DatabaseOptions extends CommonOptions {
  /** How many seconds to wait for a server that cannot be reached yet. */
  readonly wait?: number;
}

export interface MigrateCommandOptions extends DatabaseOptions {
  /** A comma-separated list, or `none`. */
  readonly conceptTypes?: string;
  readonly exact?: boolean;
}

export interface RollbackOptions extends DatabaseOptions {
  readonly dropMappings?: number;
}

type Database = Awaited<ReturnType<typeof openForMigrations>>;

/** How long to wait between two tries to reach a server that is starting. */
const RETRY_MS = 500;

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
export async function showStatus(options: DatabaseOptions, io: Io): Promise<number> {
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
  options: DatabaseOptions,
  io: Io,
  work: (database: Database, speak: Speech) => Promise<number>
): Promise<number> {
  const speak = speech(io, options);
  const { location } = survey(io, options);
  const open = () => openForMigrations(location);
  const database = options.wait === undefined ? await open() : await waitFor(open, options, io);
  try {
    speak.say(`Registry: ${database.name}`);
    return await work(database, speak);
  } finally {
    await database.close();
  }
}

/**
 * Opens a database again and again while its server cannot be reached. Anything else, a wrong password for one, is
 * told at once.
 *
 * @throws IdMinterError REGISTRY_UNAVAILABLE where the time is over
 */
async function waitFor(
  open: () => Promise<Database>,
  options: DatabaseOptions,
  io: Io
): Promise<Database> {
  const { wait = 0 } = options;
  const { say } = speech(io, options);
  using _ = startProgress(
    io,
    options,
    seconds => `Waiting for the registry: ${Math.round(seconds)} s of ${wait} s`
  );
  const until = performance.now() + wait * 1000;
  let isSaid = false;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof IdMinterError) || error.code !== 'REGISTRY_UNAVAILABLE') throw error;
      const left = until - performance.now();
      if (left <= 0) {
        throw new IdMinterError(
          'REGISTRY_UNAVAILABLE',
          `${error.message} This command waited ${wait} s for it.`,
          { ...error.details, wait, cause: error }
        );
      }
      if (!isSaid) say(`Waiting up to ${wait} s for the registry: ${reasonOf(error)}`);
      isSaid = true;
      await sleep(Math.min(RETRY_MS, left), undefined, { signal: io.signal });
    }
  }
}

/** Without what the message says of data and of what to do, which is to wait. */
function reasonOf({ message, details: { host, reason } }: IdMinterError): string {
  return typeof reason === 'string' && typeof host === 'string' ? `${host}, ${reason}` : message;
}

function readList(text: string): string[] {
  return text === 'none' ? [] : text.split(',').map(type => type.trim());
}
