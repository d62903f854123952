import type { HeldReading, HeldRow } from '../domain/registry.ts';
import type { SourceIdentifier } from '../domain/source-identifier.ts';

/** What the databases differ in. */
export interface HeldTables {
  /** How a statement names the primary key of `canonical_ids`, and the index of the mappings by canonical ID. */
  readonly poolHint: string;
  readonly mappingHint: string;
  /** Runs a statement outside of any transaction. */
  rows<Row extends readonly unknown[]>(
    sql: string,
    values: readonly (string | number)[]
  ): Promise<Row[]>;
}

type Row = [id: string, status: string | null, ...mapping: (string | null)[]];

const COLUMNS = `COALESCE(c.CanonicalId, i.CanonicalId), c.Status,
  i.OntologyType, i.SourceSystem, i.SourceId, i.CanonicalId`;

/**
 * The same said twice: SQLite makes a range of its index out of the first, the servers out of the second. Without one,
 * each page of an ID with very many mappings would begin at the first of them.
 */
export const IS_FURTHER = `(i.OntologyType, i.SourceSystem, i.SourceId) > (?, ?, ?)
  AND (i.OntologyType > ? OR (i.OntologyType = ?
    AND (i.SourceSystem > ? OR (i.SourceSystem = ? AND i.SourceId > ?))))`;

/**
 * Both indexes are named, and an outer join keeps its order: the database walks along two indexes side by side and
 * stops at the limit. Left to itself it may read and sort whole tables for each page.
 */
export function createHeldReading({ poolHint, mappingHint, rows }: HeldTables): HeldReading {
  const pool = `canonical_ids AS c ${poolHint}`;
  const mappings = `identifiers AS i ${mappingHint}`;
  const readRows = async (sql: string, values: readonly (string | number)[]) =>
    (await rows<Row>(sql, values)).map(readRow);
  return {
    pooled: (after, limit) =>
      readRows(
        `SELECT ${COLUMNS} FROM ${pool} LEFT JOIN ${mappings} ON i.CanonicalId = c.CanonicalId
         WHERE ${where(after, 'c.CanonicalId > ?')} ORDER BY c.CanonicalId LIMIT ?`,
        [...given(after), limit]
      ),
    strays: async (after, upTo, limit) => {
      const found = await rows<[string]>(
        `SELECT DISTINCT i.CanonicalId FROM ${mappings} LEFT JOIN ${pool} ON c.CanonicalId = i.CanonicalId
         WHERE ${where(after, 'i.CanonicalId > ?')} AND ${where(upTo, 'i.CanonicalId <= ?')}
           AND c.CanonicalId IS NULL
         ORDER BY i.CanonicalId LIMIT ?`,
        [...given(after), ...given(upTo), limit]
      );
      return found.map(([id]) => id);
    },
    mappingsOf: (id, after, limit) =>
      readRows(
        `SELECT ${COLUMNS} FROM ${mappings} LEFT JOIN ${pool} ON c.CanonicalId = i.CanonicalId
         WHERE i.CanonicalId = ? AND ${where(after, IS_FURTHER)}
         ORDER BY i.OntologyType, i.SourceSystem, i.SourceId LIMIT ?`,
        [id, ...(after ? furtherThan(after) : []), limit]
      ),
  };
}

function where(value: unknown, condition: string): string {
  return value === undefined ? 'TRUE' : condition;
}

function given(value: string | undefined): string[] {
  return value === undefined ? [] : [value];
}

/** What {@link IS_FURTHER} asks for. */
export function furtherThan({ ontologyType, sourceSystem, value }: SourceIdentifier): string[] {
  const spelt = [ontologyType, ontologyType, sourceSystem, sourceSystem, value];
  return [ontologyType, sourceSystem, value, ...spelt];
}

function readRow([canonicalId, status, ontologyType, sourceSystem, value, spelt]: Row): HeldRow {
  // None of the columns of a mapping may be NULL: all are, or none.
  const mapping =
    typeof ontologyType === 'string' &&
    typeof sourceSystem === 'string' &&
    typeof value === 'string' &&
    typeof spelt === 'string'
      ? { source: { ontologyType, sourceSystem, value }, canonicalId: spelt }
      : undefined;
  return { canonicalId, status: status ?? undefined, mapping };
}
