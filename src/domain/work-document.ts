/**
 * Where identifiers stand in a work, and what a work looks like once it has its canonical IDs.
 *
 * Every object with the key `sourceIdentifier` is a node that needs an ID, wherever it stands; `otherIdentifiers`
 * hold bare source identifiers, which have no such key and stay as they are. Nodes are met depth first, a parent
 * before its children, arrays in order; requests and IDs are matched by that order.
 */
import type { CanonicalId } from './canonical-id.ts';
import type { Stage } from './documents.ts';
import { IdMinterError } from './errors.ts';
import type { MintRequest } from './registry.ts';
import type { SourceIdentifier } from './source-identifier.ts';
import { checkSourceIdentifier } from './source-identifier.ts';

/** Deeper documents overflow the stack of JSON.stringify and of readers downstream; real works stay below 50. */
export const DEPTH_MAX = 1_000;

export interface ExtractedWork {
  /** The identifier of the work itself, `state.sourceIdentifier`. */
  readonly root: SourceIdentifier;
  /** Where the root stands among the requests. */
  readonly rootIndex: number;
  /** One request a node, duplicates kept. */
  readonly requests: readonly MintRequest[];
}

export interface WorkFault {
  readonly stage: Stage;
  readonly error: IdMinterError;
  /** The work's own identifier, where that much could be read. */
  readonly root?: SourceIdentifier;
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Finds everything in a work that needs a canonical ID.
 *
 * @returns the requests, or why there can be none: stage `extract_id` where the work itself is not identified,
 * `embed` where a node inside it is not, `read` where the document is too deep
 */
export function extractWork(document: unknown): ExtractedWork | WorkFault {
  let root: SourceIdentifier | undefined;
  try {
    root = readRoot(document);
    const requests: MintRequest[] = [];
    let rootIndex = -1;
    const state = member(document, 'state');
    visitNodes(document as object, (node, path) => {
      if (node === state) rootIndex = requests.length;
      requests.push(readNode(node, path));
    });
    return { root, rootIndex, requests };
  } catch (error) {
    if (error instanceof StagedError) return root ? { ...error.fault, root } : error.fault;
    throw error;
  }
}

/**
 * The work with its canonical IDs; the input is not modified, and parts without nodes are shared with it.
 *
 * A node gets `canonicalId`. Where `identifiedType` is a string it becomes `type` and goes; otherwise a `type` of
 * `Identifiable` becomes `Identified`, and any other stays.
 *
 * @param ids - one a request of {@link extractWork}, in its order
 */
export function embedCanonicalIds(document: unknown, ids: readonly CanonicalId[]): unknown {
  let next = 0;
  const embed = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      let copy: unknown[] | undefined;
      for (let index = 0; index < value.length; index += 1) {
        const embedded = embed(value[index]);
        if (embedded === value[index]) continue;
        copy ??= [...value];
        copy[index] = embedded;
      }
      return copy ?? value;
    }
    if (!isObject(value)) return value;
    const id = Object.hasOwn(value, 'sourceIdentifier') ? ids[next++] : undefined;
    let copy: Record<string, unknown> | undefined;
    for (const key of Object.keys(value)) {
      const embedded = embed(value[key]);
      if (embedded === value[key]) continue;
      copy ??= { ...value };
      copy[key] = embedded;
    }
    return id === undefined ? (copy ?? value) : identify(copy ?? value, id);
  };
  return embed(document);
}

/** Whether objects and arrays are nested in more levels; it keeps its own stack, so no depth overflows it. */
export function isDeeperThan(levels: number, value: unknown): boolean {
  const open: { container: object; level: number }[] = [];
  const visit = (child: unknown, level: number): void => {
    if (isContainer(child)) open.push({ container: child, level });
  };
  visit(value, 1);
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at.level > levels) return true;
    for (const child of Object.values(at.container)) visit(child, at.level + 1);
  }
  return false;
}

export function tooDeep(): IdMinterError {
  return new IdMinterError(
    'TOO_DEEP',
    `The document is nested deeper than ${DEPTH_MAX} levels. It was not written. Correct it at its source.`,
    { levels: DEPTH_MAX }
  );
}

/** Which of two works that ended on one canonical ID is written. */
export interface Contender {
  readonly document: unknown;
  readonly root: SourceIdentifier;
}

/**
 * Of two works with one canonical ID: one that is neither Deleted nor Redirected before one that is; then the one
 * that names the other as its predecessor; then the newest `state.sourceModifiedTime`; then the later one.
 */
export function prevails(later: Contender, earlier: Contender): boolean {
  const [laterGone, earlierGone] = [isGone(later.document), isGone(earlier.document)];
  if (laterGone !== earlierGone) return earlierGone;
  const laterNames = namesPredecessor(later.document, earlier.root);
  const earlierNames = namesPredecessor(earlier.document, later.root);
  if (laterNames !== earlierNames) return laterNames;
  const [laterTime, earlierTime] = [modifiedTime(later.document), modifiedTime(earlier.document)];
  return Number.isNaN(laterTime) || Number.isNaN(earlierTime)
    ? Number.isNaN(earlierTime)
    : laterTime >= earlierTime;
}

function readRoot(document: unknown): SourceIdentifier {
  if (!isObject(document)) {
    const kind =
      document === null ? 'null' : Array.isArray(document) ? 'an array' : `a ${typeof document}`;
    throw new StagedError('extract_id', invalidWork(`is ${kind}, not an object`));
  }
  const state = document['state'];
  if (!isObject(state)) throw new StagedError('extract_id', invalidWork('has no `state` object'));
  if (!isObject(state['sourceIdentifier'])) {
    throw new StagedError('extract_id', invalidWork('has no `state.sourceIdentifier` object'));
  }
  return staged('extract_id', () =>
    readSource(state['sourceIdentifier'], 'source identifier at state.sourceIdentifier')
  );
}

function readNode(node: JsonObject, path: readonly (string | number)[]): MintRequest {
  return staged('embed', () => readRequest(node, path.join('.') || 'the top of the document'));
}

/**
 * @param node - an object with the key `sourceIdentifier`, of which `predecessorIdentifier` counts as well
 * @param where - where it stands, for people
 * @throws IdMinterError INVALID_IDENTIFIER
 */
export function readRequest(node: JsonObject, where: string): MintRequest {
  const source = readSource(node['sourceIdentifier'], `source identifier at ${where}`);
  const predecessor = node['predecessorIdentifier'] ?? null;
  if (predecessor === null) return { source };
  return { source, predecessor: readSource(predecessor, `predecessor at ${where}`) };
}

/** `{ontologyType, identifierType: {id}, value}`, as documents write it. */
function readSource(written: unknown, what: string): SourceIdentifier {
  if (!isObject(written)) return checkSourceIdentifier(written, { what });
  return checkSourceIdentifier(
    {
      ontologyType: written['ontologyType'],
      sourceSystem: member(written['identifierType'], 'id'),
      value: written['value'],
    },
    { what }
  );
}

function visitNodes(
  document: object,
  visit: (node: JsonObject, path: readonly (string | number)[]) => void
): void {
  const path: (string | number)[] = [];
  const walk = (value: object): void => {
    if (path.length >= DEPTH_MAX) throw new StagedError('read', tooDeep());
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index += 1) descend(index, value[index]);
      return;
    }
    if (Object.hasOwn(value, 'sourceIdentifier')) visit(value as JsonObject, path);
    for (const name of Object.keys(value)) descend(name, (value as JsonObject)[name]);
  };
  const descend = (step: string | number, child: unknown): void => {
    if (!isContainer(child)) return;
    path.push(step);
    walk(child);
    path.pop();
  };
  walk(document);
}

function identify(node: JsonObject, canonicalId: CanonicalId): JsonObject {
  if (typeof node['identifiedType'] === 'string') {
    const { identifiedType: type, ...members } = node;
    return { ...members, canonicalId, type };
  }
  const isToBe = node['type'] === 'Identifiable';
  return { ...node, canonicalId, ...(isToBe && { type: 'Identified' }) };
}

function isGone(document: unknown): boolean {
  const type = member(document, 'type');
  return type === 'Deleted' || type === 'Redirected';
}

function namesPredecessor(document: unknown, predecessor: SourceIdentifier): boolean {
  const named = member(member(document, 'state'), 'predecessorIdentifier');
  if (!isObject(named)) return false;
  const { ontologyType, sourceSystem, value } = readSource(named, 'predecessor');
  return (
    ontologyType === predecessor.ontologyType &&
    sourceSystem === predecessor.sourceSystem &&
    value === predecessor.value
  );
}

function modifiedTime(document: unknown): number {
  const time = member(member(document, 'state'), 'sourceModifiedTime');
  return typeof time === 'string' ? Date.parse(time) : Number.NaN;
}

function member(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return isContainer(value) && !Array.isArray(value);
}

/** An object or array. A number kept as it was written is an object to JavaScript, but a leaf to JSON. */
function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !JSON.isRawJSON(value);
}

function invalidWork(why: string): IdMinterError {
  return new IdMinterError(
    'INVALID_WORK',
    `The document ${why}. It was not written. Send works as the transformers write them.`,
    { why }
  );
}

function staged<T>(stage: Stage, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof IdMinterError) throw new StagedError(stage, error);
    throw error;
  }
}

class StagedError extends Error {
  readonly fault: WorkFault;

  constructor(stage: Stage, error: IdMinterError) {
    super(error.message, { cause: error });
    this.fault = { stage, error };
  }
}
