import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Audited } from '../../domain/audit.ts';
import { certain } from '../../domain/certain.ts';
import type { ComparisonRoom, Pair, Side } from '../../domain/comparison-room.ts';
import { IdMinterError } from '../../domain/errors.ts';
import type { MappingRecord, PoolRecord } from '../../domain/registry-tables.ts';
import { compareText } from '../../domain/source-identifier.ts';
import { createHeldReading } from '../held-reading.ts';
import { readHoldings } from '../holdings.ts';
import { loadSqlite } from './load-sqlite.ts';
import { prepareRows } from './sqlite-connection.ts';

/** Pages of the file that stay in memory. */
const CACHE_KIB = 16 * 1024;
/** Rows that are sorted before they go in: ten million take 58 s, and 86 s in pages of 5,000. */
const SORTED_ROWS = 50_000;
/** IDs that a statement compares: some 50 ms, and then others have their turn. */
const COMPARED_IDS = 20_000;
/** What is counted and shown of differences at a time. */
const PAIRS = 1_000;

/**
 * The export has the names that an audit reads. Its mappings stand along their canonical IDs, which is the order of an
 * audit and of the comparison: no index has to be made, which would take minutes in one piece. What of the mappings is
 * not the same on both sides is set apart, and then paired by source identifier.
 */
const TABLES = `
  CREATE TABLE canonical_ids (
    CanonicalId TEXT PRIMARY KEY, Status TEXT NOT NULL, CreatedAt INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE registry_ids (
    CanonicalId TEXT PRIMARY KEY, Status TEXT NOT NULL, CreatedAt INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE identifiers (
    OntologyType TEXT, SourceSystem TEXT, SourceId TEXT, CanonicalId TEXT, CreatedAt INTEGER,
    PRIMARY KEY (CanonicalId, OntologyType, SourceSystem, SourceId)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE registry_mappings (
    OntologyType TEXT, SourceSystem TEXT, SourceId TEXT, CanonicalId TEXT, CreatedAt INTEGER,
    PRIMARY KEY (CanonicalId, OntologyType, SourceSystem, SourceId)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE exported_alone (
    OntologyType TEXT, SourceSystem TEXT, SourceId TEXT, CanonicalId TEXT, CreatedAt INTEGER,
    PRIMARY KEY (OntologyType, SourceSystem, SourceId, CanonicalId)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE registry_alone (
    OntologyType TEXT, SourceSystem TEXT, SourceId TEXT, CanonicalId TEXT, CreatedAt INTEGER,
    PRIMARY KEY (OntologyType, SourceSystem, SourceId, CanonicalId)
  ) STRICT, WITHOUT ROWID`;

/** SQLite sorts what is no text behind all that is. */
const ABOVE_ALL_TEXT = new Uint8Array();

type PoolRow = [canonicalId: string, status: string, createdAt: number | null];
type MappingRow = [
  ontologyType: string,
  sourceSystem: string,
  value: string,
  canonicalId: string,
  createdAt: number | null,
];
/** All columns of a row that is not there are null. */
type Nullable<Row extends readonly unknown[]> = { [Column in keyof Row]: Row[Column] | null };
/** Runs a statement whose rows are fetched as they are asked for. */
type Rows<Row> = (...values: readonly SQLInputValue[]) => Iterator<Row>;

/**
 * Opens a room in a temporary database. Its file has no name, so that nothing is left of it however the process ends.
 * It stands where SQLite looks for a place, in `TMPDIR` where that is set, and needs about 70 bytes for each mapping
 * and 30 for each canonical ID, of the export and of the registry.
 */
export function openSqliteRoom(): ComparisonRoom {
  const { DatabaseSync: Database } = loadSqlite();
  return new SqliteComparisonRoom(new Database(''));
}

class SqliteComparisonRoom implements ComparisonRoom {
  readonly #connection: DatabaseSync;

  constructor(connection: DatabaseSync) {
    this.#connection = connection;
    // Nobody needs it after a crash, and one transaction holds all.
    connection.exec(
      `PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -${CACHE_KIB}; BEGIN; ${TABLES}`
    );
  }

  async loadPool(
    side: Side,
    pages: AsyncIterable<readonly PoolRecord[]>,
    doubled: (row: PoolRecord, standing: PoolRecord) => void
  ): Promise<void> {
    const table = side === 'exported' ? 'canonical_ids' : 'registry_ids';
    const insert = this.#connection.prepare(
      `INSERT INTO ${table} VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
    );
    const find = prepareRows<PoolRow>(
      this.#connection,
      `SELECT * FROM ${table} WHERE CanonicalId = ?`
    );
    for await (const rows of sorted(pages)) {
      this.#attempt(() => {
        for (const row of rows) {
          const { canonicalId, status, createdAt } = row;
          if (insert.run(canonicalId, status, createdAt).changes === 1) continue;
          const [id, before, time] = certain(find(canonicalId)[0], 'The row that stands');
          doubled(row, { canonicalId: id, status: before, createdAt: time });
        }
      });
      await nextTurn();
    }
  }

  async loadMappings(
    side: Side,
    pages: AsyncIterable<readonly MappingRecord[]>,
    doubled: (row: MappingRecord) => void
  ): Promise<void> {
    const table = side === 'exported' ? 'identifiers' : 'registry_mappings';
    const insert = this.#connection.prepare(
      `INSERT INTO ${table} VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
    );
    for await (const rows of sorted(pages)) {
      this.#attempt(() => {
        for (const row of rows) {
          const { source, canonicalId, createdAt } = row;
          const { ontologyType, sourceSystem, value } = source;
          const { changes } = insert.run(ontologyType, sourceSystem, value, canonicalId, createdAt);
          if (changes === 0) doubled(row);
        }
      });
      await nextTurn();
    }
  }

  exported(conceptTypes: ReadonlySet<string>): Audited {
    const held = createHeldReading({
      poolHint: '',
      mappingHint: '',
      rows: async <Row extends readonly unknown[]>(
        sql: string,
        values: readonly (string | number)[]
      ) => {
        await nextTurn();
        return prepareRows<Row>(this.#connection, sql)(...values);
      },
    });
    const translate = (error: unknown) => ({ error: roomFailed(error), passing: false });
    return { conceptTypes, holdings: () => readHoldings({ held, translate }) };
  }

  async *poolPairs(): AsyncGenerator<readonly Pair<PoolRecord>[], void, undefined> {
    const changed = this.#prepare<[...PoolRow, ...Nullable<PoolRow>]>(
      `SELECT e.CanonicalId, e.Status, e.CreatedAt, r.CanonicalId, r.Status, r.CreatedAt
       FROM canonical_ids AS e LEFT JOIN registry_ids AS r ON r.CanonicalId = e.CanonicalId
       WHERE e.CanonicalId >= ? AND e.CanonicalId < ?
         AND (r.Status IS NOT e.Status OR r.CreatedAt IS NOT e.CreatedAt)`
    );
    const added = this.#prepare<PoolRow>(
      `SELECT r.CanonicalId, r.Status, r.CreatedAt
       FROM registry_ids AS r LEFT JOIN canonical_ids AS e ON e.CanonicalId = r.CanonicalId
       WHERE r.CanonicalId >= ? AND r.CanonicalId < ? AND e.CanonicalId IS NULL`
    );
    for await (const range of this.#ranges('exported')) {
      for await (const rows of this.#pages(changed, range)) {
        yield rows.map(([canonicalId, status, createdAt, id, now, at]) => ({
          exported: { canonicalId, status, createdAt },
          registry: readPool([id, now, at]),
        }));
      }
    }
    for await (const range of this.#ranges('registry')) {
      for await (const rows of this.#pages(added, range)) {
        yield rows.map(([canonicalId, status, createdAt]) => ({
          exported: undefined,
          registry: { canonicalId, status, createdAt },
        }));
      }
    }
  }

  async *mappingPairs(): AsyncGenerator<readonly Pair<MappingRecord>[], void, undefined> {
    yield* this.#datedOtherwise();
    await this.#setApart();
    const exported = this.#prepare<[...MappingRow, ...Nullable<[string, number | null]>]>(
      `SELECT e.*, r.CanonicalId, r.CreatedAt FROM exported_alone AS e
       LEFT JOIN registry_alone AS r USING (OntologyType, SourceSystem, SourceId)`
    );
    for await (const rows of this.#pages(exported, [])) {
      yield rows.map(([type, system, value, id, createdAt, otherId, otherTime]) => ({
        exported: readMapping([type, system, value, id, createdAt]),
        registry:
          otherId === null ? undefined : readMapping([type, system, value, otherId, otherTime]),
      }));
    }
    const registry = this.#prepare<MappingRow>(
      `SELECT r.* FROM registry_alone AS r
       LEFT JOIN exported_alone AS e USING (OntologyType, SourceSystem, SourceId)
       WHERE e.CanonicalId IS NULL`
    );
    for await (const rows of this.#pages(registry, [])) {
      yield rows.map(row => ({ exported: undefined, registry: readMapping(row) }));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
  }

  /** The mappings that are the same on both sides but for their time. */
  async *#datedOtherwise(): AsyncGenerator<readonly Pair<MappingRecord>[], void, undefined> {
    const dated = this.#prepare<[...MappingRow, number | null]>(
      `SELECT e.OntologyType, e.SourceSystem, e.SourceId, e.CanonicalId, e.CreatedAt, r.CreatedAt
       FROM identifiers AS e
       CROSS JOIN registry_mappings AS r USING (CanonicalId, OntologyType, SourceSystem, SourceId)
       WHERE e.CanonicalId >= ? AND e.CanonicalId < ? AND r.CreatedAt IS NOT e.CreatedAt`
    );
    for await (const range of this.#ranges('exported')) {
      for await (const rows of this.#pages(dated, range)) {
        yield rows.map(([type, system, value, id, createdAt, otherTime]) => ({
          exported: readMapping([type, system, value, id, createdAt]),
          registry: readMapping([type, system, value, id, otherTime]),
        }));
      }
    }
  }

  async #setApart(): Promise<void> {
    const exported = this.#connection.prepare(
      `INSERT INTO exported_alone
       SELECT e.OntologyType, e.SourceSystem, e.SourceId, e.CanonicalId, e.CreatedAt
       FROM identifiers AS e
       LEFT JOIN registry_mappings AS r USING (CanonicalId, OntologyType, SourceSystem, SourceId)
       WHERE e.CanonicalId >= ? AND e.CanonicalId < ? AND r.CanonicalId IS NULL`
    );
    const registry = this.#connection.prepare(
      `INSERT INTO registry_alone
       SELECT r.OntologyType, r.SourceSystem, r.SourceId, r.CanonicalId, r.CreatedAt
       FROM registry_mappings AS r
       LEFT JOIN identifiers AS e USING (CanonicalId, OntologyType, SourceSystem, SourceId)
       WHERE r.CanonicalId >= ? AND r.CanonicalId < ? AND e.CanonicalId IS NULL`
    );
    for await (const range of this.#ranges('exported')) this.#attempt(() => exported.run(...range));
    for await (const range of this.#ranges('registry')) this.#attempt(() => registry.run(...range));
  }

  /** Cuts all IDs that there can be into ranges in which this side's pool has so many; whatever else waits has its turn. */
  async *#ranges(side: Side): AsyncGenerator<[from: string, below: string | Uint8Array]> {
    const table = side === 'exported' ? 'canonical_ids' : 'registry_ids';
    const next = prepareRows<[string]>(
      this.#connection,
      `SELECT CanonicalId FROM ${table} WHERE CanonicalId >= ? ORDER BY CanonicalId LIMIT 1 OFFSET ?`
    );
    for (let from: string | undefined = ''; from !== undefined; ) {
      await nextTurn();
      const start: string = from;
      const [below] = this.#attempt(() => next(start, COMPARED_IDS));
      yield [start, below?.[0] ?? ABOVE_ALL_TEXT];
      from = below?.[0];
    }
  }

  #prepare<Row extends readonly unknown[]>(sql: string): Rows<Row> {
    const statement = this.#connection.prepare(sql);
    statement.setReturnArrays(true);
    return (...values) => statement.iterate(...values) as unknown as Iterator<Row>;
  }

  async *#pages<Row>(
    read: Rows<Row>,
    values: readonly SQLInputValue[]
  ): AsyncGenerator<Row[], void, undefined> {
    const rows = read(...values);
    for (let isLast = false; !isLast; ) {
      await nextTurn();
      const page = this.#attempt(() => {
        const some: Row[] = [];
        while (some.length < PAIRS && !isLast) {
          const { done, value } = rows.next();
          if (done) isLast = true;
          else some.push(value);
        }
        return some;
      });
      if (page.length > 0) yield page;
    }
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw roomFailed(error);
    }
  }
}

/** Whole batches, each along the canonical IDs. */
async function* sorted<Row extends { readonly canonicalId: string }>(
  pages: AsyncIterable<readonly Row[]>
): AsyncGenerator<Row[], void, undefined> {
  let batch: Row[] = [];
  const inOrder = (): Row[] => batch.sort((a, b) => compareText(a.canonicalId, b.canonicalId));
  for await (const rows of pages) {
    batch.push(...rows);
    if (batch.length < SORTED_ROWS) continue;
    yield inOrder();
    batch = [];
  }
  yield inOrder();
}

function readPool([canonicalId, status, createdAt]: Nullable<PoolRow>): PoolRecord | undefined {
  if (canonicalId === null || status === null) return undefined;
  return { canonicalId, status, createdAt };
}

function readMapping([type, system, value, canonicalId, createdAt]: MappingRow): MappingRecord {
  const source = { ontologyType: type, sourceSystem: system, value };
  return { source, canonicalId, createdAt };
}

function roomFailed(cause: unknown): IdMinterError {
  const { message } = cause as Error;
  return new IdMinterError(
    'TARGET_FAILED',
    `The temporary tables could not be written or read (${message}). Nothing was changed: the export and the registry ` +
      'were only read. Make room where temporary files stand, or set TMPDIR to a folder that has it, and say the same ' +
      'command again.',
    { cause }
  );
}
