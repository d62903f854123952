import pMap from 'p-map';
import type {
  FoundWork,
  IdSource,
  PartitionReference,
  PartitionStore,
} from '../domain/partitions.ts';
import { inBatches } from './in-batches.ts';

/** Partitions that are on their way to the store while further ids are read. */
const UPLOADS_AT_ONCE = 3;
/** A state machine passes on 256 KB, of which some is its own. */
const REPLY_MAX_BYTES = 200 * 1024;

export interface FindWorkOptions {
  readonly source: IdSource;
  readonly store: PartitionStore;
  readonly partitionSize: number;
  /** Of the whole; that of partition 7 is `<jobId>-p007`. */
  readonly jobId: string;
  /** Told how many ids stand in partitions so far. */
  readonly progress?: (ids: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Cuts the ids of a source into partitions, each of them a minting request. What is in memory are a few partitions, and
 * the references to all.
 *
 * @throws IdMinterError what the source and the store throw; partitions that were written by then are referred to by nobody
 */
export async function findWork(options: FindWorkOptions): Promise<FoundWork> {
  const { source, store, partitionSize, signal } = options;
  let written = 0;
  const partitions = await pMap(
    inBatches(source.ids(), partitionSize, signal),
    async (ids, place): Promise<PartitionReference> => {
      const request = { job_id: nameJob(options.jobId, place), source_identifiers: ids };
      const { uri } = await store.write(`partition-${place}.json`, JSON.stringify(request));
      written += ids.length;
      options.progress?.(written);
      return { s3_uri: uri, count: ids.length };
    },
    { concurrency: UPLOADS_AT_ONCE, signal }
  );
  // Where it came between two partitions, these are not all.
  signal.throwIfAborted();
  return await refer(partitions, store);
}

async function refer(
  partitions: readonly PartitionReference[],
  store: PartitionStore
): Promise<FoundWork> {
  const reply = { partitions };
  if (Buffer.byteLength(JSON.stringify(reply)) <= REPLY_MAX_BYTES) return reply;
  const { uri, bucket, key } = await store.write('manifest.json', JSON.stringify(partitions));
  return { manifest: { s3_uri: uri, bucket, key, partitions: partitions.length } };
}

function nameJob(base: string, place: number): string {
  return `${base}-p${String(place).padStart(3, '0')}`;
}
