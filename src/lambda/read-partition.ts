import { IdMinterError } from '../domain/errors.ts';
import type { FindWorkSurroundings } from '../runtime/open-find-work.ts';
import { readPartitionFile } from '../runtime/open-find-work.ts';
import type { MintingRequest, Partition } from './requests.ts';
import { readMintingRequest } from './requests.ts';

/** The request that a partition holds. */
export interface PartitionRequest {
  readonly jobId: string | undefined;
  readonly ids: readonly string[];
}

/**
 * Fetches a partition that find_work wrote.
 *
 * @throws IdMinterError INVALID_REQUEST where it holds no request with ids, or not as many as the reference says;
 *   PARTITION_REFUSED, PARTITION_UNAVAILABLE, INVALID_CONFIGURATION
 */
export async function readPartition(
  partition: Partition,
  surroundings: Pick<FindWorkSurroundings, 'environment' | 'signal'>
): Promise<PartitionRequest> {
  const { uri, count } = partition;
  const { jobId, selection } = parse(uri, await readPartitionFile(partition, surroundings));
  if (selection === 'all' || !('ids' in selection)) throw unfit(uri, 'it names no ids', selection);
  const { ids } = selection;
  if (count !== undefined && ids.length !== count) {
    throw unfit(uri, `it holds ${ids.length} ids where the request says ${count}`, ids.length);
  }
  return { jobId, ids };
}

function parse(uri: string, text: string): MintingRequest {
  try {
    return readMintingRequest(JSON.parse(text));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw unfit(uri, why.replace(/\.$/, ''), text.slice(0, 200), error);
  }
}

function unfit(uri: string, why: string, value: unknown, cause?: unknown): IdMinterError {
  return new IdMinterError(
    'INVALID_REQUEST',
    `The partition ${uri} cannot be minted: ${why}. Nothing was minted for it. Find the work anew, and mint that.`,
    { key: 's3_uri', value, allowed: 'a partition as find_work writes it', uri, cause }
  );
}
