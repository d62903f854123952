import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/** DuckDB, which knows nothing of this product: it reads what we write and writes what RDS writes. */
export interface Duck extends AsyncDisposable {
  run(sql: string): Promise<void>;
  /** Each row as the texts of its columns, null for NULL. */
  rows(sql: string): Promise<(string | null)[][]>;
}

export async function openDuck(): Promise<Duck> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  return {
    run: async sql => void (await connection.run(sql)),
    rows: async sql => {
      const result = await connection.runAndReadAll(sql);
      return result.getRows().map(row => row.map(value => (value === null ? null : String(value))));
    },
    async [Symbol.asyncDispose]() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** What an export of RDS is made of. */
export interface RdsExport {
  /** `identifiers` or `identifiers.identifiers`: how RDS names the folder of a table. */
  readonly tablePrefix?: string;
  /** For each table the SELECT statements of its parts, each in the batch folder of its number, from 1. */
  readonly parts: Readonly<Record<string, readonly string[]>>;
  readonly codec?: 'gzip' | 'snappy' | 'zstd' | 'uncompressed';
  readonly info?: Readonly<Record<string, unknown>>;
  readonly tables?: readonly Readonly<Record<string, unknown>>[];
}

/** A table of literals, for a part of an export. */
export function values(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const list = rows.map(row => `(${row.join(', ')})`).join(', ');
  return `SELECT * FROM (VALUES ${list}) AS t(${columns.join(', ')})`;
}

export const POOL_COLUMNS = ['CanonicalId', 'Status', 'CreatedAt'];
export const MAPPING_COLUMNS = [
  ...['OntologyType', 'SourceSystem', 'SourceId', 'CanonicalId', 'CreatedAt'],
];

/** Writes an export as RDS lays it out: each SELECT is a part of a table. */
export async function writeRdsExport(
  duck: Duck,
  folder: string,
  { tablePrefix = 'identifiers.', parts, codec = 'gzip', info, tables }: RdsExport
): Promise<void> {
  const name = 'identifiers-export-test';
  for (const [table, selects] of Object.entries(parts)) {
    for (const [index, select] of selects.entries()) {
      const batch = join(folder, 'identifiers', `${tablePrefix}${table}`, String(index + 1));
      await mkdir(batch, { recursive: true });
      // RDS leaves out the numbers of parts that would be empty.
      const part = `part-${String(index * 3).padStart(5, '0')}-6ba7b810-9dad-11d1-80b4-00c04fd430c8`;
      await duck.run(
        `COPY (${select}) TO '${join(batch, part)}.gz.parquet' (FORMAT parquet, COMPRESSION ${codec})`
      );
      await writeFile(join(batch, '_SUCCESS'), '');
    }
  }
  await writeFile(
    join(folder, `export_info_${name}.json`),
    JSON.stringify({
      exportTaskIdentifier: name,
      snapshotTime: '2026-08-20T03:12:44Z',
      taskStartTime: '2026-08-20T03:40:00Z',
      s3Bucket: 'a-bucket',
      status: 'COMPLETE',
      percentProgress: 100,
      ...info,
    })
  );
  await writeFile(
    join(folder, `export_tables_info_${name}_from_1_to_${Object.keys(parts).length}.json`),
    JSON.stringify({
      perTableStatus:
        tables ??
        Object.keys(parts).map(table => ({
          tableStatistics: { extractionStartTime: '2026-08-20T03:41:00Z' },
          target: `identifiers.${table}`,
          status: 'COMPLETE',
        })),
    })
  );
}
