import { beginCall } from './call.ts';
import type { Invocation } from './deadline.ts';
import { watchDeadline } from './deadline.ts';
import { asReported } from './failing.ts';
import { withRegistry } from './warm-registry.ts';

/** What the pool holds now, and how many of it are new. */
export interface IdGeneratorReply {
  readonly status: 'success';
  readonly free: number;
  readonly added: number;
}

/**
 * Fills the pool to ID_GENERATOR_DESIRED_FREE_IDS_COUNT free canonical IDs. Whatever the event says means the same, so
 * that any schedule can start it.
 */
export async function handler(_event: unknown, invocation: Invocation): Promise<IdGeneratorReply> {
  using deadline = watchDeadline(invocation);
  try {
    const call = beginCall(invocation, deadline);
    const target = call.settings.ID_GENERATOR_DESIRED_FREE_IDS_COUNT;
    const { free, added } = await withRegistry(call, ({ registry }) => registry.topUp(target));
    call.log.info('Pool filled', { free, added });
    return { status: 'success', free, added };
  } catch (error) {
    throw asReported(error);
  }
}
