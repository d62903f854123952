import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { ErrorCode } from '../domain/errors.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { ExportStorage, StorageUse } from './export-storage.ts';
import { tellFailure } from './export-storage.ts';

const PARTIAL = '.partial';

/** An export in a folder. A file that is being written has another name until it is whole. */
export function folderStorage(folder: string, use: StorageUse): ExportStorage {
  const failed = (path: string, error: NodeJS.ErrnoException): Promise<never> =>
    Promise.reject(folderError(use, join(folder, path), error));
  const attempt = <T>(path: string, work: () => Promise<T>): Promise<T> =>
    work().catch(error => failed(path, error));
  return {
    name: folder,
    list: async () => {
      const isThere = await stat(folder).then(
        about => about.isDirectory() || Promise.reject(notAFolder(folder)),
        error => (error.code === 'ENOENT' ? false : failed('', error))
      );
      if (!isThere) return [];
      return await attempt('', async () => {
        const entries = await readdir(folder, { recursive: true, withFileTypes: true });
        const files = entries.filter(entry => entry.isFile() && !entry.name.endsWith(PARTIAL));
        return await Promise.all(
          files.map(async ({ parentPath, name }) => {
            const path = join(parentPath, name);
            const { size } = await stat(path);
            return { path: relative(folder, path).replaceAll(sep, '/'), bytes: size };
          })
        );
      });
    },
    read: (path, start, end) =>
      attempt(path, async () => {
        await using file = await open(join(folder, path), 'r');
        const bytes = new Uint8Array(end - start);
        const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
        return bytes.subarray(0, bytesRead);
      }),
    write: (path, bytes) =>
      attempt(path, async () => {
        const place = join(folder, path);
        await makeFolder(dirname(place));
        await using file = await open(`${place}${PARTIAL}`, 'w');
        await file.writeFile(bytes);
        await file.sync();
        await rename(`${place}${PARTIAL}`, place);
      }),
    remove: path =>
      attempt(path, async () => {
        await rm(join(folder, path), { force: true });
        await rm(`${join(folder, path)}${PARTIAL}`, { force: true });
      }),
    close: () => undefined,
  };
}

/** Node's own `recursive` never ends where a folder that is there takes none, as those of /proc. */
async function makeFolder(folder: string): Promise<void> {
  const make = (): Promise<void> =>
    mkdir(folder).catch(error => (error.code === 'EEXIST' ? undefined : Promise.reject(error)));
  await make().catch(async error => {
    if (error.code !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await make();
  });
}

function notAFolder(folder: string): IdMinterError {
  return new IdMinterError(
    'EXPORT_NOT_FOUND',
    `${folder} is no folder. Nothing was read or written. Name the folder of one export.`,
    { path: folder }
  );
}

function folderError(use: StorageUse, path: string, cause: NodeJS.ErrnoException): IdMinterError {
  if (cause instanceof IdMinterError) return cause;
  const [code, remedy] = describe(cause.code);
  return new IdMinterError(code, tellFailure(use, { where: path, reason: cause.message, remedy }), {
    path,
    cause,
  });
}

function describe(code: string | undefined): [ErrorCode, string] {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return ['EXPORT_NOT_FOUND', 'Correct the path'];
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return ['EXPORT_ACCESS_DENIED', 'Give this user the right'];
    default:
      return ['EXPORT_UNAVAILABLE', 'Mend it'];
  }
}
