import { IdMinterError } from '../../domain/errors.ts';
import type { CanStore } from '../../domain/source-identifier.ts';
import { PART_LENGTH_MAX } from '../../domain/source-identifier.ts';
import { canStoreIn } from './character-sets.ts';
import type { MysqlConnection } from './mysql-connection.ts';

/** What the tables of a registry say of themselves. Adopted ones may differ from those that we create. */
export interface MysqlSchema {
  readonly canStore: CanStore;
  /** The columns of source identifiers, as a column of JSON_TABLE has to be declared to be the same. */
  readonly ontologyType: string;
  readonly sourceSystem: string;
  readonly sourceId: string;
  readonly canonicalId: string;
  /** Names the index by which the free IDs are claimed, e.g. `FORCE INDEX (idx_free)`; empty where there is none. */
  readonly freeIndexHint: string;
  /** Names the index of the mappings by canonical ID. */
  readonly mappingIndexHint: string;
}

interface Column {
  readonly table: string;
  readonly name: string;
  readonly characterSet: string;
  readonly collation: string;
  /** In characters. */
  readonly length: number;
  readonly engine: string;
}

interface Index {
  readonly table: string;
  readonly name: string;
  /** In their order; one of which the index holds only the beginning is followed by its length. */
  readonly columns: string[];
}

const PARTS = ['OntologyType', 'SourceSystem', 'SourceId'] as const;

/**
 * Reads character sets, collations and indexes: they decide what the registry can store, what it takes for one
 * identifier, and whether it can keep its promises at all.
 *
 * @throws IdMinterError SCHEMA_UNSUPPORTED; the driver's error 1146 or 1142 where a table is missing or closed
 */
export async function readSchema(connection: MysqlConnection): Promise<MysqlSchema> {
  // Says of a table that is not there whether it is missing or whether the user may not see it.
  await connection.rows('SELECT CanonicalId FROM canonical_ids LIMIT 0');
  await connection.rows('SELECT CanonicalId FROM identifiers LIMIT 0');
  const columns = await readColumns(connection);
  const indexes = await readIndexes(connection);
  requireInnoDb(columns);
  requireKeys(indexes);
  const ontologyType = readPart(columns, 'OntologyType');
  const sourceSystem = readPart(columns, 'SourceSystem');
  const sourceId = readPart(columns, 'SourceId');
  return {
    canStore: combine([ontologyType, sourceSystem, sourceId].map(readCanStore)),
    ontologyType: declare(ontologyType),
    sourceSystem: declare(sourceSystem),
    sourceId: declare(sourceId),
    canonicalId: declare(readColumn(columns, 'identifiers', 'CanonicalId')),
    freeIndexHint: hintFreeIndex(indexes),
    mappingIndexHint: hint(indexes.find(isByCanonicalId)),
  };
}

async function readColumns(connection: MysqlConnection): Promise<Column[]> {
  type Row = [string, string, string | null, string | null, number | null, string | null];
  const rows = await connection.rows<Row>(
    `SELECT c.TABLE_NAME, c.COLUMN_NAME, c.CHARACTER_SET_NAME, c.COLLATION_NAME,
       c.CHARACTER_MAXIMUM_LENGTH, t.ENGINE
     FROM information_schema.COLUMNS AS c
     JOIN information_schema.TABLES AS t
       ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
     WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME IN ('canonical_ids', 'identifiers')`
  );
  return rows.map(([table, name, characterSet, collation, length, engine]) => ({
    ...{ table, name, length: length ?? 0, engine: engine ?? 'no engine' },
    ...{ characterSet: characterSet ?? 'binary', collation: collation ?? 'binary' },
  }));
}

async function readIndexes(connection: MysqlConnection): Promise<Index[]> {
  type Row = [string, string, string, number | null];
  const rows = await connection.rows<Row>(
    `SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART
     FROM information_schema.STATISTICS
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ('canonical_ids', 'identifiers')
     ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`
  );
  const indexes = new Map<string, Index>();
  for (const [table, name, column, subPart] of rows) {
    const index = indexes.get(`${table} ${name}`) ?? { table, name, columns: [] };
    indexes.set(`${table} ${name}`, index);
    index.columns.push(subPart === null ? column : `${column}(${subPart})`);
  }
  return [...indexes.values()];
}

function requireInnoDb(columns: readonly Column[]): void {
  for (const { table, engine } of columns) {
    if (engine !== 'InnoDB')
      throw unsupported(`${table} is kept by ${engine}, which has no transactions`);
  }
}

/** Without them a source identifier could get two canonical IDs, or each batch would read whole tables. */
function requireKeys(indexes: readonly Index[]): void {
  const primaryOf = (table: string) =>
    indexes.find(index => index.table === table && index.name === 'PRIMARY')?.columns ?? [];
  if (primaryOf('identifiers').toSorted().join() !== PARTS.toSorted().join()) {
    throw unsupported(`the primary key of identifiers is not (${PARTS.join(', ')})`);
  }
  if (primaryOf('canonical_ids').join() !== 'CanonicalId') {
    throw unsupported('the primary key of canonical_ids is not (CanonicalId)');
  }
  if (!indexes.some(isByCanonicalId)) throw unsupported('identifiers has no index on CanonicalId');
}

function readPart(columns: readonly Column[], part: (typeof PARTS)[number]): Column {
  const column = readColumn(columns, 'identifiers', part);
  if (column.length >= PART_LENGTH_MAX) return column;
  throw unsupported(
    `identifiers.${part} holds ${column.length} characters, not ${PART_LENGTH_MAX}`
  );
}

function readColumn(columns: readonly Column[], table: string, name: string): Column {
  const found = columns.find(column => column.table === table && column.name === name);
  if (found === undefined) throw unsupported(`there is no column ${table}.${name}`);
  return found;
}

function readCanStore({ table, name, characterSet }: Column): CanStore {
  const canStore = canStoreIn(characterSet);
  if (canStore !== undefined) return canStore;
  throw unsupported(
    `${table}.${name} has the character set ${characterSet}, which is none of ascii, latin1, utf8mb3 and utf8mb4`
  );
}

function combine(all: readonly CanStore[]): CanStore {
  const distinct = [...new Set(all)];
  // As a rule they are one, and it is asked for each part of each identifier.
  const [only, ...others] = distinct;
  return only && others.length === 0 ? only : text => distinct.every(canStore => canStore(text));
}

/** InnoDB keeps the primary key with every index, so that one on Status alone has the IDs in order too. */
function hintFreeIndex(indexes: readonly Index[]): string {
  const index = indexes.find(({ table, columns: [first, second = 'CanonicalId'] }) => {
    return table === 'canonical_ids' && first === 'Status' && second === 'CanonicalId';
  });
  return hint(index);
}

function isByCanonicalId({ table, columns }: Index): boolean {
  return table === 'identifiers' && columns[0] === 'CanonicalId';
}

function hint(index: Index | undefined): string {
  return index === undefined ? '' : `FORCE INDEX (\`${index.name.replaceAll('`', '``')}\`)`;
}

function declare({ characterSet, collation, length }: Column): string {
  return `VARCHAR(${length}) CHARACTER SET ${characterSet} COLLATE ${collation}`;
}

function unsupported(what: string): IdMinterError {
  return new IdMinterError(
    'SCHEMA_UNSUPPORTED',
    `The registry’s tables cannot be used: ${what}. Nothing was written. Compare them with migrations/mysql/schema.sql.`,
    { what }
  );
}
