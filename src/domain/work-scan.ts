/**
 * One walk over the JSON text of a work, which finds the objects with source identifiers and where their parts stand.
 *
 * It is sure only of texts that are JSON to the letter, in which no object has a name twice, in escapes, or that begins
 * with a digit: in those, nodes stand in the text in the order in which the tree of JSON.parse has them.
 */
import { DEPTH_MAX } from './work-document.ts';

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A member of the object that the text is, or of one that stands directly in it. */
export interface OuterMember {
  readonly name: string;
  /** Where the object begins. */
  readonly of: number;
  readonly value: Span;
  /** What goes when the member does: itself, and the comma behind it or else before it. */
  readonly whole: Span;
}

/**
 * Objects with source identifiers, in the order in which they begin. Each is `NODE_LENGTH` offsets, which `NODE` names:
 * lists of numbers, since a run holds some thousand nodes at a time.
 */
export type Nodes = Int32Array;

/** Where the parts of a node stand in its offsets: from, and behind it to; of the node itself, to its closing bracket. */
export const NODE = {
  all: 0,
  source: 2,
  predecessor: 4,
  type: 6,
  canonicalId: 8,
  identifiedType: 10,
  /** What goes when `identifiedType` does. */
  identifiedTypeWhole: 12,
} as const;
export const NODE_LENGTH = 14;

/** In the place of an offset. */
const ABSENT = -1;

export interface Scanned {
  /** Where the object begins that the text is. */
  readonly start: number;
  /** Behind it. */
  readonly end: number;
  readonly nodes: Nodes;
  /** Those that are called `_id`, `_index`, `_source` or `state`. */
  readonly outer: readonly OuterMember[];
}

/**
 * @param json - valid UTF-8, which need not be JSON
 * @returns undefined where the text is no object, or one of which the walk is not sure
 */
export function scanWork(json: Uint8Array): Scanned | undefined {
  const scanned = scanFirst(json);
  return scanned && skipSpace(json, scanned.end) === json.length ? scanned : undefined;
}

/** The same for the object with which a longer text begins. */
export function scanFirst(json: Uint8Array): Scanned | undefined {
  const start = skipSpace(json, 0);
  if (start === json.length || json[start] !== OPEN_OBJECT) return undefined;
  const scan = new Scan(json);
  const end = scan.value(start, 1);
  if (scan.isOdd) return undefined;
  return { start, end, nodes: scan.takeNodes(), outer: scan.outer };
}

export function has(nodes: Nodes, node: number, part: number): boolean {
  return nodes[node + part] !== ABSENT;
}

export function isAt(json: Uint8Array, from: number, to: number, expected: Uint8Array): boolean {
  return to - from === expected.length && startsAt(json, from, expected);
}

export function startsAt(json: Uint8Array, from: number, expected: Uint8Array): boolean {
  if (from + expected.length > json.length) return false;
  for (let index = 0; index < expected.length; index += 1) {
    if (json[from + index] !== expected[index]) return false;
  }
  return true;
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
const [ZERO, NINE, MINUS, PLUS, POINT] = [0x30, 0x39, 0x2d, 0x2b, 0x2e];
const [SMALL_E, LARGE_E, SMALL_U] = [0x65, 0x45, 0x75];

const ENCODER = new TextEncoder();

const PARTS = byLength([
  { name: 'type', part: NODE.type },
  { name: 'canonicalId', part: NODE.canonicalId },
  { name: 'identifiedType', part: NODE.identifiedType },
  { name: 'sourceIdentifier', part: NODE.source },
  { name: 'predecessorIdentifier', part: NODE.predecessor },
]);
const OUTER = byLength([
  { name: '_id' },
  { name: '_index' },
  { name: '_source' },
  { name: 'state' },
]);
const WORDS = ['true', 'false', 'null'].map(word => ENCODER.encode(word));

/** A document stands at the first, or in a wrapper at the second. */
const OUTER_DEPTH = 2;
/** Objects of more members are left to the parser: here each name is compared with those before it. */
const MEMBERS_MAX = 64;

/** Each call takes the offset of what it reads and gives that behind it: the text's own end, where the text is odd. */
class Scan {
  readonly outer: OuterMember[] = [];
  isOdd = false;
  readonly #json: Uint8Array;
  readonly #end: number;
  /** Of the nodes, so far. */
  #length = 0;
  /** Of the name that was read last. */
  #hash = 0;

  constructor(json: Uint8Array) {
    this.#json = json;
    this.#end = json.length;
  }

  takeNodes(): Nodes {
    const nodes = slab.subarray(taken, taken + this.#length);
    taken += this.#length;
    return nodes;
  }

  value(at: number, depth: number): number {
    switch (this.#byte(at)) {
      case QUOTE:
        return this.#string(at);
      case OPEN_OBJECT:
        return this.#object(at, depth);
      case OPEN_ARRAY:
        return this.#array(at, depth);
      default:
        return this.#scalar(at);
    }
  }

  #skipSpace(start: number): number {
    return skipSpace(this.#json, start);
  }

  /** Behind the end 0, which stands nowhere in JSON: a read of nothing would make all those slower that come after it. */
  #byte(at: number): number {
    return at < this.#end ? (this.#json[at] as number) : 0;
  }

  #odd(): number {
    this.isOdd = true;
    return this.#end;
  }

  #object(start: number, depth: number): number {
    if (depth > DEPTH_MAX) return this.#odd();
    const json = this.#json;
    let at = this.#skipSpace(start + 1);
    if (this.#byte(at) === CLOSE_OBJECT) return at + 1;
    // Nodes within it come behind.
    const place = this.#length;
    const parts = depth * NODE_LENGTH;
    let hasParts = false;
    let comma = ABSENT;
    for (let members = 0; ; members += 1) {
      const name = at + 1;
      const nameEnd = this.#name(at);
      if (this.#isKnown(depth, members)) return this.#odd();
      const colon = this.#skipSpace(nameEnd + 1);
      if (this.#byte(colon) !== COLON) return this.#odd();
      const from = this.#skipSpace(colon + 1);
      const to = this.value(from, depth + 1);
      const next = this.#skipSpace(to);
      const known = knownAt(json, PARTS, name, nameEnd);
      if (known) {
        const { part } = known;
        if (!hasParts) {
          for (let index = 0; index < NODE_LENGTH; index += 1) OPEN[parts + index] = ABSENT;
        }
        hasParts = true;
        OPEN[parts + part] = from;
        OPEN[parts + part + 1] = to;
        if (part === NODE.identifiedType) {
          OPEN[parts + NODE.identifiedTypeWhole] = this.#goesFrom(at, next, comma);
          OPEN[parts + NODE.identifiedTypeWhole + 1] = this.#goesTo(to, next);
        }
      }
      const outer = depth <= OUTER_DEPTH ? knownAt(json, OUTER, name, nameEnd) : undefined;
      if (outer) {
        const whole = { from: this.#goesFrom(at, next, comma), to: this.#goesTo(to, next) };
        this.outer.push({ name: outer.name, of: start, value: { from, to }, whole });
      }
      at = next;
      if (this.#byte(at) !== COMMA) break;
      comma = at;
      at = this.#skipSpace(at + 1);
    }
    if (this.#byte(at) !== CLOSE_OBJECT) return this.#odd();
    if (hasParts && OPEN[parts + NODE.source] !== ABSENT) {
      OPEN[parts + NODE.all] = start;
      OPEN[parts + NODE.all + 1] = at;
      this.#keepNode(place, parts);
    }
    return at + 1;
  }

  #array(start: number, depth: number): number {
    if (depth > DEPTH_MAX) return this.#odd();
    let at = this.#skipSpace(start + 1);
    if (this.#byte(at) === CLOSE_ARRAY) return at + 1;
    for (;;) {
      at = this.#skipSpace(this.value(at, depth + 1));
      if (this.#byte(at) !== COMMA) break;
      at = this.#skipSpace(at + 1);
    }
    return this.#byte(at) === CLOSE_ARRAY ? at + 1 : this.#odd();
  }

  #string(start: number): number {
    const json = this.#json;
    const end = this.#end;
    let at = start + 1;
    for (;;) {
      while (at < end && PLAIN[json[at] as number] === 1) at += 1;
      if (this.#byte(at) === QUOTE) return at + 1;
      if (this.#byte(at) !== BACKSLASH) return this.#odd();
      const escaped = this.#byte(at + 1);
      if (ESCAPED[escaped] !== 1) return this.#odd();
      at += 2;
      if (escaped !== SMALL_U) continue;
      for (const last = at + 4; at < last; at += 1) {
        if (HEX[this.#byte(at)] !== 1) return this.#odd();
      }
    }
  }

  /** @returns where its last quote stands */
  #name(start: number): number {
    const json = this.#json;
    const end = this.#end;
    let at = start + 1;
    // Names that are numbers come before all others in an object.
    if (this.#byte(start) !== QUOTE || isDigit(this.#byte(at))) return this.#odd();
    let hash = 0;
    for (; at < end; at += 1) {
      const byte = json[at] as number;
      if (PLAIN[byte] !== 1) break;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    this.#hash = hash;
    return this.#byte(at) === QUOTE ? at : this.#odd();
  }

  /** Whether the name that was read last may stand in the object already. */
  #isKnown(depth: number, members: number): boolean {
    if (members === MEMBERS_MAX) return true;
    const hash = this.#hash;
    const first = depth * MEMBERS_MAX;
    for (let index = first; index < first + members; index += 1) {
      if (HASHES[index] === hash) return true;
    }
    HASHES[first + members] = hash;
    return false;
  }

  #scalar(start: number): number {
    const first = this.#byte(start);
    if (first === MINUS || isDigit(first)) return this.#number(start);
    for (const word of WORDS) {
      const end = start + word.length;
      if (isAt(this.#json, start, end, word)) return end;
    }
    return this.#odd();
  }

  #number(start: number): number {
    let at = this.#byte(start) === MINUS ? start + 1 : start;
    at = this.#byte(at) === ZERO ? at + 1 : this.#digits(at);
    if (this.#byte(at) === POINT) at = this.#digits(at + 1);
    const exponent = this.#byte(at);
    if (exponent === SMALL_E || exponent === LARGE_E) {
      const sign = this.#byte(at + 1);
      at = this.#digits(sign === MINUS || sign === PLUS ? at + 2 : at + 1);
    }
    return at;
  }

  /** One at least. */
  #digits(start: number): number {
    let at = start;
    while (isDigit(this.#byte(at))) at += 1;
    return at > start ? at : this.#odd();
  }

  /** What goes with a member is the comma behind it, or else the one before. */
  #goesFrom(at: number, next: number, comma: number): number {
    return this.#byte(next) === COMMA || comma === ABSENT ? at : comma;
  }

  #goesTo(to: number, next: number): number {
    return this.#byte(next) === COMMA ? this.#skipSpace(next + 1) : to;
  }

  /** Copies by hand: of so few numbers the calls would take longer than the copying. */
  #keepNode(place: number, parts: number): void {
    const type = OPEN[parts + NODE.type] as number;
    // "Identifi\u0061ble" means what "Identifiable" does. What is no text may hold all the rest of the work.
    const isText = type !== ABSENT && this.#byte(type) === QUOTE;
    const typeEnd = isText ? (OPEN[parts + NODE.type + 1] as number) : type;
    for (let at = type; at < typeEnd; at += 1) {
      if (this.#byte(at) === BACKSLASH) this.isOdd = true;
    }
    const length = this.#length + NODE_LENGTH;
    if (taken + length > slab.length) {
      const larger = new Int32Array(Math.max(SLAB, 2 * length));
      larger.set(slab.subarray(taken, taken + this.#length));
      slab = larger;
      taken = 0;
    }
    const [first, end] = [taken + place, taken + this.#length];
    if (first < end) slab.copyWithin(first + NODE_LENGTH, first, end);
    for (let index = 0; index < NODE_LENGTH; index += 1) {
      slab[first + index] = OPEN[parts + index] as number;
    }
    this.#length = length;
  }
}

function skipSpace(json: Uint8Array, start: number): number {
  const end = json.length;
  let at = start;
  while (at < end && SPACES[json[at] as number] === 1) at += 1;
  return at;
}

/** The nodes of some works share their memory, since it takes as long to get some for each as to walk over it. */
let slab = new Int32Array(0);
const SLAB = 4_096 * NODE_LENGTH;
/** How much of it works have; then come the nodes of the walk that is not over. */
let taken = 0;
/** For each depth, the offsets of an object that may be a node, until it is closed. */
const OPEN = new Int32Array((DEPTH_MAX + 1) * NODE_LENGTH);
/** For each depth, hashes of the names of an object. */
const HASHES = new Int32Array((DEPTH_MAX + 1) * MEMBERS_MAX);

/** By byte: 1 for what may stand between the parts of JSON. */
const SPACES = bytesTable(' \t\n\r');
/** By byte: 1 for what stands for itself in a string. */
const PLAIN = new Uint8Array(256).fill(1, 0x20);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;
/** By byte: 1 for what may follow a backslash. */
const ESCAPED = bytesTable('"\\/bfnrtu');
const HEX = bytesTable('0123456789abcdefABCDEF');

function bytesTable(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of ENCODER.encode(characters)) table[byte] = 1;
  return table;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

/** Names by their lengths, which differ: nearly every name is told from them by its length alone. */
type Names<Known> = readonly ((Known & { readonly bytes: Uint8Array }) | undefined)[];

function byLength<Known extends { readonly name: string }>(names: readonly Known[]): Names<Known> {
  const longest = Math.max(...names.map(({ name }) => name.length));
  return Array.from({ length: longest + 1 }, (_, length) => {
    const known = names.find(({ name }) => name.length === length);
    return known && { ...known, bytes: ENCODER.encode(known.name) };
  });
}

function knownAt<Known>(
  json: Uint8Array,
  names: Names<Known>,
  from: number,
  to: number
): Known | undefined {
  const known = to - from < names.length ? names[to - from] : undefined;
  return known && startsAt(json, from, known.bytes) ? known : undefined;
}
