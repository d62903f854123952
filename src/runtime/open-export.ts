import type { RegistryExport } from '../domain/registry-export.ts';
import type { ExportStorage } from '../exports/export-storage.ts';
import { folderStorage } from '../exports/folder-storage.ts';
import { readExport } from '../exports/read-export.ts';
import { parseS3Url, s3Storage } from '../exports/s3-storage.ts';
import type { Environment } from './settings.ts';

/**
 * Opens an export for reading: a folder, or `s3://BUCKET/PREFIX`.
 *
 * @throws IdMinterError EXPORT_NOT_FOUND, EXPORT_ACCESS_DENIED, EXPORT_UNAVAILABLE, INVALID_CONFIGURATION
 */
export async function openExport(
  location: string,
  environment: Environment
): Promise<RegistryExport> {
  const storage = await openStorage(location, environment);
  try {
    return await readExport(storage);
  } catch (error) {
    storage.close();
    throw error;
  }
}

async function openStorage(location: string, environment: Environment): Promise<ExportStorage> {
  const place = parseS3Url(location);
  if (place === undefined) return folderStorage(location);
  const pathStyle = Boolean(environment['AWS_ENDPOINT_URL_S3'] ?? environment['AWS_ENDPOINT_URL']);
  return await s3Storage({ ...place, pathStyle });
}
