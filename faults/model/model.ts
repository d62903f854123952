/**
 * The rules of the registry written down a second time, over maps in memory: what each request must be answered, and
 * what the database holds afterwards. It cannot know which free ID is drawn: an ID that is still to be seen is a token,
 * which is bound when it is first answered and then stays.
 */
import type { ImportAnswer, MintAnswer, MintRequest } from '../../src/domain/registry.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import { demand, demandEqual } from '../campaign.ts';

/** Which texts a registry can hold, and which it takes for one. */
export interface Spelling {
  canStore(text: string): boolean;
  /** The same text for texts that are one. */
  foldText(text: string): string;
}

/** A canonical ID, or `new …` for one that was not seen yet. */
type Token = string;

/** How a request must end. */
export type Expected =
  | { readonly code: string }
  | { readonly outcome: string; readonly token: Token; readonly warning: string | undefined };

export interface ExpectedMint {
  readonly answers: readonly Expected[];
  /** What goes in. */
  readonly rows: readonly { readonly source: SourceIdentifier; readonly token: Token }[];
}

export interface ExpectedImport {
  readonly answers: readonly { readonly end: string; readonly warning: string | undefined }[];
  readonly rows: readonly Held[];
}

/** Both tables but the times. */
export interface Dumped {
  readonly identifiers: string[][];
  readonly canonicalIds: string[][];
}

interface Held {
  readonly source: SourceIdentifier;
  readonly id: string;
}

/** A source of a batch, with everything that the batch says of it. */
interface Named {
  readonly source: SourceIdentifier;
  readonly position: number;
  readonly predecessors: Map<string, SourceIdentifier>;
}

/** How a source of a batch ends; `depth` is how many of the batch it inherits through. */
type End =
  | { readonly code: string }
  | { readonly how: 'existing' | 'inherited' | 'minted'; readonly token: Token; depth: number };

const CONCEPT_TYPES = ['Person', 'Organisation', 'Place', 'Agent', 'Meeting', 'Genre', 'Period'];
const CANONICAL_ID = /^[a-hjkmnp-z][a-hjkmnp-z2-9]{7}$/;
const STAND_IN = /^\(new-\d+\)$/;

export class Model {
  readonly #spelling: Spelling;
  /** By what the database takes for one. */
  readonly held = new Map<string, Held>();
  readonly free = new Set<string>();
  readonly assigned = new Set<string>();

  constructor(spelling: Spelling) {
    this.#spelling = spelling;
  }

  expectMint(batch: readonly MintRequest[]): ExpectedMint {
    const named = new Map<string, Named>();
    const asked = batch.map(({ source, predecessor }, position) => {
      if (!this.isValid(source) || (predecessor && !this.isValid(predecessor))) return undefined;
      const folded = foldType(source);
      const entry = named.get(exactly(folded)) ?? {
        source: folded,
        position,
        predecessors: new Map(),
      };
      named.set(exactly(folded), entry);
      const before = predecessor ? foldType(predecessor) : undefined;
      if (before) entry.predecessors.set(exactly(before), before);
      return { key: exactly(folded), before };
    });
    const ends = this.#settle(named);
    const told = new Set<string>();
    const answers = asked.map((request, position): Expected => {
      if (request === undefined) return { code: 'INVALID_IDENTIFIER' };
      const end = endOf(ends, request.key);
      if ('code' in end) return end;
      const outcome = told.has(request.key) ? 'existing' : end.how;
      told.add(request.key);
      const isEmpty = batch[position]?.source.value === '';
      const other = request.before && this.#idOf(request.before, ends);
      const isLost = other !== undefined && other !== end.token;
      const warning =
        outcome === 'existing' ? isLost && 'INHERITANCE_CONFLICT' : isEmpty && 'EMPTY_VALUE';
      return { outcome, token: end.token, warning: warning || undefined };
    });
    const rows = [...ends].flatMap(([key, end]) => {
      const source = named.get(key)?.source;
      return source === undefined || 'code' in end || end.how === 'existing'
        ? []
        : [{ source, token: end.token }];
    });
    return { answers, rows };
  }

  /**
   * @param dryRun - whose new IDs are none
   * @returns the IDs that the tokens turned out to be
   */
  checkMint(
    batch: readonly MintRequest[],
    { answers: expected }: ExpectedMint,
    answers: readonly MintAnswer[],
    dryRun?: 'dry run'
  ): Map<Token, string> {
    const seen = new Map<Token, string>();
    demandEqual(
      'the sources of the answers',
      answers.map(({ source }) => source),
      batch.map(({ source }) => source)
    );
    for (const [at, { canonicalId, outcome, warning, error }] of answers.entries()) {
      const due = expected[at];
      const told = () =>
        `request ${at} got ${error?.code ?? `${outcome} ${canonicalId} ${warning?.code}`}, expected ${JSON.stringify(due)}`;
      if (due === undefined || 'code' in due) {
        demand(error?.code === due?.code && canonicalId === undefined, told);
        continue;
      }
      demand(outcome === due.outcome && warning?.code === due.warning, told);
      demand(canonicalId !== undefined && error === undefined, told);
      if (!isNew(due.token)) {
        demand(canonicalId === due.token, told);
        continue;
      }
      const before = seen.get(due.token);
      const isTaken = [...seen.values()].includes(canonicalId);
      demand(before === undefined ? !isTaken : before === canonicalId, told);
      demand(dryRun ? STAND_IN.test(canonicalId) : this.free.has(canonicalId), told);
      seen.set(due.token, canonicalId);
    }
    return seen;
  }

  /** Takes the rows in. */
  takeIn({ rows }: ExpectedMint, seen: ReadonlyMap<Token, string>): void {
    for (const { source, token } of rows) this.#hold(source, seen.get(token) ?? token);
  }

  expectImport(mappings: readonly Held[]): ExpectedImport {
    const fresh = new Map<string, Held>();
    const usedBefore = new Set([...this.held.values()].map(({ id }) => id));
    const answers = mappings.map(({ source: given, id }) => {
      const plain = (end: string) => ({ end, warning: undefined });
      if (!CANONICAL_ID.test(id)) return plain('INVALID_CANONICAL_ID');
      if (!this.isValid(given)) return plain('INVALID_IDENTIFIER');
      const source = foldType(given);
      const same = this.#same(source);
      const standing = this.held.get(same) ?? fresh.get(same);
      if (standing === undefined) {
        fresh.set(same, { source, id });
        return { end: 'added', warning: usedBefore.has(id) ? 'SHARED_CANONICAL_ID' : undefined };
      }
      if (exactly(standing.source) !== exactly(source)) return plain('IDENTIFIER_COLLISION');
      return plain(standing.id === id ? 'existing' : 'MAPPING_CONFLICT');
    });
    return { answers, rows: [...fresh.values()] };
  }

  checkImport({ answers: expected, rows }: ExpectedImport, answers: readonly ImportAnswer[]): void {
    demandEqual(
      'the answers of the import',
      answers.map(({ outcome, error, warning }) => [outcome ?? error?.code, warning?.code ?? null]),
      expected.map(({ end, warning }) => [end, warning ?? null])
    );
    for (const { source, id } of rows) this.#hold(source, id);
  }

  /** Whether the registry takes it as an identifier at all. */
  isValid({ ontologyType, sourceSystem, value }: SourceIdentifier): boolean {
    const parts = [ontologyType, sourceSystem, value];
    return (
      parts.every(part => [...part].length <= 255 && part.isWellFormed()) &&
      parts.every(part => this.#spelling.canStore(part)) &&
      ![ontologyType, sourceSystem].includes('') &&
      !ontologyType.includes('[') &&
      !sourceSystem.includes('/')
    );
  }

  /** What a look-up finds. */
  find(source: SourceIdentifier): Held | undefined {
    const folded = foldType(source);
    const held = this.held.get(this.#same(folded));
    return held && exactly(held.source) === exactly(folded) ? held : undefined;
  }

  /** Both tables as they must be, in order. */
  dump(): Dumped {
    return {
      identifiers: [...this.held.values()]
        .map(({ source: { ontologyType, sourceSystem, value }, id }) => [
          ontologyType,
          sourceSystem,
          value,
          id,
        ])
        .sort(byText),
      canonicalIds: [
        ...[...this.free].map(id => [id, 'free']),
        ...[...this.assigned].map(id => [id, 'assigned']),
      ].sort(byText),
    };
  }

  /** Takes the rows of a batch in that was committed, though nobody heard its answers. */
  takeInUnheard(expected: ExpectedMint, { identifiers }: Dumped): void {
    const there = new Map(
      identifiers.map(([type, system, value, id = '']) => [exactlyOf(type, system, value), id])
    );
    const seen = new Map<Token, string>();
    for (const { source, token } of expected.rows) {
      const id = there.get(exactly(source));
      const told = () =>
        `${exactly(source)} was committed without an answer as ${id}, expected ${token}`;
      demand(id !== undefined, told);
      const isFirst = !seen.has(token);
      if (isNew(token)) demand(isFirst ? this.free.has(id) : seen.get(token) === id, told);
      seen.set(token, id);
    }
    this.takeIn(expected, seen);
  }

  /**
   * Of two batches at once more than one end can be right: the promises are checked, and what the database holds is
   * taken over.
   */
  checkRace(batch: readonly MintRequest[], answers: readonly MintAnswer[], dumped: Dumped): void {
    const there = new Map(
      dumped.identifiers.map(([type, system, value, id = '']) => [
        exactlyOf(type, system, value),
        id,
      ])
    );
    for (const { source, id } of this.held.values()) {
      demandEqual(`the ID of ${exactly(source)}`, there.get(exactly(source)), id);
      there.delete(exactly(source));
    }
    const idOf = (source: SourceIdentifier) =>
      this.find(source)?.id ?? there.get(exactly(foldType(source)));
    const minted = new Set<string>();
    for (const [key, id] of there) {
      const asked = batch.filter(({ source }) => exactly(foldType(source)) === key);
      demand(asked.length > 0, () => `nobody asked for ${key}`);
      const inherits = asked.some(({ predecessor }) => predecessor && idOf(predecessor) === id);
      if (inherits) continue;
      demand(
        this.free.has(id) && !minted.has(id),
        () => `${key} got ${id}, which was not free for it`
      );
      minted.add(id);
    }
    for (const [at, { source, canonicalId, error }] of answers.entries()) {
      const told = () =>
        `request ${at} got ${error?.code ?? canonicalId}; there is ${idOf(source)}`;
      const predecessor = batch[at]?.predecessor;
      const isValid = this.isValid(source) && (!predecessor || this.isValid(predecessor));
      demand(isValid === (error?.code !== 'INVALID_IDENTIFIER'), told);
      demand(error !== undefined || canonicalId === idOf(source), told);
    }
    for (const id of [...there.values()].filter(one => this.free.has(one))) {
      this.free.delete(id);
      this.assigned.add(id);
    }
    demandEqual('the pool after a race', dumped.canonicalIds, this.dump().canonicalIds);
    for (const [ontologyType = '', sourceSystem = '', value = '', id = ''] of dumped.identifiers)
      this.#hold({ ontologyType, sourceSystem, value }, id);
  }

  #hold(source: SourceIdentifier, id: string): void {
    this.held.set(this.#same(source), { source, id });
    this.free.delete(id);
    this.assigned.add(id);
  }

  #settle(named: ReadonlyMap<string, Named>): Map<string, End> {
    const refused = new Set<string>();
    for (;;) {
      const ends = new Map<string, End>();
      for (const key of named.keys()) this.#plan(key, { named, refused, ends, chain: [] });
      const later = this.#write(named, ends);
      if (later === undefined) return ends;
      // Of two new twins the earlier stands, so the batch is minted without the later.
      refused.add(later);
    }
  }

  /** From one predecessor to the next, down to what has an ID, gets one, or is why there is none. */
  #plan(
    key: string,
    about: {
      named: ReadonlyMap<string, Named>;
      refused: ReadonlySet<string>;
      ends: Map<string, End>;
      chain: string[];
    }
  ): End {
    const { named, refused, ends, chain } = about;
    const known = ends.get(key);
    if (known !== undefined) return known;
    const cycle = chain.indexOf(key);
    if (cycle >= 0) {
      for (const member of chain.slice(cycle)) ends.set(member, { code: 'PREDECESSOR_CYCLE' });
      return { code: 'PREDECESSOR_CYCLE' };
    }
    chain.push(key);
    const decide = (): End => {
      const { source, predecessors } = entryOf(named, key);
      const stored = this.held.get(this.#same(source));
      if (stored !== undefined) {
        return exactly(stored.source) === key
          ? { how: 'existing', token: stored.id, depth: 0 }
          : { code: 'IDENTIFIER_COLLISION' };
      }
      if (refused.has(key)) return { code: 'IDENTIFIER_COLLISION' };
      const [first, second] = predecessors.values();
      if (first === undefined) return { how: 'minted', token: `new ${key}`, depth: 0 };
      if (second !== undefined) return { code: 'CONFLICTING_PREDECESSORS' };
      const standing = this.held.get(this.#same(first));
      if (standing !== undefined) {
        return exactly(standing.source) === exactly(first)
          ? { how: 'inherited', token: standing.id, depth: 0 }
          : { code: 'IDENTIFIER_COLLISION' };
      }
      if (!named.has(exactly(first))) return { code: 'PREDECESSOR_NOT_FOUND' };
      const below = this.#plan(exactly(first), about);
      if ('code' in below) return { code: 'PREDECESSOR_NOT_FOUND' };
      return { how: 'inherited', token: below.token, depth: below.depth + 1 };
    };
    const end = decide();
    // A member of a cycle has its end already.
    if (!ends.has(key)) ends.set(key, end);
    return ends.get(key) ?? end;
  }

  /**
   * Layer by layer, in the order of the keys.
   *
   * @returns the later of two twins where it would go in first
   */
  #write(named: ReadonlyMap<string, Named>, ends: Map<string, End>): string | undefined {
    const rows = [...ends].flatMap(([key, end]) =>
      'code' in end || end.how === 'existing' ? [] : [{ key, ...end, ...entryOf(named, key) }]
    );
    const isShort = rows.filter(({ how }) => how === 'minted').length > this.free.size;
    const inserted = new Map<string, { key: string; position: number }>();
    for (let depth = 0; rows.some(row => row.depth >= depth); depth += 1) {
      const layer = rows
        .filter(row => row.depth === depth)
        .sort((a, b) => compareParts(a.source, b.source));
      const lost: typeof layer = [];
      for (const row of layer) {
        const [first] = row.predecessors.keys();
        const below = first === undefined || depth === 0 ? undefined : endOf(ends, first);
        if (row.how === 'minted' && isShort) ends.set(row.key, { code: 'POOL_EXHAUSTED' });
        else if (below && 'code' in below) {
          const isForThePool = below.code === 'POOL_EXHAUSTED';
          ends.set(row.key, { code: isForThePool ? below.code : 'PREDECESSOR_NOT_FOUND' });
        } else if (inserted.has(this.#same(row.source))) lost.push(row);
        else inserted.set(this.#same(row.source), row);
      }
      for (const row of lost) {
        const standing = inserted.get(this.#same(row.source));
        if (standing !== undefined && row.position < standing.position) return standing.key;
        ends.set(row.key, { code: 'IDENTIFIER_COLLISION' });
      }
    }
    return undefined;
  }

  /** What a predecessor has, stored or by this batch. */
  #idOf(source: SourceIdentifier, ends: ReadonlyMap<string, End>): Token | undefined {
    const found = this.find(source);
    if (found !== undefined) return found.id;
    const end = ends.get(exactly(source));
    return end === undefined || 'code' in end ? undefined : end.token;
  }

  #same({ ontologyType, sourceSystem, value }: SourceIdentifier): string {
    const parts = [ontologyType, sourceSystem, value];
    return JSON.stringify(parts.map(part => this.#spelling.foldText(part)));
  }
}

export function byText(a: readonly unknown[], b: readonly unknown[]): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function isNew(token: Token): boolean {
  return token.startsWith('new ');
}

function foldType(source: SourceIdentifier): SourceIdentifier {
  const { ontologyType, sourceSystem, value } = source;
  const folds = CONCEPT_TYPES.includes(ontologyType);
  return { ontologyType: folds ? 'Concept' : ontologyType, sourceSystem, value };
}

function exactly({ ontologyType, sourceSystem, value }: SourceIdentifier): string {
  return exactlyOf(ontologyType, sourceSystem, value);
}

function exactlyOf(...parts: readonly (string | undefined)[]): string {
  return JSON.stringify(parts);
}

function compareParts(a: SourceIdentifier, b: SourceIdentifier): number {
  const pairs = [
    [a.ontologyType, b.ontologyType],
    [a.sourceSystem, b.sourceSystem],
    [a.value, b.value],
  ] as const;
  const [left, right] = pairs.find(([one, other]) => one !== other) ?? ['', ''];
  return left < right ? -1 : left > right ? 1 : 0;
}

function entryOf(named: ReadonlyMap<string, Named>, key: string): Named {
  const entry = named.get(key);
  if (entry === undefined) throw new Error(`The model does not know ${key}.`);
  return entry;
}

function endOf(ends: ReadonlyMap<string, End>, key: string): End {
  const end = ends.get(key);
  if (end === undefined) throw new Error(`The model did not settle ${key}.`);
  return end;
}
