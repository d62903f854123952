import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { MigrationDatabase } from './migration-database.ts';

/** A numbered pair of SQL files. What stands in their heads is part of the migration. */
export interface MigrationFile {
  /** The file's name without its ending, e.g. `0001_create_identifiers_schema`. */
  readonly id: string;
  readonly sql: string;
  readonly rollbackSql: string;
  /** The oldest version that works with the database after it: `-- Works with code from 1.0.0 on.` */
  readonly oldestCode: string;
  /** Whether undoing it loses mappings: `-- Mappings: dropped.` or `-- Mappings: kept.` in the rollback. */
  readonly dropsMappings: boolean;
}

const FILE_NAME = /^(\d{4}_[a-z0-9_]+)\.sql$/;
const OLDEST_CODE = /^-- Works with code from (\d+\.\d+\.\d+) on\.$/m;
const MAPPINGS = /^-- Mappings: (dropped|kept)\.$/m;

/** The migrations that this version needs, in their order. */
export function knownMigrations(dialect: MigrationDatabase['dialect']): string[] {
  return listIds(folderOf(dialect));
}

/** @throws Error where a file lacks its rollback or a line of its head */
export function readMigrations(folder: string): MigrationFile[] {
  return listIds(folder).map(id => {
    const sql = readFileSync(`${folder}/${id}.sql`, 'utf8');
    const rollbackSql = readFileSync(`${folder}/${id}.rollback.sql`, 'utf8');
    return {
      id,
      sql,
      rollbackSql,
      oldestCode: readHead(sql, OLDEST_CODE, `${id}.sql`),
      dropsMappings: readHead(rollbackSql, MAPPINGS, `${id}.rollback.sql`) === 'dropped',
    };
  });
}

export function folderOf(dialect: MigrationDatabase['dialect']): string {
  return fileURLToPath(new URL(`../../migrations/${dialect}`, import.meta.url));
}

function listIds(folder: string): string[] {
  return readdirSync(folder)
    .flatMap(name => FILE_NAME.exec(name)?.[1] ?? [])
    .sort();
}

function readHead(sql: string, line: RegExp, file: string): string {
  const found = line.exec(sql)?.[1];
  if (found === undefined) throw new Error(`The head of ${file} lacks a line like ${line.source}.`);
  return found;
}
