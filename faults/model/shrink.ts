import type { MintRequest } from '../../src/domain/registry.ts';
import type { Step } from './steps.ts';

/** Enough for a sequence of 50 steps; where each try is slow, it stays longer than it need be. */
const TRIES_MAX = 500;
const SHRINKING_MS = 60_000;

export interface Shrunk {
  readonly steps: readonly Step[];
  /** How the shortest one failed; undefined where the sequence did not fail again. */
  readonly why: string | undefined;
}

/** Leaves out steps, and then requests of batches, as long as the rest still fails. */
export async function shrink(
  steps: readonly Step[],
  play: (steps: readonly Step[]) => Promise<unknown>
): Promise<Shrunk> {
  let shortest = steps;
  let why: string | undefined;
  let tries = 0;
  const until = performance.now() + SHRINKING_MS;
  const goesOn = () => tries < TRIES_MAX && performance.now() < until;
  const attempt = async (candidate: readonly Step[]): Promise<boolean> => {
    tries += 1;
    try {
      await play(candidate);
      return false;
    } catch (error) {
      shortest = candidate;
      why = error instanceof Error ? error.message : String(error);
      return true;
    }
  };
  for (
    let size = Math.ceil(steps.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < shortest.length && goesOn(); ) {
      if (!(await attempt(shortest.toSpliced(at, size)))) at += size;
    }
  }
  for (let at = 0; at < shortest.length; at += 1) {
    for (let index = 0; goesOn(); ) {
      const smaller = withoutRequest(shortest[at], index);
      if (smaller === undefined) break;
      if (!(await attempt(shortest.with(at, smaller)))) index += 1;
    }
  }
  return { steps: shortest, why };
}

/** @returns undefined where it has no such request */
function withoutRequest(step: Step | undefined, index: number): Step | undefined {
  if (step === undefined) return undefined;
  if ('batch' in step && index < step.batch.length) {
    return { ...step, batch: step.batch.toSpliced(index, 1) };
  }
  if ('lines' in step && index < step.lines.length) {
    return { ...step, lines: step.lines.toSpliced(index, 1) };
  }
  if ('batches' in step) {
    const [first, second]: readonly [readonly MintRequest[], readonly MintRequest[]] = step.batches;
    const after = index - first.length;
    if (after < 0) return { ...step, batches: [first.toSpliced(index, 1), second] };
    if (after < second.length) return { ...step, batches: [first, second.toSpliced(after, 1)] };
  }
  return undefined;
}
