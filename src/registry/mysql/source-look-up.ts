/**
 * Asks for many source identifiers in one statement: they travel as one JSON value, which the server unfolds into
 * a table whose columns are declared like its own. So its own equality decides what is found, by the primary key,
 * and the answer is told by position, since the spelling found may not be the one asked for. Against IN lists this
 * is twice as fast, and it has no length at which the server gives up the index.
 *
 * Many values of one type and system have a statement of their own, in which these two are constants: the server then
 * takes three quarters of the time.
 */
import pMap from 'p-map';
import type { CanonicalId } from '../../domain/canonical-id.ts';
import { certain } from '../../domain/certain.ts';
import type { StoredMapping } from '../../domain/registry.ts';
import type { FoldedIdentifier } from '../../domain/source-identifier.ts';
import { compareSources } from '../../domain/source-identifier.ts';
import type { MysqlConnection } from './mysql-connection.ts';
import type { MysqlSchema } from './mysql-schema.ts';
import { UNFOLDED_MAX } from './statement-sizes.ts';

/** With fewer in a statement a connection more gains nothing. */
const WORTH_A_CONNECTION = 2_500;

/** From so many values on, a type and system have a statement of their own. */
const LARGE_GROUP = 500;

/** Of all texts in one statement; values may be 255 characters of four bytes. */
const CHARACTERS_MAX = 1_000_000;

/** Those of one type and system, e.g. `{"t": "Work", "s": "miro", "v": ["V1", "V2"]}`, as they travel. */
interface Group {
  readonly t: string;
  readonly s: string;
  readonly v: string[];
}

/** What one statement asks for, and where in the question each of its values stood. */
interface Chunk {
  readonly groups: Group[];
  readonly positions: number[][];
}

/** A connection, or a pool of them that sends each statement on one. */
export type Asked = Pick<MysqlConnection, 'rows'>;

/**
 * The stored mapping that the database takes for each source, by position.
 *
 * @param connections - how many statements may be on their way at once
 */
export async function lookUpSources(
  database: Asked,
  schema: MysqlSchema,
  sources: readonly FoldedIdentifier[],
  connections = 1
): Promise<(StoredMapping | undefined)[]> {
  const found: (StoredMapping | undefined)[] = new Array(sources.length).fill(undefined);
  const share = Math.ceil(sources.length / connections);
  const chunks = cut(sources, Math.min(Math.max(share, WORTH_A_CONNECTION), UNFOLDED_MAX));
  const lookUp = async ({ groups, positions }: Chunk): Promise<void> => {
    const [first, ...more] = groups;
    const rows =
      first && more.length === 0
        ? await askOne(database, schema, first)
        : await askAll(database, schema, groups);
    for (const [g, n, canonicalId, spelling] of rows) {
      const position = positionOf(positions, g, n);
      const asked = certain(sources[position], 'What was asked for');
      const source = spelling === null ? asked : readSpelling(spelling);
      found[position] = { source, canonicalId };
    }
  };
  try {
    await pMap(chunks, lookUp, { concurrency: connections, stopOnError: false });
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  }
  return found;
}

/** Group and place in it, the ID, and how the source is spelled where that is not as it was asked: most are. */
type Row = [g: number, n: number, canonicalId: CanonicalId, spelling: string | null];

const SPELLING = 'CAST(JSON_ARRAY(i.OntologyType, i.SourceSystem, i.SourceId) AS CHAR)';

/** STRAIGHT_JOIN here and below: from what is asked to the primary key, whatever the optimiser thinks of the two sizes. */
function askOne(database: Asked, { sourceId }: MysqlSchema, { t, s, v }: Group): Promise<Row[]> {
  return database.rows<Row>(
    `SELECT STRAIGHT_JOIN 1, asked.n, i.CanonicalId,
       IF(CAST(i.SourceId AS BINARY) = CAST(asked.SourceId AS BINARY)
         AND CAST(i.SourceSystem AS BINARY) = ? AND CAST(i.OntologyType AS BINARY) = ?, NULL, ${SPELLING})
     FROM JSON_TABLE(?, '$[*]' COLUMNS (n FOR ORDINALITY, SourceId ${sourceId} PATH '$')) AS asked
     JOIN identifiers AS i ON i.OntologyType = ? AND i.SourceSystem = ? AND i.SourceId = asked.SourceId`,
    [s, t, JSON.stringify(v), t, s]
  );
}

function askAll(database: Asked, schema: MysqlSchema, groups: readonly Group[]): Promise<Row[]> {
  return database.rows<Row>(
    `SELECT STRAIGHT_JOIN asked.g, asked.n, i.CanonicalId,
       IF(CAST(i.SourceId AS BINARY) = CAST(asked.SourceId AS BINARY)
         AND CAST(i.SourceSystem AS BINARY) = CAST(asked.SourceSystem AS BINARY)
         AND CAST(i.OntologyType AS BINARY) = CAST(asked.OntologyType AS BINARY), NULL, ${SPELLING})
     FROM ${unfold(schema)} AS asked
     JOIN identifiers AS i ON i.OntologyType = asked.OntologyType
       AND i.SourceSystem = asked.SourceSystem AND i.SourceId = asked.SourceId`,
    [JSON.stringify(groups)]
  );
}

function readSpelling(json: string): FoldedIdentifier {
  const [ontologyType, sourceSystem, value] = JSON.parse(json) as [string, string, string];
  return { ontologyType, sourceSystem, value } as FoldedIdentifier;
}

/** For each source a text that is equal exactly where the database takes two sources for one. */
export async function equalityKeysOf(
  connection: MysqlConnection,
  schema: MysqlSchema,
  sources: readonly FoldedIdentifier[]
): Promise<string[]> {
  type Row = [number, number, string, string, string];
  const blanks = await readBlanks(connection, schema);
  const keys: string[] = new Array(sources.length).fill('');
  for (const { groups, positions } of cut(sources, UNFOLDED_MAX)) {
    const rows = await connection.rows<Row>(
      `SELECT g, n, HEX(WEIGHT_STRING(OntologyType)), HEX(WEIGHT_STRING(SourceSystem)), HEX(WEIGHT_STRING(SourceId))
       FROM ${unfold(schema)} AS asked`,
      [JSON.stringify(groups)]
    );
    for (const [g, n, ...weights] of rows) {
      const trimmed = weights.map((weight, part) => trimEnd(weight, blanks[part] ?? ''));
      keys[positionOf(positions, g, n)] = trimmed.join(' ');
    }
  }
  return keys;
}

/** Sorted, so that the server walks through its index and not to and fro. Large groups are chunks of their own. */
function* cut(sources: readonly FoldedIdentifier[], most: number): Generator<Chunk> {
  const at = (position: number) => certain(sources[position], 'What was asked for');
  const inOrder = [...sources.keys()].sort((a, b) => compareSources(at(a), at(b)));
  let small = new Gathering();
  for (let start = 0; start < inOrder.length; ) {
    const end = endOfGroup(inOrder, start, at);
    const isLarge = end - start >= LARGE_GROUP;
    let gathering = isLarge ? new Gathering() : small;
    for (const position of inOrder.slice(start, end)) {
      gathering.add(at(position), position);
      if (!gathering.isFull(most)) continue;
      yield gathering;
      gathering = new Gathering();
    }
    if (!isLarge) small = gathering;
    else if (gathering.count > 0) yield gathering;
    start = end;
  }
  if (small.count > 0) yield small;
}

function endOfGroup(
  inOrder: readonly number[],
  start: number,
  at: (position: number) => FoldedIdentifier
): number {
  const first = at(inOrder[start] ?? 0);
  let end = start + 1;
  while (end < inOrder.length) {
    const next = at(inOrder[end] ?? 0);
    if (next.ontologyType !== first.ontologyType || next.sourceSystem !== first.sourceSystem) break;
    end += 1;
  }
  return end;
}

/** A chunk in the making. */
class Gathering implements Chunk {
  readonly groups: Group[] = [];
  readonly positions: number[][] = [];
  count = 0;
  #characters = 0;

  add({ ontologyType: t, sourceSystem: s, value }: FoldedIdentifier, position: number): void {
    let group = this.groups.at(-1);
    if (group === undefined || group.t !== t || group.s !== s) {
      group = { t, s, v: [] };
      this.groups.push(group);
      this.positions.push([]);
      this.#characters += t.length + s.length;
    }
    group.v.push(value);
    this.positions.at(-1)?.push(position);
    this.count += 1;
    this.#characters += value.length;
  }

  isFull(most: number): boolean {
    return this.count >= most || this.#characters >= CHARACTERS_MAX;
  }
}

/** A table with the number of the group, the number of the value within it, and the three parts. */
function unfold({ ontologyType, sourceSystem, sourceId }: MysqlSchema): string {
  return `JSON_TABLE(?, '$[*]' COLUMNS (
    g FOR ORDINALITY,
    OntologyType ${ontologyType} PATH '$.t',
    SourceSystem ${sourceSystem} PATH '$.s',
    NESTED PATH '$.v[*]' COLUMNS (n FOR ORDINALITY, SourceId ${sourceId} PATH '$')
  ))`;
}

function positionOf(positions: readonly number[][], g: number, n: number): number {
  const position = positions[g - 1]?.[n - 1];
  if (position === undefined) throw new Error('The database answered what was not asked.');
  return position;
}

/** What a trailing space weighs in each part, where the collation ignores it; else nothing. */
async function readBlanks(
  connection: MysqlConnection,
  { ontologyType, sourceSystem, sourceId }: MysqlSchema
): Promise<readonly string[]> {
  const [blanks = []] = await connection.rows<string[]>(
    `SELECT IF(t = '', HEX(WEIGHT_STRING(t)), ''), IF(s = '', HEX(WEIGHT_STRING(s)), ''),
       IF(v = '', HEX(WEIGHT_STRING(v)), '')
     FROM JSON_TABLE('[" "]', '$[*]' COLUMNS (
       t ${ontologyType} PATH '$', s ${sourceSystem} PATH '$', v ${sourceId} PATH '$'
     )) AS blank`
  );
  return blanks;
}

function trimEnd(weight: string, blank: string): string {
  let trimmed = weight;
  while (blank !== '' && trimmed.endsWith(blank)) trimmed = trimmed.slice(0, -blank.length);
  return trimmed;
}
