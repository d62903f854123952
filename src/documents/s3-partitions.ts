import type { S3Client } from '@aws-sdk/client-s3';
import type { AwsFailureKind } from '../aws/aws-failure.ts';
import { readAwsFailure } from '../aws/aws-failure.ts';
import { openS3 } from '../aws/s3.ts';
import type { ErrorCode } from '../domain/errors.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { PartitionStore, StoredObject } from '../domain/partitions.ts';

export interface S3Options {
  /** Whether the bucket is named in the path and not in the host: services beside AWS's own need it. */
  readonly pathStyle: boolean;
  /** Ends all requests. */
  readonly signal: AbortSignal;
}

/** A folder of a bucket, opened when the first partition comes. */
export function s3Partitions(
  { bucket, folder }: { bucket: string; folder: string },
  { pathStyle, signal }: S3Options
): PartitionStore & Disposable {
  let client: Promise<S3Client> | undefined;
  const urlOf = (key: string) => `s3://${bucket}/${key}`;
  return {
    name: urlOf(folder),
    async write(file, json) {
      const key = `${folder}/${file}`;
      await asOurs(urlOf(key), 's3:PutObject and kms:GenerateDataKey', async () => {
        const { PutObjectCommand } = await import('@aws-sdk/client-s3');
        client ??= openS3({ pathStyle });
        const object = { Bucket: bucket, Key: key, ContentType: 'application/json', Body: json };
        await (await client).send(new PutObjectCommand(object), { abortSignal: signal });
      });
      return { uri: urlOf(key), bucket, key };
    },
    [Symbol.dispose]() {
      client?.then(
        opened => opened.destroy(),
        () => undefined
      );
    },
  };
}

/** @throws IdMinterError PARTITION_REFUSED, PARTITION_UNAVAILABLE, INVALID_CONFIGURATION */
export async function readPartitionText(
  { bucket, key }: Pick<StoredObject, 'bucket' | 'key'>,
  { pathStyle, signal }: S3Options
): Promise<string> {
  return await asOurs(`s3://${bucket}/${key}`, 's3:GetObject and kms:Decrypt', async () => {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await openS3({ pathStyle });
    try {
      const asked = new GetObjectCommand({ Bucket: bucket, Key: key });
      const { Body } = await client.send(asked, { abortSignal: signal });
      return (await Body?.transformToString('utf-8')) ?? '';
    } finally {
      client.destroy();
    }
  });
}

/** @param right - what the user needs for it */
async function asOurs<T>(url: string, right: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { kind, reason } = readAwsFailure(cause);
    const [code, remedy] = describe(kind, right);
    throw new IdMinterError(
      code,
      `${url} could not be written or read (${reason}). Nothing was minted, and partitions that were written before ` +
        `are used by nobody. ${remedy}, then say the same command again.`,
      { url, cause }
    );
  }
}

function describe(kind: AwsFailureKind, right: string): [ErrorCode, string] {
  switch (kind) {
    case 'not found':
      return ['PARTITION_REFUSED', 'Correct the bucket or the key'];
    case 'no credentials':
      return ['PARTITION_REFUSED', 'See that AWS credentials can be found and are valid'];
    case 'denied':
    case 'refused':
      return ['PARTITION_REFUSED', `Give this user the right ${right}`];
    case 'no region':
      return ['INVALID_CONFIGURATION', 'Set AWS_REGION'];
    case 'busy':
      return ['PARTITION_UNAVAILABLE', 'See that S3 can be reached'];
  }
}
