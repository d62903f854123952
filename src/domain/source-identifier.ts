import { IdMinterError } from './errors.ts';

/** What a source system calls a thing: three parts, the same if and only if all three are, code point by code point. */
export interface SourceIdentifier {
  readonly ontologyType: string;
  readonly sourceSystem: string;
  readonly value: string;
}

/** A source identifier as the registry holds it: its type is folded. Only {@link foldConcept} makes one. */
export type FoldedIdentifier = SourceIdentifier & { readonly __brand: 'folded' };

/** Names a source identifier in maps. Unlike the text form, it is unambiguous whatever the parts hold. */
export type SourceKey = string & { readonly __brand: 'SourceKey' };

/** Whether a registry can store a text as it is. */
export type CanStore = (text: string) => boolean;

/** The longest part, in characters (code points): the columns are VARCHAR(255). */
export const PART_LENGTH_MAX = 255;

/**
 * The types that are looked up as `Concept` unless the registry says otherwise: one heading has one canonical
 * ID, whether a work calls it a person, an agent or a genre.
 */
export const DEFAULT_CONCEPT_TYPES: readonly string[] = [
  'Person',
  'Organisation',
  'Place',
  'Agent',
  'Meeting',
  'Genre',
  'Period',
];

/** What those types are looked up as. */
export const CONCEPT = 'Concept';

/** The text form, `Work[sierra-system-number/b1000001]`; the inverse of {@link parseSourceIdentifier}. */
export function formatSourceIdentifier({
  ontologyType,
  sourceSystem,
  value,
}: SourceIdentifier): string {
  return `${ontologyType}[${sourceSystem}/${value}]`;
}

/**
 * Reads the text form: the type up to the first `[`, the system up to the first `/`, the value up to the final `]`.
 *
 * @throws IdMinterError INVALID_IDENTIFIER
 */
export function parseSourceIdentifier(text: string): SourceIdentifier {
  const bracket = text.indexOf('[');
  const slash = text.indexOf('/', bracket + 1);
  if (bracket < 0 || slash < 0 || !text.endsWith(']')) {
    throw new IdMinterError(
      'INVALID_IDENTIFIER',
      `${quote(text)} is not a source identifier, so no ID was given to it. Write it as Type[system/value], for example ` +
        'Work[sierra-system-number/b1000001].',
      { value: text }
    );
  }
  return checkSourceIdentifier({
    ontologyType: text.slice(0, bracket),
    sourceSystem: text.slice(bracket + 1, slash),
    value: text.slice(slash + 1, -1),
  });
}

/**
 * Checks what came from outside, part by part.
 *
 * @param what - names the identifier in the error, e.g. "source identifier" or "predecessor"
 * @throws IdMinterError INVALID_IDENTIFIER with the part, its value and why, in `details`
 */
export function checkSourceIdentifier(
  candidate: unknown,
  { what = 'source identifier', canStore }: { what?: string; canStore?: CanStore } = {}
): SourceIdentifier {
  if (typeof candidate !== 'object' || candidate === null) {
    throw invalid(what, 'as a whole', candidate, 'is not an object');
  }
  const { ontologyType, sourceSystem, value } = candidate as Partial<Record<string, unknown>>;
  return {
    ontologyType: checkPart(what, ONTOLOGY_TYPE, ontologyType, canStore),
    sourceSystem: checkPart(what, SOURCE_SYSTEM, sourceSystem, canStore),
    value: checkPart(what, VALUE, value, canStore),
  };
}

/**
 * Reads what a file or a caller gives: the text form, or an object of the three parts.
 *
 * @throws IdMinterError INVALID_IDENTIFIER
 */
export function readSourceIdentifier(written: unknown, what?: string): SourceIdentifier {
  if (typeof written === 'string') return parseSourceIdentifier(written);
  return checkSourceIdentifier(written, what === undefined ? {} : { what });
}

/** Looks the types in the list up as `Concept`, for sources and predecessors alike; the document keeps its own type. */
export function foldConcept(
  source: SourceIdentifier,
  conceptTypes: ReadonlySet<string>
): FoldedIdentifier {
  const folds = conceptTypes.has(source.ontologyType);
  return (folds ? { ...source, ontologyType: CONCEPT } : source) as FoldedIdentifier;
}

/** The same key for the same three parts, and for no others. Lengths stand in front, so no separator can be forged. */
export function keyOf({ ontologyType, sourceSystem, value }: SourceIdentifier): SourceKey {
  if (ontologyType !== last.ontologyType || sourceSystem !== last.sourceSystem) {
    const prefix = `${ontologyType.length}:${sourceSystem.length}:${ontologyType}${sourceSystem}`;
    last = { ontologyType, sourceSystem, prefix };
  }
  return (last.prefix + value) as SourceKey;
}

/** What the last key began with: identifiers come in long runs of one type and system. */
let last = { ontologyType: '', sourceSystem: '', prefix: '0:0:' };

export function isSameSource(a: SourceIdentifier, b: SourceIdentifier): boolean {
  if (a === b) return true;
  return (
    a.value === b.value && a.ontologyType === b.ontologyType && a.sourceSystem === b.sourceSystem
  );
}

export function isHeading({ ontologyType }: FoldedIdentifier): boolean {
  return ontologyType === CONCEPT;
}

/**
 * The order in which rows are inserted, so that minters who share identifiers lock them in the same order. Headings last:
 * those are what minters share, and what is locked last is locked for the shortest time.
 */
export function compareSources(a: SourceIdentifier, b: SourceIdentifier): number {
  return (
    Number(a.ontologyType === CONCEPT) - Number(b.ontologyType === CONCEPT) ||
    compareText(a.ontologyType, b.ontologyType) ||
    compareText(a.sourceSystem, b.sourceSystem) ||
    compareText(a.value, b.value)
  );
}

/** Spellings that people mistake for one another, to be offered where an identifier is absent; never looked up silently. */
export function nearSpellings(source: SourceIdentifier): SourceIdentifier[] {
  const type = source.ontologyType.trim();
  const system = source.sourceSystem.trim().toLowerCase();
  const value = source.value.trim();
  const values = [value, value.toLowerCase(), value.toUpperCase(), swapFirstCase(value)];
  const types = [type, type.charAt(0).toUpperCase() + type.slice(1).toLowerCase()];
  const near = new Map<SourceKey, SourceIdentifier>();
  for (const ontologyType of types) {
    for (const candidate of values) {
      const spelling = { ontologyType, sourceSystem: system, value: candidate };
      near.set(keyOf(spelling), spelling);
    }
  }
  near.delete(keyOf(source));
  return [...near.values()];
}

interface Part {
  readonly part: keyof SourceIdentifier;
  /** What may not stand in it, as it may not be empty then. */
  readonly forbidden?: string;
}

const ONTOLOGY_TYPE: Part = { part: 'ontologyType', forbidden: '[' };
const SOURCE_SYSTEM: Part = { part: 'sourceSystem', forbidden: '/' };
const VALUE: Part = { part: 'value' };

function checkPart(
  what: string,
  { part, forbidden }: Part,
  text: unknown,
  canStore: CanStore | undefined
): string {
  if (text === undefined || text === null) throw invalid(what, part, text, 'is missing');
  if (typeof text !== 'string') {
    const type = JSON.isRawJSON(text) ? 'number' : typeof text;
    throw invalid(what, part, text, `is of type ${type}, not a string`);
  }
  if (forbidden !== undefined) {
    if (text === '') throw invalid(what, part, text, 'is empty');
    if (text.includes(forbidden)) throw invalid(what, part, text, `holds "${forbidden}"`);
  }
  if (text.length > PART_LENGTH_MAX && countCharacters(text) > PART_LENGTH_MAX) {
    throw invalid(
      what,
      part,
      text,
      `has ${countCharacters(text)} characters, ${PART_LENGTH_MAX} are allowed`
    );
  }
  if (!text.isWellFormed()) throw invalid(what, part, text, 'holds half of a surrogate pair');
  if (canStore !== undefined && !canStore(text)) {
    const character = [...text].find(candidate => !canStore(candidate));
    const codePoint = character?.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
    throw invalid(
      what,
      part,
      text,
      `holds U+${codePoint}, which the registry’s character set cannot store`
    );
  }
  return text;
}

function invalid(what: string, part: string, value: unknown, why: string): IdMinterError {
  const shown = value === undefined || value === null ? '' : ` ${quote(value)}`;
  return new IdMinterError(
    'INVALID_IDENTIFIER',
    `The ${what} is invalid: ${part}${shown} ${why}. No ID was given to it. Correct it at its source.`,
    { part, value, why }
  );
}

/** A value as an error shows it: whole when short, cut when long or nested, and never able to break the line. */
function quote(value: unknown): string {
  if (Array.isArray(value)) return '[…]';
  if (typeof value === 'object' && value !== null && !JSON.isRawJSON(value)) return '{…}';
  const text = typeof value === 'bigint' ? `${value}` : (JSON.stringify(value) ?? String(value));
  return text.length > 120 ? `${text.slice(0, 100)}… (${text.length} characters)` : text;
}

function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function swapFirstCase(text: string): string {
  const first = text.charAt(0);
  const swapped = first === first.toLowerCase() ? first.toUpperCase() : first.toLowerCase();
  return swapped + text.slice(1);
}
