import type { CanonicalId } from '../domain/canonical-id.ts';
import type { MintAnswer, MintRequest, MintResult, Registry } from '../domain/registry.ts';
import type { SourceIdentifier } from '../domain/source-identifier.ts';
import { CONCEPT } from '../domain/source-identifier.ts';
import { SourceMap } from '../domain/source-places.ts';

/** About 6 MB. A reindex meets the same headings again and again; each is looked up once while it is remembered. */
const ENTRIES_MAX = 50_000;

/**
 * A registry that remembers, for the length of a run, the mappings of headings that it has answered: they are committed,
 * and a mapping never changes. Nothing else comes in more than one work; to remember it as well takes longer than the
 * database takes to answer it. Requests that name a predecessor are always asked, since a conflict has to be told.
 */
export function remembering(registry: Registry, entries = ENTRIES_MAX): Registry {
  const known = new Memory(entries);
  const { conceptTypes } = registry;
  const comesAgain = (source: Partial<SourceIdentifier> | undefined): boolean => {
    const type = source?.ontologyType;
    return type !== undefined && (type === CONCEPT || conceptTypes.has(type));
  };
  const mint = async (requests: readonly MintRequest[]): Promise<MintResult> => {
    const answers: (MintAnswer | undefined)[] = [];
    const asked: MintRequest[] = [];
    for (const request of requests) {
      const answer = comesAgain(request.source) ? recall(known, request) : undefined;
      answers.push(answer);
      if (answer === undefined) asked.push(request);
    }
    const told: MintResult =
      asked.length === 0 ? { answers: [], warnings: [] } : await registry.mint(asked);
    for (const { source, canonicalId } of told.answers) {
      if (canonicalId !== undefined && comesAgain(source)) known.keep(source, canonicalId);
    }
    const inOrder = told.answers.values();
    const merged = answers.map(answer => answer ?? inOrder.next().value);
    return { answers: merged.filter(answer => answer !== undefined), warnings: told.warnings };
  };
  return { ...registry, mint, dryRun: () => remembering(registry.dryRun(), entries) };
}

function recall(known: Memory, { source, predecessor }: MintRequest): MintAnswer | undefined {
  if (predecessor || !isWhole(source)) return undefined;
  const canonicalId = known.find(source);
  return canonicalId && { source, canonicalId, outcome: 'existing' };
}

/** Callers without types may give anything; what is not whole is for the registry to refuse. */
function isWhole({ ontologyType, sourceSystem, value }: Partial<SourceIdentifier>): boolean {
  return (
    typeof ontologyType === 'string' &&
    typeof sourceSystem === 'string' &&
    typeof value === 'string'
  );
}

/**
 * Keeps what was asked for lately: all that came since half of its room was full for the last time, and of what came before
 * that what is asked for again. A cache that keeps an order and keys of its own takes several times as long as the look-up
 * that it saves.
 */
class Memory {
  readonly #half: number;
  #recent = new SourceMap<CanonicalId>();
  #before = this.#recent;
  #count = 0;

  constructor(entries: number) {
    this.#half = Math.ceil(entries / 2);
  }

  find(source: SourceIdentifier): CanonicalId | undefined {
    const recent = this.#recent.get(source);
    if (recent !== undefined) return recent;
    const before = this.#before.get(source);
    if (before !== undefined) this.keep(source, before);
    return before;
  }

  keep(source: SourceIdentifier, canonicalId: CanonicalId): void {
    if (this.#count >= this.#half) {
      this.#before = this.#recent;
      this.#recent = new SourceMap();
      this.#count = 0;
    }
    this.#recent.set(source, canonicalId);
    this.#count += 1;
  }
}
