import { isUtf8 } from 'node:buffer';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse';
import { stringify } from 'csv-stringify/sync';
import type { AnsweredRow, AnswerTarget, MappingRow } from '../domain/documents.ts';
import { IdMinterError } from '../domain/errors.ts';
import { formatSourceIdentifier } from '../domain/source-identifier.ts';
import type { ByteSource, TextTarget } from './files.ts';
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
  rows(): AsyncIterable<MappingRow>;
}

export type RowFormat =
  | { readonly kind: 'ndjson' }
  | { readonly kind: 'csv'; readonly delimiter: ',' | '\t'; readonly header: readonly string[] };

const PARTS = ['OntologyType', 'SourceSystem', 'SourceId'] as const;
const ANSWER_COLUMNS = ['CanonicalId', 'Outcome', 'Warning', 'Error'];

/**
 * @throws IdMinterError SOURCE_UNREADABLE where a CSV file lacks the columns that are needed; they are named
 */
export async function openIdentifierFile(
  source: ByteSource,
  { own, withCanonicalId = false }: { own?: OwnColumns | undefined; withCanonicalId?: boolean } = {}
): Promise<IdentifierFile> {
  const { first, chunks } = await peek(source.chunks);
  if (first === undefined || first === '{') {
    return { name: source.name, format: { kind: 'ndjson' }, rows: () => readNdjson(chunks) };
  }
  const { header, delimiter, records } = await readHeader(source.name, chunks);
  const columns = findColumns(source.name, header, own, withCanonicalId);
  return {
    name: source.name,
    format: { kind: 'csv', delimiter, header },
    rows: () => readCsv(records, header, columns),
  };
}

/** One line a row, in the form in which the rows came; a CSV file gets its answers as last columns. */
export function writeAnswers(target: TextTarget, format: RowFormat): AnswerTarget {
  const { start, toText } =
    format.kind === 'ndjson' ? { start: '', toText: toNdjson } : csvWriter(format);
  let isStarted = false;
  const write = async (text: string): Promise<void> => {
    await target.write(isStarted ? text : start + text);
    isStarted = true;
  };
  return {
    name: target.name,
    write: answers => write(toText(answers)),
    complete: async () => {
      if (!isStarted) await write('');
      await target.complete();
    },
    discard: () => target.discard(),
  };
}

async function* readNdjson(chunks: AsyncIterable<Buffer>): AsyncGenerator<MappingRow> {
  for await (const { number, bytes } of readLines(chunks)) {
    const place = `line ${number}`;
    if (bytes === undefined)
      yield { place, source: null, canonicalId: null, error: lineTooLong(place) };
    else if (bytes.length > 0) yield await readJsonRow(bytes, place);
  }
}

async function readJsonRow(bytes: Buffer, place: string): Promise<MappingRow> {
  try {
    const value = await parseJson(bytes, place);
    const row: Partial<Record<string, unknown>> =
      typeof value === 'object' && value !== null ? { ...value } : { source: value };
    const { source, predecessor, canonicalId } = row;
    return { place, source, predecessor, canonicalId };
  } catch (error) {
    if (!(error instanceof IdMinterError)) throw error;
    return { place, source: null, canonicalId: null, error };
  }
}

interface Columns {
  readonly source: (fields: readonly string[]) => unknown;
  readonly predecessor: (fields: readonly string[]) => unknown;
  readonly canonicalId: number;
}

async function* readCsv(
  records: AsyncIterable<CsvRecord>,
  header: readonly string[],
  columns: Columns
): AsyncGenerator<MappingRow> {
  for await (const { fields: raw, line, error } of records) {
    const place = `line ${line}`;
    if (error !== undefined) {
      yield { place, source: null, canonicalId: null, fields: [], error: invalidRow(place, error) };
      continue;
    }
    const fields = decodeFields(raw);
    if (fields === undefined) {
      const notUtf8 = invalidRow(place, 'it is not UTF-8');
      yield { place, source: null, canonicalId: null, fields: raw, error: notUtf8 };
      continue;
    }
    const source = columns.source(fields);
    const row = {
      place,
      source,
      predecessor: columns.predecessor(fields),
      canonicalId: fields[columns.canonicalId],
      fields,
    };
    if (fields.length === header.length) yield row;
    else {
      const why = `it has ${fields.length} fields, the header ${header.length}`;
      yield { ...row, error: invalidRow(place, why) };
    }
  }
}

interface CsvRecord {
  readonly fields: readonly string[];
  readonly line: number;
  readonly error?: string;
}

/** Bytes are read one to a character, so that a field that is not UTF-8 can be told and the others stay sound. */
async function readHeader(
  name: string,
  chunks: AsyncIterable<Buffer>
): Promise<{ header: string[]; delimiter: ',' | '\t'; records: AsyncIterable<CsvRecord> }> {
  const { firstLine, all } = await peekLine(chunks);
  const delimiter = firstLine.includes('\t') && !firstLine.includes(',') ? '\t' : ',';
  const records = csvRecords(all, delimiter);
  const first = await records.next();
  const header =
    first.done || first.value.error !== undefined ? undefined : decodeFields(first.value.fields);
  if (header === undefined) {
    throw new IdMinterError(
      'SOURCE_UNREADABLE',
      `${name} has no header line that can be read. Nothing was minted. Write it as CSV or NDJSON, in UTF-8.`,
      { name }
    );
  }
  return { header, delimiter, records };
}

async function* csvRecords(
  chunks: AsyncIterable<Buffer>,
  delimiter: string
): AsyncGenerator<CsvRecord, void, undefined> {
  const parser = parse({
    delimiter,
    encoding: 'latin1',
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: LINE_BYTES_MAX,
  });
  let start = 1;
  // What stops the feeding is thrown by the loop below.
  const feed = pipeline(chunks, parser).catch(() => undefined);
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      yield { fields: record, line: start };
      start = info.lines + 1;
    }
    await feed;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_')))
      throw error;
    yield {
      fields: [],
      line: start,
      error: `${error.message}, so that nothing after it could be read`,
    };
  }
}

function findColumns(
  name: string,
  header: readonly string[],
  own: OwnColumns | undefined,
  withCanonicalId: boolean
): Columns {
  const wanted = own ? [own.valueColumn] : [...PARTS];
  const missing = [...wanted, ...(withCanonicalId ? ['CanonicalId'] : [])].filter(
    column => !header.includes(column)
  );
  if (missing.length > 0) {
    throw new IdMinterError(
      'SOURCE_UNREADABLE',
      `${name} has no column ${missing.join(', ')}; it has ${header.join(', ')}. Nothing was minted. Name the columns so, ` +
        'or for a file of your own say --type, --system and --value-column.',
      { name, missing }
    );
  }
  const column = (title: string): number => header.indexOf(title);
  const [type, system, value] = PARTS.map(column);
  const [pType, pSystem, pValue] = PARTS.map(part => column(`Predecessor${part}`));
  const at = (fields: readonly string[], index: number | undefined) =>
    index === undefined ? undefined : fields[index];
  return {
    source: fields =>
      own
        ? {
            ontologyType: own.type,
            sourceSystem: own.system,
            value: at(fields, column(own.valueColumn)),
          }
        : {
            ontologyType: at(fields, type),
            sourceSystem: at(fields, system),
            value: at(fields, value),
          },
    predecessor: fields => {
      const parts = [at(fields, pType), at(fields, pSystem), at(fields, pValue)];
      if (parts.every(part => part === undefined || part === '')) return undefined;
      const [ontologyType, sourceSystem, predecessorValue] = parts;
      return { ontologyType, sourceSystem, value: predecessorValue };
    },
    canonicalId: column('CanonicalId'),
  };
}

function toNdjson(answers: readonly AnsweredRow[]): string {
  return answers.map(answer => `${JSON.stringify(toJson(answer))}\n`).join('');
}

function toJson({ row, answer: { canonicalId, outcome, warning, error } }: AnsweredRow): object {
  const source = shownSource(row.source);
  if (error) return { source, error: { code: error.code, message: error.message } };
  const told = warning && { code: warning.code, message: warning.message, ...warning.details };
  return { source, canonicalId, outcome, ...(told && { warning: told }) };
}

/** The text form where there is one; else what was given, so that the line can be found again. */
function shownSource(source: unknown): unknown {
  if (typeof source !== 'object' || source === null) return source ?? null;
  const { ontologyType, sourceSystem, value } = source as Partial<Record<string, unknown>>;
  return typeof ontologyType === 'string' &&
    typeof sourceSystem === 'string' &&
    typeof value === 'string'
    ? formatSourceIdentifier({ ontologyType, sourceSystem, value })
    : source;
}

function csvWriter({ header, delimiter }: { header: readonly string[]; delimiter: string }) {
  const kept = header.flatMap((title, index) => (ANSWER_COLUMNS.includes(title) ? [] : [index]));
  const fields = ({ row, answer: { canonicalId, outcome, warning, error } }: AnsweredRow) => [
    ...kept.map(index => row.fields?.[index] ?? ''),
    canonicalId ?? '',
    outcome ?? '',
    warning?.code ?? '',
    error?.code ?? '',
  ];
  return {
    start: stringify([[...kept.map(index => header[index]), ...ANSWER_COLUMNS]], { delimiter }),
    toText: (answers: readonly AnsweredRow[]) => stringify(answers.map(fields), { delimiter }),
  };
}

/** @returns undefined where a field is not UTF-8 */
function decodeFields(fields: readonly string[]): string[] | undefined {
  const bytes = fields.map(field => Buffer.from(field, 'latin1'));
  return bytes.every(isUtf8) ? bytes.map(field => field.toString('utf8')) : undefined;
}

function invalidRow(place: string, why: string): IdMinterError {
  return new IdMinterError('INVALID_ROW', `${place} was passed over: ${why}. Correct the line.`, {
    place,
    why,
  });
}

/** The first character that is no space, and the stream from its start, without a byte-order mark. */
async function peek(
  chunks: AsyncIterable<Buffer>
): Promise<{ first: string | undefined; chunks: AsyncIterable<Buffer> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  for (;;) {
    const next = await iterator.next();
    if (!next.done) start = Buffer.concat([start, next.value]);
    const text = start.toString('latin1').replace(/^\xef\xbb\xbf/, '');
    const first = text.trimStart().charAt(0);
    if (next.done || (first !== '' && start.length >= 3)) {
      const rest = Buffer.from(text, 'latin1');
      return { first: first === '' ? undefined : first, chunks: continued(rest, iterator) };
    }
  }
}

async function peekLine(
  chunks: AsyncIterable<Buffer>
): Promise<{ firstLine: string; all: AsyncIterable<Buffer> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  for (;;) {
    const next = await iterator.next();
    if (!next.done) start = Buffer.concat([start, next.value]);
    if (next.done || start.includes('\n') || start.length > LINE_BYTES_MAX) {
      const [firstLine = ''] = start.toString('latin1').split('\n', 1);
      return { firstLine, all: continued(start, iterator) };
    }
  }
}

async function* continued(
  start: Buffer,
  iterator: AsyncIterator<Buffer>
): AsyncGenerator<Buffer, void, undefined> {
  if (start.length > 0) yield start;
  for (;;) {
    const next = await iterator.next();
    if (next.done) return;
    yield next.value;
  }
}
