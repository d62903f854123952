import type { S3Client } from '@aws-sdk/client-s3';
import { AWS_TIMEOUTS } from './aws-failure.ts';

/**
 * Opens S3. Credentials, region and endpoint are found as every AWS tool finds them; what is passing is tried again by
 * AWS's own client.
 *
 * @param pathStyle - whether a bucket is named in the path and not in the host: services beside AWS's own need it
 */
export async function openS3({ pathStyle }: { pathStyle: boolean }): Promise<S3Client> {
  const { S3Client } = await import('@aws-sdk/client-s3');
  return new S3Client({
    forcePathStyle: pathStyle,
    followRegionRedirects: true,
    requestHandler: AWS_TIMEOUTS,
  });
}
