/**
 * The Python minter beside us has yoyo look at start for migrations that it has not recorded, and would fail on
 * tables that are there. So the one migration that both of us have, under the same name, is recorded for yoyo too.
 */
import { createHash } from 'node:crypto';
import type { MysqlConnection } from './mysql-connection.ts';

const SHARED_MIGRATION = '0001_create_identifiers_schema';

/** As yoyo 6 to 9 make them; a later one brings them up to date by itself, from the version that they say. */
const CREATE_TABLES = `
  CREATE TABLE _yoyo_migration (
    migration_hash VARCHAR(64) NOT NULL PRIMARY KEY,
    migration_id VARCHAR(255) NULL,
    applied_at_utc TIMESTAMP NULL
  );
  CREATE TABLE IF NOT EXISTS _yoyo_log (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    migration_hash VARCHAR(64) NULL,
    migration_id VARCHAR(255) NULL,
    operation VARCHAR(10) NULL,
    username VARCHAR(255) NULL,
    hostname VARCHAR(255) NULL,
    comment VARCHAR(255) NULL,
    created_at_utc TIMESTAMP NULL
  );
  CREATE TABLE IF NOT EXISTS _yoyo_version (
    version INT NOT NULL PRIMARY KEY,
    installed_at_utc TIMESTAMP NULL
  );
  INSERT IGNORE INTO _yoyo_version (version, installed_at_utc) VALUES (2, UTC_TIMESTAMP())`;

/** @param connection - one that takes several statements at once */
export async function recordForYoyo(connection: MysqlConnection, id: string): Promise<void> {
  if (id !== SHARED_MIGRATION) return;
  if (!(await isYoyoThere(connection))) await connection.change(CREATE_TABLES);
  await connection.change(
    `INSERT IGNORE INTO _yoyo_migration (migration_hash, migration_id, applied_at_utc)
     VALUES (?, ?, UTC_TIMESTAMP())`,
    [createHash('sha256').update(id).digest('hex'), id]
  );
}

export async function forgetForYoyo(connection: MysqlConnection, id: string): Promise<void> {
  if (id !== SHARED_MIGRATION || !(await isYoyoThere(connection))) return;
  await connection.change('DELETE FROM _yoyo_migration WHERE migration_id = ?', [id]);
}

async function isYoyoThere(connection: MysqlConnection): Promise<boolean> {
  const tables = await connection.rows(
    `SELECT 1 FROM information_schema.TABLES
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '_yoyo_migration'`
  );
  return tables.length > 0;
}
