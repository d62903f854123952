import { IdMinterError } from '../domain/errors.ts';
import type { Call } from './call.ts';
import { beginCall } from './call.ts';
import type { Invocation } from './deadline.ts';
import { watchDeadline } from './deadline.ts';
import { asReported } from './failing.ts';
import type { MintReply } from './mint-request.ts';
import { beforeDeadline, mintRequest } from './mint-request.ts';
import type { MintingEvent } from './requests.ts';
import { readMintingEvent } from './requests.ts';

/** The items of a batch that have to come again. */
export interface BatchReply {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

type Batch = Extract<MintingEvent, { readonly kind: 'batch' }>;

/**
 * Mints the works that a request names, out of one index into another. A batch of requests is answered with those of them
 * that failed, so that what delivered it brings only these again.
 *
 * @throws Error of the name INVALID_REQUEST, before anything is opened; DEADLINE, ALL_WORKS_FAILED, or the code of what
 *   failed as a whole
 */
export async function handler(
  event: unknown,
  invocation: Invocation
): Promise<MintReply | BatchReply> {
  using deadline = watchDeadline(invocation);
  try {
    const asked = readMintingEvent(event);
    const call = beginCall(invocation, deadline);
    if (asked.kind === 'batch') return await mintBatch(asked, call);
    return await mintRequest(asked.request, call);
  } catch (error) {
    throw asReported(error);
  }
}

/** One after the other: each has a report of its own, and a batch is no more than a few works. */
async function mintBatch({ items }: Batch, call: Call): Promise<BatchReply> {
  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const { itemIdentifier, request } of items) {
    try {
      if (request instanceof IdMinterError) throw request;
      if (call.deadline.stop.aborted) throw beforeDeadline('Nothing was minted for it');
      await mintRequest(request, call);
    } catch (error) {
      call.log.error('Item of a batch failed', error, { item: itemIdentifier });
      batchItemFailures.push({ itemIdentifier });
    }
  }
  return { batchItemFailures };
}
