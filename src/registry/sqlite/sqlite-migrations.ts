import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { MigrationDatabase, MigrationRecord, RegistryFacts } from '../migration-database.ts';
import { migrationsOf } from '../migration-database.ts';
import { withRetries } from '../retries.ts';
import { openConnection, parseTime, switchToWal } from './sqlite-connection.ts';
import { translateSqliteError } from './sqlite-errors.ts';

const CREATE_RECORD = `
  CREATE TABLE IF NOT EXISTS id_minter_migrations (
    Id TEXT NOT NULL PRIMARY KEY,
    StartedAt TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    FinishedAt TEXT,
    OldestCode TEXT NOT NULL,
    Facts TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`;

/** Opens a registry's file for the migration runner. The file is made when the first migration runs, not before. */
export function openSqliteMigrations(path: string): MigrationDatabase {
  return new SqliteMigrations(path);
}

class SqliteMigrations implements MigrationDatabase {
  readonly name: string;
  readonly dialect = 'sqlite';
  readonly #path: string;
  #connection: DatabaseSync | undefined;

  constructor(path: string) {
    this.#path = path;
    this.name = `sqlite:${path}`;
  }

  /** One transaction, which is the lock too: a migration is there as a whole or not at all. */
  async withLock<T>(work: () => Promise<T>): Promise<T> {
    await withRetries(this, async () => {
      this.#connection ??= openConnection(this.#path, 'rwc');
      switchToWal(this.#connection);
      this.#connection.exec('BEGIN IMMEDIATE');
    });
    try {
      const result = await work();
      await this.#run(connection => connection.exec('COMMIT'));
      return result;
    } catch (error) {
      if (this.#connection?.isTransaction) this.#connection.exec('ROLLBACK');
      throw error;
    }
  }

  registryTables(): Promise<string[]> {
    return this.#run(
      connection => ['canonical_ids', 'identifiers'].filter(table => hasTable(connection, table)),
      []
    );
  }

  records(): Promise<MigrationRecord[]> {
    return this.#run(connection => migrationsOf(readRecords(connection)), []);
  }

  async start({ id, oldestCode, facts }: Parameters<MigrationDatabase['start']>[0]): Promise<void> {
    await this.#run(connection => {
      connection.exec(CREATE_RECORD);
      connection
        .prepare('INSERT INTO id_minter_migrations (Id, OldestCode, Facts) VALUES (?, ?, ?)')
        .run(id, oldestCode, JSON.stringify(facts));
    });
  }

  async finish(id: string): Promise<void> {
    await this.#run(connection =>
      connection
        .prepare('UPDATE id_minter_migrations SET FinishedAt = CURRENT_TIMESTAMP WHERE Id = ?')
        .run(id)
    );
  }

  async forget(id: string): Promise<void> {
    await this.#run(connection =>
      connection.prepare('DELETE FROM id_minter_migrations WHERE Id = ?').run(id)
    );
  }

  execute(sql: string): Promise<void> {
    return this.#run(connection => connection.exec(sql));
  }

  /** SQLite compares text byte by byte: a registry here is exact from the start. */
  async makeExact(): Promise<void> {}

  countMappings(): Promise<number> {
    return this.#run(connection => {
      if (!hasTable(connection, 'identifiers')) return 0;
      const row = connection.prepare('SELECT count(*) AS count FROM identifiers').get();
      return Number(row?.['count']);
    }, 0);
  }

  async close(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
  }

  translate(error: unknown): ReturnType<typeof translateSqliteError> {
    return translateSqliteError(error, this.#path);
  }

  /** @param withoutFile - the answer where there is no file yet */
  #run<T>(work: (connection: DatabaseSync) => T, withoutFile?: T): Promise<T> {
    return withRetries(this, async () => {
      if (withoutFile !== undefined && !this.#connection && !existsSync(this.#path)) {
        return withoutFile;
      }
      this.#connection ??= openConnection(this.#path, 'rw');
      return work(this.#connection);
    });
  }
}

/** The migrations' record, and that of a restore; empty where nothing was ever recorded. */
export function readRecords(connection: DatabaseSync): MigrationRecord[] {
  if (!hasTable(connection, 'id_minter_migrations')) return [];
  const select = connection.prepare(
    'SELECT Id, StartedAt, FinishedAt, OldestCode, Facts FROM id_minter_migrations ORDER BY Id'
  );
  return select.all().map(row => {
    const finishedAt = row['FinishedAt'];
    return {
      id: String(row['Id']),
      startedAt: parseTime(String(row['StartedAt'])),
      finishedAt: finishedAt === null ? undefined : parseTime(String(finishedAt)),
      oldestCode: String(row['OldestCode']),
      facts: JSON.parse(String(row['Facts'])) as RegistryFacts,
    };
  });
}

function hasTable(connection: DatabaseSync, name: string): boolean {
  const find = connection.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
  return find.get(name) !== undefined;
}
