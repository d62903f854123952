import type { SourceIdentifier } from '../src/domain/source-identifier.ts';

/** A number in 0 ≤ x < 1. */
export type Random = () => number;

/** Something that a work is about, is by, or was made at: a label and what a source system calls it. */
export interface InventedConcept {
  readonly source: SourceIdentifier;
  readonly label: string;
}

export type Inventor = ReturnType<typeof createInventor>;

/**
 * The generator mulberry32: a few lines of whole-number arithmetic, so the same seed gives the same numbers on
 * every platform. Good enough to vary invented data, never to draw canonical IDs that someone will use.
 */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(choices: readonly [T, ...T[]], random: Random): T {
  return choices[Math.floor(random() * choices.length)] ?? choices[0];
}

/** A whole number from `low` to `high`, both included. */
export function between(low: number, high: number, random: Random): number {
  return low + Math.floor(random() * (high - low + 1));
}

/**
 * Makes up values that look like those of real source systems. No value comes twice from one inventor, not even
 * in another case, because each is made from a number of its own: what was given out need not be remembered.
 * All of them are ASCII, shorter than 255 characters and without outer spaces, so every registry can hold them.
 *
 * The calls throw RangeError once a system has no more numbers, after 9 million sierra numbers at the earliest.
 */
export function createInventor(seed: number, random: Random) {
  const start = startOf(seed);
  const series = (name: string, size: number | bigint) => createSeries(name, BigInt(size), start);

  const bNumbers = series('sierra record', 9_000_000);
  const iNumbers = series('sierra item', 9_000_000);
  const uuids = series('UUID', 2 ** 32);
  const miroNumbers = series('Miro', MIRO_LETTERS.length * 1e7);
  const ebscoNumbers = series('EBSCO', 90_000_000);
  const names = series('name', SYLLABLES.length ** SYLLABLES_A_NAME);
  const authorities = {
    'lc-names': series('lc-names', LC_NAME_PREFIXES.length * AUTHORITY_YEARS * 1e6),
    'lc-subjects': series('lc-subjects', AUTHORITY_YEARS * 1e6),
    'lc-gmgpc': series('lc-gmgpc', 1e6),
    'nlm-mesh': series('nlm-mesh', 1e12),
    viaf: series('viaf', 1e9),
    wikidata: series('wikidata', 1e9),
    fihrist: series('fihrist', 1e9),
  };

  const name = () => spell(names());
  const authorityValue = (system: keyof typeof authorities) =>
    AUTHORITY_FORMS[system](authorities[system]());

  return {
    /** A record of a library system, e.g. `b28065037`; the last character is a check digit, 0-9 or x. */
    bNumber: () => `b${withCheckDigit(1_000_000 + bNumbers())}`,
    /** A copy in a library system, e.g. `i17568259`; checked like a record's number. */
    iNumber: () => `i${withCheckDigit(1_000_000 + iNumbers())}`,
    uuid: () => formatUuid(uuids(), random),
    /** A photograph, e.g. `L0045118`. */
    miroNumber: () => {
      const number = miroNumbers();
      return (
        MIRO_LETTERS.charAt(number % MIRO_LETTERS.length) + digits(number / MIRO_LETTERS.length, 7)
      );
    },
    /** A journal, e.g. `ebs13464308e`. */
    ebscoNumber: () => `ebs${10_000_000 + ebscoNumbers()}e`,
    /** A place in an archive's tree, e.g. `VELORIKA/A/12`. */
    archiveReference: () =>
      `${name().toUpperCase()}/${pick(['A', 'B', 'C', 'Corr'], random)}/${between(1, 40, random)}`,
    /** A manuscript's shelf mark, e.g. `MS.Velorika.12`. */
    manuscript: () => `MS.${name()}.${between(1, 400, random)}`,
    concept: (): InventedConcept => {
      const { ontologyType, systems, label: write } = pick(CONCEPT_KINDS, random);
      const sourceSystem = pick(systems, random);
      const label = write(name(), random);
      const value =
        sourceSystem === 'label-derived' ? deriveValue(label) : authorityValue(sourceSystem);
      return { source: { ontologyType, sourceSystem, value }, label };
    },
  };
}

/** A name to make titles of, e.g. `Velorika`; it is no identifier and may come twice. */
export function inventName(random: Random): string {
  return spell(Math.floor(random() * SYLLABLES.length ** SYLLABLES_A_NAME));
}

/** Where the series of a seed start. */
export function startOf(seed: number): bigint {
  const random = seededRandom(seed);
  const half = () => BigInt(Math.floor(random() * 2 ** 32));
  return (half() << 32n) | half();
}

/**
 * The numbers 0 … size-1, each once, in an order that looks like none: neighbours in the works are not
 * neighbours in the registry's indexes. A seed moves the start, so the numbers of two seeds seldom meet.
 *
 * @throws RangeError from the call after the last number
 */
export function createSeries(name: string, size: bigint, start: bigint): () => number {
  let count = 0n;
  return () => {
    if (count === size) {
      throw new RangeError(
        `All ${size} ${name} numbers are used up. Generate fewer works at once.`
      );
    }
    const number = (count * STRIDE + start) % size;
    count += 1n;
    return Number(number);
  };
}

// A prime that divides none of the sizes: so no number comes twice before all have come once.
const STRIDE = 0x9e37_79b1_85eb_ca87n;

const MIRO_LETTERS = 'BCLMNSVW';
const LC_NAME_PREFIXES = ['n', 'nb', 'no', 'nr'] as const;
const AUTHORITY_YEARS = 24; // from 2001 on, when the numbers began to hold the year in four digits

const SYLLABLES = [...'bcdfghjklmnprstvwz'].flatMap(consonant =>
  [...'aeiou'].map(vowel => consonant + vowel)
);
const SYLLABLES_A_NAME = 4;

const FORENAMES = ['Ada', 'Björn', 'Clara', 'Émile', 'Farid', 'Ingrid', 'José', 'Zoë'] as const;

type System = 'label-derived' | keyof typeof AUTHORITY_FORMS;

interface ConceptKind {
  readonly ontologyType: string;
  readonly systems: readonly [System, ...System[]];
  readonly label: (name: string, random: Random) => string;
}

const person: ConceptKind = {
  ontologyType: 'Person',
  systems: ['label-derived', 'label-derived', 'lc-names', 'lc-names', 'viaf', 'fihrist'],
  label: (name, random) => {
    const birth = between(1500, 1940, random);
    return `${name}, ${pick(FORENAMES, random)}, ${birth}-${birth + between(20, 80, random)}.`;
  },
};
const topic: ConceptKind = {
  ontologyType: 'Concept',
  systems: ['label-derived', 'lc-subjects', 'nlm-mesh', 'wikidata'],
  label: (name, random) =>
    `${name} ${pick(['fever', 'remedies', 'anatomy', 'surgery', 'botany'], random)}`,
};
const place: ConceptKind = {
  ontologyType: 'Place',
  systems: ['label-derived', 'label-derived', 'lc-names', 'nlm-mesh'],
  label: (name, random) => `${name} (${pick(['Island', 'River', 'County'], random)})`,
};
const organisation: ConceptKind = {
  ontologyType: 'Organisation',
  systems: ['label-derived', 'lc-names'],
  label: (name, random) => `${name} ${pick(['Hospital', 'Society', 'Académie'], random)}.`,
};

/** Kinds that stand here more than once come more often. */
const CONCEPT_KINDS: readonly [ConceptKind, ...ConceptKind[]] = [
  person,
  person,
  person,
  person,
  topic,
  topic,
  topic,
  topic,
  place,
  place,
  organisation,
  {
    ontologyType: 'Agent',
    systems: ['label-derived'],
    label: name => `${name} & Co.`,
  },
  {
    ontologyType: 'Meeting',
    systems: ['label-derived', 'lc-names'],
    label: (name, random) => `Congress of ${name} (${between(1850, 1990, random)})`,
  },
  {
    ontologyType: 'Genre',
    systems: ['label-derived', 'lc-gmgpc'],
    label: (name, random) => `${name} ${pick(['etchings', 'posters', 'diaries'], random)}`,
  },
  {
    ontologyType: 'Period',
    systems: ['label-derived'],
    label: (name, random) => {
      const from = between(1400, 1900, random);
      return `${from}-${from + between(5, 60, random)}, ${name} dynasty`;
    },
  },
];

const AUTHORITY_FORMS = {
  'lc-names': (number: number) => {
    const prefix = LC_NAME_PREFIXES[number % LC_NAME_PREFIXES.length];
    return `${prefix}${yearAndNumber(Math.floor(number / LC_NAME_PREFIXES.length))}`;
  },
  'lc-subjects': (number: number) => `sh${yearAndNumber(number)}`,
  'lc-gmgpc': (number: number) => `tgm${digits(number, 6)}`,
  'nlm-mesh': (number: number) => `D${digits(number / 1e6, 6)}Q${digits(number % 1e6, 6)}`,
  viaf: (number: number) => `${number}`,
  wikidata: (number: number) => `Q${number}`,
  fihrist: (number: number) => `person_${number}`,
};

/** Sierra's check digit: the digits weighted 2, 3, 4 … from the right, the sum modulo 11, ten written as x. */
function withCheckDigit(number: number): string {
  const sum = [...String(number)]
    .reverse()
    .reduce((total, digit, place) => total + Number(digit) * (place + 2), 0);
  return `${number}${sum % 11 === 10 ? 'x' : sum % 11}`;
}

/** A version 4 UUID; the number in front makes it unique, the rest varies. */
function formatUuid(number: number, random: Random): string {
  const hex = (length: number) => hexadecimal(Math.floor(random() * 16 ** length), length);
  const variant = pick(['8', '9', 'a', 'b'], random);
  return `${hexadecimal(number, 8)}-${hex(4)}-4${hex(3)}-${variant}${hex(3)}-${hex(6)}${hex(6)}`;
}

/** A number as a name of four syllables, e.g. `Velorika`; other numbers have other names. */
function spell(number: number): string {
  let name = '';
  let rest = number;
  for (let syllable = 0; syllable < SYLLABLES_A_NAME; syllable += 1) {
    name += SYLLABLES[rest % SYLLABLES.length];
    rest = Math.floor(rest / SYLLABLES.length);
  }
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** The value that transformers derive from a label: no final full stop, lower-case, ASCII only. */
function deriveValue(label: string): string {
  return label
    .replace(/\.$/, '')
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\P{ASCII}/gu, '')
    .trim();
}

function yearAndNumber(number: number): string {
  return `${2001 + (number % AUTHORITY_YEARS)}${digits(number / AUTHORITY_YEARS, 6)}`;
}

function digits(number: number, length: number): string {
  return String(Math.floor(number)).padStart(length, '0');
}

function hexadecimal(number: number, length: number): string {
  return number.toString(16).padStart(length, '0');
}
