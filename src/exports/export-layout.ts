import { IdMinterError } from '../domain/errors.ts';
import type { ExportFile, ExportTable, Manifest } from '../domain/registry-export.ts';
import { EXPORT_TABLES } from '../domain/registry-export.ts';
import type { StoredFile } from './export-storage.ts';

/**
 * `DATABASE/TABLE/BATCH/part-NNNNN….parquet`, where RDS puts the database, or a schema, before the name of the table
 * once more. The numbers of the parts have gaps: RDS leaves those out that would be empty.
 */
const PART = /^([^/]+)\/(?:[^/]+\.)?([^/.]+)\/(\d+)\/part-[^/]+\.parquet$/;
const BATCH = /^([^/]+)\/(?:[^/]+\.)?([^/.]+)\/(\d+)\//;
/** Of whole exports that stand further down. */
const BELOW = /^(.+)\/[^/]+\/(?:[^/]+\.)?canonical_ids\/\d+\/part-[^/]+\.parquet$/;

export const MANIFEST = 'manifest.json';
export const SUCCESS = '_SUCCESS';
/** The folder of the database in exports of ours, as in the seed's. */
export const DATABASE = 'identifiers';
/** A table of ours whose rows say what the registry folds. */
const MIGRATIONS_TABLE = 'id_minter_migrations';

export const EXPORT_INFO = /^export_info_[^/]*\.json$/;
export const TABLES_INFO = /^export_tables_info_[^/]*\.json$/;

export function partPath(table: ExportTable, part: number): string {
  return `${batchPath(table)}part-${String(part).padStart(5, '0')}.gz.parquet`;
}

export function batchPath(table: ExportTable): string {
  return `${DATABASE}/${table}/1/`;
}

/** The files of an export, by what they are. */
export interface ExportContents {
  readonly parts: Readonly<Record<ExportTable, readonly ExportFile[]>>;
  /** Those of the record of migrations. */
  readonly migrations: readonly StoredFile[];
  /** The folders of batches of both tables, and whether each has its `_SUCCESS`. */
  readonly batches: ReadonlyMap<string, boolean>;
  /** The files beside the folder of the database. */
  readonly beside: readonly string[];
}

/**
 * Sorts what stands in the folder of an export.
 *
 * @throws IdMinterError EXPORT_NOT_FOUND where it holds none, or the tables of several databases
 */
export function sortFiles(where: string, files: readonly StoredFile[]): ExportContents {
  const ours = files.filter(({ path }) => isOfRegistry(path));
  const databases = [...new Set(ours.map(({ path }) => path.split('/')[0]))];
  const beside = files.flatMap(({ path }) => (path.includes('/') ? [] : [path]));
  const isExport = databases.length === 1 || beside.some(isAbout);
  if (!isExport || databases.length > 1) throw notFound(where, files, databases);
  const inOrder = ours.toSorted((a, b) => inNumericOrder(a.path, b.path));
  const partsOf = (table: string): StoredFile[] =>
    inOrder.filter(({ path }) => PART.exec(path)?.[2] === table);
  const [database] = databases;
  return {
    parts: {
      canonical_ids: partsOf('canonical_ids').map(file => ({ ...file, table: 'canonical_ids' })),
      identifiers: partsOf('identifiers').map(file => ({ ...file, table: 'identifiers' })),
    },
    migrations: files.filter(({ path }) => {
      const [, folder, table] = PART.exec(path) ?? [];
      return folder === database && table === MIGRATIONS_TABLE;
    }),
    batches: batchesOf(inOrder),
    beside,
  };
}

/** @throws Error where the text is none */
export function parseManifest(text: string): Manifest {
  const manifest = JSON.parse(text) as Manifest;
  if (manifest?.format !== 1) {
    throw new Error(`its format is ${manifest?.format}, and this version knows 1`);
  }
  for (const table of EXPORT_TABLES) {
    const { rows, digest, files } = manifest.tables[table];
    const isSound = Number.isSafeInteger(rows) && /^[0-9a-f]{32}$/.test(digest);
    if (!isSound || !Array.isArray(files)) throw new Error(`it does not describe ${table}`);
  }
  return manifest;
}

function isOfRegistry(path: string): boolean {
  const table = BATCH.exec(path)?.[2];
  return EXPORT_TABLES.some(name => name === table);
}

function isAbout(path: string): boolean {
  return path === MANIFEST || EXPORT_INFO.test(path);
}

function batchesOf(files: readonly StoredFile[]): Map<string, boolean> {
  const batches = new Map<string, boolean>();
  for (const { path } of files) {
    const batch = path.slice(0, path.lastIndexOf('/') + 1);
    batches.set(batch, batches.get(batch) === true || path === `${batch}${SUCCESS}`);
  }
  return batches;
}

/** The batch 10 after the batch 9. */
function inNumericOrder(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function notFound(
  where: string,
  files: readonly StoredFile[],
  databases: readonly unknown[]
): IdMinterError {
  const below = [...new Set(files.flatMap(({ path }) => BELOW.exec(path)?.[1] ?? []))].toSorted();
  const why =
    databases.length > 1
      ? `holds the tables of several databases: ${databases.join(', ')}`
      : below.length > 0
        ? `is above ${below.length === 1 ? 'an export' : `${below.length} exports`}: ${below.slice(-3).join(', ')}`
        : files.length > 0
          ? 'holds no export of a registry'
          : 'is empty, or is not there';
  return new IdMinterError(
    'EXPORT_NOT_FOUND',
    `${where} ${why}. Nothing was read or written. Name the folder of one export, in which the folder of its database ` +
      'stands.',
    { where, below, databases }
  );
}
