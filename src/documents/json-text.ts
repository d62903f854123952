import type { ParseError } from 'jsonc-parser';
import { IdMinterError } from '../domain/errors.ts';
import { isTooDeep, tooDeep } from '../domain/work-document.ts';

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Where a number can begin that JSON.stringify would write otherwise: 1.0, 1e3, -0, or more than 15 digits. */
const UNUSUAL_NUMBER = /[:[,]\s*(?:-0|-?\d{16}|-?\d+[.eE])/;
const NUMBER = /[:[,]\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;

/**
 * Reads one JSON value. Numbers that a double cannot hold as they are written are kept as their text, so that
 * JSON.stringify writes them as they were.
 *
 * @param place - names the line in errors
 * @throws IdMinterError INVALID_JSON with line and column, TOO_DEEP
 */
export async function parseJson(bytes: Uint8Array, place: string): Promise<unknown> {
  const text = decodeUtf8(bytes, place);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw await invalidJson(text, place, error);
  }
  if (!hasUnusualNumber(text)) return value;
  // The reviver costs four times plain parsing and overflows the stack at 3,000 levels.
  if (isTooDeep(value)) throw tooDeep();
  return JSON.parse(text, keepAsWritten);
}

/** @throws IdMinterError INVALID_JSON where the bytes are not UTF-8 */
export function decodeUtf8(bytes: Uint8Array, place: string): string {
  try {
    return UTF_8.decode(bytes);
  } catch (cause) {
    throw new IdMinterError(
      'INVALID_JSON',
      `${place} is not UTF-8. It was passed over. Write the file in UTF-8.`,
      { place, cause }
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

function keepAsWritten(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || context.source === undefined) return value;
  return String(value) === context.source ? value : JSON.rawJSON(context.source);
}

/** The engine's own message names no position in short texts, so the place comes from a parser that does. */
async function invalidJson(text: string, place: string, cause: unknown): Promise<IdMinterError> {
  const { parse, printParseErrorCode } = await import('jsonc-parser');
  const faults: ParseError[] = [];
  parse(text, faults, { disallowComments: true, allowTrailingComma: false });
  const [fault] = faults;
  const column = (fault?.offset ?? text.length) + 1;
  const why = fault ? printParseErrorCode(fault.error) : 'ends too early';
  return new IdMinterError(
    'INVALID_JSON',
    `${place}, column ${column}: not JSON (${why}). It was passed over. Correct the line, and say the same command again.`,
    { place, column, cause }
  );
}
