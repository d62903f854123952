import { cut } from './cut.ts';
import type { MintRequest } from './registry.ts';
import type { SourceIdentifier } from './source-identifier.ts';

/**
 * In which order the works of a read-ahead window are minted, so that a predecessor that one of them names reaches
 * its successor before a mere citation does: works that name a predecessor, and those they name, come first. Works
 * whose requests bear on each other stand in one batch, since batches of a group may be minted at the same time.
 *
 * @param works - the requests of each work
 * @param batchSize - works a batch; one whose works belong together may be larger
 * @returns groups, to be minted one after the other, of batches, of positions in `works` in ascending order
 */
export function planWindow(
  works: readonly (readonly MintRequest[])[],
  batchSize: number
): number[][][] {
  const predecessors = new Set<string>();
  const linked = new Set<string>();
  for (const { source, predecessor } of works.flat()) {
    if (!predecessor) continue;
    predecessors.add(linkOf(predecessor));
    linked.add(linkOf(source)).add(linkOf(predecessor));
  }
  if (linked.size === 0) return [[...cut([...works.keys()], batchSize)]].filter(hasAny);
  const first = new Map<number, readonly MintRequest[]>();
  const rest: number[] = [];
  for (const [position, requests] of works.entries()) {
    const isFirst = requests.some(
      ({ source, predecessor }) => predecessor || predecessors.has(linkOf(source))
    );
    if (isFirst) first.set(position, requests);
    else rest.push(position);
  }
  return [pack(connect(first, linked), batchSize), [...cut(rest, batchSize)]].filter(hasAny);
}

/** Works that share an identifier for which a predecessor is named, or that is one, in one set each. */
function connect(
  works: ReadonlyMap<number, readonly MintRequest[]>,
  linked: ReadonlySet<string>
): number[][] {
  const parents = new Map<number, number>();
  const rootOf = (position: number): number => {
    let at = position;
    for (let up = parents.get(at); up !== undefined; up = parents.get(at)) at = up;
    return at;
  };
  const owners = new Map<string, number>();
  for (const [position, requests] of works) {
    for (const { source, predecessor } of requests) {
      for (const identifier of predecessor ? [source, predecessor] : [source]) {
        const link = linkOf(identifier);
        if (!linked.has(link)) continue;
        const [a, b] = [rootOf(owners.get(link) ?? position), rootOf(position)];
        if (a !== b) parents.set(Math.max(a, b), Math.min(a, b));
        owners.set(link, position);
      }
    }
  }
  return [...Map.groupBy(works.keys(), rootOf).values()];
}

function hasAny(group: readonly unknown[]): boolean {
  return group.length > 0;
}

/** Fills batches with sets, of which there is one at least, whole ones only. */
function pack(sets: readonly (readonly number[])[], batchSize: number): number[][] {
  const batches: number[][] = [];
  let open: number[] = [];
  for (const set of sets) {
    if (open.length > 0 && open.length + set.length > batchSize) {
      batches.push(open);
      open = [];
    }
    open.push(...set);
  }
  return [...batches, open].map(batch => batch.sort((a, b) => a - b));
}

/** Coarser than identity: types that fold and spellings that a collation confuses shall meet as well. */
function linkOf({ sourceSystem, value }: SourceIdentifier): string {
  return `${sourceSystem.length}:${sourceSystem}${value}`.toLowerCase().trimEnd();
}
