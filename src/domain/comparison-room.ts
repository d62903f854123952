import type { Audited } from './audit.ts';
import type { MappingRecord, PoolRecord } from './registry-tables.ts';

/** Of what a row is: the export that is verified, or the registry that it is compared with. */
export type Side = 'exported' | 'registry';

/** A row that is not the same on both sides. It is paired by its key: the canonical ID, or the source identifier. */
export type Pair<Row> =
  | { readonly exported: Row; readonly registry: Row | undefined }
  | { readonly exported: undefined; readonly registry: Row };

/**
 * The tables of an export, and of a registry beside them, put where they can be audited and compared in bounded memory,
 * however large they are and in whatever order their rows came.
 *
 * @throws IdMinterError TARGET_FAILED where there is no room on the disk
 */
export interface ComparisonRoom extends AsyncDisposable {
  /**
   * Takes rows of `canonical_ids` in.
   *
   * @param doubled - told of each row whose ID is there already, with the row that stands; it is not kept
   */
  loadPool(
    side: Side,
    pages: AsyncIterable<readonly PoolRecord[]>,
    doubled: (row: PoolRecord, standing: PoolRecord) => void
  ): Promise<void>;
  /**
   * Takes rows of `identifiers` in. One source identifier may come with several canonical IDs: an audit finds those.
   *
   * @param doubled - told of each row whose source identifier and ID are there already; it is not kept
   */
  loadMappings(
    side: Side,
    pages: AsyncIterable<readonly MappingRecord[]>,
    doubled: (row: MappingRecord) => void
  ): Promise<void>;
  /** The export, to be audited as a registry is. */
  exported(conceptTypes: ReadonlySet<string>): Audited;
  /** Every row of `canonical_ids` that differs, compared byte by byte, in pages. */
  poolPairs(): AsyncIterable<readonly Pair<PoolRecord>[]>;
  /** Every row of `identifiers` that differs, compared byte by byte, in pages. */
  mappingPairs(): AsyncIterable<readonly Pair<MappingRecord>[]>;
}
