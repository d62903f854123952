import type { SourceIdentifier } from './source-identifier.ts';

/** A row of `canonical_ids`. Nothing is promised of it: what is exported may be damaged. */
export interface PoolRecord {
  readonly canonicalId: string;
  /** `free` or `assigned`. */
  readonly status: string;
  /** Seconds since 1970 in UTC; null where the database has no time. */
  readonly createdAt: number | null;
}

/** A row of `identifiers`. */
export interface MappingRecord {
  readonly source: SourceIdentifier;
  readonly canonicalId: string;
  /** Seconds since 1970 in UTC; null where the database has no time. */
  readonly createdAt: number | null;
}

/** Both tables of a registry at one moment, every row once, in pages of some thousand rows. */
export interface RegistryTables {
  readonly conceptTypes: ReadonlySet<string>;
  /** The rows of `canonical_ids`. */
  canonicalIds(): AsyncIterable<readonly PoolRecord[]>;
  /** The rows of `identifiers`. */
  identifiers(): AsyncIterable<readonly MappingRecord[]>;
}

/** A registry at one moment. */
export interface RegistrySnapshot extends RegistryTables {
  /** Seconds since 1970 in UTC, by the clock that dates its rows. */
  readonly takenAt: number;
}
