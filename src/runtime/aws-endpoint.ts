import type { Environment } from './settings.ts';

/** Whether S3 is another service than AWS's own, which is reached by paths and not by a host for each bucket. */
export function namesBucketsInPaths(environment: Environment): boolean {
  return Boolean(environment['AWS_ENDPOINT_URL_S3'] ?? environment['AWS_ENDPOINT_URL']);
}
