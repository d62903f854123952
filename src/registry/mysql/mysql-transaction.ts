import { randomInt } from 'node:crypto';
import type { CanonicalId } from '../../domain/canonical-id.ts';
import { drawCanonicalId } from '../../domain/canonical-id.ts';
import { cut } from '../../domain/cut.ts';
import type { Claim, ImportTransaction, StoredMapping } from '../../domain/registry.ts';
import type { FoldedIdentifier } from '../../domain/source-identifier.ts';
import type { MysqlConnection } from './mysql-connection.ts';
import type { MysqlSchema } from './mysql-schema.ts';
import { lookUpSources } from './source-look-up.ts';
import { LISTED_MAX, UNFOLDED_MAX } from './statement-sizes.ts';

/**
 * The calls of minting and importing, on a connection that has a transaction open. Under READ COMMITTED each
 * statement sees what others have committed when it begins, so what was passed over by an insert can be read.
 */
export class MysqlTransaction implements ImportTransaction {
  readonly #connection: MysqlConnection;
  readonly #schema: MysqlSchema;

  constructor(connection: MysqlConnection, schema: MysqlSchema) {
    this.#connection = connection;
    this.#schema = schema;
  }

  lookUp(sources: readonly FoldedIdentifier[]): Promise<(StoredMapping | undefined)[]> {
    return lookUpSources(this.#connection, this.#schema, sources);
  }

  /**
   * From a random place on and then from the start, so that minters do not meet: all of them from the low end walk
   * over every ID that the others hold, at 16 minters ten times as long. With the index named, two rows are locked
   * an ID; left to itself MariaDB may lock the pool.
   */
  async claim(count: number): Promise<Claim> {
    const start = drawCanonicalId(randomInt);
    const ids = await this.#claimWhere('CanonicalId >= ?', start, count);
    if (ids.length < count) {
      ids.push(...(await this.#claimWhere('CanonicalId < ?', start, count - ids.length)));
    }
    if (ids.length === count) return { ids, free: count };
    // Some of those that were taken may turn out to be in use, so more are counted than were asked for.
    return { ids, free: await countFree(this.#connection, this.#schema, 2 * count) };
  }

  async findUsed(ids: readonly CanonicalId[]): Promise<ReadonlySet<CanonicalId>> {
    const used = new Set<CanonicalId>();
    for (const chunk of cut(ids, UNFOLDED_MAX)) {
      const rows = await this.#connection.rows<[CanonicalId]>(
        `SELECT STRAIGHT_JOIN DISTINCT asked.id
         FROM JSON_TABLE(?, '$[*]' COLUMNS (id ${this.#schema.canonicalId} PATH '$')) AS asked
         JOIN identifiers AS i ON i.CanonicalId = asked.id`,
        [JSON.stringify(chunk)]
      );
      for (const [id] of rows) used.add(id);
    }
    return used;
  }

  /** IGNORE, since ON DUPLICATE KEY UPDATE would need a right to change mappings, which a minter must not have. */
  async insert(mappings: readonly StoredMapping[]): Promise<number> {
    let inserted = 0;
    for (const chunk of cut(mappings, LISTED_MAX)) {
      const rows = chunk.map(({ source: { ontologyType, sourceSystem, value }, canonicalId }) => [
        ...[ontologyType, sourceSystem, value, canonicalId],
      ]);
      const change = await this.#connection.change(
        'INSERT IGNORE INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) VALUES ?',
        [rows]
      );
      refuseChangedValues(chunk.length - change.rows, change.warnings);
      inserted += change.rows;
    }
    return inserted;
  }

  async markAssigned(ids: readonly CanonicalId[]): Promise<void> {
    for (const chunk of cut(ids, LISTED_MAX)) await this.#markAssigned(chunk);
  }

  /**
   * Changes before it adds: an insert that meets a row locks it for reading, and two imports that then both want to
   * change it would wait for each other.
   */
  async addAssigned(ids: readonly CanonicalId[]): Promise<void> {
    for (const chunk of cut(ids, LISTED_MAX)) {
      const marked = await this.#markAssigned(chunk);
      const added = await this.#connection.change(
        'INSERT IGNORE INTO canonical_ids (CanonicalId, Status) VALUES ?',
        [chunk.map(id => [id, 'assigned'])]
      );
      // The others are assigned already, unless somebody has added them to the pool in between.
      if (marked + added.rows < chunk.length)
        await this.#markAssigned(await this.#filterFree(chunk));
    }
  }

  async #claimWhere(condition: string, start: CanonicalId, count: number): Promise<CanonicalId[]> {
    const rows = await this.#connection.rows<[CanonicalId]>(
      `SELECT CanonicalId FROM canonical_ids ${this.#schema.freeIndexHint}
       WHERE Status = 'free' AND ${condition} ORDER BY CanonicalId LIMIT ? FOR UPDATE SKIP LOCKED`,
      [start, count]
    );
    return rows.map(([id]) => id);
  }

  async #markAssigned(ids: readonly CanonicalId[]): Promise<number> {
    if (ids.length === 0) return 0;
    const { rows } = await this.#connection.change(
      "UPDATE canonical_ids SET Status = 'assigned' WHERE CanonicalId IN (?) AND Status = 'free'",
      [ids]
    );
    return rows;
  }

  async #filterFree(ids: readonly CanonicalId[]): Promise<CanonicalId[]> {
    const rows = await this.#connection.rows<[CanonicalId]>(
      "SELECT CanonicalId FROM canonical_ids WHERE CanonicalId IN (?) AND Status = 'free'",
      [ids]
    );
    return rows.map(([id]) => id);
  }
}

export async function countFree(
  connection: MysqlConnection,
  { freeIndexHint }: MysqlSchema,
  limit: number
): Promise<number> {
  const [row] = await connection.rows<[number]>(
    `SELECT COUNT(*) FROM (
       SELECT 1 FROM canonical_ids ${freeIndexHint} WHERE Status = 'free' LIMIT ?
     ) AS some`,
    [limit]
  );
  return row?.[0] ?? 0;
}

/** Each row that is passed over is one warning. Any other means that the server altered a value to make it fit. */
function refuseChangedValues(passedOver: number, warnings: number): void {
  if (warnings <= passedOver) return;
  throw new Error(
    `The server altered values on insert (${warnings} warnings, ${passedOver} rows passed over).`
  );
}
