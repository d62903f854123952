import type { ParseErrorCode } from 'jsonc-parser';
import { IdMinterError } from '../domain/errors.ts';
import { hasNameInEscapes, readAsWritten } from '../domain/json-tree.ts';

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Where a number can begin that JSON.stringify would write otherwise: 1.0, 1e3, -0, or more than 15 digits. Behind a
 * colon only where that ends a key: the times of day that every work holds are no numbers.
 */
const UNUSUAL_NUMBER = /(?:"\s*:|[[,])\s*(?:-0|-?\d{16}|-?\d+[.eE])/;
const NUMBER = /(?:"\s*:|[[,])\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?=\s*[,}\]])/g;

/**
 * Reads one JSON value. Numbers that a double cannot hold as they are written are kept as their text, so that
 * JSON.stringify writes them as they were.
 *
 * @param place - names the line in errors
 * @throws IdMinterError INVALID_JSON with line and column; TOO_DEEP where it is read as it is written, and has more than 2,000
 *   levels
 */
export async function parseJson(bytes: Uint8Array, place: string): Promise<unknown> {
  const text = decodeUtf8(bytes, place);
  const value = await parseText(text, place);
  return hasUnusualNumber(text) ? readAsWritten(text) : value;
}

/**
 * Reads one JSON value whose text is kept, so that its numbers need not be.
 *
 * @throws IdMinterError INVALID_JSON with line and column; TOO_DEEP as `parseJson` does
 */
export async function parsePlainJson(bytes: Uint8Array, place: string): Promise<unknown> {
  return await parseText(decodeUtf8(bytes, place), place);
}

async function parseText(text: string, place: string): Promise<unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw await invalidJson(text, place, cause);
  }
  // Not for all: it takes several times as long.
  return hasNameInEscapes(text) ? readAsWritten(text) : value;
}

/** @throws IdMinterError INVALID_JSON where the bytes are not UTF-8 */
function decodeUtf8(bytes: Uint8Array, place: string): string {
  try {
    return UTF_8.decode(bytes);
  } catch (cause) {
    // Near enough: the column is wrong only where the text itself holds a replacement character before.
    const column = Buffer.from(bytes).toString('utf8').indexOf('\ufffd') + 1;
    throw new IdMinterError(
      'INVALID_JSON',
      `${place}, column ${column}: not UTF-8. It was passed over. Write the file in UTF-8.`,
      { place, column, cause }
    );
  }
}

function hasUnusualNumber(text: string): boolean {
  if (!UNUSUAL_NUMBER.test(text)) return false;
  for (const [, written] of text.matchAll(NUMBER)) {
    if (written !== undefined && String(Number(written)) !== written) return true;
  }
  return false;
}

/** The engine's own message mostly names no position, so the place comes from a parser that does. */
async function invalidJson(text: string, place: string, cause: unknown): Promise<IdMinterError> {
  const fault = await findFault(text);
  const where = fault ? `${place}, column ${fault.column}` : place;
  return new IdMinterError(
    'INVALID_JSON',
    `${where}: not JSON (${fault?.why ?? 'NestedTooDeep'}). It was passed over. Correct the line, and say the same command again.`,
    { place, column: fault?.column, cause }
  );
}

/** Where a text stops being JSON, which a parser that overflows the stack before cannot say. */
async function findFault(text: string): Promise<{ column: number; why: string } | undefined> {
  const { visit, printParseErrorCode } = await import('jsonc-parser');
  let first: { column: number; why: string } | undefined;
  const onError = (code: ParseErrorCode, offset: number): void => {
    first ??= { column: offset + 1, why: printParseErrorCode(code) };
  };
  try {
    visit(text, { onError }, { disallowComments: true, allowTrailingComma: false });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return first;
}
