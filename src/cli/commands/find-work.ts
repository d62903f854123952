import type { IndexSelection } from '../../domain/documents.ts';
import { IdMinterError } from '../../domain/errors.ts';
import type { FoundWork } from '../../domain/partitions.ts';
import { parseWindow } from '../../domain/time-window.ts';
import { boundHeap } from '../../runtime/heap.ts';
import { openFindWork } from '../../runtime/open-find-work.ts';
import { readSettings } from '../../runtime/settings.ts';
import { findWork } from '../../steps/find-work.ts';
import { EXIT } from '../exit.ts';
import type { CommonOptions, Io } from '../io.ts';
import { speech } from '../io.ts';
import { describeRun, startProgress } from '../progress.ts';

export interface FindWorkOptions extends CommonOptions {
  readonly ids?: readonly string[];
  readonly windowStart?: string;
  readonly windowEnd?: string;
  readonly full?: boolean;
  readonly pipelineDate?: string;
  readonly graphDate?: string;
  readonly esMode?: string;
  readonly partitionSize: number;
  readonly jobId?: string;
}

/** `id-minter find-work`: the ids of works, in partitions in S3 that the minters of a state machine take. */
export async function findWorkInIndex(options: FindWorkOptions, io: Io): Promise<number> {
  const selection = readSelection(options);
  const { environment, signal } = io;
  const settings = readSettings(environment);
  boundHeap();
  const speak = speech(io, options);
  await using ends = await openFindWork(
    {
      selection,
      pipelineDate: options.pipelineDate,
      graphDate: options.graphDate,
      mode: options.esMode,
    },
    { environment, settings, signal }
  );
  const { source, store, run } = ends;
  let written = 0;
  using progress = startProgress(io, options, seconds => {
    const share = source.total > 0 ? written / source.total : undefined;
    return describeRun({ done: written, unit: 'works', share, whole: source.name }, seconds);
  });
  const found = await findWork({
    source,
    store,
    partitionSize: options.partitionSize,
    jobId: options.jobId ?? run,
    progress: ids => {
      written = ids;
    },
    signal,
  });
  progress.stop();
  speak.data(JSON.stringify(found));
  speak.say(
    `Found ${written} works of ${source.name}: ${countPartitions(found)} partitions in ${store.name}`
  );
  return EXIT.done;
}

function countPartitions(found: FoundWork): number {
  return 'manifest' in found ? found.manifest.partitions : found.partitions.length;
}

/** Exactly one of ids, window and full says which works are meant. */
function readSelection(options: FindWorkOptions): IndexSelection {
  const { ids, windowStart: start, windowEnd: end, full, registry } = options;
  if (registry !== undefined) {
    throw usage('find-work asks no registry: leave --registry out.');
  }
  const isWindow = start !== undefined || end !== undefined;
  if ([ids !== undefined, isWindow, full === true].filter(Boolean).length !== 1) {
    throw usage(
      'Give one of --ids, --window-start with --window-end, and --full: it says which works are meant.'
    );
  }
  if (isWindow) return { window: parseWindow({ start, end }) };
  if (ids === undefined) return 'all';
  const named = [...new Set(ids.map(id => id.trim()))];
  if (named.includes('')) throw usage('One of the --ids is empty.');
  return { ids: named };
}

function usage(message: string): IdMinterError {
  return new IdMinterError('USAGE', `${message} Nothing was done.`);
}
