import type { TargetRegistry } from './desk-on-registry.ts';

/** A row of either table, its time as `YYYY-MM-DD HH:MM:SS` in UTC, and null where there is none. */
export type Row = readonly (string | null)[];

/** Both tables in every column, in the order of their bytes: the same for the same rows on every database. */
export async function tablesOf({ sql }: Pick<TargetRegistry, 'sql'>): Promise<{
  readonly canonicalIds: readonly Row[];
  readonly identifiers: readonly Row[];
}> {
  const read = async (rows: Promise<unknown[][]>): Promise<Row[]> => {
    const plain = (await rows).map(row =>
      row.map(value => (value ? String(value) : (value ?? null)))
    );
    // SQLite has an empty text for an unknown time.
    const asRows = plain.map(row => [...row.slice(0, -1), row.at(-1) || null] as Row);
    return asRows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  };
  return {
    canonicalIds: await read(sql('SELECT CanonicalId, Status, CreatedAt FROM canonical_ids')),
    identifiers: await read(
      sql('SELECT OntologyType, SourceSystem, SourceId, CanonicalId, CreatedAt FROM identifiers')
    ),
  };
}

const TIMES = ["'2020-02-29 23:59:59'", "'2026-08-20 03:00:00'", "'1999-12-31 00:00:00'"];

/** Names of all kinds, as far as every database of this product holds them. */
const SPELLINGS = [
  '',
  'é',
  'ß straße',
  ' leading',
  "it's",
  '€ “quoted”',
  'a/b[c]',
  'x'.repeat(255),
];

/**
 * Puts a registry's worth of rows into tables that are there: shared IDs, IDs of every status, odd spellings, times
 * that differ, and times that nobody knows.
 */
export async function fillRegistry(
  { sql, url }: Pick<TargetRegistry, 'sql' | 'url'>,
  ids: readonly string[],
  free: number
): Promise<void> {
  const unknown = url.startsWith('sqlite:') ? "''" : 'NULL';
  const timeOf = (index: number) => (index % 7 === 0 ? unknown : TIMES[index % TIMES.length]);
  const insert = async (into: string, rows: readonly string[]): Promise<void> => {
    for (let start = 0; start < rows.length; start += 5_000) {
      await sql(`INSERT INTO ${into} VALUES ${rows.slice(start, start + 5_000).join(', ')}`);
    }
  };
  await insert(
    'canonical_ids (CanonicalId, Status, CreatedAt)',
    ids.map((id, index) => `('${id}', '${index < free ? 'free' : 'assigned'}', ${timeOf(index)})`)
  );
  const used = ids.slice(free);
  const mappings = used.map((id, index) => {
    const value = SPELLINGS[index] ?? `b${String(index).padStart(7, '0')}`;
    return `('Work', 'sierra-system-number', '${value.replaceAll("'", "''")}', '${id}', ${timeOf(index + 3)})`;
  });
  // As of records that were catalogued anew.
  const heirs = used
    .filter((_, index) => index % 10 === 0)
    .map((id, index) => `('Work', 'folio-instance', 'f${index}', '${id}', ${timeOf(index)})`);
  await insert('identifiers (OntologyType, SourceSystem, SourceId, CanonicalId, CreatedAt)', [
    ...mappings,
    ...heirs,
  ]);
}
