import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import type { ExportTable } from '../domain/registry-export.ts';
import type { Column } from './table-columns.ts';
import { COLUMNS, PARSERS, schemaOf } from './table-columns.ts';

/** Rows that are encoded together: a few MB of memory. */
export const GROUP_ROWS = 50_000;
/** Level 6 takes three times as long for files a tenth smaller. */
const GZIP_LEVEL = 3;

/** Node's own, which check what they unpack. What is not packed, or by Snappy, the library reads itself. */
const UNPACKERS = {
  GZIP: (bytes: Uint8Array): Uint8Array => gunzipSync(bytes),
  ZSTD: (bytes: Uint8Array): Uint8Array => zstdDecompressSync(bytes),
};

/** Rows of a Parquet file that stand together in it. */
export interface RowGroup {
  /** Of the first row, counted from 0 within the file. */
  readonly start: number;
  /** In the order in which they were asked for. */
  readonly columns: readonly Column[];
}

/**
 * The row groups of a Parquet file, one after the other and no further than is asked for.
 *
 * @param from - the row with which the first group that is read ends, or goes on
 */
export async function* readRowGroups(
  file: AsyncBuffer,
  columns: readonly string[],
  from = 0
): AsyncGenerator<RowGroup, void, undefined> {
  const { parquetMetadataAsync } = await import('hyparquet');
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  let start = 0;
  for (const { num_rows } of metadata.row_groups) {
    const end = start + Number(num_rows);
    if (end > from && end > start) {
      yield { start, columns: await readColumns(file, metadata, { columns, start, end }) };
    }
    start = end;
  }
  if (start !== Number(metadata.num_rows)) {
    throw new Error(`its row groups have ${start} rows and not ${metadata.num_rows}`);
  }
}

async function readColumns(
  file: AsyncBuffer,
  metadata: FileMetaData,
  { columns, start, end }: { columns: readonly string[]; start: number; end: number }
): Promise<Column[]> {
  const { parquetRead } = await import('hyparquet');
  const chunks = new Map<string, Column[]>(columns.map(name => [name, []]));
  const there = new Set(metadata.schema.slice(1).map(({ name }) => name));
  const missing = columns.filter(name => !there.has(name));
  if (missing.length > 0) throw new Error(`it has no column ${missing.join(', ')}`);
  await parquetRead({
    ...{ file, metadata, columns: [...columns], rowStart: start, rowEnd: end },
    compressors: UNPACKERS,
    parsers: PARSERS,
    geoparquet: false,
    onChunk: ({ columnName, columnData }) =>
      chunks.get(columnName)?.push(columnData as unknown as Column),
  });
  return columns.map(name => {
    const [first = [], ...more] = chunks.get(name) ?? [];
    const column = more.length === 0 ? first : first.concat(...more);
    if (column.length === end - start) return column;
    throw new Error(`${name} has ${column.length} values in the place of ${end - start}`);
  });
}

/** A Parquet file that is being made in memory. */
export interface PartWriter {
  readonly rows: number;
  add(columns: readonly Column[]): void;
  /** The whole file. */
  finish(): Uint8Array;
}

export async function createPartWriter(table: ExportTable): Promise<PartWriter> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer');
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({
    writer,
    schema: schemaOf(table),
    codec: 'GZIP',
    compressors: { GZIP: bytes => gzipSync(bytes, { level: GZIP_LEVEL }) },
    createdBy: 'id-minter',
  });
  const names = COLUMNS[table];
  let rows = 0;
  return {
    get rows() {
      return rows;
    },
    add: columns => {
      rows += columns[0]?.length ?? 0;
      parquet.write({
        columnData: names.map((name, index) => ({ name, data: [...(columns[index] ?? [])] })),
        rowGroupSize: GROUP_ROWS,
      });
    },
    finish: () => {
      parquet.finish();
      return writer.getBytes();
    },
  };
}
