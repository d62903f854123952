import { statSync } from 'node:fs';
import type { ErrorCode } from '../../domain/errors.ts';
import { IdMinterError } from '../../domain/errors.ts';

/** Primary result codes of SQLite; extended ones hold them in their low byte. */
const ERROR = 1;
const PERM = 3;
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const PROTOCOL = 15;
const CONSTRAINT = 19;
const AUTH = 23;
const NOTADB = 26;
const CONSTRAINT_FOREIGNKEY = 787;
/** What SQLite says of our statements where the tables lack what they name, or need. */
const OTHER_TABLES =
  /^(no such (table|column|index)|table \w+ has no column|ON CONFLICT clause|foreign key mismatch)/;

/** SQLite's error as one of ours, and whether the same again may succeed. */
export function translateSqliteError(
  error: unknown,
  path: string
): { readonly error: IdMinterError; readonly passing: boolean } {
  if (error instanceof IdMinterError) return { error, passing: false };
  const result = errcodeOf(error);
  const [code, message] = describe(
    result,
    error instanceof Error ? error.message : `${error}`,
    path
  );
  return {
    error: new IdMinterError(code, message, { path, cause: error }),
    passing: [BUSY, LOCKED, PROTOCOL].includes(result & 0xff),
  };
}

/** Whether a row breaks a rule of its table. */
export function isConstraint(error: unknown): error is Error {
  return (errcodeOf(error) & 0xff) === CONSTRAINT;
}

function describe(result: number, reason: string, path: string): [ErrorCode, string] {
  if (result === CONSTRAINT_FOREIGNKEY) {
    return [
      'REGISTRY_UNAVAILABLE',
      `A mapping in ${path} has a canonical ID that canonical_ids lacks, so none can inherit it. Nothing of this batch ` +
        'was written. See who deletes there, and put the ID back.',
    ];
  }
  if (result === ERROR && OTHER_TABLES.test(reason)) {
    return [
      'SCHEMA_UNSUPPORTED',
      `The tables in ${path} are not a registry's (${reason}). Nothing was written. Name another file, or restore this ` +
        'one from a backup.',
    ];
  }
  switch (result & 0xff) {
    case BUSY:
    case LOCKED:
    case PROTOCOL:
      return [
        'REGISTRY_UNAVAILABLE',
        `Other processes keep ${path} busy. Nothing of this batch was written. Say the same again when they are done.`,
      ];
    case CANTOPEN:
      return describeUnopened(path);
    case PERM:
    case AUTH:
    case READONLY:
      return [
        'REGISTRY_ACCESS_DENIED',
        `${path} may not be written (${reason}). Nothing of this batch was written. Give this user the right to write ` +
          'the file and its folder.',
      ];
    case FULL:
      return [
        'REGISTRY_UNAVAILABLE',
        `The disk of ${path} is full. Nothing of this batch was written. Make room, then say the same again.`,
      ];
    case IOERR:
      return [
        'REGISTRY_UNAVAILABLE',
        `The disk of ${path} fails (${reason}). Nothing of this batch was written. Mend it, then say the same again.`,
      ];
    case NOTADB:
      return [
        'SCHEMA_UNSUPPORTED',
        `${path} is not a SQLite database. Nothing was written. Name another file.`,
      ];
    case CORRUPT:
      return [
        'SCHEMA_UNSUPPORTED',
        `${path} is damaged (${reason}). Nothing of this batch was written. Restore it from a backup.`,
      ];
    default:
      return ['INTERNAL', `The registry ${path} gave an unforeseen error: ${reason}`];
  }
}

function describeUnopened(path: string): [ErrorCode, string] {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) {
    return [
      'REGISTRY_NOT_FOUND',
      `There is no registry ${path}. Nothing was written. Correct the path, or make it: \`id-minter migrate\` (its ` +
        'folder has to be there).',
    ];
  }
  return file.isDirectory()
    ? ['REGISTRY_NOT_FOUND', `${path} is a folder. Nothing was written. Name a file.`]
    : [
        'REGISTRY_ACCESS_DENIED',
        `${path} cannot be opened. Nothing was written. Give this user the right to write the file and its folder.`,
      ];
}

/** @returns the extended result code, 0 for what is no error of SQLite's */
function errcodeOf(error: unknown): number {
  if (!(error instanceof Error) || !('errcode' in error)) return 0;
  return typeof error.errcode === 'number' ? error.errcode : 0;
}
