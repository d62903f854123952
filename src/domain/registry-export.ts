import type { IdMinterError } from './errors.ts';
import type { MappingRecord, PoolRecord, RegistrySnapshot } from './registry-tables.ts';

/** The tables of a registry, by their names in every database and export. */
export type ExportTable = 'canonical_ids' | 'identifiers';

/** Both, in the order in which they can be loaded. */
export const EXPORT_TABLES: readonly ExportTable[] = ['canonical_ids', 'identifiers'];

/** A Parquet file of an export. */
export interface ExportFile {
  readonly table: ExportTable;
  /** Within the export, e.g. `identifiers/canonical_ids/1/part-00000.gz.parquet`. */
  readonly path: string;
  readonly bytes: number;
}

/** What a manifest says of one file. */
export interface ManifestFile {
  readonly path: string;
  readonly bytes: number;
  readonly rows: number;
  /** Of the bytes, in hexadecimal digits. */
  readonly sha256: string;
}

export interface ManifestTable {
  readonly rows: number;
  /** As {@link TableDigest} makes it. */
  readonly digest: string;
  readonly files: readonly ManifestFile[];
}

/** What `export write` says of an export, in `manifest.json`, which is written last. */
export interface Manifest {
  readonly format: 1;
  /** The name of the export: unique, and told by people. */
  readonly export: string;
  /** Of the registry, without secrets. */
  readonly registry: string;
  /** When both tables were so, e.g. `2026-08-20T03:00:00Z`, by the clock that dates their rows. */
  readonly snapshotTime: string;
  readonly conceptTypes: readonly string[];
  readonly tables: Readonly<Record<ExportTable, ManifestTable>>;
}

/** Some thousand rows of one file, in their order there. */
export interface ExportPage<Row> {
  readonly file: ExportFile;
  /** Of the first row, counted from 0 within the file. */
  readonly start: number;
  readonly rows: readonly Row[];
}

/**
 * A fingerprint of a table: the same for the same rows in any order, and another one if a row is missing, changed or
 * there twice.
 */
export interface TableDigest {
  readonly rows: number;
  addPool(rows: readonly PoolRecord[]): void;
  addMappings(rows: readonly MappingRecord[]): void;
  /** 32 hexadecimal digits. */
  value(): string;
}

/**
 * An export as it stands in a folder or bucket, written by RDS or by `export write`. Nothing is promised of its rows:
 * a time may be a fraction of a second, or NaN where it is none at all.
 *
 * Reading rejects with EXPORT_DAMAGED for a file that is not what it should be, with EXPORT_ACCESS_DENIED or
 * EXPORT_UNAVAILABLE where the bytes cannot be had.
 */
export interface RegistryExport extends AsyncDisposable {
  /** Where it is, as people say it. */
  readonly name: string;
  /** The name of the export task, or of the export in its manifest; undefined where nothing says it. */
  readonly task: string | undefined;
  /** The same for the same export wherever it lies: of task, time, and the paths and lengths of its files. */
  readonly identity: string;
  /** Seconds since 1970 in UTC. */
  readonly snapshotTime: number | undefined;
  /** Undefined in an export that RDS wrote. */
  readonly manifest: Manifest | undefined;
  /** Undefined where the registry had no record of ours: it folds the types that are folded by default. */
  readonly conceptTypes: ReadonlySet<string> | undefined;
  /** EXPORT_INCOMPLETE and EXPORT_DAMAGED, as far as names and lengths of the files tell; empty in a sound export. */
  readonly problems: readonly IdMinterError[];
  filesOf(table: ExportTable): readonly ExportFile[];
  /** The rows of a file of `canonical_ids`, from a row on. */
  readPool(file: ExportFile, from?: number): AsyncIterable<ExportPage<PoolRecord>>;
  /** The rows of a file of `identifiers`, from a row on. */
  readMappings(file: ExportFile, from?: number): AsyncIterable<ExportPage<MappingRecord>>;
  /** The SHA-256 of its bytes, in hexadecimal digits, as it stands in a manifest. */
  hash(file: ExportFile): Promise<string>;
  newDigest(): TableDigest;
}

/** How far the writing of an export is. */
export interface WriteTally {
  canonicalIds: number;
  mappings: number;
  files: number;
  bytes: number;
}

/** An empty folder or part of a bucket, into which an export is written. */
export interface ExportTarget extends AsyncDisposable {
  /** Where it is, as people say it. */
  readonly name: string;
  /**
   * Writes both tables in the layout of RDS, and the manifest when all else is there. What it wrote goes again where it
   * fails.
   *
   * @throws IdMinterError EXPORT_ACCESS_DENIED, EXPORT_UNAVAILABLE; what the snapshot rejects with
   */
  write(options: {
    readonly snapshot: RegistrySnapshot;
    /** The name of the registry. */
    readonly registry: string;
    readonly tally: WriteTally;
    readonly signal: AbortSignal;
  }): Promise<Manifest>;
}
