import { randomInt } from 'node:crypto';
import type { CanonicalId, RandomInt } from '../domain/canonical-id.ts';
import { drawCanonicalId } from '../domain/canonical-id.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { DatedMapping, Registry, RegistryStore } from '../domain/registry.ts';
import type { FoldedIdentifier, SourceIdentifier } from '../domain/source-identifier.ts';
import {
  checkSourceIdentifier,
  compareSources,
  foldConcept,
  isSameSource,
  keyOf,
  nearSpellings,
} from '../domain/source-identifier.ts';
import { DryRunStore } from './dry-run-store.ts';
import { readHoldings } from './holdings.ts';
import { importBatch } from './import-batch.ts';
import { mintBatch } from './mint-batch.ts';
import { withRetries } from './retries.ts';

/** How many IDs a top-up draws and inserts at a time. */
const TOP_UP_STEP = 50_000;

/** More than there can be: to count all free IDs. */
const MANY = 1e12;

/** Rounds in which every ID drawn is taken: one in a billion each even with 50 million IDs assigned. */
const FRUITLESS_MAX = 5;

/** The registry over a store: everything that MySQL and SQLite have in common. */
export function createRegistry(
  store: RegistryStore,
  { random = randomInt }: { random?: RandomInt } = {}
): Registry {
  const reading = <T>(read: () => Promise<T>): Promise<T> => withRetries(store, read);
  const fold = (source: SourceIdentifier): FoldedIdentifier =>
    foldConcept(checkSourceIdentifier(source, store), store.conceptTypes);
  return {
    name: store.name,
    conceptTypes: store.conceptTypes,
    mint: requests => mintBatch(store, requests),
    lookUp: async sources => {
      const asked = sources.map(fold);
      const stored = await reading(() => store.lookUp(asked));
      return asked.map((source, index) => {
        const mapping = stored[index];
        return mapping && isSameSource(mapping.source, source) ? mapping : undefined;
      });
    },
    nearMisses: async source => {
      const asked = fold(source);
      const stored = await reading(() => store.lookUp([asked, ...nearSpellings(asked).map(fold)]));
      const near = new Map(stored.flatMap(found => (found ? [[keyOf(found.source), found]] : [])));
      near.delete(keyOf(asked));
      return [...near.values()];
    },
    sourcesOf: async ids => groupByCanonicalId(ids, await reading(() => store.sourcesOf(ids))),
    statusOf: ids => reading(() => store.statusOf(ids)),
    holdings: () => readHoldings(store),
    snapshot: work => store.snapshot(work),
    countPool: () => reading(() => store.countPool()),
    countFree: limit => reading(() => store.countFree(limit)),
    topUp: (target, tell) => topUp(store, target, { random, tell }),
    importMappings: mappings => importBatch(store, mappings),
    dryRun: () => createRegistry(new DryRunStore(store), { random }),
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

async function topUp(
  store: RegistryStore,
  target: number,
  { random, tell }: { random: RandomInt; tell: Parameters<Registry['topUp']>[1] }
): Promise<{ free: number; added: number }> {
  if (!Number.isSafeInteger(target) || target < 1) {
    throw new IdMinterError(
      'INVALID_CONFIGURATION',
      `A pool of ${target} free IDs cannot be had: the target is a whole number from 1. Nothing was added.`,
      { target }
    );
  }
  const countFree = (): Promise<number> => withRetries(store, () => store.countFree(MANY));
  let free = await countFree();
  let added = 0;
  let fruitless = 0;
  while (free < target && fruitless < FRUITLESS_MAX) {
    tell?.({ added, missing: target - free });
    const drawn = Array.from({ length: Math.min(target - free, TOP_UP_STEP) }, () =>
      drawCanonicalId(random)
    );
    const went = await withRetries(store, () => store.addFree(drawn));
    added += went;
    free += went;
    fruitless = went === 0 ? fruitless + 1 : 0;
  }
  if (free < target) throw drawsInVain(added, target);
  return { free: added === 0 ? free : await countFree(), added };
}

function drawsInVain(added: number, target: number): IdMinterError {
  return new IdMinterError(
    'INTERNAL',
    `The pool got ${added} of the free IDs that a target of ${target} needs; then every ID drawn was there already, ` +
      'which cannot be chance. What was added stays. Report it at the project’s issue tracker.',
    { added, target }
  );
}

function groupByCanonicalId(
  ids: readonly CanonicalId[],
  mappings: readonly DatedMapping[]
): Map<CanonicalId, DatedMapping[]> {
  const groups = new Map<CanonicalId, DatedMapping[]>(ids.map(id => [id, []]));
  for (const mapping of mappings) groups.get(mapping.canonicalId)?.push(mapping);
  for (const group of groups.values()) {
    group.sort(
      (a, b) => a.createdAt.getTime() - b.createdAt.getTime() || compareSources(a.source, b.source)
    );
  }
  return groups;
}
