import { isAscii, isUtf8 } from 'node:buffer';
import { CsvError, parse } from 'csv-parse';
import { parse as parseWhole } from 'csv-parse/sync';
import { LINE_BYTES_MAX } from './lines.ts';

export type Delimiter = ',' | '\t';

export interface CsvRecord {
  /** Where it begins, counted from 1. */
  readonly line: number;
  readonly fields: readonly string[];
  /** Why the fields cannot be relied on. */
  readonly fault?: string;
}

interface Parsed {
  readonly record: readonly string[];
  readonly raw: string;
}

const LINE_ENDS = ['\r\n', '\n', '\r'];

/**
 * The records of a CSV file, blank lines left out. One that is not UTF-8 or whose quotes are wrong comes with its
 * fault, and the next one follows; but after a quote that is never closed there is no next one.
 */
export async function* readCsvRecords(
  chunks: AsyncIterable<Buffer>,
  delimiter: Delimiter
): AsyncGenerator<CsvRecord, void, undefined> {
  let line = 1;
  try {
    for await (const { record, raw } of parseChunks(chunks, delimiter)) {
      const blankLines = /^[\r\n]*/.exec(raw)?.[0] ?? '';
      line += countLineEnds(blankLines);
      yield { line, ...readFields(record, raw, delimiter) };
      line += countLineEnds(raw.slice(blankLines.length));
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const isOpen = error.code === 'CSV_QUOTE_NOT_CLOSED';
    const why = isOpen
      ? 'it opens a quote that is never closed'
      : `it has over ${LINE_BYTES_MAX} bytes`;
    yield { line, fields: [], fault: `${why}, so that nothing after it could be read` };
  }
}

/** Takes each record out of the parser before its next chunk: as a stream it drops those before an error. */
async function* parseChunks(
  chunks: AsyncIterable<Buffer>,
  delimiter: Delimiter
): AsyncGenerator<Parsed, void, undefined> {
  let parsed: Parsed[] = [];
  const parser = parse({
    delimiter,
    // A character a byte, so that a field that is not UTF-8 can be told.
    encoding: 'latin1',
    record_delimiter: LINE_ENDS,
    // With wrong quotes it would stop. As it goes on, wrong quotes are looked for afterwards, in the raw text.
    relax_quotes: true,
    raw: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: LINE_BYTES_MAX,
    on_record: record => {
      parsed.push(record as unknown as Parsed);
      return null;
    },
  });
  parser.on('error', () => undefined);
  const feed = async function* (put: (done: (error?: Error | null) => void) => void) {
    const error = await new Promise<Error | null | undefined>(put);
    yield* parsed;
    parsed = [];
    if (error) throw error;
  };
  for await (const chunk of chunks) yield* feed(done => parser.write(chunk, done));
  yield* feed(done => parser.end(done));
}

function readFields(
  record: readonly string[],
  raw: string,
  delimiter: Delimiter
): Pick<CsvRecord, 'fields' | 'fault'> {
  const bytes = Buffer.from(raw, 'latin1');
  if (!isUtf8(bytes)) return { fields: record, fault: 'it is not UTF-8' };
  const fields = isAscii(bytes)
    ? record
    : record.map(field => Buffer.from(field, 'latin1').toString('utf8'));
  if (record.some(field => field.includes('"')) && !isQuotedRightly(raw, delimiter)) {
    return {
      fields,
      fault: 'its quotes are wrong: put the field in quotes, and double those in it',
    };
  }
  return { fields };
}

function isQuotedRightly(raw: string, delimiter: Delimiter): boolean {
  try {
    parseWhole(raw, { delimiter, record_delimiter: LINE_ENDS, relax_column_count: true });
    return true;
  } catch (error) {
    if (error instanceof CsvError) return false;
    throw error;
  }
}

/** The parser keeps only the first character of CR LF where it ends a record, and counts it twice in a field. */
function countLineEnds(text: string): number {
  return text.match(/\r\n?|\n/g)?.length ?? 0;
}
