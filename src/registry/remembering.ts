import { LRUCache } from 'lru-cache';
import type { CanonicalId } from '../domain/canonical-id.ts';
import type { MintAnswer, MintRequest, MintResult, Registry } from '../domain/registry.ts';
import type { SourceIdentifier, SourceKey } from '../domain/source-identifier.ts';
import { CONCEPT, keyOf } from '../domain/source-identifier.ts';

/** About 12 MB. A reindex meets the same headings again and again; each is looked up once while it is remembered. */
const ENTRIES_MAX = 50_000;

/**
 * A registry that remembers, for the length of a run, the mappings of headings that it has answered: they are committed,
 * and a mapping never changes. Nothing else comes in more than one work; to remember it as well takes longer than the
 * database takes to answer it. Requests that name a predecessor are always asked, since a conflict has to be told.
 */
export function remembering(registry: Registry, entries = ENTRIES_MAX): Registry {
  const known = new LRUCache<SourceKey, CanonicalId>({ max: entries });
  const { conceptTypes } = registry;
  const comesAgain = (source: Partial<SourceIdentifier> | undefined): boolean => {
    const type = source?.ontologyType;
    return type !== undefined && (type === CONCEPT || conceptTypes.has(type));
  };
  const mint = async (requests: readonly MintRequest[]): Promise<MintResult> => {
    const answers: (MintAnswer | undefined)[] = requests.map(request =>
      comesAgain(request.source) ? recall(known, request) : undefined
    );
    const asked = requests.filter((_, index) => answers[index] === undefined);
    if (asked.length === 0)
      return { answers: answers.filter(answer => answer !== undefined), warnings: [] };
    const told = await registry.mint(asked);
    for (const { source, canonicalId } of told.answers) {
      if (canonicalId !== undefined && comesAgain(source)) known.set(keyOf(source), canonicalId);
    }
    const inOrder = told.answers.values();
    const merged = answers.map(answer => answer ?? inOrder.next().value);
    return { answers: merged.filter(answer => answer !== undefined), warnings: told.warnings };
  };
  return { ...registry, mint, dryRun: () => remembering(registry.dryRun(), entries) };
}

function recall(
  known: LRUCache<SourceKey, CanonicalId>,
  { source, predecessor }: MintRequest
): MintAnswer | undefined {
  if (predecessor || !isWhole(source)) return undefined;
  const canonicalId = known.get(keyOf(source));
  return canonicalId && { source, canonicalId, outcome: 'existing' };
}

/** Callers without types may give anything; what is not whole is for the registry to refuse. */
function isWhole(source: Partial<SourceIdentifier> | undefined): boolean {
  const parts = [source?.ontologyType, source?.sourceSystem, source?.value];
  return parts.every(part => typeof part === 'string');
}
