import type { MintAnswer, MintRequest, MintResult, Registry } from '../domain/registry.ts';

/**
 * A registry that fills its own pool when a batch finds too few free IDs in it, and mints what failed for that
 * reason again. For registries whose pool nobody else looks after.
 *
 * @param target - free IDs to have before the second try; at least as many as the batch lacked
 */
export function toppingUp(registry: Registry, target: number): Registry {
  const mint = async (requests: readonly MintRequest[]): Promise<MintResult> => {
    const { answers, warnings } = await registry.mint(requests);
    const short = answers.flatMap((answer, index) => (isShort(answer) ? [index] : []));
    if (short.length === 0) return { answers, warnings };
    await registry.topUp(Math.max(target, short.length));
    const again = await registry.mint(short.flatMap(index => requests[index] ?? []));
    const merged = [...answers];
    for (const [position, index] of short.entries()) {
      const answer = again.answers[position];
      if (answer !== undefined) merged[index] = answer;
    }
    return { answers: merged, warnings: [...warnings, ...again.warnings] };
  };
  return { ...registry, mint, dryRun: () => toppingUp(registry.dryRun(), target) };
}

function isShort({ error }: MintAnswer): boolean {
  return error?.code === 'POOL_EXHAUSTED' || error?.code === 'POOL_CORRUPT';
}
