/**
 * The rules of minting a batch, as pure functions. `prepareBatch` checks and merges the requests, `planBatch`
 * decides from what the registry holds how each new source gets its ID, `settleBatch` turns what became of it
 * into one answer a request. Between the last two stands the database (`registry/mint-batch.ts`).
 */

import type { CanonicalId } from './canonical-id.ts';
import { certain } from './certain.ts';
import type { ErrorCode, Warning } from './errors.ts';
import { IdMinterError } from './errors.ts';
import type { MintAnswer, MintRequest, Outcome, StoredMapping } from './registry.ts';
import type { CanStore, FoldedIdentifier, SourceIdentifier } from './source-identifier.ts';
import {
  checkSourceIdentifier,
  compareSources,
  foldConcept,
  formatSourceIdentifier,
  isHeading,
  isSameSource,
} from './source-identifier.ts';
import type { Place } from './source-places.ts';
import { SourcePlaces } from './source-places.ts';

/** The requests of one call, checked, folded and merged. */
export interface Batch {
  readonly requests: readonly MintRequest[];
  /** By position of the request: the place of its source, or why it is refused. */
  readonly places: readonly (Place | IdMinterError)[];
  /** By position of the request, where it names one: the place of its predecessor. */
  readonly named: ReadonlyMap<number, Place>;
  /** Every source and predecessor once, by place. */
  readonly asked: readonly FoldedIdentifier[];
  /**
   * By place: the position of the first request for a source, since of two new twins the earlier stands. Undefined for
   * what is only named as a predecessor.
   */
  readonly positions: readonly (number | undefined)[];
  /** By place: all predecessors named for a source, where any is. */
  readonly predecessors: ReadonlyMap<Place, ReadonlySet<Place>>;
  placeOf(source: SourceIdentifier): Place | undefined;
}

/** What a registry makes of source identifiers. */
interface Rules {
  readonly conceptTypes: ReadonlySet<string>;
  readonly canStore: CanStore;
}

/** How a new source gets its ID: from the pool, or from its predecessor's mapping. */
export interface NewSource {
  readonly place: Place;
  readonly source: FoldedIdentifier;
  readonly from: 'pool' | { readonly inherit: CanonicalId } | FromBatch;
}

/** A predecessor that is new in the same batch. */
interface FromBatch {
  readonly inheritFrom: Place;
  readonly predecessor: FoldedIdentifier;
}

/** What became of each source of a batch. */
export type Settled = Map<Place, GivenId | IdMinterError>;

/** What the registry holds for the sources of a batch, by place. */
type Stored = readonly (StoredMapping | undefined)[];

export interface GivenId {
  readonly canonicalId: CanonicalId;
  readonly outcome: Outcome;
}

export interface Plan {
  /** What is decided without writing: sources that have their ID, and those that cannot get one. */
  readonly settled: Settled;
  /**
   * New sources; a layer holds only those whose predecessor stands in the registry or in an earlier layer, and either
   * headings or none.
   */
  readonly layers: readonly (readonly NewSource[])[];
  /** How many IDs the plan needs from the pool. */
  readonly needed: number;
}

/** Checks every request before any SQL, folds types and merges duplicates. A bad request harms no other. */
export function prepareBatch(requests: readonly MintRequest[], rules: Rules): Batch {
  const sources = new SourcePlaces();
  const places: (Place | IdMinterError)[] = [];
  const named = new Map<number, Place>();
  const positions: (number | undefined)[] = [];
  const predecessors = new Map<Place, Set<Place>>();
  const prepare = ({ source, predecessor }: MintRequest, position: number): Place => {
    const checked = check(source, 'source identifier', rules);
    // Both first: a request of which either is refused asks for nothing.
    const isNamed = predecessor !== undefined && predecessor !== null;
    const before = isNamed ? check(predecessor, 'predecessor', rules) : undefined;
    const place = sources.add(checked);
    positions[place] ??= position;
    if (before !== undefined) {
      const other = sources.add(before);
      positions[other] ??= undefined;
      named.set(position, other);
      predecessors.set(place, (predecessors.get(place) ?? new Set()).add(other));
    }
    return place;
  };
  for (const [position, request] of requests.entries()) {
    try {
      places.push(prepare(request, position));
    } catch (error) {
      if (!(error instanceof IdMinterError)) throw error;
      places.push(error);
    }
  }
  return {
    ...{ requests, places, named, asked: sources.sources, positions, predecessors },
    placeOf: source => sources.placeOf(source),
  };
}

/**
 * The answers to a batch of which every source is known as it is spelled and none names a predecessor, as nearly all of
 * a run's are.
 *
 * @returns undefined for any other batch, which has to be planned
 */
export function answerKnown(batch: Batch, stored: Stored): MintAnswer[] | undefined {
  if (batch.named.size > 0) return undefined;
  const answers: MintAnswer[] = [];
  for (const [position, { source }] of batch.requests.entries()) {
    const place = batch.places[position];
    if (typeof place !== 'number') {
      answers.push({ source, error: certain(place, 'The error of a request') });
      continue;
    }
    const mapping = stored[place];
    if (mapping === undefined || mapping.source !== batch.asked[place]) return undefined;
    answers.push({ source, canonicalId: mapping.canonicalId, outcome: 'existing' });
  }
  return answers;
}

/**
 * @param stored - what the registry holds for `batch.asked`, by place; its spelling may differ from the one asked for
 * @param twins - new sources that were seen to collide with an earlier one of the batch, and that one
 */
export function planBatch(
  batch: Batch,
  stored: Stored,
  twins: ReadonlyMap<Place, FoldedIdentifier> = new Map()
): Plan {
  const settled: Settled = new Map();
  const fresh = new Map<Place, NewSource>();
  for (const [place, source] of batch.asked.entries()) {
    if (batch.positions[place] === undefined) continue;
    const mapping = stored[place];
    const twin = twins.get(place);
    if (mapping !== undefined) settled.set(place, existing(source, mapping));
    else if (twin !== undefined) settled.set(place, collision(source, twin));
    else {
      const from = decideOrigin(batch, place, stored);
      if (from instanceof IdMinterError) settled.set(place, from);
      else fresh.set(place, { place, source, from });
    }
  }
  const layers = layOut(fresh, settled);
  const needed = layers.flat().filter(({ from }) => from === 'pool').length;
  return { settled, layers, needed };
}

/** One answer a request, in their order, with the warnings that concern it. */
export function settleBatch(batch: Batch, settled: Settled, stored: Stored): MintAnswer[] {
  const told = new Set<Place>();
  return batch.requests.map(({ source }, position) => {
    const place = certain(batch.places[position], 'The place of a request');
    if (typeof place !== 'number') return { source, error: place };
    const end = settled.get(place);
    if (end === undefined) throw new Error('A request of the batch was never settled.');
    if (end instanceof IdMinterError) return { source, error: end };
    const outcome = told.has(place) ? 'existing' : end.outcome;
    if (outcome !== 'existing') told.add(place);
    const warning =
      outcome === 'existing'
        ? inheritanceConflict(batch, position, end.canonicalId, settled, stored)
        : emptyValue(source);
    const answer = { source, canonicalId: end.canonicalId, outcome };
    return warning ? { ...answer, warning } : answer;
  });
}

/** What a stored mapping means for the source that was asked for. */
export function existing(source: FoldedIdentifier, stored: StoredMapping): GivenId | IdMinterError {
  return isSameSource(source, stored.source)
    ? { canonicalId: stored.canonicalId, outcome: 'existing' }
    : collision(source, stored.source);
}

export function collision(
  source: FoldedIdentifier,
  standing: FoldedIdentifier,
  role = 'source identifier'
): IdMinterError {
  return new IdMinterError(
    'IDENTIFIER_COLLISION',
    `The registry takes the ${role} ${show(source)} for ${show(standing)}, which came first and stands: they differ ` +
      'only by case, accent or trailing space. No ID was given. Correct the spelling at its source.',
    { source, standing }
  );
}

/** A source whose predecessor is in the same batch and got no ID gets none either. */
export function withoutPredecessor(
  source: FoldedIdentifier,
  predecessor: FoldedIdentifier,
  why: IdMinterError
): IdMinterError {
  const code: ErrorCode =
    why.code === 'POOL_EXHAUSTED' || why.code === 'POOL_CORRUPT'
      ? why.code
      : 'PREDECESSOR_NOT_FOUND';
  return new IdMinterError(
    code,
    `${show(source)} shall inherit from ${show(predecessor)}, which stands in the same batch and got no ID ` +
      `(${why.code}). None was given. Mend that first, then send both again.`,
    { source, predecessor, cause: why }
  );
}

function check(
  candidate: unknown,
  what: string,
  { conceptTypes, canStore }: Rules
): FoldedIdentifier {
  return foldConcept(checkSourceIdentifier(candidate, { what, canStore }), conceptTypes);
}

function decideOrigin(
  { asked, positions, predecessors }: Batch,
  place: Place,
  stored: Stored
): NewSource['from'] | IdMinterError {
  const [named, other] = predecessors.get(place) ?? [];
  if (named === undefined) return 'pool';
  const at = (of: Place) => certain(asked[of], 'A source of the batch');
  const [source, predecessor] = [at(place), at(named)];
  if (other !== undefined) return conflictingPredecessors(source, predecessor, at(other));
  const mapping = stored[named];
  if (mapping !== undefined) {
    const isSame = isSameSource(mapping.source, predecessor);
    if (!isSame) return collision(predecessor, mapping.source, 'predecessor');
    return { inherit: mapping.canonicalId };
  }
  return positions[named] === undefined
    ? predecessorNotFound(source, predecessor)
    : { inheritFrom: named, predecessor };
}

/**
 * Sorts the new sources into layers, headings into those of their own: they are what minters share, so they are locked
 * when all else of their depth is done. Those that never come to rest on the registry or the pool are settled as errors.
 */
function layOut(fresh: ReadonlyMap<Place, NewSource>, settled: Settled): NewSource[][] {
  const depths = new Map<Place, number>();
  for (const start of fresh.values()) {
    // Walks down the chain of predecessors, then comes back up it, giving each one more than the one below.
    const chain: NewSource[] = [];
    const onChain = new Set<Place>();
    let at: NewSource | undefined = start;
    while (
      at !== undefined &&
      !depths.has(at.place) &&
      !settled.has(at.place) &&
      !onChain.has(at.place)
    ) {
      chain.push(at);
      onChain.add(at.place);
      const below = belowOf(at);
      at = below && fresh.get(below.inheritFrom);
    }
    if (at !== undefined && onChain.has(at.place)) {
      const cycle = chain.slice(chain.indexOf(at));
      const members = cycle.map(({ source }) => source);
      for (const { place, source } of cycle) settled.set(place, predecessorCycle(source, members));
    }
    for (const entry of chain.reverse()) {
      if (settled.has(entry.place)) continue;
      const below = belowOf(entry);
      const failed = below && settled.get(below.inheritFrom);
      if (below && failed instanceof IdMinterError) {
        settled.set(entry.place, withoutPredecessor(entry.source, below.predecessor, failed));
      } else {
        const depthBelow = below && certain(depths.get(below.inheritFrom), 'The depth below');
        depths.set(entry.place, depthBelow === undefined ? 0 : depthBelow + 1);
      }
    }
  }
  const layers: NewSource[][] = [];
  for (const entry of fresh.values()) {
    const depth = depths.get(entry.place);
    if (depth === undefined) continue;
    const layer = 2 * depth + (isHeading(entry.source) ? 1 : 0);
    while (layers.length <= layer) layers.push([]);
    layers[layer]?.push(entry);
  }
  for (const layer of layers) layer.sort((a, b) => compareSources(a.source, b.source));
  return layers.filter(layer => layer.length > 0);
}

function belowOf({ from }: NewSource): FromBatch | undefined {
  return typeof from === 'object' && 'inheritFrom' in from ? from : undefined;
}

function inheritanceConflict(
  batch: Batch,
  position: number,
  canonicalId: CanonicalId,
  settled: Settled,
  stored: Stored
): Warning | undefined {
  const predecessor = batch.named.get(position);
  if (predecessor === undefined) return undefined;
  const { source } = certain(batch.requests[position], 'A request of the batch');
  const named = certain(batch.asked[predecessor], 'A predecessor of the batch');
  const mapping = stored[predecessor];
  const inBatch = settled.get(predecessor);
  const other =
    mapping !== undefined && isSameSource(mapping.source, named)
      ? mapping.canonicalId
      : inBatch !== undefined && !(inBatch instanceof IdMinterError)
        ? inBatch.canonicalId
        : undefined;
  if (other === undefined || other === canonicalId) return undefined;
  return {
    code: 'INHERITANCE_CONFLICT',
    message:
      `${show(source)} has the canonical ID ${canonicalId} and keeps it, though its predecessor ` +
      `${show(named)} has ${other}. Decide which of the two the public URL shall have.`,
    details: {
      source,
      canonicalId,
      predecessor: named,
      predecessorCanonicalId: other,
    },
  };
}

function emptyValue(source: MintRequest['source']): Warning | undefined {
  if (source.value !== '') return undefined;
  return {
    code: 'EMPTY_VALUE',
    message:
      `${show(source)} has an empty value: every label that collapses to nothing shares its canonical ID, which was minted ` +
      'like any other. Where labels mean different things, give them values at their source.',
    details: { source },
  };
}

function predecessorNotFound(
  source: FoldedIdentifier,
  predecessor: FoldedIdentifier
): IdMinterError {
  return new IdMinterError(
    'PREDECESSOR_NOT_FOUND',
    `The predecessor ${show(predecessor)} of ${show(source)} has no canonical ID, neither in the registry nor from ` +
      'this batch. None was minted for the source. Mint the predecessor first, then send the source again.',
    { source, predecessor }
  );
}

function predecessorCycle(
  source: FoldedIdentifier,
  cycle: readonly FoldedIdentifier[]
): IdMinterError {
  const names = cycle.slice(0, 5).map(show);
  return new IdMinterError(
    'PREDECESSOR_CYCLE',
    `${show(source)} is its own predecessor by way of ${names.join(' → ')}${cycle.length > 5 ? ' → …' : ''}. ` +
      'No ID was given. Correct at the source which record replaced which.',
    { source, cycle }
  );
}

function conflictingPredecessors(
  source: FoldedIdentifier,
  first: FoldedIdentifier,
  second: FoldedIdentifier
): IdMinterError {
  return new IdMinterError(
    'CONFLICTING_PREDECESSORS',
    `${show(source)} is new, and this batch names two predecessors for it, ${show(first)} and ${show(second)}. ` +
      'No ID was given. Keep the one whose canonical ID it shall inherit.',
    { source, predecessors: [first, second] }
  );
}

const show = formatSourceIdentifier;
