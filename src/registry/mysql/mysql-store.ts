import type { CanonicalId } from '../../domain/canonical-id.ts';
import { cut } from '../../domain/cut.ts';
import type {
  DatedMapping,
  HeldReading,
  ImportTransaction,
  PoolCount,
  RegistryStore,
  Status,
  StoredMapping,
} from '../../domain/registry.ts';
import type { RestoreBatch, RestoreMarker } from '../../domain/registry-restore.ts';
import type { RegistrySnapshot } from '../../domain/registry-tables.ts';
import type { CanStore, FoldedIdentifier } from '../../domain/source-identifier.ts';
import { createHeldReading } from '../held-reading.ts';
import { restoreMarkerOf } from '../migration-database.ts';
import { isToBeRestored, refusedRow } from '../restoring.ts';
import type { Program } from '../schema-state.ts';
import { checkSchemaState } from '../schema-state.ts';
import { readSnapshot } from '../snapshot-reading.ts';
import type { MysqlConnection } from './mysql-connection.ts';
import { connector } from './mysql-connection.ts';
import type { Translated } from './mysql-errors.ts';
import { isUnfitRow, translateMysqlError } from './mysql-errors.ts';
import { MysqlPool } from './mysql-pool.ts';
import { readRecords, readRecordsOrAdopt } from './mysql-records.ts';
import { lockRestoreMarker, restoreRows } from './mysql-restore.ts';
import type { MysqlSchema } from './mysql-schema.ts';
import { readSchema } from './mysql-schema.ts';
import type { AnyMysqlSettings } from './mysql-settings.ts';
import { nameOf } from './mysql-settings.ts';
import { countFree, MysqlTransaction } from './mysql-transaction.ts';
import type { Asked } from './source-look-up.ts';
import { equalityKeysOf, lookUpSources } from './source-look-up.ts';
import { LISTED_MAX } from './statement-sizes.ts';

/** Connections for one large look-up. With more, the server works longer for it than the answer comes sooner. */
const LOOK_UPS_AT_ONCE = 2;

/** Of counting tens of millions of IDs from a cold disk. */
const COUNT_TIMEOUT_MS = 600_000;

/** A reader of a snapshot may have to wait long for where its pages go. */
const SNAPSHOT_WAIT_SECONDS = 3_600;

/**
 * Opens a registry on MySQL or MariaDB. Tries once: what is wrong with host, user, database or tables is said at
 * once.
 *
 * @throws IdMinterError REGISTRY_UNAVAILABLE, REGISTRY_ACCESS_DENIED, REGISTRY_NOT_FOUND, INVALID_CONFIGURATION, one of
 *   the SCHEMA codes, or MIGRATION_UNFINISHED
 */
export async function openMysqlStore(
  settings: AnyMysqlSettings,
  program: Program
): Promise<RegistryStore> {
  const pool = new MysqlPool(connector(settings), settings.maxConnections);
  try {
    return await pool.use(async connection => {
      const schema = await readSchema(connection);
      const records = await readRecordsOrAdopt(connection, program);
      const { conceptTypes } = checkSchemaState(records, program);
      return new MysqlStore(settings, pool, schema, conceptTypes);
    });
  } catch (error) {
    await pool.close();
    throw translateMysqlError(error, settings).error;
  }
}

class MysqlStore implements RegistryStore {
  readonly name: string;
  readonly conceptTypes: ReadonlySet<string>;
  readonly canStore: CanStore;
  readonly held: HeldReading;
  readonly #settings: AnyMysqlSettings;
  readonly #pool: MysqlPool;
  readonly #schema: MysqlSchema;

  constructor(
    settings: AnyMysqlSettings,
    pool: MysqlPool,
    schema: MysqlSchema,
    conceptTypes: ReadonlySet<string>
  ) {
    this.name = nameOf(settings);
    this.conceptTypes = conceptTypes;
    this.canStore = schema.canStore;
    this.held = createHeldReading({
      poolHint: 'FORCE INDEX (PRIMARY)',
      mappingHint: schema.mappingIndexHint,
      rows: (sql, values) => pool.use(connection => connection.rows(sql, values)),
    });
    this.#settings = settings;
    this.#pool = pool;
    this.#schema = schema;
  }

  transaction<T>(work: (transaction: ImportTransaction) => Promise<T>): Promise<T> {
    return this.#transact(connection => work(new MysqlTransaction(connection, this.#schema)));
  }

  lookUp(sources: readonly FoldedIdentifier[]): Promise<(StoredMapping | undefined)[]> {
    const pool: Asked = {
      rows: (sql, values) => this.#pool.use(connection => connection.rows(sql, values)),
    };
    return lookUpSources(pool, this.#schema, sources, LOOK_UPS_AT_ONCE);
  }

  equalityKeys(sources: readonly FoldedIdentifier[]): Promise<string[]> {
    return this.#pool.use(connection => equalityKeysOf(connection, this.#schema, sources));
  }

  async sourcesOf(ids: readonly CanonicalId[]): Promise<DatedMapping[]> {
    type Row = [string, string, string, CanonicalId, Date | null];
    const rows = await this.#readByIds<Row>(
      'SELECT OntologyType, SourceSystem, SourceId, CanonicalId, CreatedAt FROM identifiers WHERE CanonicalId IN (?)',
      ids
    );
    return rows.map(([ontologyType, sourceSystem, value, canonicalId, createdAt]) => ({
      source: { ontologyType, sourceSystem, value },
      canonicalId,
      // The column may be NULL: of a time that nobody knows, the row is taken for the oldest.
      createdAt: createdAt ?? new Date(0),
    }));
  }

  async statusOf(ids: readonly CanonicalId[]): Promise<Map<CanonicalId, Status>> {
    const rows = await this.#readByIds<[CanonicalId, Status]>(
      'SELECT CanonicalId, Status FROM canonical_ids WHERE CanonicalId IN (?)',
      ids
    );
    return new Map(rows);
  }

  /** On a connection of its own, which then is not lent again: its settings are not those of the others. */
  snapshot<T>(work: (snapshot: RegistrySnapshot) => Promise<T>): Promise<T> {
    const { conceptTypes } = this;
    return this.#pool.use(async connection => {
      const translated = <Result>(result: Promise<Result>): Promise<Result> =>
        result.catch(error => {
          throw this.translate(error).error;
        });
      try {
        await translated(beginSnapshot(connection));
        return await work(
          await readSnapshot({
            conceptTypes,
            keyHint: 'FORCE INDEX (PRIMARY)',
            now: 'UNIX_TIMESTAMP()',
            // What old servers took for a time that is none.
            createdAt: 'NULLIF(UNIX_TIMESTAMP(CreatedAt), 0)',
            rows: (sql, values) => translated(connection.rows(sql, values)),
          })
        );
      } finally {
        await connection.end();
      }
    });
  }

  restoreMarker(): Promise<RestoreMarker | undefined> {
    return this.#pool.use(async connection => restoreMarkerOf(await readRecords(connection)));
  }

  restore(batch: RestoreBatch): Promise<void> {
    return this.#transact(async connection => {
      const standing = await lockRestoreMarker(connection);
      if (!isToBeRestored(this.name, standing, batch)) return;
      try {
        await restoreRows(connection, batch);
      } catch (error) {
        if (!isUnfitRow(error)) throw error;
        throw refusedRow(this.name, error.message, error);
      }
    });
  }

  countRows(): Promise<{ ids: number; mappings: number }> {
    return this.#pool.use(async connection => {
      const [row] = await connection.rows<[number, number]>(
        'SELECT (SELECT COUNT(*) FROM canonical_ids), (SELECT COUNT(*) FROM identifiers)',
        [],
        { timeoutMs: COUNT_TIMEOUT_MS }
      );
      const [ids = 0, mappings = 0] = row ?? [];
      return { ids, mappings };
    });
  }

  countPool(): Promise<PoolCount> {
    return this.#pool.use(async connection => {
      const rows = await connection.rows<[Status, number]>(
        'SELECT Status, COUNT(*) FROM canonical_ids GROUP BY Status',
        [],
        { timeoutMs: COUNT_TIMEOUT_MS }
      );
      const counts = new Map(rows);
      return { free: counts.get('free') ?? 0, assigned: counts.get('assigned') ?? 0 };
    });
  }

  countFree(limit: number): Promise<number> {
    return this.#pool.use(connection => countFree(connection, this.#schema, limit));
  }

  addFree(ids: readonly CanonicalId[]): Promise<number> {
    return this.#transact(async connection => {
      let added = 0;
      for (const chunk of cut(ids.toSorted(), LISTED_MAX)) {
        const { rows } = await connection.change(
          'INSERT IGNORE INTO canonical_ids (CanonicalId) VALUES ?',
          [chunk.map(id => [id])]
        );
        added += rows;
      }
      return added;
    });
  }

  translate(error: unknown): Translated {
    return translateMysqlError(error, this.#settings);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  async #readByIds<Row extends readonly unknown[]>(
    sql: string,
    ids: readonly CanonicalId[]
  ): Promise<Row[]> {
    return await this.#pool.use(async connection => {
      const rows: Row[] = [];
      for (const chunk of cut(ids, LISTED_MAX))
        rows.push(...(await connection.rows<Row>(sql, [chunk])));
      return rows;
    });
  }

  async #transact<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    return await this.#pool.use(async connection => {
      await connection.change('START TRANSACTION');
      let result: T;
      try {
        result = await work(connection);
      } catch (error) {
        await rollBack(connection);
        throw error;
      }
      await connection.change('COMMIT');
      return result;
    });
  }
}

/** Both tables as they are now, whatever others commit meanwhile. */
async function beginSnapshot(connection: MysqlConnection): Promise<void> {
  await connection.change('SET SESSION wait_timeout = ?', [SNAPSHOT_WAIT_SECONDS]);
  await connection.change('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
  await connection.change('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
}

/** A connection on which something failed is closed instead, which rolls back as well. */
async function rollBack(connection: MysqlConnection): Promise<void> {
  if (!connection.isSound) return;
  try {
    await connection.change('ROLLBACK');
  } catch {
    // Not sound any more. What made us roll back is what the caller is told.
  }
}
