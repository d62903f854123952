import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { loadSqlite } from './load-sqlite.ts';

/** Waiting blocks the process, Ctrl-C included: so not for long, and then again after a pause (`withRetries`). */
const BUSY_TIMEOUT_MS = 100;
/** Enough for the inner pages of ten million mappings; SQLite's own 2 MB would read them from the file again. */
const CACHE_KIB = 16 * 1024;

/**
 * Opens a file with the settings that every connection has. What was committed survives a power cut (FULL).
 *
 * @param mode - `rwc` makes the file where it is not there
 */
export function openConnection(path: string, mode: 'rw' | 'rwc'): DatabaseSync {
  const { DatabaseSync: Database } = loadSqlite();
  const url = pathToFileURL(path);
  url.searchParams.set('mode', mode);
  const connection = new Database(url, {
    timeout: BUSY_TIMEOUT_MS,
    enableForeignKeyConstraints: true,
  });
  connection.exec(`PRAGMA synchronous = FULL; PRAGMA cache_size = -${CACHE_KIB}`);
  return connection;
}

/** Readers go on while one writes. Recorded in the file, and missing in a copy that VACUUM INTO made. */
export function switchToWal(connection: DatabaseSync): void {
  connection.exec('PRAGMA journal_mode = WAL');
}

/** A statement whose rows come as arrays, which cost less than objects. */
export function prepareRows<Row extends readonly unknown[]>(
  connection: DatabaseSync,
  sql: string
): (...values: readonly SQLInputValue[]) => Row[] {
  const statement = connection.prepare(sql);
  statement.setReturnArrays(true);
  return (...values) => statement.all(...values) as unknown as Row[];
}

/** As in `CreatedAt`: UTC, to the second. */
export function parseTime(text: string): Date {
  return new Date(`${text.replace(' ', 'T')}Z`);
}

/** The counterpart; an unknown time is the empty text, since the columns take no NULL. */
export function formatTime(seconds: number | null): string {
  if (seconds === null) return '';
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
}
