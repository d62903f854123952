import { TimeoutError } from 'tarn';
import type { ErrorCode } from '../../domain/errors.ts';
import { IdMinterError } from '../../domain/errors.ts';
import type { AnyMysqlSettings } from './mysql-settings.ts';

/** What became of a statement, and whether the same batch again may succeed. */
export interface Translated {
  readonly error: IdMinterError;
  readonly passing: boolean;
}

/**
 * Those of a row that breaks a rule of its table: a key that is there, a missing foreign key, a value that is too long,
 * none of an ENUM, no time, or with a character that the column lacks.
 */
const UNFIT_ROW = new Set([1062, 1452, 1406, 1265, 1292, 1366]);

/** The servers' error numbers that mean something by themselves. */
export const ERROR_NUMBER = {
  accessDenied: 1045,
  noSuchDatabase: 1049,
  noSuchTable: 1146,
  tableAccessDenied: 1142,
} as const;

/** Those after which the same batch again may succeed. */
const PASSING: Readonly<Record<number, string>> = {
  1020: 'another minter changed a row meanwhile',
  1205: 'another transaction holds a row for too long',
  1213: 'a deadlock with another minter',
  1040: 'it has too many connections',
  1203: 'this user has too many connections',
  1226: 'this user has reached a limit of its account',
  1053: 'it is shutting down',
  1317: 'the statement was interrupted there',
  1927: 'the connection was ended there',
  3169: 'the connection was ended there',
  4031: 'it closed an idle connection',
  1290: 'it is read-only',
  1792: 'it is read-only',
  1836: 'it is read-only',
  3032: 'it is in offline mode',
  1969: 'it ended a statement that took too long',
  3024: 'it ended a statement that took too long',
};
const NO_ROOM = new Set([1021, 1026, 1114]);
/** The server closes the connection with it: the same statement would be too long again. */
const PACKET_TOO_LONG = 1153;
const ACCESS_DENIED = new Set([1044, 1045, 1130, 1142, 1143, 1227, 1370, 1698, 1820, 1862, 3118]);
/** An unknown column, a missing index. */
const OTHER_SCHEMA = new Set([1054, 1176]);

/** Codes of Node and the driver for a network or server that is not there, or not any more. */
const NETWORK = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH'],
  ...['ENETUNREACH', 'ENETDOWN', 'EHOSTDOWN', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['PROTOCOL_CONNECTION_LOST', 'PROTOCOL_SEQUENCE_TIMEOUT', 'PROTOCOL_UNEXPECTED_PACKET'],
]);

/** The server's or the network's error as one of ours. Messages name host and user, never a password. */
export function translateMysqlError(error: unknown, settings: AnyMysqlSettings): Translated {
  // A service that keeps the login may be there again in a moment, as the database itself.
  if (error instanceof IdMinterError) {
    return { error, passing: error.code === 'SECRET_UNAVAILABLE' };
  }
  const number = errorNumberOf(error);
  const code = codeOf(error);
  const reason = reasonOf(error);
  const where = `${settings.host}:${settings.port}`;
  const refuse = (ours: ErrorCode, message: string): Translated => ({
    error: new IdMinterError(ours, message, { host: where, reason, cause: error }),
    passing: false,
  });
  const passing = describePassing(error, number, code, reason);
  if (passing !== undefined) {
    const unavailable = refuse(
      'REGISTRY_UNAVAILABLE',
      `The database at ${where} could not serve: ${passing}. What was answered before is right and stays; the batch at ` +
        'hand is in the registry as a whole or not at all. See that the database answers, then say the same again: it ' +
        'gives the same IDs.'
    );
    return { ...unavailable, passing: true };
  }
  if (number !== undefined && ACCESS_DENIED.has(number)) {
    return refuse(
      'REGISTRY_ACCESS_DENIED',
      `The database at ${where} refuses ${userOf(settings)}: ${reason}. Nothing was written. Check ` +
        `${settings.loginToCheck ?? 'user and password'}; migrations/mysql/grants/ has the rights that each role needs.`
    );
  }
  if (number === ERROR_NUMBER.noSuchDatabase) {
    return refuse(
      'REGISTRY_NOT_FOUND',
      `There is no database ${settings.database} at ${where}. Nothing was written. Correct the name, or create it ` +
        '(CREATE DATABASE), then run `id-minter migrate`.'
    );
  }
  if (number === ERROR_NUMBER.noSuchTable) {
    return refuse(
      'SCHEMA_MISSING',
      `The database ${settings.database} at ${where} lacks a table of the registry: ${reason}. Nothing was written. Run ` +
        '`id-minter migrate`.'
    );
  }
  if (number !== undefined && OTHER_SCHEMA.has(number)) {
    return refuse(
      'SCHEMA_UNSUPPORTED',
      `The tables in ${settings.database} at ${where} are not those of a registry: ${reason}. Nothing was written. ` +
        'Compare them with migrations/mysql/schema.sql.'
    );
  }
  if (number !== undefined && NO_ROOM.has(number)) {
    return refuse(
      'REGISTRY_UNAVAILABLE',
      `The database at ${where} has no room: ${reason}. Nothing of this batch was written. Make room there, then say the ` +
        'same again.'
    );
  }
  if (number === PACKET_TOO_LONG) {
    return refuse(
      'REGISTRY_UNAVAILABLE',
      `The database at ${where} takes no statement as long as this batch needs: ${reason}. Nothing of this batch was ` +
        'written. Raise max_allowed_packet there to 16 MB or more, or make the batches smaller, then say the same again: ' +
        'it gives the same IDs.'
    );
  }
  if (code === 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED') {
    return refuse(
      'INVALID_CONFIGURATION',
      `The database at ${where} wants the password of ${userOf(settings)} as it is, which only tokens are sent as. ` +
        'Nothing was sent. If the user logs in by IAM, say so: RDS_IAM_AUTHENTICATION=true, or ?auth=iam in the registry URL.'
    );
  }
  if (isTlsFailure(code)) {
    return refuse(
      'INVALID_CONFIGURATION',
      `No safe connection to ${where}: ${reason}. Nothing was sent, no password either. Use the host name that the ` +
        'certificate has and let this system trust who signed it, or say in the registry URL how far to trust: ' +
        '?tls=require encrypts without checking, ?tls=off does not encrypt.'
    );
  }
  return refuse('INTERNAL', `The database at ${where} gave an unforeseen error: ${reason}`);
}

/** Where there are several, the server's own reason names the last one that was tried. */
function userOf(settings: AnyMysqlSettings): string {
  return 'user' in settings ? `the user ${settings.user}` : 'the login';
}

/** The server's number; the system's own errors have negative ones. */
export function errorNumberOf(error: unknown): number | undefined {
  const { errno } = (error ?? {}) as { errno?: unknown };
  return typeof errno === 'number' && errno > 0 ? errno : undefined;
}

/** Whether a row breaks a rule of its table. */
export function isUnfitRow(error: unknown): error is Error {
  return error instanceof Error && UNFIT_ROW.has(errorNumberOf(error) ?? 0);
}

function describePassing(
  error: unknown,
  number: number | undefined,
  code: string | undefined,
  reason: string
): string | undefined {
  if (error instanceof TimeoutError)
    return 'all connections of this process were busy for too long';
  const known = number === undefined ? undefined : PASSING[number];
  if (known !== undefined) return `${known} (${number})`;
  if (isCutInTls(code, reason)) return reason;
  if (code === undefined || !NETWORK.has(code)) return undefined;
  return code === 'PROTOCOL_SEQUENCE_TIMEOUT' ? 'no answer within the time allowed' : reason;
}

/** The driver calls every failure under TLS by one code; a server that goes away then is no fault of the certificate. */
function isCutInTls(code: string | undefined, reason: string): boolean {
  return code === 'HANDSHAKE_SSL_ERROR' && /ECONNRESET|EPIPE|ETIMEDOUT|disconnected/.test(reason);
}

function isTlsFailure(code: string | undefined): boolean {
  return (
    code !== undefined && (code.startsWith('HANDSHAKE_') || code === 'AUTH_SWITCH_PLUGIN_ERROR')
  );
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** Where several addresses of a host were tried, only the code says something. */
function reasonOf(error: unknown): string {
  return (error instanceof Error && error.message) || codeOf(error) || String(error);
}
