import type { ExportTarget, RegistryExport } from '../domain/registry-export.ts';
import type { ExportStorage } from '../exports/export-storage.ts';
import { folderStorage } from '../exports/folder-storage.ts';
import { readExport } from '../exports/read-export.ts';
import { parseS3Url, s3Storage } from '../exports/s3-storage.ts';
import { prepareExport } from '../exports/write-export.ts';
import { namesBucketsInPaths } from './aws-endpoint.ts';
import type { Environment } from './settings.ts';

/**
 * Opens an export for reading: a folder, or `s3://BUCKET/PREFIX`.
 *
 * @throws IdMinterError EXPORT_NOT_FOUND, EXPORT_ACCESS_DENIED, EXPORT_UNAVAILABLE, INVALID_CONFIGURATION
 */
export function openExport(location: string, environment: Environment): Promise<RegistryExport> {
  return openWith(location, environment, readExport);
}

/**
 * Looks whether an export can be written to a folder or `s3://BUCKET/PREFIX`, which has to be empty.
 *
 * @throws IdMinterError TARGET_UNWRITABLE, EXPORT_ACCESS_DENIED, EXPORT_UNAVAILABLE, INVALID_CONFIGURATION
 */
export function openExportTarget(
  location: string,
  environment: Environment
): Promise<ExportTarget> {
  return openWith(location, environment, prepareExport);
}

/** Whether it is a folder of this machine. */
export function isFolder(location: string): boolean {
  return parseS3Url(location) === undefined;
}

async function openWith<T>(
  location: string,
  environment: Environment,
  open: (storage: ExportStorage) => Promise<T>
): Promise<T> {
  const storage = await openStorage(location, environment);
  try {
    return await open(storage);
  } catch (error) {
    storage.close();
    throw error;
  }
}

async function openStorage(location: string, environment: Environment): Promise<ExportStorage> {
  const place = parseS3Url(location);
  if (place === undefined) return folderStorage(location);
  return await s3Storage({ ...place, pathStyle: namesBucketsInPaths(environment) });
}
