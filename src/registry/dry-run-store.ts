import type { CanonicalId } from '../domain/canonical-id.ts';
import { standIn } from '../domain/canonical-id.ts';
import type {
  Claim,
  DatedMapping,
  ImportTransaction,
  PoolCount,
  RegistryStore,
  Status,
  StoredMapping,
} from '../domain/registry.ts';
import type { FoldedIdentifier } from '../domain/source-identifier.ts';

/**
 * A store whose writes stay in memory, over one that is only read: minting runs its own code on it to the end.
 * It holds what the run would have made new, so its memory grows with that (about 300 bytes a mapping).
 */
export class DryRunStore implements RegistryStore {
  readonly name: string;
  readonly conceptTypes: ReadonlySet<string>;
  readonly canStore: (text: string) => boolean;
  readonly #store: RegistryStore;
  readonly #added = new Map<string, StoredMapping>();
  #claimed = 0;
  #promised = 0;

  constructor(store: RegistryStore) {
    this.#store = store;
    this.name = store.name;
    this.conceptTypes = store.conceptTypes;
    this.canStore = store.canStore;
  }

  async lookUp(sources: readonly FoldedIdentifier[]): Promise<(StoredMapping | undefined)[]> {
    const stored = await this.#store.lookUp(sources);
    const missing = sources.flatMap((source, index) => (stored[index] ? [] : [{ source, index }]));
    if (missing.length === 0 || this.#added.size === 0) return stored;
    const keys = await this.#store.equalityKeys(missing.map(({ source }) => source));
    const answers = [...stored];
    for (const [position, { index }] of missing.entries()) {
      answers[index] = this.#added.get(keys[position] ?? '');
    }
    return answers;
  }

  /** Nothing can go wrong half-way, so what an abandoned transaction added is all that has to be undone. */
  async transaction<T>(work: (transaction: ImportTransaction) => Promise<T>): Promise<T> {
    const added: string[] = [];
    const claimed = this.#claimed;
    try {
      return await work({
        lookUp: sources => this.lookUp(sources),
        claim: count => this.#claim(count),
        findUsed: async () => new Set(),
        insert: rows => this.#insert(rows, added),
        markAssigned: async () => undefined,
        addAssigned: async () => undefined,
      });
    } catch (error) {
      for (const key of added) this.#added.delete(key);
      this.#claimed = claimed;
      throw error;
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

  async countPool(): Promise<PoolCount> {
    const { free, assigned } = await this.#store.countPool();
    return { free: free + this.#promised - this.#claimed, assigned: assigned + this.#claimed };
  }

  async countFree(limit: number): Promise<number> {
    const free = await this.#store.countFree(limit + this.#claimed);
    return free + this.#promised - this.#claimed;
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

  async #claim(count: number): Promise<Claim> {
    const free = await this.countFree(count);
    const first = this.#claimed + 1;
    const ids = Array.from({ length: Math.min(count, free) }, (_, index) => standIn(first + index));
    if (ids.length === count) this.#claimed += count;
    return { ids, free };
  }

  async #insert(rows: readonly StoredMapping[], added: string[]): Promise<number> {
    const keys = await this.#store.equalityKeys(rows.map(({ source }) => source));
    const before = added.length;
    for (const [index, row] of rows.entries()) {
      const key = keys[index];
      if (key === undefined || this.#added.has(key)) continue;
      this.#added.set(key, row);
      added.push(key);
    }
    return added.length - before;
  }
}
