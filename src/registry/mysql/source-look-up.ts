/**
 * Asks for many source identifiers in one statement: they travel as one JSON value, which the server unfolds into
 * a table whose columns are declared like its own. So its own equality decides what is found, by the primary key,
 * and the answer is told by position, since the spelling found may not be the one asked for. Against IN lists this
 * is twice as fast, and it has no length at which the server gives up the index.
 */
import type { CanonicalId } from '../../domain/canonical-id.ts';
import type { StoredMapping } from '../../domain/registry.ts';
import type { FoldedIdentifier } from '../../domain/source-identifier.ts';
import { compareSources } from '../../domain/source-identifier.ts';
import type { MysqlConnection } from './mysql-connection.ts';
import type { MysqlSchema } from './mysql-schema.ts';
import { UNFOLDED_MAX } from './statement-sizes.ts';

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

/** The stored mapping that the database takes for each source, by position. */
export async function lookUpSources(
  connection: MysqlConnection,
  schema: MysqlSchema,
  sources: readonly FoldedIdentifier[]
): Promise<(StoredMapping | undefined)[]> {
  type Row = [number, number, string, string, string, CanonicalId];
  const found: (StoredMapping | undefined)[] = new Array(sources.length).fill(undefined);
  for (const { groups, positions } of cut(sources)) {
    // STRAIGHT_JOIN: from what is asked to the primary key, whatever the optimiser thinks of the two sizes.
    const rows = await connection.rows<Row>(
      `SELECT STRAIGHT_JOIN asked.g, asked.n, i.OntologyType, i.SourceSystem, i.SourceId, i.CanonicalId
       FROM ${unfold(schema)} AS asked
       JOIN identifiers AS i ON i.OntologyType = asked.OntologyType
         AND i.SourceSystem = asked.SourceSystem AND i.SourceId = asked.SourceId`,
      [JSON.stringify(groups)]
    );
    for (const [g, n, ontologyType, sourceSystem, value, canonicalId] of rows) {
      const source = { ontologyType, sourceSystem, value } as FoldedIdentifier;
      found[positionOf(positions, g, n)] = { source, canonicalId };
    }
  }
  return found;
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
  for (const { groups, positions } of cut(sources)) {
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

/** Sorted, so that the server walks through its index and not to and fro. */
function* cut(sources: readonly FoldedIdentifier[]): Generator<Chunk> {
  const inOrder = sources
    .map((source, position) => ({ source, position }))
    .sort((a, b) => compareSources(a.source, b.source));
  let chunk: Chunk = { groups: [], positions: [] };
  let count = 0;
  let characters = 0;
  for (const { source, position } of inOrder) {
    const { ontologyType: t, sourceSystem: s, value } = source;
    let group = chunk.groups.at(-1);
    if (group === undefined || group.t !== t || group.s !== s) {
      group = { t, s, v: [] };
      chunk.groups.push(group);
      chunk.positions.push([]);
      characters += t.length + s.length;
    }
    group.v.push(value);
    chunk.positions.at(-1)?.push(position);
    count += 1;
    characters += value.length;
    if (count >= UNFOLDED_MAX || characters >= CHARACTERS_MAX) {
      yield chunk;
      chunk = { groups: [], positions: [] };
      count = 0;
      characters = 0;
    }
  }
  if (count > 0) yield chunk;
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
