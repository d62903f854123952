import { createHash, randomInt } from 'node:crypto';
import { readPartitionText, s3Partitions } from '../documents/s3-partitions.ts';
import type { IndexSelection } from '../domain/documents.ts';
import { newJobId } from '../domain/job-id.ts';
import type { IdSource, PartitionStore, StoredObject } from '../domain/partitions.ts';
import { namesBucketsInPaths } from './aws-endpoint.ts';
import { locateIndex } from './index-location.ts';
import { openIndexedIds } from './open-documents.ts';
import type { Environment, Settings } from './settings.ts';

/** What shall be cut into partitions, and what they are called. */
export interface WorkSought {
  readonly selection: IndexSelection;
  readonly pipelineDate?: string | undefined;
  readonly graphDate?: string | undefined;
  /** How the index is found: public, private or local; undefined for what the environment says. */
  readonly mode?: string | undefined;
}

export interface FindWorkSurroundings {
  readonly environment: Environment;
  readonly settings: Settings;
  readonly signal: AbortSignal;
}

/** Where ids come from and partitions go to. */
export interface FindWorkEnds extends AsyncDisposable {
  readonly source: IdSource;
  readonly store: PartitionStore;
  /** Ends the folder of the partitions; no other run has it. */
  readonly run: string;
}

/** Ids that are written out in a path; more are told by a hash. */
const IDS_IN_PATH = 5;
/** A key has 1,024 bytes. */
const PATH_OF_IDS_MAX = 400;

/**
 * Opens the source index, unless the ids are known already, and the folder in S3 that the partitions go to:
 * `graph-<date>/pipeline-<date>/<service>/find_work/<scope>/<run>`.
 *
 * @throws IdMinterError INVALID_CONFIGURATION, INDEX_NOT_FOUND, INDEX_ACCESS_DENIED, INDEX_UNAVAILABLE
 */
export async function openFindWork(
  sought: WorkSought,
  surroundings: FindWorkSurroundings
): Promise<FindWorkEnds> {
  const { settings, environment, signal } = surroundings;
  const run = newJobId(new Date(), randomInt);
  const source = await openIds(sought, surroundings);
  const store = s3Partitions(
    { bucket: settings.CATALOGUE_GRAPH_S3_BUCKET, folder: nameFolder(sought, { run, settings }) },
    { pathStyle: namesBucketsInPaths(environment), signal }
  );
  return {
    source,
    store,
    run,
    async [Symbol.asyncDispose]() {
      store[Symbol.dispose]();
      await source[Symbol.asyncDispose]();
    },
  };
}

/**
 * The text of an object in S3.
 *
 * @throws IdMinterError PARTITION_REFUSED, PARTITION_UNAVAILABLE, INVALID_CONFIGURATION
 */
export async function readPartitionFile(
  object: Pick<StoredObject, 'bucket' | 'key'>,
  { environment, signal }: Pick<FindWorkSurroundings, 'environment' | 'signal'>
): Promise<string> {
  return await readPartitionText(object, { pathStyle: namesBucketsInPaths(environment), signal });
}

/** Ids that are named go on as they are: the minter names those that the index does not have. */
async function openIds(
  { selection, mode, pipelineDate }: WorkSought,
  { environment, settings, signal }: FindWorkSurroundings
): Promise<IdSource & AsyncDisposable> {
  if (selection !== 'all' && 'ids' in selection) return listOf(selection.ids);
  const address = await locateIndex('SOURCE', { mode, pipelineDate }, { environment, settings });
  return await openIndexedIds(address, selection, { signal });
}

function listOf(ids: readonly string[]): IdSource & AsyncDisposable {
  return {
    name: 'the request',
    total: ids.length,
    async *ids() {
      yield* ids;
    },
    async [Symbol.asyncDispose]() {},
  };
}

function nameFolder(
  { selection, graphDate, pipelineDate }: WorkSought,
  { run, settings }: { run: string; settings: Settings }
): string {
  const { GRAPH_DATE, PIPELINE_DATE, ID_MINTER_S3_PREFIX } = settings;
  return [
    `graph-${graphDate ?? GRAPH_DATE ?? 'prod'}`,
    `pipeline-${pipelineDate ?? PIPELINE_DATE ?? 'dev'}`,
    ID_MINTER_S3_PREFIX,
    'find_work',
    nameScope(selection),
    run,
  ].join('/');
}

function nameScope(selection: IndexSelection): string {
  if (selection === 'all') return 'full';
  if ('window' in selection) {
    const minute = (time: Date) => time.toISOString().slice(0, 16).replaceAll(/[-:]/g, '');
    return `windows/${minute(selection.window.start)}-${minute(selection.window.end)}`;
  }
  const { ids } = selection;
  const joined = ids.join('_');
  const isShort = ids.length <= IDS_IN_PATH && Buffer.byteLength(joined) <= PATH_OF_IDS_MAX;
  // A key is UTF-8, which has no halves of characters.
  if (isShort && joined.isWellFormed()) return `by_id/${joined}`;
  return `by_id/hash_${createHash('sha256').update(joined).digest('hex').slice(0, 12)}`;
}
