import { certain } from '../domain/certain.ts';
import { FREE_IDS_DEFAULT } from '../domain/pool.ts';
import type { MintAnswer, MintRequest, MintResult, Registry } from '../domain/registry.ts';

/** How far the free IDs that a top-up leaves may grow. */
const TARGET_MAX = FREE_IDS_DEFAULT;

/**
 * A registry that fills its own pool when a batch finds too few free IDs in it, and mints what failed for that
 * reason again. For registries whose pool nobody else looks after.
 *
 * @param first - free IDs to have before the second try; at least as many as the batch lacked. Each further time
 *   twice as many, up to 100,000: a pool that is filled in large steps is written faster, and minted from faster too
 */
export function toppingUp(registry: Registry, first: number): Registry {
  let target = first;
  const mint = async (requests: readonly MintRequest[]): Promise<MintResult> => {
    const { answers, warnings } = await registry.mint(requests);
    const short = [...requests.entries()].filter(([index]) => isShort(answers[index]));
    if (short.length === 0) return { answers, warnings };
    await registry.topUp(Math.max(target, short.length));
    target = Math.max(first, Math.min(2 * target, TARGET_MAX));
    const again = await registry.mint(short.map(([, request]) => request));
    const merged = [...answers];
    // One answer a request, in their order.
    for (const [position, [index]] of short.entries()) {
      merged[index] = certain(again.answers[position], 'An answer');
    }
    return { answers: merged, warnings: [...warnings, ...again.warnings] };
  };
  return { ...registry, mint, dryRun: () => toppingUp(registry.dryRun(), first) };
}

function isShort(answer: MintAnswer | undefined): boolean {
  const code = answer?.error?.code;
  return code === 'POOL_EXHAUSTED' || code === 'POOL_CORRUPT';
}
