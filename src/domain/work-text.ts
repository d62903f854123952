/**
 * Puts canonical IDs into the JSON text of a work. What is not touched stays as it was written, byte for byte, and no
 * tree has to be held while the IDs are on their way: a run keeps the text alone. What comes out means the same as
 * `embedCanonicalIds` on the document that the text holds.
 */
import type { CanonicalId } from './canonical-id.ts';
import { certain } from './certain.ts';
import { embedCanonicalIds } from './work-document.ts';
import { unwrapWork, wrapWork } from './work-wrapper.ts';

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
const [SPACE, DIGIT_0] = [0x20, 0x30];

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

const SOURCE_IDENTIFIER = ENCODER.encode('sourceIdentifier');
const CANONICAL_ID = ENCODER.encode('canonicalId');
const TYPE = ENCODER.encode('type');
const IDENTIFIED_TYPE = ENCODER.encode('identifiedType');
const [ID, INDEX, SOURCE] = [
  ENCODER.encode('_id'),
  ENCODER.encode('_index'),
  ENCODER.encode('_source'),
];
const IDENTIFIABLE = ENCODER.encode('"Identifiable"');

/** The IDs of a work, and what was counted when it was read. */
export interface WorkIds {
  /** One a request of `extractWork`, in its order. */
  readonly ids: readonly CanonicalId[];
  /** That of the work itself. */
  readonly canonicalId: CanonicalId;
  /** The members of all objects of the document, as `extractWork` counts them. */
  readonly members: number;
  /** The members of the wrapper but `_source`; undefined for a bare document. */
  readonly wrapperMembers: number | undefined;
}

/**
 * @param json - a work in UTF-8, bare or as `{"_id", "_source", …}`; it was read before, so it is JSON
 * @returns the same with the IDs, in the same form; in a wrapper `_id` is the canonical ID, and `_index` is gone
 */
export function insertCanonicalIds(json: Uint8Array, work: WorkIds): Uint8Array {
  const edits = planEdits(json, work);
  return edits === undefined ? rewrite(json, work) : apply(json, edits);
}

/**
 * @param json - in UTF-8, of at most 2,000 levels
 * @returns what it holds; numbers that a double cannot hold as they are written are kept as their text
 */
export function readAsWritten(json: Uint8Array): unknown {
  return JSON.parse(DECODER.decode(json), (_key, value: unknown, context: { source?: string }) => {
    if (typeof value !== 'number' || context.source === undefined) return value;
    return String(value) === context.source ? value : JSON.rawJSON(context.source);
  });
}

/** By way of the tree: right for every text, and several times as long. */
function rewrite(json: Uint8Array, { ids, canonicalId }: WorkIds): Uint8Array {
  const work = unwrapWork(readAsWritten(json));
  const minted = { ...work, document: embedCanonicalIds(work.document, ids) };
  return ENCODER.encode(JSON.stringify(wrapWork(minted, canonicalId)));
}

/** Bytes of the text, from and to which offset, and what stands there instead. */
interface Edit {
  readonly from: number;
  readonly to: number;
  /** A string is ASCII, which is written faster than an encoder gives its bytes. */
  readonly put: Uint8Array | string;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** An object with a source identifier. */
interface Node {
  readonly start: number;
  /** Of its closing bracket. */
  readonly end: number;
  readonly type: Span | undefined;
  readonly canonicalId: Span | undefined;
  readonly identifiedType: Member | undefined;
}

interface Member {
  readonly value: Span;
  /** What goes when the member does: itself, and the comma behind it or else before it. */
  readonly whole: Span;
}

/**
 * @returns undefined where nodes may not stand in the order in which they were met in the tree: a name stands twice in
 * an object, or is a number, or is written with escapes
 */
function planEdits(json: Uint8Array, work: WorkIds): Edit[] | undefined {
  const scan = new Scan(json);
  if (work.wrapperMembers === undefined) scan.value(scan.skipSpace(0));
  else scan.wrapper(work.canonicalId);
  const { nodes, edits, members, wrapperMembers, isOdd } = scan;
  const isAsRead =
    !isOdd &&
    members === work.members &&
    wrapperMembers === work.wrapperMembers &&
    nodes.length === work.ids.length;
  if (!isAsRead) return undefined;
  nodes.sort((a, b) => a.start - b.start);
  for (const [index, node] of nodes.entries()) {
    edits.push(...identify(json, node, certain(work.ids[index], 'The ID of a node')));
  }
  edits.sort((a, b) => a.from - b.from);
  // Within a member that is replaced as a whole nothing is left to change.
  let end = 0;
  return edits.filter(({ from, to }) => {
    if (from < end) return false;
    end = to;
    return true;
  });
}

function identify(json: Uint8Array, node: Node, id: CanonicalId): Edit[] {
  const { end, type, canonicalId, identifiedType } = node;
  const edits: Edit[] = [];
  const append = (put: Edit['put']): void => void edits.push({ from: end, to: end, put });
  if (canonicalId) edits.push({ ...canonicalId, put: `"${id}"` });
  else append(`,"canonicalId":"${id}"`);
  if (identifiedType && json[identifiedType.value.from] === QUOTE) {
    const { value, whole } = identifiedType;
    const put = json.subarray(value.from, value.to);
    if (type) edits.push({ ...type, put });
    else {
      append(',"type":');
      append(put);
    }
    edits.push({ ...whole, put: '' });
  } else if (type && isAt(json, type.from, type.to, IDENTIFIABLE)) {
    edits.push({ ...type, put: '"Identified"' });
  }
  return edits;
}

function apply(json: Uint8Array, edits: readonly Edit[]): Uint8Array {
  let length = json.length;
  for (const { from, to, put } of edits) length += put.length - (to - from);
  const made = new Uint8Array(length);
  let read = 0;
  let written = 0;
  for (const { from, to, put } of edits) {
    made.set(json.subarray(read, from), written);
    written += from - read;
    if (typeof put === 'string') {
      for (let index = 0; index < put.length; index += 1) {
        made[written + index] = put.charCodeAt(index);
      }
    } else made.set(put, written);
    written += put.length;
    read = to;
  }
  made.set(json.subarray(read), written);
  return made;
}

/** One walk over a text that is known to be JSON. Each call takes the offset of what it reads and gives that behind it. */
class Scan {
  readonly nodes: Node[] = [];
  /** Of the wrapper. */
  readonly edits: Edit[] = [];
  members = 0;
  wrapperMembers: number | undefined;
  isOdd = false;
  readonly #json: Uint8Array;

  constructor(json: Uint8Array) {
    this.#json = json;
  }

  value(at: number): number {
    switch (this.#json[at]) {
      case QUOTE:
        return this.#string(at);
      case OPEN_OBJECT:
        return this.#object(at);
      case OPEN_ARRAY:
        return this.#array(at);
      default:
        return this.#scalar(at);
    }
  }

  /** The text is `{"_id", "_source", …}`. */
  wrapper(canonicalId: CanonicalId): void {
    const json = this.#json;
    let others = 0;
    let comma: number | undefined;
    for (let at = this.skipSpace(this.skipSpace(0) + 1); json[at] === QUOTE; ) {
      const name = { from: at + 1, to: this.#name(at) - 1 };
      const value = this.skipSpace(this.skipSpace(name.to + 1) + 1);
      const isSource = isAt(json, name.from, name.to, SOURCE);
      const end = isSource ? this.value(value) : new Scan(json).value(value);
      const next = this.skipSpace(end);
      if (!isSource) others += 1;
      if (isAt(json, name.from, name.to, ID))
        this.edits.push({ from: value, to: end, put: `"${canonicalId}"` });
      if (isAt(json, name.from, name.to, INDEX))
        this.edits.push({ ...this.#whole({ from: at, to: end }, next, comma), put: '' });
      if (json[next] !== COMMA) break;
      comma = next;
      at = this.skipSpace(next + 1);
    }
    this.wrapperMembers = others;
  }

  skipSpace(at: number): number {
    let next = at;
    while (SPACES[this.#json[next] as number] === 1) next += 1;
    return next;
  }

  #object(start: number): number {
    const json = this.#json;
    let isNode = false;
    let type: Span | undefined;
    let canonicalId: Span | undefined;
    let identifiedType: Member | undefined;
    let comma: number | undefined;
    let at = this.skipSpace(start + 1);
    while (json[at] === QUOTE) {
      const name = at + 1;
      const nameEnd = this.#name(at) - 1;
      const from = this.skipSpace(this.skipSpace(nameEnd + 1) + 1);
      const to = this.value(from);
      const next = this.skipSpace(to);
      this.members += 1;
      switch (nameEnd - name) {
        case SOURCE_IDENTIFIER.length:
          isNode ||= isAt(json, name, nameEnd, SOURCE_IDENTIFIER);
          break;
        case CANONICAL_ID.length:
          if (isAt(json, name, nameEnd, CANONICAL_ID)) canonicalId = { from, to };
          break;
        case IDENTIFIED_TYPE.length:
          if (isAt(json, name, nameEnd, IDENTIFIED_TYPE)) {
            const value = { from, to };
            identifiedType = { value, whole: this.#whole({ from: at, to }, next, comma) };
          }
          break;
        case TYPE.length:
          if (isAt(json, name, nameEnd, TYPE)) type = { from, to };
          break;
      }
      if (json[next] !== COMMA) {
        at = next;
        break;
      }
      comma = next;
      at = this.skipSpace(next + 1);
    }
    if (isNode) {
      // "Identifi\u0061ble" means what "Identifiable" does.
      if (type && json.subarray(type.from, type.to).includes(BACKSLASH)) this.isOdd = true;
      this.nodes.push({ start, end: at, type, canonicalId, identifiedType });
    }
    return at + 1;
  }

  #array(start: number): number {
    let at = this.skipSpace(start + 1);
    while (this.#json[at] !== CLOSE_ARRAY) {
      at = this.skipSpace(this.value(at));
      if (this.#json[at] === COMMA) at = this.skipSpace(at + 1);
    }
    return at + 1;
  }

  #string(start: number): number {
    const json = this.#json;
    let at = start + 1;
    for (;;) {
      const byte = json[at];
      if (byte === QUOTE) return at + 1;
      at += byte === BACKSLASH ? 2 : 1;
    }
  }

  /** Objects put names that are numbers before all others. */
  #name(start: number): number {
    const json = this.#json;
    if (DIGITS[json[start + 1] as number] === 1) this.isOdd = true;
    let at = start + 1;
    for (;;) {
      const byte = json[at];
      if (byte === QUOTE) return at + 1;
      if (byte === BACKSLASH) {
        this.isOdd = true;
        at += 1;
      }
      at += 1;
    }
  }

  #scalar(start: number): number {
    let at = start;
    while (ENDS[this.#json[at] as number] === 0) at += 1;
    return at;
  }

  #whole({ from, to }: Span, next: number, comma: number | undefined): Span {
    if (this.#json[next] === COMMA) return { from, to: this.skipSpace(next + 1) };
    return { from: comma ?? from, to };
  }
}

/** By byte: 1 for what may stand between the parts of JSON. */
const SPACES = bytesTable([SPACE, 0x09, 0x0a, 0x0d]);
/** By byte: 1 for what may follow a number or a word. */
const ENDS = bytesTable([COMMA, CLOSE_OBJECT, CLOSE_ARRAY, SPACE, 0x09, 0x0a, 0x0d]);

/** By byte: 1 for a digit. */
const DIGITS = bytesTable(Array.from({ length: 10 }, (_, digit) => DIGIT_0 + digit));

function bytesTable(bytes: readonly number[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of bytes) table[byte] = 1;
  return table;
}

function isAt(json: Uint8Array, from: number, to: number, expected: Uint8Array): boolean {
  if (to - from !== expected.length) return false;
  for (let index = 0; index < expected.length; index += 1) {
    if (json[from + index] !== expected[index]) return false;
  }
  return true;
}
