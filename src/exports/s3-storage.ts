import type { AwsFailureKind } from '../aws/aws-failure.ts';
import { readAwsFailure } from '../aws/aws-failure.ts';
import { openS3 } from '../aws/s3.ts';
import type { ErrorCode } from '../domain/errors.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { ExportStorage, StoredFile } from './export-storage.ts';

export interface S3Place {
  readonly bucket: string;
  /** Without a slash at its end; may be empty. */
  readonly prefix: string;
  /** Whether the bucket is named in the path and not in the host: services beside AWS's own need it. */
  readonly pathStyle: boolean;
}

/** @returns undefined for what is no `s3://` URL */
export function parseS3Url(text: string): Pick<S3Place, 'bucket' | 'prefix'> | undefined {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]*)(?:\/(.*))?$/i.exec(text) ?? [];
  if (bucket === undefined) return undefined;
  if (bucket === '') {
    throw new IdMinterError(
      'INVALID_CONFIGURATION',
      `${text} names no bucket. Nothing was read or written. Give s3://BUCKET/PREFIX.`,
      { url: text }
    );
  }
  return { bucket, prefix: prefix.replace(/\/+$/, '') };
}

/**
 * An export in a bucket. Credentials, region and endpoint are found as every AWS tool finds them; what is passing is
 * tried again by AWS's own client.
 */
export async function s3Storage({ bucket, prefix, pathStyle }: S3Place): Promise<ExportStorage> {
  const s3 = await import('@aws-sdk/client-s3');
  const client = await openS3({ pathStyle });
  const keyOf = (path: string): string => (prefix === '' ? path : `${prefix}/${path}`);
  const attempt = <T>(path: string, right: string, work: () => Promise<T>): Promise<T> =>
    work().catch(error => {
      throw s3Error(`s3://${bucket}/${keyOf(path)}`, right, error);
    });
  return {
    name: `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`,
    list: () =>
      attempt('', 's3:ListBucket', async () => {
        const start = keyOf('');
        const files: StoredFile[] = [];
        const pages = s3.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: start });
        for await (const { Contents = [] } of pages) {
          for (const { Key = '', Size = 0 } of Contents) {
            // The console makes an empty object for a folder.
            if (!Key.endsWith('/')) files.push({ path: Key.slice(start.length), bytes: Size });
          }
        }
        return files;
      }),
    read: (path, start, end) =>
      attempt(path, 's3:GetObject', async () => {
        // No range says that it is empty.
        if (start >= end) return new Uint8Array();
        const { Body } = await client.send(
          new s3.GetObjectCommand({
            Bucket: bucket,
            Key: keyOf(path),
            Range: `bytes=${start}-${end - 1}`,
          })
        );
        return Uint8Array.from((await Body?.transformToByteArray()) ?? []);
      }),
    write: (path, bytes) =>
      attempt(path, 's3:PutObject', async () => {
        await client.send(
          new s3.PutObjectCommand({ Bucket: bucket, Key: keyOf(path), Body: bytes })
        );
      }),
    remove: path =>
      attempt(path, 's3:DeleteObject', async () => {
        await client.send(new s3.DeleteObjectCommand({ Bucket: bucket, Key: keyOf(path) }));
      }),
    close: () => client.destroy(),
  };
}

/** @param right - what the user needs for it */
function s3Error(where: string, right: string, cause: unknown): IdMinterError {
  if (cause instanceof IdMinterError) return cause;
  const { kind, reason } = readAwsFailure(cause);
  const [code, remedy] = describe(kind, right);
  return new IdMinterError(
    code,
    `${where} could not be read or written (${reason}). What was restored so far is right; an export that was being ` +
      `written has no manifest. ${remedy}, then say the same command again.`,
    { url: where, cause }
  );
}

function describe(kind: AwsFailureKind, right: string): [ErrorCode, string] {
  switch (kind) {
    case 'not found':
      return ['EXPORT_NOT_FOUND', 'Correct the bucket or the path'];
    case 'no credentials':
      return ['EXPORT_ACCESS_DENIED', 'See that AWS credentials can be found and are valid'];
    case 'denied':
      return [
        'EXPORT_ACCESS_DENIED',
        `Give this user the right ${right} (and kms:Decrypt, where a key encrypts the bucket)`,
      ];
    case 'no region':
      return ['INVALID_CONFIGURATION', 'Set AWS_REGION'];
    case 'refused':
    case 'busy':
      return ['EXPORT_UNAVAILABLE', 'See that S3 can be reached'];
  }
}
