import { IdMinterError } from '../domain/errors.ts';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Longer lines are passed over without being held: no work is that long, but a file that is no NDJSON may be. */
export const LINE_BYTES_MAX = 32 * 1024 * 1024;

export interface Line {
  /** Counted from 1. */
  readonly number: number;
  /** Without its line end; undefined where the line is too long. */
  readonly bytes: Buffer | undefined;
}

/**
 * The lines of a stream of bytes, without a byte-order mark, CR LF read as LF; the last one may lack its end.
 *
 * Node's readline also ends lines at U+2028 and U+2029, which JSON strings may hold, and has no longest line.
 */
export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  { longest = LINE_BYTES_MAX }: { longest?: number } = {}
): AsyncGenerator<Line, void, undefined> {
  let number = 0;
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer): void => {
    length += part.length;
    if (length <= longest) parts.push(part);
    else parts = [];
  };
  const take = (): Line => {
    number += 1;
    const line = { number, bytes: length > longest ? undefined : trim(parts, number) };
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    if (start < chunk.length) add(chunk.subarray(start));
  }
  if (length > 0) yield take();
}

export function lineTooLong(place: string): IdMinterError {
  return new IdMinterError(
    'LINE_TOO_LONG',
    `${place} is longer than ${LINE_BYTES_MAX} bytes. It was passed over. Check that the file has one document a line.`,
    { place, bytes: LINE_BYTES_MAX }
  );
}

function trim(parts: readonly Buffer[], number: number): Buffer {
  const line = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  const hasMark = number === 1 && line.subarray(0, 3).equals(BYTE_ORDER_MARK);
  const end = line.at(-1) === CARRIAGE_RETURN ? line.length - 1 : line.length;
  return line.subarray(hasMark ? 3 : 0, end);
}
