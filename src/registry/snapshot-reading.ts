import { IdMinterError } from '../domain/errors.ts';
import type { MappingRecord, PoolRecord, RegistrySnapshot } from '../domain/registry-tables.ts';
import { furtherThan, IS_FURTHER } from './held-reading.ts';

/** Rows a statement, as in an audit. */
const PAGE_ROWS = 5_000;

/** What the databases differ in. */
export interface SnapshotTables {
  readonly conceptTypes: ReadonlySet<string>;
  /** Names the primary key of a table. */
  readonly keyHint: string;
  /** The seconds since 1970 now, and of a row: null where it has no time, text where its time is none. */
  readonly now: string;
  readonly createdAt: string;
  /** Runs a statement in the transaction of the snapshot. */
  rows<Row extends readonly unknown[]>(
    sql: string,
    values: readonly (string | number)[]
  ): Promise<Row[]>;
}

type Time = number | string | null;

/** Both tables, along their keys, as a transaction that is open sees them. */
export async function readSnapshot({
  conceptTypes,
  keyHint,
  now,
  createdAt,
  rows,
}: SnapshotTables): Promise<RegistrySnapshot> {
  const [clock] = await rows<[number]>(`SELECT ${now}`, []);
  const poolAfter = (after: string) =>
    rows<[string, string, Time]>(
      `SELECT CanonicalId, Status, ${createdAt} FROM canonical_ids ${keyHint}
       WHERE CanonicalId > ? ORDER BY CanonicalId LIMIT ?`,
      [after, PAGE_ROWS]
    );
  const firstPool = () =>
    rows<[string, string, Time]>(
      `SELECT CanonicalId, Status, ${createdAt} FROM canonical_ids ${keyHint}
       ORDER BY CanonicalId LIMIT ?`,
      [PAGE_ROWS]
    );
  const mappingsAfter = (after: MappingRecord) =>
    rows<[string, string, string, string, Time]>(
      `SELECT i.OntologyType, i.SourceSystem, i.SourceId, i.CanonicalId, ${createdAt}
       FROM identifiers AS i ${keyHint} WHERE ${IS_FURTHER}
       ORDER BY i.OntologyType, i.SourceSystem, i.SourceId LIMIT ?`,
      [...furtherThan(after.source), PAGE_ROWS]
    );
  const firstMappings = () =>
    rows<[string, string, string, string, Time]>(
      `SELECT i.OntologyType, i.SourceSystem, i.SourceId, i.CanonicalId, ${createdAt}
       FROM identifiers AS i ${keyHint}
       ORDER BY i.OntologyType, i.SourceSystem, i.SourceId LIMIT ?`,
      [PAGE_ROWS]
    );
  return {
    takenAt: Number(clock?.[0]),
    conceptTypes,
    canonicalIds: () =>
      pagesOf<PoolRecord>(async last => {
        const page = await (last ? poolAfter(last.canonicalId) : firstPool());
        return page.map(([canonicalId, status, time]) => ({
          ...{ canonicalId, status },
          createdAt: readTime(time, `the canonical ID ${canonicalId}`),
        }));
      }),
    identifiers: () =>
      pagesOf<MappingRecord>(async last => {
        const page = await (last ? mappingsAfter(last) : firstMappings());
        return page.map(([ontologyType, sourceSystem, value, canonicalId, time]) => ({
          ...{ source: { ontologyType, sourceSystem, value }, canonicalId },
          createdAt: readTime(time, `${ontologyType}[${sourceSystem}/${value}]`),
        }));
      }),
  };
}

/** @param read - gives the page after a row, or the first one */
async function* pagesOf<Row>(
  read: (last: Row | undefined) => Promise<Row[]>
): AsyncGenerator<readonly Row[], void, undefined> {
  let last: Row | undefined;
  for (;;) {
    const page = await read(last);
    if (page.length > 0) yield page;
    if (page.length < PAGE_ROWS) return;
    last = page.at(-1);
  }
}

function readTime(time: Time, whose: string): number | null {
  if (time === null) return null;
  const seconds = Number(time);
  if (!Number.isNaN(seconds)) return seconds;
  throw new IdMinterError(
    'SCHEMA_UNSUPPORTED',
    `The CreatedAt of ${whose} is ${JSON.stringify(time)} and no time. Nothing was changed. Correct it in the registry: ` +
      'YYYY-MM-DD HH:MM:SS in UTC.',
    { time }
  );
}
