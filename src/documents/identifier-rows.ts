import type { MappingRow, Reading } from '../domain/documents.ts';
import { IdMinterError } from '../domain/errors.ts';
import { DEPTH_MAX, isDeeperThan, tooDeep } from '../domain/work-document.ts';
import type { CsvRecord, Delimiter } from './csv-records.ts';
import { readCsvRecords } from './csv-records.ts';
import type { ByteSource } from './files.ts';
import { parseJson } from './json-text.ts';
import { LINE_BYTES_MAX, lineTooLong, readLines } from './lines.ts';

/** Where a CSV file of someone else's making has its identifiers: one type and system for all lines. */
export interface OwnColumns {
  readonly type: string;
  readonly system: string;
  readonly valueColumn: string;
}

/** A file of bare identifiers; NDJSON, CSV and TSV are told apart by what stands in it. */
export interface IdentifierFile {
  readonly name: string;
  readonly format: RowFormat;
  /** To be read once. */
  rows(): AsyncIterable<MappingRow>;
  reading(): Reading;
  /** Ends the reading, begun or not. */
  close(): void;
}

export type RowFormat =
  | { readonly kind: 'ndjson' }
  | { readonly kind: 'csv'; readonly delimiter: Delimiter; readonly header: readonly string[] };

export interface Wanted {
  readonly own?: OwnColumns | undefined;
  readonly withCanonicalId?: boolean;
}

const SOURCE = ['OntologyType', 'SourceSystem', 'SourceId'] as const;
const PREDECESSOR = [
  'PredecessorOntologyType',
  'PredecessorSourceSystem',
  'PredecessorSourceId',
] as const;

/**
 * Reads as much of a file as tells its form, which its answers take too.
 *
 * @throws IdMinterError SOURCE_UNREADABLE where a CSV file lacks the columns that are needed; they are named
 */
export async function openIdentifierFile(
  source: ByteSource,
  wanted: Wanted = {}
): Promise<IdentifierFile> {
  const { name } = source;
  const count = { items: 0 };
  const reading = () => ({ ...count, share: source.share() });
  const close = () => source.close();
  try {
    const { firstLine, chunks } = await peek(source.chunks);
    if (firstLine === '' || firstLine.startsWith('{')) {
      const rows = () => readNdjson(chunks, count);
      return { name, format: { kind: 'ndjson' }, rows, reading, close };
    }
    const delimiter = firstLine.includes('\t') && !firstLine.includes(',') ? '\t' : ',';
    const records = readCsvRecords(chunks, delimiter);
    const header = await readHeader(name, records);
    const columns = findColumns(name, header, wanted);
    const rows = () => readCsv(records, { width: header.length, columns, count });
    return { name, format: { kind: 'csv', delimiter, header }, rows, reading, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Of the rows that were given. */
interface Count {
  items: number;
}

async function* readNdjson(
  chunks: AsyncIterable<Buffer>,
  count: Count
): AsyncGenerator<MappingRow> {
  for await (const { number, bytes } of readLines(chunks)) {
    if (bytes?.length === 0) continue;
    const place = `line ${number}`;
    count.items += 1;
    if (bytes === undefined) yield { place, ...UNREAD, error: lineTooLong(place) };
    else yield await readJsonRow(bytes, place);
  }
}

const UNREAD = { source: null, canonicalId: null };

async function readJsonRow(bytes: Buffer, place: string): Promise<MappingRow> {
  try {
    const value = await parseJson(bytes, place);
    if (isDeeperThan(DEPTH_MAX, value)) throw tooDeep();
    const row: Partial<Record<string, unknown>> =
      typeof value === 'object' && value !== null ? value : { source: value };
    const { source, predecessor, canonicalId } = row;
    return { place, source, predecessor, canonicalId };
  } catch (error) {
    if (!(error instanceof IdMinterError)) throw error;
    return { place, ...UNREAD, error };
  }
}

async function readHeader(name: string, records: AsyncIterator<CsvRecord>): Promise<string[]> {
  const first = await records.next();
  if (!first.done && first.value.fault === undefined) return [...first.value.fields];
  throw unusable(
    name,
    'has no header line that can be read',
    'Write it as CSV or NDJSON, in UTF-8.'
  );
}

type Column = (fields: readonly string[]) => string | undefined;
type Columns = Readonly<Record<'source' | 'predecessor', readonly [Column, Column, Column]>> & {
  readonly canonicalId: Column;
};

function findColumns(
  name: string,
  header: readonly string[],
  { own, withCanonicalId = false }: Wanted
): Columns {
  const ofSource = own ? [own.valueColumn] : SOURCE;
  const needed = withCanonicalId ? [...ofSource, 'CanonicalId'] : ofSource;
  const missing = needed.filter(title => !header.includes(title));
  if (missing.length > 0) {
    throw unusable(
      name,
      `has no column ${missing.join(', ')}; it has ${header.join(', ')}`,
      withCanonicalId
        ? 'Name the columns so.'
        : 'Name the columns so, or for a file of your own say --type, --system and --value-column.'
    );
  }
  const twice = [...needed, ...PREDECESSOR].filter(
    title => header.indexOf(title) !== header.lastIndexOf(title)
  );
  if (twice.length > 0) {
    throw unusable(name, `has the column ${twice.join(', ')} more than once`, 'Keep one of each.');
  }
  const column = (title: string): Column => {
    const index = header.indexOf(title);
    return fields => fields[index];
  };
  const [type, system, value] = SOURCE;
  const [predecessorType, predecessorSystem, predecessorValue] = PREDECESSOR;
  return {
    source: own
      ? [() => own.type, () => own.system, column(own.valueColumn)]
      : [column(type), column(system), column(value)],
    predecessor: [column(predecessorType), column(predecessorSystem), column(predecessorValue)],
    canonicalId: column('CanonicalId'),
  };
}

async function* readCsv(
  records: AsyncIterable<CsvRecord>,
  { width, columns, count }: { width: number; columns: Columns; count: Count }
): AsyncGenerator<MappingRow> {
  for await (const { line, fields, fault } of records) {
    const place = `line ${line}`;
    count.items += 1;
    if (fault !== undefined) {
      yield { place, ...UNREAD, fields, error: invalidRow(place, fault) };
      continue;
    }
    const row = {
      place,
      source: readIdentifier(columns.source, fields),
      predecessor: columns.predecessor.some(column => column(fields))
        ? readIdentifier(columns.predecessor, fields)
        : undefined,
      canonicalId: columns.canonicalId(fields),
      fields,
    };
    const why = `it has ${fields.length} fields, the header ${width}`;
    yield fields.length === width ? row : { ...row, error: invalidRow(place, why) };
  }
}

function readIdentifier([type, system, value]: Columns['source'], fields: readonly string[]) {
  return { ontologyType: type(fields), sourceSystem: system(fields), value: value(fields) };
}

function invalidRow(place: string, why: string): IdMinterError {
  return new IdMinterError('INVALID_ROW', `${place} was passed over: ${why}. Correct the line.`, {
    place,
    why,
  });
}

function unusable(name: string, what: string, remedy: string): IdMinterError {
  return new IdMinterError('SOURCE_UNREADABLE', `${name} ${what}. Nothing was minted. ${remedy}`, {
    name,
  });
}

/** The first line that is not blank, as far as it tells the form, and all bytes but a byte-order mark. */
async function peek(
  chunks: AsyncIterable<Buffer>
): Promise<{ firstLine: string; chunks: AsyncGenerator<Buffer> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const parts: Buffer[] = [];
  let length = 0;
  for (;;) {
    const next = await iterator.next();
    if (!next.done) parts.push(next.value);
    length += next.value?.length ?? 0;
    const isTooLong = length > LINE_BYTES_MAX;
    // Looking at all of it again for every piece of a long line would take minutes.
    if (!next.done && parts.length > 1 && !isTooLong && !next.value.includes('\n')) continue;
    const text = Buffer.concat(parts)
      .toString('latin1')
      .replace(/^\xef\xbb\xbf/, '');
    const [firstLine = '', rest] = text.trimStart().split('\n', 2);
    if (next.done || firstLine.startsWith('{') || rest !== undefined || isTooLong) {
      return { firstLine, chunks: continued(Buffer.from(text, 'latin1'), iterator) };
    }
  }
}

async function* continued(
  start: Buffer,
  iterator: AsyncIterator<Buffer>
): AsyncGenerator<Buffer, void, undefined> {
  try {
    if (start.length > 0) yield start;
    for (;;) {
      const next = await iterator.next();
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
