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
import { cut } from '../../domain/cut.ts';
import type { StoredMapping } from '../../domain/registry.ts';
import type { FoldedIdentifier } from '../../domain/source-identifier.ts';
import { compareText } from '../../domain/source-identifier.ts';
import { groupBySystem } from '../../domain/source-places.ts';
import type { MysqlConnection } from './mysql-connection.ts';
import type { MysqlSchema } from './mysql-schema.ts';
import { UNFOLDED_MAX } from './statement-sizes.ts';

/** With fewer in a statement a connection more gains nothing. */
const WORTH_A_CONNECTION = 2_500;

/** From so many values on, a type and system have a statement of their own. */
const LARGE_GROUP = 500;

/** Those of one type and system, e.g. `{"t": "Work", "s": "miro", "v": ["V1", "V2"]}`, as they travel. */
interface Group {
  readonly t: string;
  readonly s: string;
  readonly v: readonly string[];
  /** Where in the question each of the values stood. */
  readonly positions: number[];
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
  const statements = statementsFor(
    sources,
    Math.min(Math.max(share, WORTH_A_CONNECTION), UNFOLDED_MAX)
  );
  const lookUp = async (groups: readonly Group[]): Promise<void> => {
    const [first, ...more] = groups;
    const rows =
      first && more.length === 0
        ? await askOne(database, schema, first)
        : await askAll(database, schema, groups);
    for (const [g, n, canonicalId, spelling] of rows) {
      const position = positionOf(groups, g, n);
      const asked = certain(sources[position], ASKED);
      const source = spelling === null ? asked : readSpelling(spelling);
      found[position] = { source, canonicalId };
    }
  };
  try {
    await pMap(statements, lookUp, { concurrency: connections, stopOnError: false });
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
    [writeJson(groups)]
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
  for (const groups of statementsFor(sources, UNFOLDED_MAX)) {
    const rows = await connection.rows<Row>(
      `SELECT g, n, HEX(WEIGHT_STRING(OntologyType)), HEX(WEIGHT_STRING(SourceSystem)), HEX(WEIGHT_STRING(SourceId))
       FROM ${unfold(schema)} AS asked`,
      [writeJson(groups)]
    );
    for (const [g, n, ...weights] of rows) {
      const trimmed = weights.map((weight, part) => trimEnd(weight, blanks[part] ?? ''));
      keys[positionOf(groups, g, n)] = trimmed.join(' ');
    }
  }
  return keys;
}

/** What one statement asks for. Large groups have statements of their own. */
function* statementsFor(
  sources: readonly FoldedIdentifier[],
  most: number
): Generator<readonly Group[]> {
  let small: Group[] = [];
  let count = 0;
  const valueAt = (position: number) => certain(sources[position], ASKED).value;
  for (const { ontologyType: t, sourceSystem: s, positions } of groupBySystem(sources)) {
    // So that the server walks through its index and not to and fro.
    positions.sort((a, b) => compareText(valueAt(a), valueAt(b)));
    for (const piece of cut(positions, most)) {
      const group = { t, s, v: piece.map(valueAt), positions: piece };
      if (piece.length >= LARGE_GROUP) {
        yield [group];
        continue;
      }
      // Type and system travel too, and may be as long as a value.
      const texts = piece.length + 2;
      if (count + texts > most) {
        yield small;
        small = [];
        count = 0;
      }
      small.push(group);
      count += texts;
    }
  }
  if (count > 0) yield small;
}

const ASKED = 'What was asked for';

/** A table with the number of the group, the number of the value within it, and the three parts. */
function unfold({ ontologyType, sourceSystem, sourceId }: MysqlSchema): string {
  return `JSON_TABLE(?, '$[*]' COLUMNS (
    g FOR ORDINALITY,
    OntologyType ${ontologyType} PATH '$.t',
    SourceSystem ${sourceSystem} PATH '$.s',
    NESTED PATH '$.v[*]' COLUMNS (n FOR ORDINALITY, SourceId ${sourceId} PATH '$')
  ))`;
}

function writeJson(groups: readonly Group[]): string {
  return JSON.stringify(groups.map(({ t, s, v }) => ({ t, s, v })));
}

function positionOf(groups: readonly Group[], g: number, n: number): number {
  const position = groups[g - 1]?.positions[n - 1];
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
