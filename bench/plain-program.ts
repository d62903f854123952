import { randomInt } from 'node:crypto';
import type { Connection } from 'mysql2/promise';
import { drawCanonicalId } from '../src/domain/canonical-id.ts';
import type { SourceIdentifier } from '../src/domain/source-identifier.ts';
import { query } from './sql.ts';

/**
 * The floor: the plainest program found that sends the fastest statements known. It checks nothing, tries nothing again,
 * and knows neither other minters nor spellings, so no correct minter can do with less.
 */
const LOOK_UP_VALUES = 20_000;
const LISTED_VALUES = 1_000;

/** The ID of each source, by position; one statement for each type and system. */
export async function lookUpPlainly(
  connection: Connection,
  sources: readonly SourceIdentifier[]
): Promise<(string | undefined)[]> {
  const ids = new Array<string | undefined>(sources.length);
  const values = sources.map(source => source.value);
  const groups = Map.groupBy(sources.keys(), at => {
    const source = sources[at];
    return `${source?.ontologyType}\n${source?.sourceSystem}`;
  });
  for (const [name, group] of groups) {
    const [type, system] = name.split('\n');
    group.sort((a, b) => compare(values[a] ?? '', values[b] ?? ''));
    for (let start = 0; start < group.length; start += LOOK_UP_VALUES) {
      const positions = group.slice(start, start + LOOK_UP_VALUES);
      const rows = await query<[number, string]>(
        connection,
        `SELECT STRAIGHT_JOIN asked.n, i.CanonicalId
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
           n FOR ORDINALITY, v VARCHAR(255) CHARACTER SET latin1 PATH '$')) AS asked
         JOIN identifiers AS i ON i.OntologyType = ? AND i.SourceSystem = ? AND i.SourceId = asked.v`,
        [JSON.stringify(positions.map(position => values[position])), type, system]
      );
      for (const [n, id] of rows) ids[positions[n - 1] ?? -1] = id;
    }
  }
  return ids;
}

/** A source without an ID takes one from the pool, or that of its predecessor, which has to be there. */
export async function mintPlainly(
  connection: Connection,
  sources: readonly SourceIdentifier[],
  predecessors: ReadonlyMap<number, SourceIdentifier> = new Map()
): Promise<string[]> {
  const asked = [...sources, ...predecessors.values()];
  const found = await lookUpPlainly(connection, asked);
  const ids = found.slice(0, sources.length);
  const inherited = new Map(
    [...predecessors.keys()].map((at, n) => [at, found[sources.length + n]])
  );
  const missing = [...ids.keys()].filter(at => ids[at] === undefined);
  if (missing.length > 0) {
    await connection.query('START TRANSACTION');
    const fresh = missing.filter(at => !inherited.has(at));
    const claimed = await claim(connection, fresh.length);
    for (const at of missing) ids[at] = inherited.get(at) ?? claimed.pop();
    missing.sort((a, b) => compareSources(sources[a], sources[b]));
    for (const chunk of cut(missing)) {
      const rows = chunk.map(at => {
        const source = sources[at];
        return [source?.ontologyType, source?.sourceSystem, source?.value, ids[at]];
      });
      await connection.query(
        'INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) VALUES ?',
        [rows]
      );
    }
    for (const chunk of cut(fresh.map(at => ids[at]))) {
      await connection.query(
        "UPDATE canonical_ids SET Status = 'assigned' WHERE CanonicalId IN (?)",
        [chunk]
      );
    }
    await connection.query('COMMIT');
  }
  return ids.map(id => id ?? '');
}

/** From a random place on, then from the start; none of them may be in use. */
async function claim(connection: Connection, count: number): Promise<string[]> {
  if (count === 0) return [];
  const start = drawCanonicalId(randomInt);
  const ids: string[] = [];
  for (const condition of ['>=', '<'] as const) {
    if (ids.length === count) break;
    const rows = await query<[string]>(
      connection,
      `SELECT CanonicalId FROM canonical_ids FORCE INDEX (idx_free)
       WHERE Status = 'free' AND CanonicalId ${condition} ?
       ORDER BY CanonicalId LIMIT ? FOR UPDATE SKIP LOCKED`,
      [start, count - ids.length]
    );
    ids.push(...rows.map(([id]) => id));
  }
  const used = await query(
    connection,
    `SELECT STRAIGHT_JOIN i.CanonicalId
     FROM JSON_TABLE(?, '$[*]' COLUMNS (id VARCHAR(8) CHARACTER SET latin1 PATH '$')) AS asked
     JOIN identifiers AS i ON i.CanonicalId = asked.id`,
    [JSON.stringify(ids)]
  );
  if (ids.length < count || used.length > 0) throw new Error('The pool is not what it should be.');
  return ids;
}

function compareSources(a: SourceIdentifier | undefined, b: SourceIdentifier | undefined): number {
  return (
    compare(a?.ontologyType ?? '', b?.ontologyType ?? '') ||
    compare(a?.sourceSystem ?? '', b?.sourceSystem ?? '') ||
    compare(a?.value ?? '', b?.value ?? '')
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function* cut<T>(list: readonly T[]): Generator<T[]> {
  for (let start = 0; start < list.length; start += LISTED_VALUES) {
    yield list.slice(start, start + LISTED_VALUES);
  }
}
