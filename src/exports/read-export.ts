import { createHash } from 'node:crypto';
import type { ErrorCode } from '../domain/errors.ts';
import { IdMinterError } from '../domain/errors.ts';
import type {
  ExportFile,
  ExportTable,
  Manifest,
  RegistryExport,
} from '../domain/registry-export.ts';
import { EXPORT_TABLES } from '../domain/registry-export.ts';
import type { ExportContents } from './export-layout.ts';
import {
  EXPORT_INFO,
  MANIFEST,
  parseManifest,
  SUCCESS,
  sortFiles,
  TABLES_INFO,
} from './export-layout.ts';
import type { ExportStorage, StoredFile } from './export-storage.ts';
import { readRowGroups } from './parquet-part.ts';
import { createTableDigest } from './row-digest.ts';
import type { Column } from './table-columns.ts';
import { COLUMNS, mappingRecords, poolRecords, UnfitValue } from './table-columns.ts';

/** Rows of a page. */
const PAGE_ROWS = 5_000;
/** Bytes that are hashed at a time. */
const BLOCK_BYTES = 8 * 1024 * 1024;

/** What RDS says of an export, as far as it is needed. */
interface ExportInfo {
  readonly exportTaskIdentifier?: string;
  readonly snapshotTime?: string;
  readonly status?: string;
}

/** What RDS says of each table of an export, as far as it is needed. */
interface TablesInfo {
  readonly perTableStatus?: readonly { readonly target?: string; readonly status?: string }[];
}

/**
 * Opens an export that RDS or `export write` wrote, and looks whether all of it is there; its rows are not read yet.
 * The storage is closed with it.
 *
 * @throws IdMinterError EXPORT_NOT_FOUND, EXPORT_ACCESS_DENIED, EXPORT_UNAVAILABLE
 */
export async function readExport(storage: ExportStorage): Promise<RegistryExport> {
  const files = await storage.list();
  const contents = sortFiles(storage.name, files);
  const about = await readAbout(storage, contents, files);
  const { manifest, info, problems } = about;
  const time = manifest?.snapshotTime ?? info?.snapshotTime;
  const task = manifest?.export ?? info?.exportTaskIdentifier;
  const pages = <Row>(
    file: ExportFile,
    from: number,
    toRecords: (columns: readonly Column[]) => Row[]
  ) => readPages(storage, file, { columns: COLUMNS[file.table], from, toRecords });
  return {
    name: storage.name,
    ...{ task, manifest, problems },
    identity: identify(contents, task, time),
    snapshotTime: time === undefined || isNoTime(time) ? undefined : Date.parse(time) / 1000,
    conceptTypes: manifest
      ? new Set(manifest.conceptTypes)
      : await readConceptTypes(storage, contents.migrations),
    filesOf: table => contents.parts[table],
    readPool: (file, from = 0) => pages(file, from, poolRecords),
    readMappings: (file, from = 0) => pages(file, from, mappingRecords),
    hash: file => hashFile(storage, file),
    newDigest: createTableDigest,
    [Symbol.asyncDispose]: async () => storage.close(),
  };
}

interface About {
  readonly manifest: Manifest | undefined;
  readonly info: ExportInfo | undefined;
  readonly problems: readonly IdMinterError[];
}

async function readAbout(
  storage: ExportStorage,
  contents: ExportContents,
  files: readonly StoredFile[]
): Promise<About> {
  const problems: IdMinterError[] = [];
  const tell = (code: ErrorCode, what: string, details: Record<string, unknown>): void => {
    problems.push(problem(storage, code, what, details));
  };
  const readJson = async <T>(path: string, parse: (text: string) => T): Promise<T | undefined> => {
    const bytes = files.find(file => file.path === path)?.bytes ?? 0;
    const read = await storage.read(path, 0, bytes);
    try {
      return parse(new TextDecoder('utf-8', { fatal: true }).decode(read));
    } catch (error) {
      tell('EXPORT_DAMAGED', `${path} cannot be read: ${reasonOf(error)}`, { path });
      return undefined;
    }
  };
  const named = (pattern: RegExp): string[] => contents.beside.filter(path => pattern.test(path));
  const hasManifest = contents.beside.includes(MANIFEST);
  const manifest = hasManifest ? await readJson(MANIFEST, parseManifest) : undefined;
  const [infoPath] = named(EXPORT_INFO);
  const info = infoPath
    ? await readJson(infoPath, text => JSON.parse(text) as ExportInfo)
    : undefined;
  if (!hasManifest && infoPath === undefined) {
    tell('EXPORT_INCOMPLETE', `it has neither ${MANIFEST} nor export_info_….json`, {});
  }
  if (info && info.status !== 'COMPLETE') {
    tell('EXPORT_INCOMPLETE', `${infoPath} says ${JSON.stringify(info.status)}, not COMPLETE`, {
      status: info.status,
    });
  }
  const time = manifest ? manifest.snapshotTime : info?.snapshotTime;
  if (time !== undefined && isNoTime(time)) {
    const what = `it says that it shows the registry of ${JSON.stringify(time)}, which is no time`;
    tell('EXPORT_DAMAGED', what, { snapshotTime: time });
  }
  for (const path of named(TABLES_INFO)) {
    const tables = await readJson(path, text => JSON.parse(text) as TablesInfo);
    for (const { target = '', status } of tables?.perTableStatus ?? []) {
      const isOurs = EXPORT_TABLES.some(table => target.split('.').at(-1) === table);
      if (!isOurs || status === 'COMPLETE') continue;
      const what = `${path} says ${JSON.stringify(status)} of ${target}, not COMPLETE`;
      tell('EXPORT_INCOMPLETE', what, { target, status });
    }
  }
  compareNames(contents, manifest, tell);
  return { manifest, info, problems };
}

function isNoTime(text: string): boolean {
  return Number.isNaN(Date.parse(text));
}

/** What names and lengths tell. */
function compareNames(
  { parts, batches }: ExportContents,
  manifest: Manifest | undefined,
  tell: (code: ErrorCode, what: string, details: Record<string, unknown>) => void
): void {
  for (const [batch, isDone] of batches) {
    if (!isDone) tell('EXPORT_INCOMPLETE', `${batch} has no ${SUCCESS}`, { path: batch });
  }
  for (const table of EXPORT_TABLES) {
    const isKnownEmpty = manifest?.tables[table].files.length === 0;
    const hasBatch = [...batches.keys()].some(batch => isOf(table, batch));
    if (!hasBatch && !isKnownEmpty) {
      tell('EXPORT_INCOMPLETE', `the table ${table} is not there`, { table });
    }
    if (manifest === undefined) continue;
    const there = new Map(parts[table].map(file => [file.path, file.bytes]));
    for (const { path, bytes } of manifest.tables[table].files) {
      const found = there.get(path);
      there.delete(path);
      if (found === undefined) {
        tell('EXPORT_INCOMPLETE', `${path}, which its manifest names, is not there`, { path });
      } else if (found !== bytes) {
        const what = `${path} has ${found} bytes, and ${bytes} by its manifest`;
        tell('EXPORT_DAMAGED', what, { path, bytes: found, manifest: bytes });
      }
    }
    for (const path of there.keys()) {
      tell('EXPORT_DAMAGED', `${path} is there, which its manifest does not name`, { path });
    }
  }
}

function isOf(table: ExportTable, batch: string): boolean {
  const folder = batch.split('/')[1] ?? '';
  return folder === table || folder.endsWith(`.${table}`);
}

function identify(
  { parts }: ExportContents,
  task: string | undefined,
  time: string | undefined
): string {
  const files = EXPORT_TABLES.flatMap(table =>
    parts[table].map(({ path, bytes }) => [path, bytes])
  );
  return createHash('sha256')
    .update(JSON.stringify([task, time, files]))
    .digest('hex');
}

/** The record of a registry of ours is a table that RDS exports too. */
async function readConceptTypes(
  storage: ExportStorage,
  migrations: readonly StoredFile[]
): Promise<ReadonlySet<string> | undefined> {
  for (const file of migrations) {
    const pages = readPages(storage, file, {
      columns: ['Facts'],
      from: 0,
      toRecords: ([facts = []]) => facts.map(String),
    });
    for await (const { rows } of pages) {
      for (const facts of rows) {
        const { conceptTypes } = JSON.parse(facts) as { conceptTypes?: readonly string[] };
        if (conceptTypes) return new Set(conceptTypes);
      }
    }
  }
  return undefined;
}

interface PagesOptions<Row> {
  readonly columns: readonly string[];
  readonly from: number;
  readonly toRecords: (columns: readonly Column[]) => Row[];
}

async function* readPages<File extends StoredFile, Row>(
  storage: ExportStorage,
  file: File,
  { columns, from, toRecords }: PagesOptions<Row>
): AsyncGenerator<{ file: File; start: number; rows: Row[] }, void, undefined> {
  const { path, bytes } = file;
  const buffer = {
    byteLength: bytes,
    slice: async (start: number, end = bytes) => {
      const read = await storage.read(path, start, end);
      // Whoever reads on would take what is missing for zeros.
      if (read.length !== end - start) throw new Error(`it ends at byte ${start + read.length}`);
      return read.buffer.slice(read.byteOffset, read.byteOffset + read.byteLength);
    },
  };
  let first = 0;
  try {
    for await (const group of readRowGroups(buffer, columns, from)) {
      const length = group.columns[0]?.length ?? 0;
      for (let at = Math.max(from - group.start, 0); at < length; at += PAGE_ROWS) {
        first = group.start + at;
        const page = group.columns.map(column => column.slice(at, at + PAGE_ROWS));
        yield { file, start: first, rows: toRecords(page) };
      }
    }
  } catch (error) {
    if (error instanceof IdMinterError) throw error;
    const what =
      error instanceof UnfitValue
        ? `${path}, row ${first + error.row + 1}: ${error.message}`
        : `${path} cannot be read as Parquet: ${reasonOf(error)}`;
    throw problem(storage, 'EXPORT_DAMAGED', what, { path, cause: error });
  }
}

async function hashFile(storage: ExportStorage, { path, bytes }: ExportFile): Promise<string> {
  const hash = createHash('sha256');
  for (let start = 0; start < bytes; start += BLOCK_BYTES) {
    hash.update(await storage.read(path, start, Math.min(start + BLOCK_BYTES, bytes)));
  }
  return hash.digest('hex');
}

function problem(
  { name }: ExportStorage,
  code: ErrorCode,
  what: string,
  details: Record<string, unknown>
): IdMinterError {
  const isIncomplete = code === 'EXPORT_INCOMPLETE';
  const remedy = isIncomplete
    ? 'If it is still being written, wait; else take another export.'
    : 'Copy it again from where it was written, or take another export.';
  return new IdMinterError(
    code,
    `The export ${name} is ${isIncomplete ? 'not whole' : 'damaged'}: ${what}. It was only read. ${remedy}`,
    { export: name, what, ...details }
  );
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}
