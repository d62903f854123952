import { hash, randomBytes } from 'node:crypto';
import { IdMinterError } from '../domain/errors.ts';
import type {
  ExportTable,
  ExportTarget,
  Manifest,
  ManifestFile,
  ManifestTable,
  TableDigest,
} from '../domain/registry-export.ts';
import { batchPath, DATABASE, MANIFEST, partPath, SUCCESS } from './export-layout.ts';
import type { ExportStorage } from './export-storage.ts';
import type { PartWriter } from './parquet-part.ts';
import { createPartWriter, GROUP_ROWS } from './parquet-part.ts';
import { createTableDigest } from './row-digest.ts';
import type { Column } from './table-columns.ts';
import { columnsOfMappings, columnsOfPool } from './table-columns.ts';

/** Rows of a file: some 5 MB, as RDS makes them. */
const PART_ROWS = 200_000;

/**
 * Looks whether an export can be written there.
 *
 * @throws IdMinterError TARGET_UNWRITABLE where something is there; EXPORT_ACCESS_DENIED, EXPORT_UNAVAILABLE
 */
export async function prepareExport(storage: ExportStorage): Promise<ExportTarget> {
  const files = await storage.list();
  if (files.length > 0) throw notEmpty(storage, files.length);
  return {
    name: storage.name,
    write: options => writeExport(storage, options),
    [Symbol.asyncDispose]: async () => storage.close(),
  };
}

type WriteOptions = Parameters<ExportTarget['write']>[0];

async function writeExport(
  storage: ExportStorage,
  { snapshot, registry, tally, signal }: WriteOptions
): Promise<Manifest> {
  const begun = new Date();
  const snapshotTime = isoSeconds(new Date(snapshot.takenAt * 1000));
  const name = `id-minter-${snapshotTime.replaceAll(/[-:]/g, '')}-${randomBytes(2).toString('hex')}`;
  const written: string[] = [];
  const put = async (path: string, bytes: Uint8Array): Promise<void> => {
    signal.throwIfAborted();
    written.push(path);
    await storage.write(path, bytes);
    tally.files += 1;
    tally.bytes += bytes.length;
  };
  const putJson = (path: string, value: unknown): Promise<void> => put(path, asJson(value));
  const infoPath = `export_info_${name}.json`;
  const info = {
    exportTaskIdentifier: name,
    ...{ snapshotTime, taskStartTime: isoSeconds(begun) },
  };
  try {
    // A place that takes no file is known before the first row is read.
    written.push(infoPath);
    await storage.write(infoPath, asJson({ ...info, status: 'IN_PROGRESS', percentProgress: 0 }));
    const canonicalIds = await writeTable('canonical_ids', {
      ...{ put, signal, pages: snapshot.canonicalIds(), toColumns: columnsOfPool },
      count: (digest, rows) => {
        digest.addPool(rows);
        tally.canonicalIds += rows.length;
      },
    });
    const identifiers = await writeTable('identifiers', {
      ...{ put, signal, pages: snapshot.identifiers(), toColumns: columnsOfMappings },
      count: (digest, rows) => {
        digest.addMappings(rows);
        tally.mappings += rows.length;
      },
    });
    const tables = { canonical_ids: canonicalIds, identifiers };
    await putJson(`export_tables_info_${name}_from_1_to_2.json`, describeTables(tables));
    await putJson(infoPath, {
      ...info,
      ...{ taskEndTime: isoSeconds(new Date()), status: 'COMPLETE', percentProgress: 100 },
    });
    const manifest: Manifest = {
      ...{ format: 1, export: name, registry, snapshotTime },
      conceptTypes: [...snapshot.conceptTypes],
      tables,
    };
    await putJson(MANIFEST, manifest);
    return manifest;
  } catch (error) {
    for (const path of written) await storage.remove(path).catch(() => undefined);
    throw error;
  }
}

function asJson(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);
}

interface TableOptions<Row> {
  readonly pages: AsyncIterable<readonly Row[]>;
  readonly toColumns: (rows: readonly Row[]) => Column[];
  readonly count: (digest: TableDigest, rows: readonly Row[]) => void;
  readonly put: (path: string, bytes: Uint8Array) => Promise<void>;
  readonly signal: AbortSignal;
}

/** A table without rows has no file, as in exports of RDS. */
async function writeTable<Row>(
  table: ExportTable,
  { pages, toColumns, count, put, signal }: TableOptions<Row>
): Promise<ManifestTable> {
  const digest = createTableDigest();
  const files: ManifestFile[] = [];
  let part: PartWriter | undefined;
  let group: Row[] = [];
  const encode = async (): Promise<void> => {
    if (group.length === 0) return;
    part ??= await createPartWriter(table);
    part.add(toColumns(group));
    group = [];
  };
  const finishPart = async (): Promise<void> => {
    await encode();
    if (part === undefined) return;
    const bytes = part.finish();
    const path = partPath(table, files.length);
    await put(path, bytes);
    const sha256 = hash('sha256', bytes, 'hex');
    files.push({ path, bytes: bytes.length, rows: part.rows, sha256 });
    part = undefined;
  };
  for await (const page of pages) {
    signal.throwIfAborted();
    count(digest, page);
    group.push(...page);
    if (group.length >= GROUP_ROWS) await encode();
    if ((part?.rows ?? 0) >= PART_ROWS) await finishPart();
  }
  await finishPart();
  await put(`${batchPath(table)}${SUCCESS}`, new Uint8Array());
  return { rows: digest.rows, digest: digest.value(), files };
}

function describeTables(tables: Readonly<Record<ExportTable, ManifestTable>>) {
  return {
    perTableStatus: Object.entries(tables).map(([table, { files }]) => ({
      tableStatistics: {
        partitioningInfo: {
          numberOfPartitions: String(files.length),
          numberOfCompletedPartitions: String(files.length),
        },
      },
      target: `${DATABASE}.${table}`,
      status: 'COMPLETE',
    })),
  };
}

/** `2026-08-20T03:00:00Z` */
function isoSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

function notEmpty({ name }: ExportStorage, files: number): IdMinterError {
  return new IdMinterError(
    'TARGET_UNWRITABLE',
    `${name} holds ${files} files already, and an export has a folder to itself. Nothing was written. Name one that is ` +
      'empty or not there; without manifest.json or export_info_….json in it, what is there is a remainder that can go.',
    { name, files }
  );
}
