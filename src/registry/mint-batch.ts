import type { CanonicalId } from '../domain/canonical-id.ts';
import { isCanonicalId, isStandIn } from '../domain/canonical-id.ts';
import { certain } from '../domain/certain.ts';
import type { Warning } from '../domain/errors.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { Batch, GivenId, NewSource, Plan, Settled } from '../domain/mint-plan.ts';
import {
  answerKnown,
  existing,
  planBatch,
  prepareBatch,
  settleBatch,
  withoutPredecessor,
} from '../domain/mint-plan.ts';
import { passedOver, poolCorrupt, poolExhausted } from '../domain/pool.ts';
import type {
  MintingTransaction,
  MintRequest,
  MintResult,
  RegistryStore,
  StoredMapping,
} from '../domain/registry.ts';
import type { FoldedIdentifier } from '../domain/source-identifier.ts';
import { formatSourceIdentifier, isSameSource } from '../domain/source-identifier.ts';
import type { Place } from '../domain/source-places.ts';
import { PassingError, withRetries } from './retries.ts';

/** What earlier attempts were about to commit. A COMMIT whose answer was lost may be done after all, even later. */
type Tried = NewMapping[];

interface NewMapping extends StoredMapping {
  readonly place: Place;
  readonly outcome: 'minted' | 'inherited';
}

interface Written {
  readonly settled: Settled;
  readonly warnings: readonly Warning[];
}

/**
 * Mints a batch: looks up, and only where something is new writes it in one transaction. The same batch is tried
 * again after a deadlock, lock wait or lost connection; found rows then show what an unanswered COMMIT did.
 *
 * @throws IdMinterError REGISTRY_UNAVAILABLE when the retries are spent
 * @see RFC 083, "Minting"
 */
export async function mintBatch(
  store: RegistryStore,
  requests: readonly MintRequest[]
): Promise<MintResult> {
  const batch = prepareBatch(requests, store);
  const tried: Tried = [];
  return await withRetries(store, async ({ isLast }) => {
    const twins = new Map<Place, FoldedIdentifier>();
    for (;;) {
      const stored = await store.lookUp(batch.asked);
      const known = tried.length === 0 && answerKnown(batch, stored);
      if (known) return { answers: known, warnings: [] };
      const plan = planBatch(batch, stored, twins);
      recognise(plan.settled, tried);
      if (plan.layers.length === 0) {
        return { answers: settleBatch(batch, plan.settled, stored), warnings: [] };
      }
      try {
        const { settled, warnings } = await store.transaction(transaction =>
          writeLayers(transaction, batch, plan, { tried, isLast })
        );
        return { answers: settleBatch(batch, settled, stored), warnings };
      } catch (error) {
        if (!(error instanceof EarlierTwin)) throw error;
        // Rolled back. Once more without the later of the two, so that the earlier one stands; unless another minter
        // has brought the later one in meanwhile, which the look-up then finds.
        twins.set(error.later, error.earlier);
      }
    }
  });
}

/**
 * Layer by layer, since a source may only inherit what its predecessor really got: another minter can be faster
 * with the predecessor than this batch.
 */
async function writeLayers(
  transaction: MintingTransaction,
  batch: Batch,
  plan: Plan,
  { tried, isLast }: { tried: Tried; isLast: boolean }
): Promise<Written> {
  const settled: Settled = new Map(plan.settled);
  const drawn = await drawUnused(transaction, plan.needed);
  if (drawn.shortage !== undefined && !isLast) {
    const isPassing =
      drawn.shortage.details['locked'] === true || (await isOutdated(transaction, plan));
    if (isPassing) throw new PassingError(drawn.shortage);
  }
  const ours: NewMapping[] = [];
  for (const layer of plan.layers) {
    const rows: NewMapping[] = [];
    for (const entry of layer) {
      const row = rowFor(entry, settled, drawn);
      if (row instanceof IdMinterError) settled.set(entry.place, row);
      else rows.push(row);
    }
    const inserted = await insertRows(transaction, batch, rows, settled);
    const used = inserted.filter(({ outcome }) => outcome === 'minted');
    await transaction.markAssigned(used.map(({ canonicalId }) => canonicalId));
    ours.push(...inserted);
  }
  recognise(settled, tried);
  tried.push(...ours);
  return { settled, warnings: drawn.warnings };
}

/** Another minter has brought some of the sources in since they were looked up, so fewer IDs are needed by now. */
async function isOutdated(transaction: MintingTransaction, { layers }: Plan): Promise<boolean> {
  const stored = await transaction.lookUp(layers.flat().map(({ source }) => source));
  return stored.some(mapping => mapping !== undefined);
}

/** Inserts one layer, settles each of its rows by what the database holds then, and returns those that are ours. */
async function insertRows(
  transaction: MintingTransaction,
  batch: Batch,
  rows: readonly NewMapping[],
  settled: Settled
): Promise<NewMapping[]> {
  if (rows.length === 0) return [];
  const inserted = await transaction.insert(rows);
  for (const { place, canonicalId, outcome } of rows) settled.set(place, { canonicalId, outcome });
  if (inserted === rows.length) return [...rows];
  const reread = await transaction.lookUp(rows.map(({ source }) => source));
  return rows.filter((row, index) => {
    const stored = reread[index];
    if (stored === undefined) throw rowVanished(row);
    const isOurs =
      isSameSource(stored.source, row.source) && stored.canonicalId === row.canonicalId;
    if (!isOurs) settled.set(row.place, afterLosing(batch, row, stored, settled));
    return isOurs;
  });
}

/** The source was there already: by another minter, by the same batch in another spelling, or before. */
function afterLosing(
  batch: Batch,
  row: NewMapping,
  stored: StoredMapping,
  settled: Settled
): GivenId | IdMinterError {
  const standing = batch.placeOf(stored.source);
  const end = standing === undefined ? undefined : settled.get(standing);
  const isOfThisBatch =
    end !== undefined && !(end instanceof IdMinterError) && end.outcome !== 'existing';
  if (standing !== undefined && isOfThisBatch && isEarlier(batch, row.place, standing)) {
    throw new EarlierTwin(standing, row.source);
  }
  return existing(row.source, stored);
}

function isEarlier({ positions }: Batch, place: Place, other: Place): boolean {
  return certain(positions[place], 'A position') < certain(positions[other], 'A position');
}

function rowFor(
  { place, source, from }: NewSource,
  settled: Settled,
  drawn: Drawn
): NewMapping | IdMinterError {
  if (from === 'pool') {
    if (drawn.shortage !== undefined) return drawn.shortage;
    const canonicalId = certain(drawn.ids.pop(), 'An ID that the plan counted');
    return { place, source, canonicalId, outcome: 'minted' };
  }
  if ('inherit' in from) return { place, source, canonicalId: from.inherit, outcome: 'inherited' };
  const given = certain(settled.get(from.inheritFrom), 'A predecessor of the layer below');
  if (given instanceof IdMinterError) return withoutPredecessor(source, from.predecessor, given);
  return { place, source, canonicalId: given.canonicalId, outcome: 'inherited' };
}

interface Drawn {
  readonly ids: CanonicalId[];
  readonly shortage: IdMinterError | undefined;
  readonly warnings: readonly Warning[];
}

/** Claims IDs and passes over those that are in use or malformed, whatever the pool says of them. */
async function drawUnused(transaction: MintingTransaction, needed: number): Promise<Drawn> {
  const sound: CanonicalId[] = [];
  const malformed: CanonicalId[] = [];
  const inUse: CanonicalId[] = [];
  const isSeen = new Set<CanonicalId>();
  let free = needed;
  while (sound.length < needed) {
    // A transaction meets its own claims again, so it asks for as many more as it holds.
    const wanted = needed + malformed.length;
    const claim = await transaction.claim(wanted);
    const unseen = claim.ids.filter(id => !isSeen.has(id));
    const used = await transaction.findUsed(unseen);
    await transaction.markAssigned([...used]);
    for (const id of unseen) {
      isSeen.add(id);
      const isSound = isCanonicalId(id) || isStandIn(id);
      (used.has(id) ? inUse : isSound ? sound : malformed).push(id);
    }
    if (claim.ids.length < wanted) {
      free = claim.free - used.size - malformed.length;
      break;
    }
  }
  const warnings = [
    ...inUse.map(id => passedOver(id, 'in use')),
    ...malformed.map(id => passedOver(id, 'malformed')),
  ];
  if (sound.length >= needed) return { ids: sound.slice(0, needed), shortage: undefined, warnings };
  const bad = [...inUse, ...malformed];
  const shortage =
    free === 0 && bad.length > 0 ? poolCorrupt(needed, bad) : poolExhausted(needed, free);
  return { ids: [], shortage, warnings };
}

/** An answer to COMMIT got lost, but the commit was done: what is found now is what this batch wrote. */
function recognise(settled: Settled, tried: Tried): void {
  for (const { place, canonicalId, outcome } of tried) {
    const end = settled.get(place);
    if (end !== undefined && !(end instanceof IdMinterError) && end.canonicalId === canonicalId) {
      settled.set(place, { canonicalId, outcome });
    }
  }
}

/** INSERT passed a row over, and yet it is not there: its canonical ID left the pool meanwhile. */
function rowVanished({ source, canonicalId }: NewMapping): PassingError {
  return new PassingError(
    new IdMinterError(
      'REGISTRY_UNAVAILABLE',
      `The registry did not take the mapping of ${formatSourceIdentifier(source)} to ${canonicalId}, mostly because that ` +
        'ID was deleted from canonical_ids. Nothing of this batch was written. See who deletes there, then say it again.',
      { source, canonicalId }
    )
  );
}

/** Of two spellings that the registry takes for one, the later of the batch was inserted first. */
class EarlierTwin extends Error {
  readonly later: Place;
  readonly earlier: FoldedIdentifier;

  constructor(later: Place, earlier: FoldedIdentifier) {
    super('The later of two twins was inserted first.');
    this.later = later;
    this.earlier = earlier;
  }
}
