import type { FoundWork } from '../domain/partitions.ts';
import { boundHeap } from '../runtime/heap.ts';
import { openFindWork } from '../runtime/open-find-work.ts';
import { readSettings } from '../runtime/settings.ts';
import { PARTITION_SIZE } from '../steps/batch-defaults.ts';
import { findWork } from '../steps/find-work.ts';
import { asReported } from './failing.ts';
import { readFindWorkEvent } from './requests.ts';

/**
 * Finds the works that a schedule, a window, ids or `full` mean, and cuts them into partitions for the minters of a state
 * machine.
 *
 * @throws Error of the name INVALID_REQUEST, before anything is opened, or of the code of what failed as a whole
 */
export async function handler(event: unknown): Promise<FoundWork> {
  try {
    const request = readFindWorkEvent(event);
    boundHeap();
    const environment = process.env;
    const settings = readSettings(environment);
    // Nothing is lost when the function is stopped: no partition is minted before all are written.
    const { signal } = new AbortController();
    await using ends = await openFindWork(request, { environment, settings, signal });
    return await findWork({
      source: ends.source,
      store: ends.store,
      partitionSize: request.partitionSize ?? PARTITION_SIZE,
      jobId: request.jobId ?? ends.run,
      signal,
    });
  } catch (error) {
    throw asReported(error);
  }
}
