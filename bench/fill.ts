import { randomInt } from 'node:crypto';
import type { Connection } from 'mysql2/promise';
import type { Random } from '../scripts/invented-identifiers.ts';
import { seededRandom } from '../scripts/invented-identifiers.ts';
import { drawCanonicalId } from '../src/domain/canonical-id.ts';
import type { SourceIdentifier } from '../src/domain/source-identifier.ts';
import { query } from './sql.ts';

/** Free IDs that there are at least before each run. */
const POOL = 400_000;

const STATEMENT_ROWS = 50_000;
const SEED = 2;

/**
 * Fills empty tables with mappings and a pool, quickly: rows in the order of the primary key, unchecked, and the indexes
 * made at the end, which takes a tenth of the time of indexes that grow row by row. They are then as full as if they
 * had grown.
 *
 * @param sources - best in the order of the primary key
 * @param count - how many they are
 */
export async function fillRegistry(
  connection: Connection,
  sources: Iterable<SourceIdentifier>,
  count: number
): Promise<void> {
  const random = seededRandom(SEED);
  const numbers = drawNumbers(count + POOL, random);
  const order = shuffled(numbers.length, random);
  await connection.query('SET SESSION unique_checks = 0, foreign_key_checks = 0');
  await connection.query(
    'ALTER TABLE identifiers DROP FOREIGN KEY identifiers_ibfk_1, DROP INDEX idx_canonical'
  );
  await connection.query('ALTER TABLE canonical_ids DROP INDEX idx_free');
  await insertIds(connection, numbers, new Set(order.subarray(count)));
  await insertMappings(connection, sources, position => idOf(numbers[order[position] ?? 0] ?? 0));
  await makeIndexes(connection);
  await connection.query('SET SESSION unique_checks = 1, foreign_key_checks = 1');
  await connection.query('ANALYZE TABLE canonical_ids, identifiers');
}

/** Adds free IDs where there are fewer than {@link POOL}. */
export async function topUpPool(connection: Connection): Promise<void> {
  const [[free] = [0]] = await query<[number]>(
    connection,
    "SELECT COUNT(*) FROM (SELECT 1 FROM canonical_ids WHERE Status = 'free' LIMIT ?) AS some",
    [POOL]
  );
  const missing = POOL - free;
  if (missing <= 0) return;
  // More than are missing, so that not every run is preceded by a change of the pool.
  const drawn = Array.from({ length: missing + POOL / 4 }, () => drawCanonicalId(randomInt)).sort();
  for (let start = 0; start < drawn.length; start += STATEMENT_ROWS) {
    await connection.query(
      `INSERT IGNORE INTO canonical_ids (CanonicalId)
       SELECT id FROM JSON_TABLE(?, '$[*]' COLUMNS (id VARCHAR(8) CHARACTER SET latin1 PATH '$')) AS t`,
      [JSON.stringify(drawn.slice(start, start + STATEMENT_ROWS))]
    );
  }
}

async function insertIds(
  connection: Connection,
  numbers: Float64Array,
  isFree: ReadonlySet<number>
): Promise<void> {
  for (let start = 0; start < numbers.length; start += STATEMENT_ROWS) {
    const rows = Array.from(numbers.subarray(start, start + STATEMENT_ROWS), (number, index) => [
      idOf(number),
      isFree.has(start + index) ? 'free' : 'assigned',
    ]);
    await connection.query(
      `INSERT INTO canonical_ids (CanonicalId, Status)
       SELECT id, status FROM JSON_TABLE(?, '$[*]' COLUMNS (
         id VARCHAR(8) CHARACTER SET latin1 PATH '$[0]', status VARCHAR(8) PATH '$[1]')) AS t`,
      [JSON.stringify(rows)]
    );
  }
}

async function insertMappings(
  connection: Connection,
  sources: Iterable<SourceIdentifier>,
  idAt: (position: number) => string
): Promise<void> {
  let position = 0;
  let rows: string[][] = [];
  const flush = async () => {
    await connection.query(
      `INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId)
       SELECT t, s, v, id FROM JSON_TABLE(?, '$[*]' COLUMNS (
         t VARCHAR(255) CHARACTER SET latin1 PATH '$[0]',
         s VARCHAR(255) CHARACTER SET latin1 PATH '$[1]',
         v VARCHAR(255) CHARACTER SET latin1 PATH '$[2]',
         id VARCHAR(8) CHARACTER SET latin1 PATH '$[3]')) AS t`,
      [JSON.stringify(rows)]
    );
    rows = [];
  };
  for (const { ontologyType, sourceSystem, value } of sources) {
    rows.push([ontologyType, sourceSystem, value, idAt(position)]);
    position += 1;
    if (rows.length === STATEMENT_ROWS) await flush();
  }
  if (rows.length > 0) await flush();
}

/** As full as pages are that were split many times; one that is full to the brim would make each insert split it. */
async function makeIndexes(connection: Connection): Promise<void> {
  const [[before] = [100]] = await query<[number]>(connection, 'SELECT @@innodb_fill_factor');
  await connection.query('SET GLOBAL innodb_fill_factor = 70');
  await connection.query('ALTER TABLE canonical_ids ADD INDEX idx_free (Status, CanonicalId)');
  await connection.query('ALTER TABLE identifiers ADD INDEX idx_canonical (CanonicalId)');
  await connection.query('SET GLOBAL innodb_fill_factor = ?', [before]);
  await connection.query(
    `ALTER TABLE identifiers ADD CONSTRAINT identifiers_ibfk_1
     FOREIGN KEY (CanonicalId) REFERENCES canonical_ids (CanonicalId)`
  );
}

const LETTERS = 'abcdefghjkmnpqrstuvwxyz';
const LETTERS_AND_DIGITS = `${LETTERS}23456789`;
/** 23·31⁷: more than fit into 32 bits, so IDs are drawn and kept as floating-point numbers. */
const CANONICAL_IDS = LETTERS.length * LETTERS_AND_DIGITS.length ** 7;

/** Different numbers of canonical IDs, in order; the texts of ten million would take gigabytes. */
function drawNumbers(count: number, random: Random): Float64Array {
  const draw = () => Math.floor((random() + random() / 2 ** 32) * CANONICAL_IDS) % CANONICAL_IDS;
  const more = Float64Array.from({ length: count + Math.ceil(count / 1000) }, draw).sort();
  const different = more.filter((number, index) => number !== more[index - 1]);
  // Those that are too many are taken from all over.
  const surplus = different.length - count;
  const step = surplus === 0 ? Number.POSITIVE_INFINITY : Math.floor(different.length / surplus);
  let left = surplus;
  return different.filter((_, index) => left === 0 || index % step !== 0 || left-- === 0);
}

/** In the order of the numbers, digit by digit, so that sorted numbers are sorted IDs: digits come before letters. */
function idOf(number: number): string {
  let text = '';
  let rest = number;
  for (let place = 0; place < 7; place += 1) {
    text = SORTED.charAt(rest % SORTED.length) + text;
    rest = Math.floor(rest / SORTED.length);
  }
  return LETTERS.charAt(rest) + text;
}

const SORTED = [...LETTERS_AND_DIGITS].sort().join('');

function shuffled(length: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length }, (_, index) => index);
  for (let at = length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    [order[at], order[other]] = [order[other] ?? 0, order[at] ?? 0];
  }
  return order;
}
