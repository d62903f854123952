import type { CanonicalId } from '../src/domain/canonical-id.ts';
import { drawCanonicalId } from '../src/domain/canonical-id.ts';
import type { Mapping } from '../src/domain/registry.ts';
import type { SourceIdentifier } from '../src/domain/source-identifier.ts';
import {
  DEFAULT_CONCEPT_TYPES,
  foldConcept,
  formatSourceIdentifier,
} from '../src/domain/source-identifier.ts';
import type { InventedConcept, Inventor, Random } from './invented-identifiers.ts';
import {
  between,
  createInventor,
  createSeries,
  inventName,
  pick,
  seededRandom,
  startOf,
} from './invented-identifiers.ts';

export interface GeneratedWorksOptions {
  /** How many works. */
  works: number;
  /** The same seed and options give the same works on every platform; fewer works are the first of more. */
  seed?: number;
  /**
   * The mean number of different identifiers that a work carries, 1 or more. Works with data carry from one to
   * about two and a half times as many; a deleted work carries one, a redirected one two.
   */
  identifiersPerWork?: number;
  /** The share of identifiers that are concepts carried by other works too, out of 2,000. */
  repeatedShare?: number;
  /** The share of works whose every identifier is known already. */
  nothingNewShare?: number;
  /** The share of known identifiers in the other works, each of which has at least one that is new. */
  knownShare?: number;
  /** The share of works that name a predecessor; every predecessor is known. */
  predecessorShare?: number;
}

/**
 * Works out of two libraries' systems, an archive, a picture library and a journal supplier that do not exist.
 * With the defaults nothing is known yet, so they mint into an empty registry without an error.
 */
export const GENERATED_WORKS_DEFAULTS = {
  seed: 1,
  identifiersPerWork: 6,
  repeatedShare: 0.2,
  nothingNewShare: 0,
  knownShare: 0,
  predecessorShare: 0,
} satisfies Omit<Required<GeneratedWorksOptions>, 'works'>;

/** A work before minting, as an index of source works holds it: `_id` is the text form of its identifier. */
export interface GeneratedWork {
  _id: string;
  _source: object;
}

/**
 * Makes works one after the other; memory does not grow with their number.
 *
 * @throws RangeError where an option is out of its range, or after millions of works, when a system's numbers end
 */
export function generateWorks(options: GeneratedWorksOptions): Generator<GeneratedWork> {
  return renderWorks(checkOptions(options));
}

/**
 * The mappings that a registry must hold before the works of the same options are minted, so that what counts
 * as known is known: each once, concepts folded as registries do by default, a predecessor's before those of
 * the work that names it. A known work has the canonical ID of its predecessor.
 *
 * @throws RangeError as {@link generateWorks} does
 */
export function knownMappings(options: GeneratedWorksOptions): Generator<Mapping> {
  return mapKnown(checkOptions(options));
}

type Options = Required<GeneratedWorksOptions>;
type WorkType = 'Visible' | 'Invisible' | 'Deleted' | 'Redirected';
type Share = 'repeatedShare' | 'nothingNewShare' | 'knownShare' | 'predecessorShare';

/** What a work is made of, chosen before anything is written down. */
interface WorkPlan {
  readonly type: WorkType;
  readonly system: RootSystem;
  readonly root: SourceIdentifier;
  readonly predecessor: SourceIdentifier | undefined;
  readonly parts: readonly Part[];
  /** What has to be known that no earlier work made known; those of one list share a canonical ID. */
  readonly known: readonly (readonly SourceIdentifier[])[];
}

/** Something that carries an identifier in a work. Only concepts have a label of their own. */
interface Part extends InventedConcept {
  readonly kind: PartKind;
}
type PartKind = 'concept' | 'item' | 'image' | 'stub' | 'mergeCandidate' | 'redirectTarget';

type RootSystem =
  | 'sierra-system-number'
  | 'folio-instance'
  | 'calm-record-id'
  | 'axiell-guid'
  | 'miro-image-number'
  | 'tei-manuscript-id'
  | 'ebsco-alt-lookup'
  | 'mets';

/** What the works of a system carry beside shared concepts; a part that stands twice comes twice as often. */
interface Recipe {
  readonly first?: PartKind;
  readonly rest: readonly [PartKind, ...PartKind[]];
  /** Two generations of programs write documents; the newer adds `type` everywhere, and `modifiedTime`. */
  readonly newer: boolean;
}

const RECIPES: Readonly<Record<RootSystem, Recipe>> = {
  'sierra-system-number': { rest: ['item', 'concept', 'concept'], newer: false },
  'folio-instance': { rest: ['item', 'concept', 'concept'], newer: true },
  'calm-record-id': { first: 'mergeCandidate', rest: ['concept'], newer: false },
  'axiell-guid': { first: 'mergeCandidate', rest: ['concept'], newer: true },
  'miro-image-number': { first: 'image', rest: ['concept'], newer: false },
  'tei-manuscript-id': { rest: ['stub', 'concept'], newer: false },
  'ebsco-alt-lookup': { rest: ['concept'], newer: true },
  mets: { first: 'mergeCandidate', rest: ['image'], newer: false },
};

/** The systems that have works of each type; a system that stands twice has twice as many. */
const ROOT_SYSTEMS: Readonly<Record<WorkType, readonly [RootSystem, ...RootSystem[]]>> = {
  Visible: [
    'sierra-system-number',
    'sierra-system-number',
    'sierra-system-number',
    'folio-instance',
    'folio-instance',
    'calm-record-id',
    'axiell-guid',
    'miro-image-number',
    'tei-manuscript-id',
    'ebsco-alt-lookup',
  ],
  Deleted: ['sierra-system-number', 'folio-instance', 'calm-record-id', 'axiell-guid'],
  Invisible: ['mets'],
  Redirected: ['mets', 'sierra-system-number'],
};

/** The systems whose records name what they replaced: a library moved to the first, an archive to the other. */
const SUCCESSOR_SYSTEMS = ['folio-instance', 'folio-instance', 'axiell-guid'] as const;

/** How many works of a hundred: as in a real index, where deleted works stay as tombstones. */
const DELETED = 17;
const INVISIBLE = 7;
const REDIRECTED = 4;

const SHARED_CONCEPTS = 1000; // known ones, and as many new ones
const SHARED_CONCEPTS_A_WORK_MAX = SHARED_CONCEPTS / 4; // beyond, drawing different ones takes long

const CONCEPT_TYPES: ReadonlySet<string> = new Set(DEFAULT_CONCEPT_TYPES);
const CANONICAL_IDS = 23n * 31n ** 7n;

function checkOptions(given: GeneratedWorksOptions): Options {
  const options = { ...GENERATED_WORKS_DEFAULTS, ...given };
  const demand = (name: keyof Options, met: boolean, allowed: string) => {
    if (!met) throw new RangeError(`${name} is ${options[name]}: it has to be ${allowed}.`);
  };
  const { works, seed, identifiersPerWork } = options;
  demand('works', Number.isSafeInteger(works) && works >= 0, 'a whole number from 0');
  demand('seed', Number.isSafeInteger(seed), 'a whole number');
  demand(
    'identifiersPerWork',
    Number.isFinite(identifiersPerWork) && identifiersPerWork >= 1,
    'a number from 1'
  );
  const shares: Share[] = ['repeatedShare', 'nothingNewShare', 'knownShare', 'predecessorShare'];
  for (const share of shares) {
    demand(share, options[share] >= 0 && options[share] <= 1, 'a number from 0 to 1');
  }
  return options;
}

function* renderWorks(options: Options): Generator<GeneratedWork> {
  // Random numbers of its own, so that the plans are the same whether or not they are written down.
  const random = seededRandom(options.seed + 1);
  for (const plan of planWorks(options)) yield renderWork(plan, random);
}

function* mapKnown(options: Options): Generator<Mapping> {
  const nextId = createCanonicalIds(options.seed);
  for (const { known } of planWorks(options)) {
    for (const sources of known) {
      const canonicalId = nextId();
      for (const source of sources) {
        yield { canonicalId, source: foldConcept(source, CONCEPT_TYPES) };
      }
    }
  }
}

/** Canonical IDs out of a series, so that none comes twice and none has to be remembered. */
function createCanonicalIds(seed: number): () => CanonicalId {
  const nextNumber = createSeries('canonical ID', CANONICAL_IDS, startOf(seed));
  return () => {
    let rest = nextNumber();
    return drawCanonicalId(limit => {
      const digit = rest % limit;
      rest = Math.floor(rest / limit);
      return digit;
    });
  };
}

function* planWorks(options: Options): Generator<WorkPlan> {
  const random = seededRandom(options.seed);
  const inventor = createInventor(options.seed, random);
  const invented = () => Array.from({ length: SHARED_CONCEPTS }, () => inventor.concept());
  const pools = { known: invented(), new: invented() };
  const madeKnown = new Set<InventedConcept>(); // shared ones only, so it has a bound
  const drawSize = createSizes(options, random);

  for (let made = 0; made < options.works; made += 1) {
    const { type, succeeds, count, repeated, knownCount } = drawSize();
    const isKnown = createLots(knownCount, count, random);

    const system = pick(succeeds ? SUCCESSOR_SYSTEMS : ROOT_SYSTEMS[type], random);
    const root = inventRoot(system, inventor);
    const predecessor = succeeds ? inventPredecessor(system, inventor) : undefined;
    const rootAndPredecessor = [predecessor, isKnown() ? root : undefined];
    const known = [rootAndPredecessor.filter(source => source !== undefined)];

    const parts: Part[] = [];
    for (const [concept, conceptIsKnown] of drawShared(repeated, { isKnown, pools, random })) {
      parts.push({ kind: 'concept', ...concept });
      if (!conceptIsKnown || madeKnown.has(concept)) continue;
      madeKnown.add(concept);
      known.push([concept.source]);
    }
    for (let number = 1; parts.length < count - 1; number += 1) {
      const kind = choosePart({ type, system, number, random });
      const part = inventPart(kind, { root, number, inventor });
      parts.push(part);
      if (isKnown()) known.push([part.source]);
    }
    yield { type, system, root, predecessor, parts, known };
  }
}

/** How many identifiers of which sort a work shall carry. */
interface WorkSize {
  readonly type: WorkType;
  /** Whether it names a predecessor. */
  readonly succeeds: boolean;
  /** Different identifiers in all, its own included. */
  readonly count: number;
  /** Those of them that are shared concepts. */
  readonly repeated: number;
  /** Those of them that are known, shared or not. */
  readonly knownCount: number;
}

/** Draws the sizes of one work after the other, so that the shares come out right in the sum. */
function createSizes(options: Options, random: Random): () => WorkSize {
  const apportionRepeated = createApportionment(options.repeatedShare);
  const apportionKnown = createApportionment(options.knownShare);
  const meanWithData = meanOfWorksWithData(options.identifiersPerWork);
  return () => {
    const type = drawType(random);
    const nothingNew = random() < options.nothingNewShare;
    const succeeds = random() < options.predecessorShare;
    const count = countIdentifiers(type, meanWithData, random);
    const sharedMost = type === 'Redirected' ? 0 : Math.min(count - 1, SHARED_CONCEPTS_A_WORK_MAX);
    const repeated = apportionRepeated(count, sharedMost);
    const knownCount = nothingNew ? count : apportionKnown(count, count - 1);
    return { type, succeeds, count, repeated, knownCount };
  };
}

/**
 * Turns a share of many small numbers into whole numbers whose sum keeps to it; what one work cannot take, as
 * it has too few identifiers, the next ones do.
 */
function createApportionment(share: number): (count: number, most: number) => number {
  let owed = 0;
  return (count, most) => {
    owed += share * count;
    const taken = Math.min(most, Math.floor(owed));
    owed -= taken;
    return taken;
  };
}

/** Says yes exactly `winning` times out of `lots` calls, by chance. */
function createLots(winning: number, lots: number, random: Random): () => boolean {
  let winningLeft = winning;
  let lotsLeft = lots;
  return () => {
    const wins = random() * lotsLeft < winningLeft;
    lotsLeft -= 1;
    if (wins) winningLeft -= 1;
    return wins;
  };
}

/** Deleted and redirected works carry few identifiers, so the others carry more than the mean. */
function meanOfWorksWithData(mean: number): number {
  const others = mean * 100 - DELETED - 2 * REDIRECTED;
  return Math.max(1, others / (100 - DELETED - REDIRECTED));
}

function drawType(random: Random): WorkType {
  const lot = random() * 100;
  if (lot < DELETED) return 'Deleted';
  if (lot < DELETED + INVISIBLE) return 'Invisible';
  if (lot < DELETED + INVISIBLE + REDIRECTED) return 'Redirected';
  return 'Visible';
}

function countIdentifiers(type: WorkType, meanWithData: number, random: Random): number {
  if (type === 'Deleted') return 1;
  if (type === 'Redirected') return 2;
  const exact = 1 + random() * 2 * (meanWithData - 1);
  return Math.floor(exact + random()); // up or down by chance, so that the mean stays
}

function inventRoot(system: RootSystem, inventor: Inventor): SourceIdentifier {
  return { ontologyType: 'Work', sourceSystem: system, value: inventRootValue(system, inventor) };
}

function inventRootValue(system: RootSystem, inventor: Inventor): string {
  switch (system) {
    case 'sierra-system-number':
    case 'mets':
      return inventor.bNumber();
    case 'folio-instance':
    case 'calm-record-id':
    case 'axiell-guid':
      return inventor.uuid();
    case 'miro-image-number':
      return inventor.miroNumber();
    case 'tei-manuscript-id':
      return inventor.manuscript();
    case 'ebsco-alt-lookup':
      return inventor.ebscoNumber();
  }
}

function inventPredecessor(system: RootSystem, inventor: Inventor): SourceIdentifier {
  const older = system === 'axiell-guid' ? 'calm-record-id' : 'sierra-system-number';
  return inventRoot(older, inventor);
}

/** Different concepts, some of them far more popular than others, each with whether it is a known one. */
function drawShared(
  count: number,
  {
    isKnown,
    pools,
    random,
  }: {
    isKnown: () => boolean;
    pools: Record<'known' | 'new', readonly InventedConcept[]>;
    random: Random;
  }
): ReadonlyMap<InventedConcept, boolean> {
  const drawn = new Map<InventedConcept, boolean>();
  while (drawn.size < count) {
    const known = isKnown();
    const pool = known ? pools.known : pools.new;
    const left = drawn.size;
    while (drawn.size === left) {
      const concept = pool[Math.floor(random() * random() * pool.length)];
      if (concept !== undefined && !drawn.has(concept)) drawn.set(concept, known);
    }
  }
  return drawn;
}

function choosePart({
  type,
  system,
  number,
  random,
}: {
  type: WorkType;
  system: RootSystem;
  number: number;
  random: Random;
}): PartKind {
  if (type === 'Redirected') return 'redirectTarget';
  const { first, rest } = RECIPES[system];
  return number === 1 && first !== undefined ? first : pick(rest, random);
}

/** @param number - counts the parts of one work from 1 */
function inventPart(
  kind: PartKind,
  { root, number, inventor }: { root: SourceIdentifier; number: number; inventor: Inventor }
): Part {
  const part = (ontologyType: string, sourceSystem: string, value: string): Part => {
    return { kind, label: '', source: { ontologyType, sourceSystem, value } };
  };
  switch (kind) {
    case 'concept':
      return { kind, ...inventor.concept() };
    case 'item':
      return root.sourceSystem === 'folio-instance'
        ? part('Item', 'folio-item', inventor.uuid())
        : part('Item', 'sierra-system-number', inventor.iNumber());
    case 'image':
      return root.sourceSystem === 'mets'
        ? part('Image', 'mets-image', `${root.value}_${String(number).padStart(4, '0')}.jp2`)
        : part('Image', 'miro-image-number', root.value);
    case 'stub':
      return part('Work', root.sourceSystem, `${root.value}-part${number}`);
    case 'mergeCandidate':
      return root.sourceSystem === 'mets'
        ? part('Work', 'sierra-system-number', root.value)
        : part('Work', 'calm-ref-no', inventor.archiveReference());
    case 'redirectTarget':
      return part('Work', 'sierra-system-number', inventor.bNumber());
  }
}

type Node = Record<string, unknown>;

/** The places in a work where parts go. */
interface Draft {
  readonly newer: boolean;
  readonly random: Random;
  readonly subjects: Node[];
  readonly genres: Node[];
  readonly contributors: Node[];
  readonly items: Node[];
  readonly imageData: Node[];
  readonly mergeCandidates: Node[];
  readonly internalWorkStubs: Node[];
  readonly removedInternalWorkStubs: Node[];
  readonly places: Node[];
  readonly agents: Node[];
  readonly dates: Node[];
  /** Contributors named after an inner work are that work's. */
  innerContributors: Node[] | undefined;
  redirectTarget: Node | undefined;
}

function renderWork(plan: WorkPlan, random: Random): GeneratedWork {
  const draft = createDraft(RECIPES[plan.system].newer, random);
  for (const part of plan.parts) placePart(part, draft);
  return {
    _id: formatSourceIdentifier(plan.root),
    _source: {
      version: between(1, 40, random),
      type: plan.type,
      ...renderData(plan, draft),
      state: renderState(plan, draft),
      ...renderEnding(plan.type, draft),
    },
  };
}

function createDraft(newer: boolean, random: Random): Draft {
  return {
    newer,
    random,
    subjects: [],
    genres: [],
    contributors: [],
    items: [],
    imageData: [],
    mergeCandidates: [],
    internalWorkStubs: [],
    removedInternalWorkStubs: [],
    places: [],
    agents: [],
    dates: [],
    innerContributors: undefined,
    redirectTarget: undefined,
  };
}

function placePart(part: Part, draft: Draft): void {
  const { source } = part;
  switch (part.kind) {
    case 'concept':
      placeConcept(part, draft);
      return;
    case 'item':
      draft.items.push({ id: identifiable(source), locations: [closedStores(draft.random)] });
      return;
    case 'image':
      draft.imageData.push({
        id: reference(source, draft),
        version: 1,
        locations: [online(source)],
      });
      return;
    case 'stub':
      placeStub(source, draft);
      return;
    case 'mergeCandidate':
      draft.mergeCandidates.push({
        id: reference(source, draft),
        reason: source.sourceSystem === 'calm-ref-no' ? 'Archivematica work' : 'METS work',
      });
      return;
    case 'redirectTarget':
      draft.redirectTarget = reference(source, draft);
      return;
  }
}

function placeConcept({ source, label }: InventedConcept, draft: Draft): void {
  const type = source.ontologyType;
  const node = { id: identifiable(source), label, type };
  const ofProduction = draft.random() < 0.5;
  if (type === 'Genre') {
    draft.genres.push({ label, concepts: [{ ...node, type: 'GenreConcept' }] });
  } else if (type === 'Place' && ofProduction) {
    draft.places.push(node);
  } else if (type === 'Period' && ofProduction) {
    draft.dates.push(node);
  } else if ((type === 'Agent' || type === 'Organisation') && ofProduction) {
    draft.agents.push(node);
  } else if (type === 'Concept' || type === 'Place' || type === 'Period') {
    draft.subjects.push(renderSubject(node, draft.random));
  } else {
    const contributors = draft.innerContributors ?? draft.contributors;
    contributors.push({
      id: { type: 'Unidentifiable' },
      agent: node,
      roles: [],
      primary: contributors.length === 0,
    });
  }
}

/** A subject has the identifier of its first concept, so documents name that one twice. */
function renderSubject(concept: Node, random: Random): Node {
  const concepts = [concept];
  if (random() < 0.3) {
    concepts.push({ id: { type: 'Unidentifiable' }, label: 'History', type: 'Concept' });
  }
  return { ...concept, type: 'Subject', concepts };
}

function placeStub(source: SourceIdentifier, draft: Draft): void {
  const contributors: Node[] = [];
  const stub = {
    sourceIdentifier: asNode(source),
    workData: {
      title: `${inventName(draft.random)}, a part`,
      otherIdentifiers: [],
      contributors,
      items: [],
      imageData: [],
      workType: 'Section',
    },
  };
  const removed = draft.random() < 0.2;
  (removed ? draft.removedInternalWorkStubs : draft.internalWorkStubs).push(stub);
  draft.innerContributors = contributors;
}

function renderData({ type, root, system }: WorkPlan, draft: Draft): Node {
  const { random, newer, subjects, genres, contributors, items, imageData } = draft;
  // Works that are only a tombstone or a signpost: the older programs leave the data out, the newer empty.
  const empty = type === 'Deleted' || type === 'Redirected';
  if (empty && !newer) return {};
  const title = `${inventName(random)} ${pick(TITLE_MIDDLES, random)} ${inventName(random)}`;
  const holds = system.startsWith('calm') || system.startsWith('axiell') || random() < 0.2;
  if (!empty && items.length === 0 && holds) {
    items.push({ id: { type: 'Unidentifiable' }, locations: [closedStores(random)] });
  }
  return {
    data: {
      ...(empty ? {} : { title }),
      otherIdentifiers: empty ? [] : [otherIdentifier(root)],
      alternativeTitles: !empty && random() < 0.02 ? [pick(TITLES_IN_OTHER_SCRIPTS, random)] : [],
      subjects,
      genres,
      contributors,
      production: empty ? [] : renderProduction(draft),
      languages: [],
      notes: [],
      items,
      holdings: [],
      imageData,
      workType: 'Standard',
      ...(newer ? { formerFrequency: [], designation: [] } : {}),
    },
  };
}

function renderProduction({ places, agents, dates, random }: Draft): Node[] {
  if (places.length + agents.length + dates.length === 0 && random() < 0.5) return [];
  const year = between(1500, 1999, random);
  const label = `${year}`;
  const range = { from: `${year}-01-01T00:00:00Z`, to: `${year}-12-31T23:59:59.999999999Z`, label };
  const undated = dates.length === 0;
  return [
    {
      label,
      places,
      agents,
      dates: undated ? [{ id: { type: 'Unidentifiable' }, label, range }] : dates,
      function: { id: { type: 'Unidentifiable' }, label: 'Publication', type: 'Concept' },
    },
  ];
}

function renderState({ root, predecessor }: WorkPlan, draft: Draft): Node {
  const { mergeCandidates, internalWorkStubs, removedInternalWorkStubs, newer, random } = draft;
  const time = Date.UTC(2015, 0, 1) + between(0, 10 * 365 * 24 * 3600, random) * 1000;
  const modifiedTime = new Date(time).toISOString();
  return {
    sourceIdentifier: asNode(root),
    ...(predecessor ? { predecessorIdentifier: asNode(predecessor) } : {}),
    sourceModifiedTime: modifiedTime,
    ...(newer ? { modifiedTime } : {}),
    mergeCandidates,
    internalWorkStubs,
    removedInternalWorkStubs,
    relations: { ancestors: [] },
  };
}

function renderEnding(type: WorkType, { redirectTarget, newer }: Draft): Node {
  switch (type) {
    case 'Visible':
      return { redirectSources: [] };
    case 'Invisible':
      return { invisibilityReasons: [{ type: 'MetsWorksAreNotVisible' }] };
    case 'Deleted':
      return newer
        ? { deletedReason: { type: 'DeletedFromSource', info: 'Marked as deleted from source' } }
        : { deletedReason: { type: 'SuppressedFromSource', info: 'Suppressed' } };
    case 'Redirected':
      return { redirectTarget };
  }
}

function asNode({ ontologyType, sourceSystem, value }: SourceIdentifier): Node {
  return { identifierType: { id: sourceSystem }, ontologyType, value };
}

function identifiable(source: SourceIdentifier): Node {
  return {
    sourceIdentifier: asNode(source),
    otherIdentifiers: [],
    type: 'Identifiable',
    identifiedType: 'Identified',
  };
}

/** Where something can only be a thing with an identifier, the older programs leave `type` out. */
function reference(source: SourceIdentifier, { newer }: Draft): Node {
  if (newer) return identifiable(source);
  return {
    sourceIdentifier: asNode(source),
    otherIdentifiers: [],
    identifiedType: 'Identified',
  };
}

/** An identifier that is only mentioned and never gets an ID. */
function otherIdentifier({ value }: SourceIdentifier): Node {
  return { identifierType: { id: 'former-number' }, ontologyType: 'Work', value: `old ${value}` };
}

function closedStores(random: Random): Node {
  return {
    type: 'PhysicalLocation',
    locationType: { id: 'closed-stores' },
    accessConditions: [],
    label: 'Closed stores',
    shelfmark: `${between(1, 900, random)}.${between(1, 99, random)}`,
  };
}

function online({ value }: SourceIdentifier): Node {
  return {
    type: 'DigitalLocation',
    locationType: { id: 'iiif-image' },
    url: `https://images.example.org/${value}/info.json`,
    accessConditions: [{ method: { type: 'ViewOnline' }, status: { type: 'Open' } }],
  };
}

const TITLE_MIDDLES = [
  'and the remedies of',
  'on the anatomy of',
  'in the year of the fever at',
  'ou l’histoire naturelle de',
  'und die Bäder von',
] as const;

/** Text that is no identifier may be in any script. */
const TITLES_IN_OTHER_SCRIPTS = [
  '本草綱目拾遺',
  'Περὶ φύσεως',
  'كتاب النبات',
  'Травник 🌿',
] as const;
