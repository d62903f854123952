/**
 * Finds the identifiers in the JSON text of a work, and puts the canonical IDs in. What is not touched stays as it was
 * written, byte for byte, and no tree has to be made: what is found is what `extractWork` finds in the document that the
 * text holds, and what comes out means the same as `embedCanonicalIds` on it.
 */
import type { CanonicalId } from './canonical-id.ts';
import type { MintedText, ParsedWork, WorkText } from './documents.ts';
import type { MintRequest } from './registry.ts';
import type { ExtractedWork } from './work-document.ts';
import { embedCanonicalIds, readRequest } from './work-document.ts';
import type { Nodes, OuterMember, Scanned, Span } from './work-scan.ts';
import { isAt, NODE, NODE_LENGTH, scanWork, spanOf } from './work-scan.ts';
import { unwrapWork, wrapWork } from './work-wrapper.ts';

const QUOTE = 0x22;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/** Identifiers are a tenth of it. In larger ones others may be nested, and then most of a work would be parsed again and again. */
const IDENTIFIER_BYTES = 4_096;

const IDENTIFIABLE = ENCODER.encode('"Identifiable"');

/** What was found in the text of a work. */
export interface FoundWork {
  readonly extracted: ExtractedWork;
  readonly places: Places;
  /** The `_id` that it came with, where that is a text. */
  readonly id?: string;
}

/** Where canonical IDs belong in the text of a work. */
export interface Places {
  /** One a request, in their order. */
  readonly nodes: Nodes;
  /** undefined where the text is the document. */
  readonly wrapper: Wrapper | undefined;
}

interface Wrapper {
  readonly id: OuterMember;
  readonly index: OuterMember | undefined;
  readonly source: OuterMember;
}

/**
 * @param text - valid UTF-8, which need not be JSON
 * @returns undefined where the text has to be read as a tree, which also tells what is wrong with it: it holds no work of
 *   which each identifier is valid, or is of a form of which the walk is not sure
 */
export function findIdentifiers(text: WorkText): FoundWork | undefined {
  const { json } = text;
  const scanned = scanWork(json);
  if (scanned === undefined) return undefined;
  const wrapper = text.hit === undefined ? findWrapper(scanned) : undefined;
  const document = wrapper?.source.value ?? { from: scanned.start, to: json.length };
  const state = scanned.outer.find(({ name, of }) => name === 'state' && of === document.from);
  const nodes = nodesIn(document, scanned.nodes);
  const rootIndex = state ? indexOf(state.value.from, nodes) : -1;
  const requests = readRequests(json, nodes);
  const root = requests?.[rootIndex]?.source;
  if (requests === undefined || root === undefined) return undefined;
  const id = wrapper ? parse(json, wrapper.id.value) : text.hit;
  return {
    extracted: { root, rootIndex, requests },
    places: { nodes, wrapper },
    ...(typeof id === 'string' && { id }),
  };
}

/** By the rule of `unwrapWork`. */
function findWrapper({ start, outer }: Scanned): Wrapper | undefined {
  const find = (name: string) => outer.find(member => member.name === name && member.of === start);
  const [id, index, source] = [find('_id'), find('_index'), find('_source')];
  return id && source && { id, index, source };
}

/** Those within the document, which stand in order. */
function nodesIn({ from, to }: Span, nodes: Nodes): Nodes {
  let [first, end] = [0, nodes.length];
  while (first < end && (nodes[first + NODE.all] as number) < from) first += NODE_LENGTH;
  while (first < end && (nodes[end - NODE_LENGTH] as number) >= to) end -= NODE_LENGTH;
  return nodes.subarray(first, end);
}

function indexOf(start: number, nodes: Nodes): number {
  let node = 0;
  while (node < nodes.length && nodes[node + NODE.all] !== start) node += NODE_LENGTH;
  return node / NODE_LENGTH;
}

/** @returns undefined where one of them is invalid */
function readRequests(json: Uint8Array, nodes: Nodes): MintRequest[] | undefined {
  const requests: MintRequest[] = [];
  try {
    for (let node = 0; node < nodes.length; node += NODE_LENGTH) {
      const sourceIdentifier = parseIdentifier(json, spanOf(nodes, node, NODE.source));
      const predecessorIdentifier = parseIdentifier(json, spanOf(nodes, node, NODE.predecessor));
      requests.push(readRequest({ sourceIdentifier, predecessorIdentifier }, 'its place'));
    }
    return requests;
  } catch {
    // The tree tells what is wrong, and where.
    return undefined;
  }
}

function parseIdentifier(json: Uint8Array, span: Span | undefined): unknown {
  if (span === undefined) return undefined;
  if (span.to - span.from > IDENTIFIER_BYTES) throw new RangeError('Others may stand in it.');
  return parse(json, span);
}

function parse(json: Uint8Array, { from, to }: Span): unknown {
  return JSON.parse(DECODER.decode(json.subarray(from, to)));
}

/** The IDs of a work. */
export interface WorkIds {
  /** One a request, in their order. */
  readonly ids: readonly CanonicalId[];
  /** That of the work itself. */
  readonly canonicalId: CanonicalId;
}

/**
 * @param places - undefined where the text is read as a tree: right for every text, and several times as long
 * @returns the same with the IDs, in the same form; in a wrapper `_id` is the canonical ID, and `_index` is gone
 */
export function insertCanonicalIds(
  text: WorkText,
  places: Places | undefined,
  work: WorkIds
): MintedText {
  return places ? apply(text, places, work) : rewrite(text, work);
}

/**
 * The work that a text of at most 2,000 levels holds, its numbers as `readAsWritten` has them.
 *
 * @throws IdMinterError TOO_DEEP where a wrapper is nested deeper than works may be
 */
export function readWorkAsWritten(text: WorkText): ParsedWork {
  return unwrapText(text, readAsWritten(text.json));
}

/**
 * @param value - what the text holds
 * @throws IdMinterError TOO_DEEP, as `unwrapWork` does
 */
export function unwrapText({ hit }: WorkText, value: unknown): ParsedWork {
  return hit === undefined ? unwrapWork(value) : { document: value, wrapper: { _id: hit } };
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

function rewrite(text: WorkText, { ids, canonicalId }: WorkIds): MintedText {
  const { document, wrapper } = readWorkAsWritten(text);
  const minted = { document: embedCanonicalIds(document, ids), ...(wrapper && { wrapper }) };
  const made = ENCODER.encode(JSON.stringify(wrapWork(minted, canonicalId)));
  if (wrapper === undefined) return { json: made, document: made };
  // It stands last in the wrapper.
  const { length } = ENCODER.encode(JSON.stringify(minted.document));
  return { json: made, document: made.subarray(-1 - length, -1) };
}

/** Bytes of the text, from and to which offset, and what stands there instead. */
interface Edit extends Span {
  /** A string is ASCII, which is written faster than an encoder gives its bytes. */
  readonly put: Uint8Array | string;
}

function apply(
  { json, hit }: WorkText,
  { nodes, wrapper }: Places,
  { ids, canonicalId }: WorkIds
): MintedText {
  const edits: Edit[] = [];
  if (hit !== undefined) {
    const end = json.length;
    edits.push({ from: 0, to: 0, put: `{"_id":"${canonicalId}","_source":` });
    edits.push({ from: end, to: end, put: '}' });
  }
  if (wrapper) edits.push(edit(wrapper.id.value, `"${canonicalId}"`));
  if (wrapper?.index) edits.push(edit(wrapper.index.whole, ''));
  for (const [index, id] of ids.entries()) {
    addEdits(edits, { json, nodes, node: index * NODE_LENGTH }, id);
  }
  edits.sort((a, b) => a.from - b.from);
  const document = wrapper?.source.value ?? { from: 0, to: json.length };
  return rewriteBytes(json, withoutInner(edits), document);
}

function addEdits(
  edits: Edit[],
  { json, nodes, node }: { json: Uint8Array; nodes: Nodes; node: number },
  id: CanonicalId
): void {
  const end = nodes[node + NODE.all + 1] as number;
  const canonicalId = spanOf(nodes, node, NODE.canonicalId);
  const type = spanOf(nodes, node, NODE.type);
  const newType = spanOf(nodes, node, NODE.identifiedType);
  if (canonicalId) edits.push(edit(canonicalId, `"${id}"`));
  else edits.push({ from: end, to: end, put: `,"canonicalId":"${id}"` });
  if (newType && json[newType.from] === QUOTE) {
    const put = json.subarray(newType.from, newType.to);
    if (type) edits.push(edit(type, put));
    else edits.push({ from: end, to: end, put: ',"type":' }, { from: end, to: end, put });
    edits.push(edit(spanOf(nodes, node, NODE.identifiedTypeWhole) as Span, ''));
  } else if (type && isAt(json, type, IDENTIFIABLE)) {
    edits.push(edit(type, '"Identified"'));
  }
}

function edit({ from, to }: Span, put: Edit['put']): Edit {
  return { from, to, put };
}

/** Within a member that is replaced as a whole nothing is left to change. */
function withoutInner(edits: readonly Edit[]): Edit[] {
  let end = 0;
  return edits.filter(({ from, to }) => {
    if (from < end) return false;
    end = to;
    return true;
  });
}

function rewriteBytes(json: Uint8Array, edits: readonly Edit[], document: Span): MintedText {
  let [length, start, end] = [json.length, document.from, document.to];
  for (const { from, to, put } of edits) {
    const more = put.length - (to - from);
    length += more;
    if (to <= document.from) start += more;
    if (from < document.to) end += more;
  }
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
  return { json: made, document: made.subarray(start, end) };
}
