import type { CanonicalId } from './canonical-id.ts';
import type { Warning } from './errors.ts';
import { IdMinterError } from './errors.ts';

/** How many free IDs a top-up leaves, unless ID_GENERATOR_DESIRED_FREE_IDS_COUNT or `--target` says otherwise. */
export const FREE_IDS_DEFAULT = 100_000;

/** The pool has fewer free IDs than a batch needs; none of them was taken. */
export function poolExhausted(needed: number, free: number): IdMinterError {
  const state =
    free === 0
      ? 'the pool is empty'
      : free < needed
        ? `the pool has ${free} free`
        : `the pool has ${free} free, but other minters hold them at this moment`;
  const remedy =
    free < needed
      ? 'Run `id-minter pool top-up`, then this batch again.'
      : 'Say the same again in a moment.';
  return new IdMinterError(
    'POOL_EXHAUSTED',
    `The batch needs ${needed} new canonical IDs and ${state}: none was taken. ${remedy}`,
    { needed, free, locked: free >= needed }
  );
}

/** Every free ID that was left turned out to be in use or malformed. */
export function poolCorrupt(needed: number, passedOver: readonly string[]): IdMinterError {
  return new IdMinterError(
    'POOL_CORRUPT',
    `The batch needs ${needed} new canonical IDs, and of those that the pool calls free ${passedOver.length} are in use ` +
      `or malformed (${passedOver.slice(0, 5).join(', ')}): none was handed out. Find out who writes to the pool, run ` +
      '`id-minter pool top-up`, then this batch again.',
    { needed, passedOver }
  );
}

export function passedOver(id: CanonicalId, why: 'in use' | 'malformed'): Warning {
  const done =
    why === 'in use'
      ? 'It is marked assigned now'
      : 'It was left as it is; remove it from canonical_ids';
  return {
    code: 'POOL_CORRUPT',
    message: `The pool called ${JSON.stringify(id)} free, but it is ${why}. It was not handed out. ${done}.`,
    details: { canonicalId: id, why },
  };
}
