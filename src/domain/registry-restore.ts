import type { MappingRecord, PoolRecord } from './registry-tables.ts';
import type { CanStore } from './source-identifier.ts';

/** What an export brings to a registry. */
export interface RestoreCounts {
  readonly assigned: number;
  readonly free: number;
  readonly mappings: number;
}

/**
 * How far an export is in a registry that it is restored into. It stands in the registry and changes with the rows, so
 * that it is always true of what is committed.
 */
export interface RestoreMarker {
  /** Of the export: `RegistryExport.identity`. */
  readonly identity: string;
  /** The export, as people know it. */
  readonly name: string;
  readonly withFree: boolean;
  /** Free IDs come last: a registry that is half there has none to give, whoever asks. */
  readonly phase: 'assigned' | 'mappings' | 'free' | 'done';
  /** Where the phase goes on: the number of the file, and of the row in it, both from 0. */
  readonly file: number;
  readonly row: number;
  /** What the export holds. */
  readonly expected: RestoreCounts;
  /** What went in so far. */
  readonly restored: RestoreCounts;
}

/** Rows that go in together with the marker that tells of them. */
export interface RestoreBatch {
  /** What the marker was; undefined where there was none. */
  readonly before: RestoreMarker | undefined;
  readonly after: RestoreMarker;
  readonly ids: readonly PoolRecord[];
  readonly mappings: readonly MappingRecord[];
}

/** A registry that an export is restored into. It can be opened so however far another restore came. */
export interface RestoreTarget extends AsyncDisposable {
  readonly name: string;
  readonly conceptTypes: ReadonlySet<string>;
  readonly canStore: CanStore;
  marker(): Promise<RestoreMarker | undefined>;
  /** All rows of both tables. */
  countRows(): Promise<{ readonly ids: number; readonly mappings: number }>;
  /**
   * One transaction; a batch whose answer was lost is found done.
   *
   * @throws IdMinterError RESTORE_REFUSED where the marker is not what it was; EXPORT_DAMAGED for a row that the
   *   registry does not take
   */
  restore(batch: RestoreBatch): Promise<void>;
}
