import { randomUUID } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExportTable } from '../../src/domain/registry-export.ts';
import { EXPORT_TABLES } from '../../src/domain/registry-export.ts';
import { openDuck } from './parquet.ts';

/** The parts of a table in an export with one batch, in order. */
export async function partsOf(folder: string, table: ExportTable): Promise<string[]> {
  const batch = join(folder, 'identifiers', table, '1');
  const names = (await readdir(batch)).filter(name => name.endsWith('.parquet'));
  return names.sort().map(name => join(batch, name));
}

/** Writes a Parquet file anew, after statements about the table `part`, which holds its rows. */
export async function rewritePart(path: string, statements: readonly string[]): Promise<void> {
  await using duck = await openDuck();
  await duck.run(`CREATE TABLE part AS SELECT * FROM read_parquet('${path}')`);
  for (const statement of statements) await duck.run(statement);
  await duck.run(`COPY part TO '${path}' (FORMAT parquet, COMPRESSION gzip)`);
}

/** How an export of RDS may look. */
export interface RdsShape {
  /** Before the name of the table in the name of its folder. */
  readonly schema?: string;
  /** In each folder of a batch. RDS leaves out the numbers of parts that would be empty. */
  readonly partNumbers?: readonly number[];
  readonly batches?: number;
  readonly codec?: 'gzip' | 'snappy';
  /** What CreatedAt is made of, which is a TIMESTAMP with time zone. */
  readonly time?: string;
  readonly snapshotTime?: string;
}

/** Puts the rows of an export of ours into files as RDS writes them, without a manifest. */
export async function rewriteAsRds(
  from: string,
  to: string,
  {
    schema = 'identifiers.',
    partNumbers = [0],
    batches = 1,
    codec = 'gzip',
    time = 'CreatedAt::TIMESTAMP',
    snapshotTime = new Date().toISOString(),
  }: RdsShape = {}
): Promise<void> {
  await using duck = await openDuck();
  for (const table of EXPORT_TABLES) {
    await duck.run(
      `CREATE TABLE ${table} AS SELECT * REPLACE (${time} AS CreatedAt), row_number() OVER () AS number
       FROM read_parquet('${from}/identifiers/${table}/*/*.parquet')`
    );
    const files = Array.from({ length: batches }, (_, index) => index + 1).flatMap(batch =>
      partNumbers.map(part => {
        const name = `part-${String(part).padStart(5, '0')}-${randomUUID()}.gz.parquet`;
        return `${to}/identifiers/${schema}${table}/${batch}/${name}`;
      })
    );
    for (const [index, file] of files.entries()) {
      await mkdir(dirname(file), { recursive: true });
      await duck.run(
        `COPY (SELECT * EXCLUDE (number) FROM ${table} WHERE number % ${files.length} = ${index})
         TO '${file}' (FORMAT parquet, COMPRESSION ${codec})`
      );
      await writeFile(join(dirname(file), '_SUCCESS'), '');
    }
  }
  const task = 'identifiers-export-2026-08-20';
  const status = 'COMPLETE';
  await writeFile(
    `${to}/export_info_${task}.json`,
    JSON.stringify({ exportTaskIdentifier: task, snapshotTime, status, percentProgress: 100 })
  );
  const perTableStatus = EXPORT_TABLES.map(table => ({ target: `identifiers.${table}`, status }));
  await writeFile(
    `${to}/export_tables_info_${task}_from_1_to_2.json`,
    JSON.stringify({ perTableStatus })
  );
}
