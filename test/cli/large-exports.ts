import { DatabaseSync } from 'node:sqlite';
import type { Desk } from '../support/command-line.ts';
import { openDuck, writeRdsExport } from '../support/parquet.ts';

/** An ID for each number below two million, in no order that a registry would have: eight to the power of seven. */
const SCATTERED = '(i * 7919) % 2097143';
const DIGITS = [7, 6, 5, 4, 3, 2, 1, 0];

/** One row for each number `i`, in DuckDB and in SQLite. */
const IN_DUCKDB = {
  id: `'a' || translate(to_base(${SCATTERED}, 8, 7), '01234567', '23456789')`,
  time: "TIMESTAMP '2026-01-01 00:00:00' + to_seconds(i)",
  numbers: (count: number) => `range(${count}) AS t(i)`,
};
const IN_SQLITE = {
  id: `'a' || ${DIGITS.reduce(
    (text, digit) => `replace(${text}, '${digit}', '${digit + 2}')`,
    `printf('%07o', ${SCATTERED})`
  )}`,
  time: "datetime('2026-01-01', i || ' seconds')",
  numbers: (count: number) =>
    `(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1}) SELECT i FROM n)`,
};

/** The statements that select so many mappings, and a tenth as many free IDs. */
function rowsIn({ id, time, numbers }: typeof IN_DUCKDB, mappings: number) {
  return {
    canonical_ids: `SELECT ${id} AS CanonicalId, CASE WHEN i < ${mappings} THEN 'assigned' ELSE 'free' END AS Status,
      ${time} AS CreatedAt FROM ${numbers(Math.floor(mappings * 1.1))}`,
    identifiers: `SELECT 'Work' AS OntologyType, 'sierra-system-number' AS SourceSystem,
      'b' || (1000000 + i) AS SourceId, ${id} AS CanonicalId, ${time} AS CreatedAt FROM ${numbers(mappings)}`,
  };
}

/** Writes an export as RDS does, in the folder of the desk. */
export async function writeLargeExport(desk: Desk, mappings: number): Promise<string> {
  await using duck = await openDuck();
  const folder = desk.path(`export-${mappings}`);
  const { canonical_ids, identifiers } = rowsIn(IN_DUCKDB, mappings);
  await writeRdsExport(duck, folder, {
    parts: { canonical_ids: [canonical_ids], identifiers: [identifiers] },
    info: { snapshotTime: '2027-01-01T00:00:00Z' },
  });
  return folder;
}

/** Makes the registry that it could have been written from. */
export async function makeLargeRegistry(desk: Desk, mappings: number): Promise<string> {
  const name = `registry-${mappings}.sqlite`;
  await desk.run(['migrate', '--registry', `sqlite:${name}`]);
  const { canonical_ids, identifiers } = rowsIn(IN_SQLITE, mappings);
  const file = new DatabaseSync(desk.path(name));
  file.exec(
    `BEGIN; INSERT INTO canonical_ids ${canonical_ids}; INSERT INTO identifiers ${identifiers}; COMMIT`
  );
  file.close();
  return `sqlite:${name}`;
}
