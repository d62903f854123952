import type { Random } from '../../scripts/invented-identifiers.ts';
import { between, pick } from '../../scripts/invented-identifiers.ts';
import type { MintRequest } from '../../src/domain/registry.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';

/** One of two minters on the same database. */
export type Who = 0 | 1;

/** An ID that the model picks when it comes to it, by its place among those that are free or assigned; or a text. */
export type IdOf =
  | { readonly of: 'free' | 'assigned'; readonly place: number }
  | { readonly text: string };

export interface ImportLine {
  readonly source: SourceIdentifier;
  readonly id: IdOf;
}

/** `at` counts the calls that minting makes of its transaction, from 1; one that has fewer is not met in the middle. */
export type Step =
  | { readonly do: 'mint' | 'dry run'; readonly who: Who; readonly batch: readonly MintRequest[] }
  /** A call fails for good, and the batch with it; the minter goes on. */
  | {
      readonly do: 'mint, failing';
      readonly who: Who;
      readonly batch: readonly MintRequest[];
      readonly at: number;
    }
  /** The connections are dropped in the middle, and the minter goes on by itself. */
  | {
      readonly do: 'mint, cut';
      readonly who: Who;
      readonly batch: readonly MintRequest[];
      readonly at: number;
    }
  /** The minter dies in the middle, or before it could answer; then both minters are opened anew. */
  | {
      readonly do: 'crash';
      readonly who: Who;
      readonly batch: readonly MintRequest[];
      readonly at: number;
    }
  | {
      readonly do: 'race';
      readonly batches: readonly [readonly MintRequest[], readonly MintRequest[]];
    }
  | { readonly do: 'look up'; readonly who: Who; readonly sources: readonly SourceIdentifier[] }
  | { readonly do: 'look back'; readonly who: Who; readonly ids: readonly IdOf[] }
  | { readonly do: 'count'; readonly who: Who }
  | { readonly do: 'top up'; readonly who: Who; readonly target: number }
  | { readonly do: 'import'; readonly who: Who; readonly lines: readonly ImportLine[] }
  | { readonly do: 'reopen'; readonly who: Who; readonly remembers: boolean };

type Doing = Step['do'];

/** In a hundred steps. */
const SHARES: readonly (readonly [doing: Doing, share: number])[] = [
  ['mint', 48],
  ['look up', 10],
  ['top up', 9],
  ['import', 7],
  ['look back', 4],
  ['count', 4],
  ['race', 4],
  ['dry run', 4],
  ['crash', 3],
  ['reopen', 3],
  ['mint, cut', 2],
  ['mint, failing', 2],
];

const TYPES = ['Work', 'Work', 'Concept', 'Person', 'Genre', 'work'] as const;
const SYSTEMS = ['tms', 'tms', 'miro', 'Miro'] as const;
const VALUES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'A', 'á', 'a ', 'B', ''] as const;
/** What no registry takes; and ł, which latin1 lacks. */
const ODD_SOURCES: readonly [SourceIdentifier, ...SourceIdentifier[]] = [
  { ontologyType: '', sourceSystem: 'tms', value: 'a' },
  { ontologyType: 'Work[', sourceSystem: 'tms', value: 'a' },
  { ontologyType: 'Work', sourceSystem: 'tms/', value: 'a' },
  { ontologyType: 'Work', sourceSystem: 'tms', value: 'a'.repeat(256) },
  { ontologyType: 'Work', sourceSystem: 'tms', value: '\ud800' },
  { ontologyType: 'Work', sourceSystem: 'tms', value: 'ł' },
];
const TEXTS = [
  'aaaaaaa2',
  'bbbbbbb3',
  'ccccccc4',
  'ddddddd5',
  'A2345678',
  'a234567',
  'l2345678',
  '',
] as const;

/** A sequence that does not depend on what it is answered, so that it can be played again with steps left out. */
export function drawSteps(count: number, random: Random): Step[] {
  // Of some sequences nearly all identifiers meet, of others few.
  const values = VALUES.slice(0, between(1, VALUES.length, random)) as [string, ...string[]];
  const spellings = random() < 0.5 ? (VALUES.slice(-5) as [string, ...string[]]) : values;
  const source = (): SourceIdentifier =>
    random() < 0.01
      ? pick(ODD_SOURCES, random)
      : {
          ontologyType: pick(TYPES, random),
          sourceSystem: pick(SYSTEMS, random),
          value: pick(random() < 0.8 ? values : spellings, random),
        };
  const some = <T>(one: () => T, most: number) =>
    Array.from({ length: between(0, most, random) }, one);
  const batch = () =>
    some(
      (): MintRequest => ({ source: source(), ...(random() < 0.4 && { predecessor: source() }) }),
      6
    );
  const id = (): IdOf => {
    const choice = random();
    const place = between(0, 999, random);
    if (choice < 0.4) return { of: 'assigned', place };
    return choice < 0.7 ? { of: 'free', place } : { text: pick(TEXTS, random) };
  };
  const who = () => between(0, 1, random) as Who;
  const draw = (): Step => {
    const doing = drawDoing(random);
    switch (doing) {
      case 'mint':
      case 'dry run':
        return { do: doing, who: who(), batch: batch() };
      case 'mint, cut':
      case 'mint, failing':
      case 'crash':
        return { do: doing, who: who(), batch: batch(), at: between(1, 7, random) };
      case 'race':
        return { do: doing, batches: [batch(), batch()] };
      case 'look up':
        return { do: doing, who: who(), sources: some(source, 4) };
      case 'look back':
        return { do: doing, who: who(), ids: some(id, 3) };
      case 'count':
        return { do: doing, who: who() };
      case 'top up':
        return { do: doing, who: who(), target: between(1, 12, random) };
      case 'import':
        return { do: doing, who: who(), lines: some(() => ({ source: source(), id: id() }), 4) };
      case 'reopen':
        return { do: doing, who: who(), remembers: random() < 0.5 };
    }
  };
  return Array.from({ length: count }, draw);
}

function drawDoing(random: Random): Doing {
  let rest = random() * 100;
  for (const [doing, share] of SHARES) {
    rest -= share;
    if (rest < 0) return doing;
  }
  return 'mint';
}
