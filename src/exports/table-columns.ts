import type { ParquetParsers, SchemaElement } from 'hyparquet';
import type { ExportTable } from '../domain/registry-export.ts';
import type { MappingRecord, PoolRecord } from '../domain/registry-tables.ts';

/** A column as it was read, and as it is written: texts, or seconds since 1970. */
export type Column = readonly unknown[];

/** What a column of an export says that no registry holds. */
export class UnfitValue extends Error {
  /** Counted from 0 within the columns. */
  readonly row: number;

  constructor(row: number, what: string) {
    super(what);
    this.row = row;
  }
}

/** The columns of both tables, in their order. */
export const COLUMNS: Readonly<Record<ExportTable, readonly string[]>> = {
  canonical_ids: ['CanonicalId', 'Status', 'CreatedAt'],
  identifiers: ['OntologyType', 'SourceSystem', 'SourceId', 'CanonicalId', 'CreatedAt'],
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text that is no UTF-8 is refused, and times are seconds. */
export const PARSERS: Partial<ParquetParsers> = {
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && utf8.decode(bytes),
  timestampFromMilliseconds: millis => seconds(millis, 1_000n),
  timestampFromMicroseconds: micros => seconds(micros, 1_000_000n),
  timestampFromNanoseconds: nanos => seconds(nanos, 1_000_000_000n),
};

/** The types that RDS gives these columns. */
export function schemaOf(table: ExportTable): SchemaElement[] {
  const columns = COLUMNS[table];
  return [
    { name: 'schema', num_children: columns.length },
    ...columns.map(
      (name): SchemaElement =>
        name === 'CreatedAt'
          ? {
              name,
              type: 'INT64',
              repetition_type: 'OPTIONAL',
              converted_type: 'TIMESTAMP_MICROS',
              logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
            }
          : {
              name,
              type: 'BYTE_ARRAY',
              repetition_type: 'REQUIRED',
              converted_type: 'UTF8',
              logical_type: { type: 'STRING' },
            }
    ),
  ];
}

/** @throws UnfitValue */
export function poolRecords([ids, statuses, times]: readonly Column[]): PoolRecord[] {
  return rowsOf(ids).map((id, row) => ({
    canonicalId: textOf(id, row, 'CanonicalId'),
    status: textOf(statuses?.[row], row, 'Status'),
    createdAt: timeOf(times?.[row], row),
  }));
}

/** @throws UnfitValue */
export function mappingRecords(columns: readonly Column[]): MappingRecord[] {
  const [types, systems, values, ids, times] = columns;
  return rowsOf(types).map((type, row) => ({
    source: {
      ontologyType: textOf(type, row, 'OntologyType'),
      sourceSystem: textOf(systems?.[row], row, 'SourceSystem'),
      value: textOf(values?.[row], row, 'SourceId'),
    },
    canonicalId: textOf(ids?.[row], row, 'CanonicalId'),
    createdAt: timeOf(times?.[row], row),
  }));
}

export function columnsOfPool(rows: readonly PoolRecord[]): Column[] {
  return [
    rows.map(({ canonicalId }) => canonicalId),
    rows.map(({ status }) => status),
    rows.map(({ createdAt }) => microsOf(createdAt)),
  ];
}

export function columnsOfMappings(rows: readonly MappingRecord[]): Column[] {
  return [
    rows.map(({ source }) => source.ontologyType),
    rows.map(({ source }) => source.sourceSystem),
    rows.map(({ source }) => source.value),
    rows.map(({ canonicalId }) => canonicalId),
    rows.map(({ createdAt }) => microsOf(createdAt)),
  ];
}

function rowsOf(column: Column | undefined): Column {
  return column ?? [];
}

function textOf(value: unknown, row: number, column: string): string {
  if (typeof value === 'string') return value;
  throw new UnfitValue(row, `${column} is ${value === null ? 'null' : typeof value}`);
}

function timeOf(value: unknown, row: number): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return parseTime(value);
  throw new UnfitValue(row, `CreatedAt is ${typeof value} and no time`);
}

/** `YYYY-MM-DD HH:MM:SS[.ffffff]`, in UTC; NaN for any other text. */
function parseTime(text: string): number {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,9})?Z?$/.exec(text);
  if (match === null) return Number.NaN;
  const [, day = '', time, fraction = ''] = match;
  const seconds = Date.parse(`${day}T${time}Z`) / 1000;
  // The 30th of February would be the 2nd of March.
  const isDay = Number.isFinite(seconds) && new Date(seconds * 1000).toISOString().startsWith(day);
  return isDay ? seconds + Number(fraction) : Number.NaN;
}

/** A whole second stays whole. */
function seconds(units: bigint | undefined, perSecond: bigint): number | undefined {
  if (units === undefined) return undefined;
  return Number(units / perSecond) + Number(units % perSecond) / Number(perSecond);
}

function microsOf(time: number | null): bigint | null {
  return time === null ? null : BigInt(Math.round(time * 1e6));
}
