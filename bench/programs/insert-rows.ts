/**
 * `insert-rows SOURCE DATABASE BATCH`: draws an ID for each line of a file `type,system,value` and inserts both rows, so
 * many lines a transaction. It knows no pool, and looks nothing up.
 */
import { randomInt } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';

const LETTERS = 'abcdefghjkmnpqrstuvwxyz';
const LETTERS_AND_DIGITS = `${LETTERS}23456789`;
const [source = '', path = '', batch = ''] = process.argv.slice(2);

const database = new DatabaseSync(path);
// As the product has them.
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
database.exec('PRAGMA cache_size = -16384');
const insertId = database.prepare(
  "INSERT OR IGNORE INTO canonical_ids (CanonicalId, Status) VALUES (?, 'assigned')"
);
const insertMapping = database.prepare(
  'INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) VALUES (?, ?, ?, ?)'
);
let lines = 0;
for await (const line of createInterface({ input: createReadStream(source) })) {
  lines += 1;
  // The names of the columns.
  if (lines === 1) continue;
  if (lines % Number(batch) === 2) database.exec('BEGIN IMMEDIATE');
  const [type = '', system = '', value = ''] = line.split(',');
  let id = drawId();
  // Of a million drawn, two are the same in every other run.
  while (insertId.run(id).changes === 0) id = drawId();
  insertMapping.run(type, system, value, id);
  if (lines % Number(batch) === 1) database.exec('COMMIT');
}
if (database.isTransaction) database.exec('COMMIT');
database.close();

function drawId(): string {
  let id = LETTERS.charAt(randomInt(LETTERS.length));
  while (id.length < 8) id += LETTERS_AND_DIGITS.charAt(randomInt(LETTERS_AND_DIGITS.length));
  return id;
}
