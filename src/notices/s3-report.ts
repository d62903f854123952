import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { readAwsFailure } from '../aws/aws-failure.ts';
import { openS3 } from '../aws/s3.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { ReportPlace } from '../domain/notices.ts';
import { remedyFor } from './remedies.ts';

/** Parts of a long report that are in memory at once; each has the 5 MiB that S3 wants at least. */
const PARTS_AT_ONCE = 2;

export interface S3ReportPlace {
  readonly bucket: string;
  readonly key: string;
  /** Whether the bucket is named in the path and not in the host. */
  readonly pathStyle: boolean;
}

/** The report of a run as an object in a bucket, sent as it is read: its length costs no memory. */
export function s3Report({ bucket, key, pathStyle }: S3ReportPlace): ReportPlace & Disposable {
  const name = `s3://${bucket}/${key}`;
  let client: S3Client | undefined;
  return {
    name,
    async write(texts, signal) {
      try {
        signal.throwIfAborted();
        client ??= await openS3({ pathStyle });
        const { Upload } = await import('@aws-sdk/lib-storage');
        const upload = new Upload({
          client,
          queueSize: PARTS_AT_ONCE,
          params: {
            Bucket: bucket,
            Key: key,
            Body: Readable.from(inBytes(texts)),
            ContentType: 'application/json',
          },
        });
        const abort = (): void => void upload.abort();
        signal.addEventListener('abort', abort, { once: true });
        try {
          await upload.done();
        } finally {
          signal.removeEventListener('abort', abort);
        }
      } catch (cause) {
        throw cause instanceof IdMinterError ? cause : reportFailed(name, cause);
      }
    },
    [Symbol.dispose]: () => client?.destroy(),
  };
}

async function* inBytes(texts: AsyncIterable<string>): AsyncGenerator<Buffer, void, undefined> {
  for await (const text of texts) yield Buffer.from(text);
}

function reportFailed(name: string, cause: unknown): IdMinterError {
  const { kind, reason } = readAwsFailure(cause);
  const remedy = remedyFor(kind, {
    service: 'S3',
    right: 's3:PutObject (and kms:GenerateDataKey, where a key encrypts the bucket)',
    name: 'the bucket in S3_BUCKET',
  });
  return new IdMinterError(
    'REPORT_FAILED',
    `The report could not be written to ${name} (${reason}). The documents that the run counts are in the index, and all ` +
      `else of the run went on. ${remedy}, and say the same run again: it gives the same IDs and writes a report.`,
    { url: name, reason, cause }
  );
}
