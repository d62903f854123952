import type { MintRequest } from '../src/domain/registry.ts';
import { folio, sierra } from '../test/support/identifiers.ts';

/** Whose works they are: of one minter by its number, or of all of them. */
export type Owner = number | 'all';

/**
 * What a minter asks for a work. One work in five has a predecessor, of which every second one is
 * {@link knownBefore}; the others come along with the work that names them.
 *
 * @param isAware - whether this delivery of the work names its predecessor
 */
export function requestsFor(number: number, owner: Owner, isAware: boolean): MintRequest[] {
  const source = folio(`f${number} of ${owner}`);
  if (!isAware || !hasPredecessor(number)) return [{ source }];
  if (isKnownBefore(number)) return [{ source, predecessor: sierra(`b${number}`) }];
  const predecessor = sierra(`b${number} of ${owner}`);
  return [{ source, predecessor }, { source: predecessor }];
}

/** The predecessors that have to be in the registry before works of these numbers come. */
export function knownBefore(works: number): MintRequest[] {
  const numbers = Array.from({ length: works }, (_, number) => number);
  return numbers.filter(isKnownBefore).map(number => ({ source: sierra(`b${number}`) }));
}

function hasPredecessor(number: number): boolean {
  return number % 5 === 0;
}

/** Several minters' works then inherit from one record. */
function isKnownBefore(number: number): boolean {
  return hasPredecessor(number) && number % 2 === 0;
}
