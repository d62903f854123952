/**
 * Finds the identifiers in the JSON text of a work, and puts the canonical IDs in. What is not touched stays as it was
 * written, byte for byte, and no tree has to be made: what is found is what `extractWork` finds in the document that the
 * text holds, and what comes out means the same as `embedCanonicalIds` on it.
 */
import type { CanonicalId } from './canonical-id.ts';
import type { MintedText, ParsedWork, WorkText } from './documents.ts';
import { readPlainIdentifier } from './identifier-text.ts';
import { readAsWritten } from './json-tree.ts';
import type { MintRequest } from './registry.ts';
import { PUT, TextEdits } from './text-edits.ts';
import type { ExtractedWork } from './work-document.ts';
import { embedCanonicalIds, readRequest } from './work-document.ts';
import type { Nodes, OuterMember, Scanned, Span } from './work-scan.ts';
import { has, isAt, NODE, NODE_LENGTH, scanWork } from './work-scan.ts';
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
 * @param scanned - what the walk over it has found, where it is over already
 * @returns undefined where the text has to be read as a tree, which also tells what is wrong with it: it holds no work of
 *   which each identifier is valid, or is of a form of which the walk is not sure
 */
export function findIdentifiers(
  text: WorkText,
  scanned = scanWork(text.json)
): FoundWork | undefined {
  const { json } = text;
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
      const sourceIdentifier = parseIdentifier(json, nodes, node + NODE.source);
      const predecessorIdentifier = has(nodes, node, NODE.predecessor)
        ? parseIdentifier(json, nodes, node + NODE.predecessor)
        : undefined;
      requests.push(readRequest({ sourceIdentifier, predecessorIdentifier }, 'its place'));
    }
    return requests;
  } catch {
    // The tree tells what is wrong, and where.
    return undefined;
  }
}

function parseIdentifier(json: Uint8Array, nodes: Nodes, part: number): unknown {
  const from = nodes[part] as number;
  const to = nodes[part + 1] as number;
  if (to - from > IDENTIFIER_BYTES) throw new RangeError('Others may stand in it.');
  return readPlainIdentifier(json, from, to) ?? parse(json, { from, to });
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
 * The work that a text holds, as `readAsWritten` reads it.
 *
 * @param text - JSON
 * @throws IdMinterError TOO_DEEP as `readAsWritten` does, and where a wrapper is nested deeper than works may be
 */
export function readWorkAsWritten(text: WorkText): ParsedWork {
  return unwrapText(text, readAsWritten(DECODER.decode(text.json)));
}

/**
 * @param value - what the text holds
 * @throws IdMinterError TOO_DEEP, as `unwrapWork` does
 */
export function unwrapText({ hit }: WorkText, value: unknown): ParsedWork {
  return hit === undefined ? unwrapWork(value) : { document: value, wrapper: { _id: hit } };
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

/** Of one text at a time. */
const edits = new TextEdits();

function apply(
  { json, hit }: WorkText,
  { nodes, wrapper }: Places,
  { ids, canonicalId }: WorkIds
): MintedText {
  const own = ids.length;
  edits.begin();
  if (hit !== undefined) edits.putId(0, 0, PUT.hit, own);
  if (wrapper) edits.putId(wrapper.id.value.from, wrapper.id.value.to, PUT.id, own);
  if (wrapper?.index) edits.put(wrapper.index.whole.from, wrapper.index.whole.to, PUT.nothing);
  for (let id = 0; id < own; id += 1) editNode(json, nodes, id);
  if (hit !== undefined) edits.put(json.length, json.length, PUT.hitEnd);
  const document = wrapper?.source.value ?? { from: 0, to: json.length };
  const { json: made, part } = edits.apply(json, [...ids, canonicalId], document);
  return { json: made, document: made.subarray(part.from, part.to) };
}

/** @param id - the number of the node, and of its ID */
function editNode(json: Uint8Array, nodes: Nodes, id: number): void {
  const node = id * NODE_LENGTH;
  const end = offset(nodes, node, NODE.all + 1);
  const [type, typeEnd] = [offset(nodes, node, NODE.type), offset(nodes, node, NODE.type + 1)];
  const newType = offset(nodes, node, NODE.identifiedType);
  if (has(nodes, node, NODE.canonicalId)) {
    const own = offset(nodes, node, NODE.canonicalId);
    edits.putId(own, offset(nodes, node, NODE.canonicalId + 1), PUT.id, id);
  } else edits.putId(end, end, PUT.canonicalId, id);
  const isTyped = has(nodes, node, NODE.type);
  if (has(nodes, node, NODE.identifiedType) && json[newType] === QUOTE) {
    const newTypeEnd = offset(nodes, node, NODE.identifiedType + 1);
    if (isTyped) edits.putPart(type, typeEnd, PUT.part, newType, newTypeEnd);
    else edits.putPart(end, end, PUT.type, newType, newTypeEnd);
    const whole = offset(nodes, node, NODE.identifiedTypeWhole);
    edits.put(whole, offset(nodes, node, NODE.identifiedTypeWhole + 1), PUT.nothing);
  } else if (isTyped && isAt(json, type, typeEnd, IDENTIFIABLE)) {
    edits.put(type, typeEnd, PUT.identified);
  }
}

function offset(nodes: Nodes, node: number, part: number): number {
  return nodes[node + part] as number;
}
