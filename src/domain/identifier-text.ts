import { startsAt } from './work-scan.ts';

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

const [QUOTE, BACKSLASH, COMMA, OPEN_OBJECT] = [0x22, 0x5c, 0x2c, 0x7b];

const TYPE = ENCODER.encode('"ontologyType":"');
const SYSTEM = ENCODER.encode('"identifierType":{"id":"');
const SYSTEM_END = ENCODER.encode('"}');
const VALUE = ENCODER.encode('"value":"');

/** A source identifier as documents write it. */
export interface WrittenIdentifier {
  readonly identifierType: { readonly id: string };
  readonly ontologyType: string;
  readonly value: string;
}

/**
 * Reads a source identifier in the form in which nearly all of them are written: its three members, no spaces between them,
 * and in them plain ASCII alone. The parser makes the same of it, in three times the time.
 *
 * @param json - JSON to the letter, in which no object has a name twice
 * @param from - where a value stands in it, from and
 * @param to - to where
 * @returns undefined for any other form
 */
export function readPlainIdentifier(
  json: Uint8Array,
  from: number,
  to: number
): WrittenIdentifier | undefined {
  if (json[from] !== OPEN_OBJECT) return undefined;
  let type: string | undefined;
  let system: string | undefined;
  let value: string | undefined;
  let at = from;
  do {
    const name = at + 1;
    if (startsAt(json, name, TYPE)) {
      const start = name + TYPE.length;
      const end = endOfPlain(json, start);
      if (json[end] !== QUOTE) return undefined;
      type = wordAt(json, start, end);
      at = end + 1;
    } else if (startsAt(json, name, VALUE)) {
      const start = name + VALUE.length;
      const end = endOfPlain(json, start);
      if (json[end] !== QUOTE) return undefined;
      value = textAt(json, start, end);
      at = end + 1;
    } else if (startsAt(json, name, SYSTEM)) {
      const start = name + SYSTEM.length;
      const end = endOfPlain(json, start);
      if (!startsAt(json, end, SYSTEM_END)) return undefined;
      system = wordAt(json, start, end);
      at = end + SYSTEM_END.length;
    } else return undefined;
  } while (json[at] === COMMA);
  if (at + 1 !== to || type === undefined || system === undefined || value === undefined) {
    return undefined;
  }
  return { identifierType: { id: system }, ontologyType: type, value };
}

/** @returns where the quote stands that ends a text, if it is plain; else where it ceases to be */
function endOfPlain(json: Uint8Array, start: number): number {
  let at = start;
  while (PLAIN[json[at] as number] === 1) at += 1;
  return at;
}

/** By byte: 1 for ASCII that stands for itself in a string. */
const PLAIN = new Uint8Array(256).fill(1, 0x20, 0x80);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

/** Types and systems are few: each is made a text once, and is the same text then. */
function wordAt(json: Uint8Array, from: number, to: number): string {
  const slot = (31 * (to - from) + 7 * (json[from] as number) + (json[to - 1] as number)) % SLOTS;
  const known = WORDS[slot];
  if (
    known !== undefined &&
    known.bytes.length === to - from &&
    startsAt(json, from, known.bytes)
  ) {
    return known.text;
  }
  const text = textAt(json, from, to);
  // A copy, of whatever kind the bytes are: `slice` of a Buffer would be a part of it.
  WORDS[slot] = { bytes: new Uint8Array(json.subarray(from, to)), text };
  return text;
}

const SLOTS = 512;
const WORDS: ({ readonly bytes: Uint8Array; readonly text: string } | undefined)[] = new Array(
  SLOTS
).fill(undefined);

function textAt(json: Uint8Array, from: number, to: number): string {
  return DECODER.decode(json.subarray(from, to));
}
