import type { CanonicalId } from '../domain/canonical-id.ts';
import { isStandIn, standIn } from '../domain/canonical-id.ts';
import { certain } from '../domain/certain.ts';
import type {
  Claim,
  DatedMapping,
  HeldReading,
  ImportTransaction,
  PoolCount,
  RegistryStore,
  Status,
  StoredMapping,
} from '../domain/registry.ts';
import type { RestoreMarker } from '../domain/registry-restore.ts';
import type { RegistrySnapshot } from '../domain/registry-tables.ts';
import type { FoldedIdentifier } from '../domain/source-identifier.ts';

/**
 * A store whose writes stay in memory, over one that is only read: minting runs its own code on it to the end.
 * It holds what the run would have made new, so its memory grows with that (about 300 bytes a mapping).
 */
export class DryRunStore implements RegistryStore {
  readonly name: string;
  readonly conceptTypes: ReadonlySet<string>;
  readonly canStore: (text: string) => boolean;
  /** What stands below: the writes of a view are no part of a registry. */
  readonly held: HeldReading;
  readonly #store: RegistryStore;
  readonly #added = new Map<string, StoredMapping>();
  readonly #usedIds = new Set<CanonicalId>();
  /** Stand-ins that were ever given, for the numbers of the next ones. */
  #numbered = 0;
  /** IDs of the pool that a real run would have taken by now. */
  #taken = 0;
  #promised = 0;

  constructor(store: RegistryStore) {
    this.#store = store;
    this.name = store.name;
    this.conceptTypes = store.conceptTypes;
    this.canStore = store.canStore;
    this.held = store.held;
  }

  async lookUp(sources: readonly FoldedIdentifier[]): Promise<(StoredMapping | undefined)[]> {
    const stored = await this.#store.lookUp(sources);
    const missing = sources.flatMap((source, index) => (stored[index] ? [] : [{ source, index }]));
    if (missing.length === 0 || this.#added.size === 0) return stored;
    const keys = await this.#store.equalityKeys(missing.map(({ source }) => source));
    const answers = [...stored];
    for (const [position, { index }] of missing.entries()) {
      answers[index] = this.#added.get(certain(keys[position], 'The key of a source'));
    }
    return answers;
  }

  /** Nothing can go wrong half-way, so what an abandoned transaction added is all that has to be undone. */
  async transaction<T>(work: (transaction: ImportTransaction) => Promise<T>): Promise<T> {
    const added: string[] = [];
    let claimed = 0;
    let used = 0;
    try {
      return await work({
        lookUp: sources => this.lookUp(sources),
        claim: async count => {
          const claim = await this.#claim(count);
          claimed += claim.ids.length;
          return claim;
        },
        findUsed: ids => this.#findUsed(ids),
        insert: rows => this.#insert(rows, added),
        markAssigned: async ids => {
          used += ids.length;
        },
        addAssigned: async () => undefined,
      });
    } catch (error) {
      for (const key of added) this.#added.delete(key);
      used = 0;
      throw error;
    } finally {
      this.#taken -= claimed - used;
    }
  }

  equalityKeys(sources: readonly FoldedIdentifier[]): Promise<string[]> {
    return this.#store.equalityKeys(sources);
  }

  sourcesOf(ids: readonly CanonicalId[]): Promise<DatedMapping[]> {
    return this.#store.sourcesOf(ids);
  }

  statusOf(ids: readonly CanonicalId[]): Promise<Map<CanonicalId, Status>> {
    return this.#store.statusOf(ids);
  }

  /** Of what stands below, as {@link held}. */
  snapshot<T>(work: (snapshot: RegistrySnapshot) => Promise<T>): Promise<T> {
    return this.#store.snapshot(work);
  }

  restoreMarker(): Promise<RestoreMarker | undefined> {
    return this.#store.restoreMarker();
  }

  /** Nobody restores into a view. */
  async restore(): Promise<void> {}

  countRows(): ReturnType<RegistryStore['countRows']> {
    return this.#store.countRows();
  }

  async countPool(): Promise<PoolCount> {
    const { free, assigned } = await this.#store.countPool();
    return { free: free + this.#promised - this.#taken, assigned: assigned + this.#taken };
  }

  async countFree(limit: number): Promise<number> {
    const free = await this.#store.countFree(limit + this.#taken);
    return free + this.#promised - this.#taken;
  }

  /** Promises the IDs without making them: the pool of the view is larger by their number. */
  async addFree(ids: readonly CanonicalId[]): Promise<number> {
    this.#promised += ids.length;
    return ids.length;
  }

  translate(error: unknown): ReturnType<RegistryStore['translate']> {
    return this.#store.translate(error);
  }

  /** The store below belongs to whoever opened it. */
  async close(): Promise<void> {}

  /** Takes them until the transaction says which of them it used. */
  async #claim(count: number): Promise<Claim> {
    const free = await this.countFree(count);
    const ids = Array.from({ length: Math.min(count, free) }, () => standIn(++this.#numbered));
    this.#taken += ids.length;
    return { ids, free };
  }

  async #findUsed(ids: readonly CanonicalId[]): Promise<Set<CanonicalId>> {
    const real = ids.filter(id => !isStandIn(id));
    if (real.length === 0) return new Set();
    const stored = await this.#store.sourcesOf(real);
    const used = new Set(stored.map(({ canonicalId }) => canonicalId));
    for (const id of real) if (this.#usedIds.has(id)) used.add(id);
    return used;
  }

  async #insert(rows: readonly StoredMapping[], added: string[]): Promise<number> {
    const keys = await this.#store.equalityKeys(rows.map(({ source }) => source));
    const before = added.length;
    for (const [index, row] of rows.entries()) {
      const key = certain(keys[index], 'The key of a source');
      if (this.#added.has(key)) continue;
      this.#added.set(key, row);
      if (!isStandIn(row.canonicalId)) this.#usedIds.add(row.canonicalId);
      added.push(key);
    }
    return added.length - before;
  }
}
