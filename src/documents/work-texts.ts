import { isUtf8 } from 'node:buffer';
import type { WorkText } from '../domain/documents.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { Identified } from '../domain/identified-work.ts';
import { identify, identifyText } from '../domain/identified-work.ts';
import { unwrapText } from '../domain/work-text.ts';
import { parsePlainJson } from './json-text.ts';

/**
 * Finds the identifiers of a work in its text, as a tree only where it has to be.
 *
 * @param place - names the work in errors
 * @param hit - as `WorkText` has it
 */
export async function identifyWork(
  place: string,
  bytes: Buffer,
  hit?: string
): Promise<Identified> {
  // Parts of a Buffer are made several times as slowly as those of an array of bytes.
  const json = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = { json, ...(hit !== undefined && { hit }) };
  const identified = isUtf8(json) ? identifyText(place, text) : undefined;
  return identified ?? (await identifyParsed(place, text));
}

async function identifyParsed(place: string, text: WorkText): Promise<Identified> {
  try {
    const value = await parsePlainJson(text.json, place);
    return identify({ place, ...unwrapText(text, value), text });
  } catch (error) {
    if (error instanceof IdMinterError) return identify({ place, error });
    throw error;
  }
}
