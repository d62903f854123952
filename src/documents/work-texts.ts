import { isUtf8 } from 'node:buffer';
import type { WorkText } from '../domain/documents.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { Identified } from '../domain/identified-work.ts';
import { identify, identifyText } from '../domain/identified-work.ts';
import type { Scanned } from '../domain/work-scan.ts';
import { unwrapText } from '../domain/work-text.ts';
import { parsePlainJson } from './json-text.ts';

/**
 * Finds the identifiers of a work in its text, as a tree only where it has to be.
 *
 * @param place - names the work in errors
 * @param scanned - what the walk over the text has found, where it is over already
 */
export function identifyWork(
  place: string,
  text: WorkText,
  scanned?: Scanned
): Identified | Promise<Identified> {
  const identified = isUtf8(text.json) ? identifyText(place, text, { scanned }) : undefined;
  return identified ?? identifyParsed(place, text);
}

/** The same bytes. Parts of a Buffer are made several times as slowly as those of an array of bytes. */
export function plainBytes({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
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
