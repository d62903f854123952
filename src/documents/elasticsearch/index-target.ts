import pMap from 'p-map';
import type { MintedWork, WorkTarget } from '../../domain/documents.ts';
import { TargetBroken } from '../../domain/documents.ts';
import { IdMinterError } from '../../domain/errors.ts';
import { unwrapWork } from '../../domain/work-wrapper.ts';
import type { Cluster } from './cluster.ts';
import { accessDenied, indexNotFound, isPassingStatus } from './cluster.ts';
import type { IndexLocation } from './index-source.ts';

/** Of a bulk request: larger ones are not faster, and proxies refuse them. */
const REQUEST_BYTES = 5 * 1024 * 1024;
const REQUEST_WORKS = 500;
/** One alone leaves the cluster idle while the next one is made and sent; of more than three each takes longer. */
const REQUESTS_AT_ONCE = 3;

/** So that the cluster has something to do while the last requests of a call are answered. */
const WRITES_AT_ONCE = 2;

const NEWLINE = 0x0a;
const TOO_LARGE = 413;

/** A work on its way. */
interface Action {
  readonly work: MintedWork;
  /** In what was given to `write`. */
  readonly position: number;
  readonly document: Uint8Array;
  /** Of both its lines, with their ends. */
  readonly bytes: number;
}

interface BulkAnswer {
  readonly items: readonly {
    readonly index: {
      readonly status: number;
      readonly error?: {
        readonly type: string;
        readonly reason: string;
        readonly caused_by?: { readonly reason?: string };
      };
    };
  }[];
}

type Refused = Map<number, IdMinterError>;

/**
 * Opens an index as a target, whose cluster it closes. A document stands in it under its canonical ID, in the place of
 * the one that stood there before. Asked at once, so that a wrong URL or key is known before anything is minted; whether
 * an index that is not there may be made is up to the cluster.
 *
 * @throws IdMinterError INDEX_ACCESS_DENIED, INDEX_UNAVAILABLE
 */
export async function openIndexTarget(
  cluster: Cluster,
  location: IndexLocation
): Promise<WorkTarget> {
  try {
    await lookAt(cluster, location);
  } catch (error) {
    await cluster.close();
    throw error;
  }
  const close = (): Promise<void> => cluster.close();
  return {
    name: location.name,
    writesAtOnce: WRITES_AT_ONCE,
    write: inOrderOfDocuments(works => writeAll(cluster, location, works)),
    complete: close,
    discard: close,
  };
}

/** A key that may only write may not ask whether an index is there, and is right all the same. */
async function lookAt(cluster: Cluster, { name, index }: IndexLocation): Promise<void> {
  try {
    await cluster.request({ method: 'HEAD', path: `/${encodeURIComponent(index)}`, about: name });
  } catch (error) {
    if (!(error instanceof IdMinterError) || error.details['status'] !== 403) throw error;
  }
}

/** Calls with a document in common wait for each other; all others go on at once. */
function inOrderOfDocuments(write: WorkTarget['write']): WorkTarget['write'] {
  const underWay = new Map<Promise<unknown>, ReadonlySet<string>>();
  return async works => {
    const ids = new Set(works.map(({ canonicalId }) => canonicalId));
    const before = [...underWay].filter(([, others]) => !ids.isDisjointFrom(others));
    const ended = Promise.allSettled(before.map(([call]) => call)).then(() => write(works));
    underWay.set(ended, ids);
    try {
      return await ended;
    } finally {
      underWay.delete(ended);
    }
  };
}

/**
 * Some requests at once: who writes waits until the cluster has taken what it was given. Where one fails as a whole those
 * under way are waited for, and no other is sent.
 */
async function writeAll(
  cluster: Cluster,
  location: IndexLocation,
  works: readonly MintedWork[]
): Promise<Refused> {
  const refused: Refused = new Map();
  const unknown = new Set(works.keys());
  let failure: IdMinterError | undefined;
  const write = async (actions: readonly Action[]): Promise<void> => {
    if (failure) return;
    try {
      await writeSome(cluster, location, { actions, refused });
      for (const { position } of actions) unknown.delete(position);
    } catch (error) {
      if (!(error instanceof IdMinterError)) throw error;
      failure ??= error;
    }
  };
  for (const turn of inTurns(works)) {
    await pMap(inRequests(turn), write, { concurrency: REQUESTS_AT_ONCE });
  }
  for (const position of refused.keys()) unknown.delete(position);
  // Requests are answered in any order, and people read the failures in that of the source.
  const inOrder = new Map([...refused].sort(([one], [other]) => one - other));
  if (failure) throw new TargetBroken(failure, { refused: inOrder, unknown });
  return inOrder;
}

type Placed = readonly [position: number, work: MintedWork];

/** In no turn a document comes twice: of two requests at once nobody knows which is heard last. */
function* inTurns(works: readonly MintedWork[]): Generator<readonly Placed[]> {
  let turn: Placed[] = [];
  let ids = new Set<string>();
  for (const placed of works.entries()) {
    const [, { canonicalId }] = placed;
    if (ids.has(canonicalId)) {
      yield turn;
      turn = [];
      ids = new Set();
    }
    turn.push(placed);
    ids.add(canonicalId);
  }
  if (turn.length > 0) yield turn;
}

function* inRequests(turn: readonly Placed[]): Generator<readonly Action[]> {
  let actions: Action[] = [];
  let bytes = 0;
  for (const [position, work] of turn) {
    const action = actionFor(work, position);
    if (actions.length === REQUEST_WORKS || (bytes > 0 && bytes + action.bytes > REQUEST_BYTES)) {
      yield actions;
      actions = [];
      bytes = 0;
    }
    actions.push(action);
    bytes += action.bytes;
  }
  if (actions.length > 0) yield actions;
}

function actionFor(work: MintedWork, position: number): Action {
  const { content } = work;
  const document =
    'json' in content
      ? content.document
      : Buffer.from(JSON.stringify(unwrapWork(content.value).document));
  const bytes = headOf(work).length + document.length + 1;
  return { work, position, document, bytes };
}

/** ASCII, as the ID is. */
function headOf({ canonicalId }: MintedWork): string {
  return `{"index":{"_id":"${canonicalId}"}}\n`;
}

function bodyOf(actions: readonly Action[]): Buffer {
  const body = Buffer.allocUnsafe(actions.reduce((sum, { bytes }) => sum + bytes, 0));
  let at = 0;
  for (const { work, document } of actions) {
    at += body.write(headOf(work), at, 'latin1');
    body.set(document, at);
    at = body.writeUInt8(NEWLINE, at + document.length);
  }
  return body;
}

/** Items that the cluster has no room for are sent again by themselves. */
async function writeSome(
  cluster: Cluster,
  location: IndexLocation,
  { actions, refused }: { actions: readonly Action[]; refused: Refused }
): Promise<void> {
  const patience = cluster.patience();
  for (let left = actions; left.length > 0; ) {
    const statuses = await send(cluster, location, left);
    if (statuses === 'too large') {
      const half = Math.ceil(left.length / 2);
      await writeSome(cluster, location, { actions: left.slice(0, half), refused });
      await writeSome(cluster, location, { actions: left.slice(half), refused });
      return;
    }
    const again: Action[] = [];
    const isOver = !(statuses.some(isPassing) && (await patience.wait()));
    for (const [index, action] of left.entries()) {
      const item = statuses[index];
      if (!item?.error) continue;
      if (isPassing(item) && !isOver) again.push(action);
      else refused.set(action.position, refusal(action.work, item, location));
    }
    left = again;
  }
}

interface ItemStatus {
  readonly status: number;
  /** Why it is not in the index. */
  readonly error?: { readonly type: string; readonly reason: string };
}

async function send(
  cluster: Cluster,
  { name, index }: IndexLocation,
  actions: readonly Action[]
): Promise<ItemStatus[] | 'too large'> {
  try {
    const { items } = await cluster.request<BulkAnswer>({
      method: 'POST',
      path: `/${encodeURIComponent(index)}/_bulk`,
      // The rest says what everybody knows, and is ten times as long.
      query: { filter_path: 'items.*.status,items.*.error' },
      lines: bodyOf(actions),
      about: name,
    });
    if (items?.length !== actions.length) throw unanswered(name, actions.length);
    const statuses = items.map(item => readStatus(item.index));
    refuseWhole(name, statuses);
    return statuses;
  } catch (error) {
    if (!(error instanceof IdMinterError) || error.details['status'] !== TOO_LARGE) throw error;
    if (actions.length > 1) return 'too large';
    return [{ status: TOO_LARGE, error: { type: 'too_large', reason: error.message } }];
  }
}

/** What an item says of the index, and not of its document, holds for all. */
function refuseWhole(name: string, statuses: readonly ItemStatus[]): void {
  for (const { status, error } of statuses) {
    if (error?.type === 'index_not_found_exception') throw indexNotFound(name, { index: name });
    if (error?.type === 'security_exception') {
      throw accessDenied(name, `${status}, ${error.reason}`, { index: name, status });
    }
  }
}

function readStatus({ status, error }: BulkAnswer['items'][number]['index']): ItemStatus {
  if (!error) return { status };
  const cause = error.caused_by?.reason;
  return {
    status,
    error: { type: error.type, reason: cause ? `${error.reason}: ${cause}` : error.reason },
  };
}

function isPassing({ status, error }: ItemStatus): boolean {
  return error !== undefined && isPassingStatus(status);
}

function refusal(
  { place, canonicalId }: MintedWork,
  { status, error }: ItemStatus,
  { name }: IndexLocation
): IdMinterError {
  const why = `${status}, ${error?.type}: ${error?.reason.replace(/\.$/, '')}`;
  const details = { index: name, canonicalId, status };
  if (isPassingStatus(status)) {
    return new IdMinterError(
      'INDEX_UNAVAILABLE',
      `${place}: ${name} has no room for the document ${canonicalId} (${why}). It was not written; its IDs are in the ` +
        'registry. Say the same command again when the cluster is less busy.',
      details
    );
  }
  return new IdMinterError(
    'DOCUMENT_REFUSED',
    `${place}: ${name} refuses the document ${canonicalId} (${why}). It was not written; its IDs are in the registry. ` +
      'Correct the document at its source or the mapping of the index, and say the same command again.',
    details
  );
}

function unanswered(name: string, count: number): IdMinterError {
  return new IdMinterError(
    'INDEX_UNAVAILABLE',
    `${name} was given ${count} documents and did not say what became of each. They are in it or not; their IDs are in ` +
      'the registry. Say the same command again: it gives the same IDs.',
    { index: name, count }
  );
}
