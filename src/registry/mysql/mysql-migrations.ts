import { createHash } from 'node:crypto';
import { IdMinterError } from '../../domain/errors.ts';
import type { MigrationDatabase, MigrationRecord } from '../migration-database.ts';
import { migrationsOf } from '../migration-database.ts';
import type { MysqlConnection } from './mysql-connection.ts';
import { connector } from './mysql-connection.ts';
import { ERROR_NUMBER, errorNumberOf, translateMysqlError } from './mysql-errors.ts';
import { readRecords } from './mysql-records.ts';
import type { AnyMysqlSettings } from './mysql-settings.ts';
import { nameOf } from './mysql-settings.ts';
import { forgetForYoyo, recordForYoyo } from './yoyo-record.ts';

const LOCK_WAIT_SECONDS = 60;
/** A schema change of a large table takes as long as it takes. */
const SCHEMA_CHANGE_TIMEOUT_MS = 24 * 3_600_000;
const COUNT_TIMEOUT_MS = 600_000;

const CREATE_RECORD = `
  CREATE TABLE IF NOT EXISTS id_minter_migrations (
    Id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    StartedAt TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    FinishedAt TIMESTAMP NULL DEFAULT NULL,
    OldestCode VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    Facts TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
  ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci`;

/**
 * Opens a database for the migration runner, whether or not it has any tables. Everything runs on one connection,
 * which holds the lock as well. Tries once, so that a wrong name or password is known at once.
 *
 * @throws IdMinterError REGISTRY_UNAVAILABLE, REGISTRY_ACCESS_DENIED, REGISTRY_NOT_FOUND or INVALID_CONFIGURATION
 */
export async function openMysqlMigrations(settings: AnyMysqlSettings): Promise<MigrationDatabase> {
  try {
    const connection = await connector(settings, { multipleStatements: true })();
    return new MysqlMigrations(connection, settings);
  } catch (error) {
    throw translateMysqlError(error, settings).error;
  }
}

class MysqlMigrations implements MigrationDatabase {
  readonly name: string;
  readonly dialect = 'mysql';
  readonly #connection: MysqlConnection;
  readonly #settings: AnyMysqlSettings;
  /** Locks belong to the whole server and their names are short, so this one is made from the database's name. */
  readonly #lock: string;
  #hasRunMigration = false;

  constructor(connection: MysqlConnection, settings: AnyMysqlSettings) {
    this.name = nameOf(settings);
    this.#connection = connection;
    this.#settings = settings;
    this.#lock = `id_minter:${createHash('sha1').update(settings.database).digest('hex')}`;
  }

  async withLock<T>(work: () => Promise<T>): Promise<T> {
    await this.#run(async connection => {
      const [row] = await connection.rows<[number | null]>(
        'SELECT GET_LOCK(?, ?)',
        [this.#lock, LOCK_WAIT_SECONDS],
        { timeoutMs: (LOCK_WAIT_SECONDS + 10) * 1000 }
      );
      if (row?.[0] !== 1) throw lockedByAnother(this.name);
    });
    try {
      return await work();
    } finally {
      // Where this fails the connection is lost, and with it the lock.
      await this.#connection.rows('SELECT RELEASE_LOCK(?)', [this.#lock]).catch(() => {});
    }
  }

  registryTables(): Promise<string[]> {
    return this.#run(async connection => {
      const rows = await connection.rows<[string]>(
        `SELECT TABLE_NAME FROM information_schema.TABLES
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ('canonical_ids', 'identifiers')
         ORDER BY TABLE_NAME`
      );
      return rows.map(([table]) => table);
    });
  }

  records(): Promise<MigrationRecord[]> {
    return this.#run(async connection => {
      try {
        return migrationsOf(await readRecords(connection));
      } catch (error) {
        if (errorNumberOf(error) === ERROR_NUMBER.noSuchTable) return [];
        throw error;
      }
    });
  }

  async start({ id, oldestCode, facts }: Parameters<MigrationDatabase['start']>[0]): Promise<void> {
    await this.#run(async connection => {
      await connection.change(CREATE_RECORD);
      await connection.change(
        'INSERT INTO id_minter_migrations (Id, OldestCode, Facts) VALUES (?, ?, ?)',
        [id, oldestCode, JSON.stringify(facts)]
      );
    });
  }

  async finish(id: string): Promise<void> {
    await this.#run(async connection => {
      const isExact = (await readRecords(connection)).some(({ facts }) => facts.exact);
      // The Python minter cannot share an exact registry, and shall not start on one.
      if (!isExact) await recordForYoyo(connection, id);
      await connection.change(
        'UPDATE id_minter_migrations SET FinishedAt = CURRENT_TIMESTAMP WHERE Id = ?',
        [id]
      );
    });
  }

  async forget(id: string): Promise<void> {
    await this.#run(async connection => {
      await connection.change('DELETE FROM id_minter_migrations WHERE Id = ?', [id]);
      await forgetForYoyo(connection, id);
    });
  }

  async execute(sql: string): Promise<void> {
    await this.#run(connection => {
      this.#hasRunMigration = true;
      return connection.change(sql, [], { timeoutMs: SCHEMA_CHANGE_TIMEOUT_MS });
    });
  }

  /** A binary collation that does not ignore trailing spaces; the two servers call theirs by different names. */
  async makeExact(): Promise<void> {
    await this.#run(async connection => {
      const [row] = await connection.rows<[string, number, number]>(
        `SELECT VERSION(), EXISTS (SELECT 1 FROM identifiers), EXISTS (SELECT 1 FROM canonical_ids)`
      );
      const [version = '', hasMappings, hasIds] = row ?? [];
      if (!this.#hasRunMigration || hasMappings !== 0 || hasIds !== 0)
        throw cannotBeExact(this.name);
      const collation = /mariadb/i.test(version) ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
      const type = `VARCHAR(255) CHARACTER SET utf8mb4 COLLATE ${collation} NOT NULL`;
      await connection.change(
        `ALTER TABLE identifiers MODIFY OntologyType ${type}, MODIFY SourceSystem ${type}, MODIFY SourceId ${type}`
      );
    });
  }

  countMappings(): Promise<number> {
    return this.#run(async connection => {
      const [row] = await connection.rows<[number]>('SELECT COUNT(*) FROM identifiers', [], {
        timeoutMs: COUNT_TIMEOUT_MS,
      });
      return row?.[0] ?? 0;
    });
  }

  close(): Promise<void> {
    return this.#connection.end();
  }

  async #run<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    try {
      return await work(this.#connection);
    } catch (error) {
      throw translateMysqlError(error, this.#settings).error;
    }
  }
}

function lockedByAnother(name: string): IdMinterError {
  return new IdMinterError(
    'REGISTRY_UNAVAILABLE',
    `Another process has been migrating ${name} for over ${LOCK_WAIT_SECONDS} s. Nothing was changed. Say the same again ` +
      'when it is done.',
    { name }
  );
}

function cannotBeExact(name: string): IdMinterError {
  return new IdMinterError(
    'INVALID_CONFIGURATION',
    `The registry ${name} cannot be made exact: only one that was just created can. Nothing was changed. Name a new ` +
      'database.',
    { name }
  );
}
