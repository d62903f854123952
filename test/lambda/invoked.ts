import { expect } from 'vitest';
import type { Invoked } from '../support/lambda/test-lambda.ts';

/** What a function replied, which did not fail. */
export function replyOf(invoked: Invoked): unknown {
  expect(invoked.error).toBeUndefined();
  return 'reply' in invoked ? invoked.reply : undefined;
}

/** How a function failed. */
export function errorOf({ error }: Invoked): Invoked['error'] {
  return error;
}
