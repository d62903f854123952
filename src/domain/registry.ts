import type { Audited, HeldMapping } from './audit.ts';
import type { CanonicalId } from './canonical-id.ts';
import type { IdMinterError, Warning } from './errors.ts';
import type { RestoreBatch, RestoreMarker } from './registry-restore.ts';
import type { RegistrySnapshot } from './registry-tables.ts';
import type { CanStore, FoldedIdentifier, SourceIdentifier } from './source-identifier.ts';

/** One source identifier that shall have a canonical ID. `predecessor: null` means none. */
export interface MintRequest {
  readonly source: SourceIdentifier;
  readonly predecessor?: SourceIdentifier | null | undefined;
}

/**
 * How a request ended: `existing`, the source had an ID; `inherited`, it is new and took its predecessor's;
 * `minted`, it is new and took one from the pool. Of several requests for one source in a batch the first tells
 * how it got its ID and the others find it `existing`, so that sums do not depend on how a run is cut in batches.
 */
export type Outcome = 'existing' | 'inherited' | 'minted';

/** How a request ended: with an ID, or with the reason why it got none. */
export type Answer = Given | Refused;

/** The source identifier has its canonical ID. */
export interface Given {
  readonly canonicalId: CanonicalId;
  readonly outcome: Outcome;
  /** EMPTY_VALUE or INHERITANCE_CONFLICT. */
  readonly warning?: Warning;
  readonly error?: undefined;
}

/** The source identifier got no canonical ID; `error.code` says why. */
export interface Refused {
  readonly error: IdMinterError;
  readonly canonicalId?: undefined;
  readonly outcome?: undefined;
  readonly warning?: undefined;
}

/** An answer, with the source identifier as the request had it. */
export type MintAnswer = Answer & { readonly source: SourceIdentifier };

/** What became of a batch. */
export interface MintResult {
  /** One answer a request, in the order of the requests. */
  readonly answers: readonly MintAnswer[];
  /** What concerns the batch and no single request: pool entries that had to be passed over. */
  readonly warnings: readonly Warning[];
}

/** A source identifier and its canonical ID. */
export interface Mapping {
  readonly source: SourceIdentifier;
  readonly canonicalId: CanonicalId;
}

/** A mapping with the time when it was made, to the second. */
export interface DatedMapping extends Mapping {
  readonly createdAt: Date;
}

/** How many canonical IDs have each status. */
export interface PoolCount {
  readonly free: number;
  readonly assigned: number;
}

/** Whether a canonical ID may still be given, or has been. */
export type Status = 'free' | 'assigned';

/** How one imported mapping ended: it went in, stood there already, or was refused. */
export interface ImportAnswer extends Mapping {
  readonly outcome?: 'added' | 'existing';
  readonly warning?: Warning;
  readonly error?: IdMinterError;
}

/**
 * The store of both tables, and the promises that it keeps: one source identifier has one canonical ID, for
 * ever; an answer is what the registry holds after commit; a canonical ID is shared only through a declared
 * predecessor; it is `assigned` if and only if a mapping uses it; a batch is in the registry as a whole or not
 * at all, and the same batch again gives the same answers.
 *
 * Every call rejects with an IdMinterError where the registry cannot be used as a whole: REGISTRY_UNAVAILABLE,
 * REGISTRY_ACCESS_DENIED, or one of the SCHEMA codes.
 */
export interface Registry extends Audited, AsyncDisposable {
  /** What people are told: the URL without its secrets. */
  readonly name: string;

  /**
   * Gives each request its canonical ID. The requests of one call are one batch and one transaction.
   *
   * @param requests - any number; duplicates are merged; their order matters only between twins
   */
  mint(requests: readonly MintRequest[]): Promise<MintResult>;

  /** The mapping of each source identifier, undefined where it has none. Reads only. */
  lookUp(sources: readonly SourceIdentifier[]): Promise<(Mapping | undefined)[]>;

  /** Mappings whose source is spelt much like one that has none, for a person to choose from. Reads only. */
  nearMisses(source: SourceIdentifier): Promise<Mapping[]>;

  /** All mappings of each canonical ID, oldest first; equal times in key order. Reads only. */
  sourcesOf(ids: readonly CanonicalId[]): Promise<Map<CanonicalId, DatedMapping[]>>;

  /** The status of each canonical ID that the registry knows. Reads only. */
  statusOf(ids: readonly CanonicalId[]): Promise<Map<CanonicalId, Status>>;

  /** Counts the canonical IDs that the registry knows: exact, and so slow where there are tens of millions. Reads only. */
  countPool(): Promise<PoolCount>;

  /** Counts the free IDs up to `limit`, which is fast. Reads only. */
  countFree(limit: number): Promise<number>;

  /**
   * Adds free canonical IDs until there are `target`; never takes any away.
   *
   * @param tell - told at the start and after each step how far it is
   * @returns the free IDs afterwards, and how many of them were added
   */
  topUp(
    target: number,
    tell?: (soFar: { readonly added: number; readonly missing: number }) => void
  ): Promise<{ free: number; added: number }>;

  /** Takes known mappings in, as one transaction; a mapping that stands there already is left as it is. */
  importMappings(mappings: readonly Mapping[]): Promise<ImportAnswer[]>;

  /**
   * Gives both tables as they are at one moment, while minting goes on. The memory that it takes does not grow with
   * them; a server keeps what is changed meanwhile until it ends.
   */
  snapshot<T>(work: (snapshot: RegistrySnapshot) => Promise<T>): Promise<T>;

  /**
   * A view on which the same code runs to the end and nothing is written. What it mints stays known for the
   * life of the view, under stand-in IDs of the form `(new-1)`.
   */
  dryRun(): Registry;

  /** Gives its connections back. A batch at work ends first, or is ended: it is in the registry as a whole or not at all. */
  close(): Promise<void>;
}

/** A mapping as it is stored. `source` has the stored spelling, which may not be the one asked for. */
export interface StoredMapping {
  readonly source: FoldedIdentifier;
  readonly canonicalId: CanonicalId;
}

/** What a claim took from the pool. */
export interface Claim {
  readonly ids: readonly CanonicalId[];
  /** Where fewer were taken than asked for: the free IDs there are, those locked by other minters included. */
  readonly free: number;
}

/**
 * The five calls out of which minting is made; all of them see and change the database within one transaction.
 * Stores supply these and nothing else of the minting.
 */
export interface MintingTransaction {
  /** The stored mapping that the database itself takes for each source, by position. */
  lookUp(sources: readonly FoldedIdentifier[]): Promise<(StoredMapping | undefined)[]>;
  /** Takes up to `count` free IDs that no other minter can take until this transaction ends. */
  claim(count: number): Promise<Claim>;
  /** Those of the IDs that a mapping uses. */
  findUsed(ids: readonly CanonicalId[]): Promise<ReadonlySet<CanonicalId>>;
  /** Inserts in the order given, passes over rows whose source is there already, and returns how many went in. */
  insert(mappings: readonly StoredMapping[]): Promise<number>;
  /** Marks IDs of the pool as assigned. */
  markAssigned(ids: readonly CanonicalId[]): Promise<void>;
}

/** What an import needs beyond minting: its IDs come from outside and may not be in the pool. */
export interface ImportTransaction extends MintingTransaction {
  /** Marks IDs as assigned and adds those that are not there, so that no minter can take them from here on. */
  addAssigned(ids: readonly CanonicalId[]): Promise<void>;
}

/** A canonical ID and one of the mappings that have it, as one statement saw them together. */
export interface HeldRow {
  /** As the pool spells it, or the mapping where the pool does not know it. */
  readonly canonicalId: string;
  /** Undefined where the pool does not know the ID. */
  readonly status: string | undefined;
  /** Undefined where nothing has the ID. */
  readonly mapping: HeldMapping | undefined;
}

/**
 * The three calls out of which an audit reads a whole registry. Each is one statement that reads only as many rows
 * as it answers, so that it sees one moment and holds nothing up. IDs are compared as the database compares them.
 */
export interface HeldReading {
  /** The IDs of the pool after `after`, in order, each with its mappings; at `limit` rows the last ID may lack some. */
  pooled(after: string | undefined, limit: number): Promise<HeldRow[]>;
  /** The IDs that mappings have and the pool does not know, after `after` and up to `upTo`, in order. */
  strays(after: string | undefined, upTo: string | undefined, limit: number): Promise<string[]>;
  /** The mappings that have an ID, after `after`, in the order of their key. */
  mappingsOf(id: string, after: SourceIdentifier | undefined, limit: number): Promise<HeldRow[]>;
}

/** What minting stands on: MySQL and SQLite, and the dry run over either. */
export interface RegistryStore {
  readonly name: string;
  /** The types that this registry looks up as `Concept`; fixed when it was created. */
  readonly conceptTypes: ReadonlySet<string>;
  readonly canStore: CanStore;
  /** Told each time that something passing is tried again. */
  readonly onRetry?: () => void;
  /** Runs `work` in one transaction and commits, or rolls back and rejects. */
  transaction<T>(work: (transaction: ImportTransaction) => Promise<T>): Promise<T>;
  lookUp(sources: readonly FoldedIdentifier[]): Promise<(StoredMapping | undefined)[]>;
  /** For each source a text that is equal exactly where the database takes two sources for one. */
  equalityKeys(sources: readonly FoldedIdentifier[]): Promise<string[]>;
  sourcesOf(ids: readonly CanonicalId[]): Promise<DatedMapping[]>;
  statusOf(ids: readonly CanonicalId[]): Promise<Map<CanonicalId, Status>>;
  readonly held: HeldReading;
  /** Runs `work` over what both tables hold at one moment; what fails there is translated. */
  snapshot<T>(work: (snapshot: RegistrySnapshot) => Promise<T>): Promise<T>;
  /** How far an export is in it; undefined where none was ever restored into it. */
  restoreMarker(): Promise<RestoreMarker | undefined>;
  /** Writes a batch in one transaction, unless the marker says that it is there; rejects with RESTORE_REFUSED where another one stands. */
  restore(batch: RestoreBatch): Promise<void>;
  /** All rows of both tables: exact, and so slow where there are tens of millions. */
  countRows(): Promise<{ readonly ids: number; readonly mappings: number }>;
  countPool(): Promise<PoolCount>;
  /** Counts free IDs, but stops at `limit`: counting all of a large pool is slow. */
  countFree(limit: number): Promise<number>;
  /** Adds those of the IDs that are not there yet, as free, and returns how many were added. */
  addFree(ids: readonly CanonicalId[]): Promise<number>;
  /** The database's error as one of ours, and whether the same batch again may succeed. */
  translate(error: unknown): { readonly error: IdMinterError; readonly passing: boolean };
  close(): Promise<void>;
}
