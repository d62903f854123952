import { IdMinterError } from './errors.ts';

/** The short public identifier, e.g. `a2345678`. It never changes and is never given again. */
export type CanonicalId = string & { readonly __brand: 'CanonicalId' };

/** A whole number in 0 ≤ n < limit: cryptographic in production, scripted in tests. */
export type RandomInt = (limit: number) => number;

const LETTERS = 'abcdefghjkmnpqrstuvwxyz';
const LETTERS_AND_DIGITS = `${LETTERS}23456789`;
const LENGTH = 8;
const FORM = /^[a-hjkmnp-z][a-hjkmnp-z2-9]{7}$/;

/**
 * Draws a canonical ID, each of the 23·31⁷ = 632,790,124,553 equally likely. It may be taken already: ask the
 * registry.
 *
 * @returns 8 characters: a letter, then seven letters or digits, without the look-alikes i, l, o, 0 and 1
 * @see RFC 083, "Canonical identifiers"; the letter comes first so that the ID is a valid XML name
 */
export function drawCanonicalId(randomInt: RandomInt): CanonicalId {
  let id = LETTERS.charAt(randomInt(LETTERS.length));
  while (id.length < LENGTH) id += LETTERS_AND_DIGITS.charAt(randomInt(LETTERS_AND_DIGITS.length));
  return id as CanonicalId;
}

/** Whether it is a text of the form of a canonical ID: `^[a-hjkmnp-z][a-hjkmnp-z2-9]{7}$`. */
export function isCanonicalId(text: unknown): text is CanonicalId {
  return typeof text === 'string' && FORM.test(text);
}

/** What a dry run gives in the place of an ID that a real run would draw, e.g. `(new-1)`; no ID can look like it. */
export function standIn(number: number): CanonicalId {
  return `(new-${number})` as CanonicalId;
}

export function isStandIn(id: CanonicalId): boolean {
  return id.startsWith('(new-');
}

/**
 * Takes a text for a canonical ID; whether a registry knows it, only the registry can say.
 *
 * @throws IdMinterError INVALID_CANONICAL_ID
 */
export function parseCanonicalId(text: unknown): CanonicalId {
  if (isCanonicalId(text)) return text;
  const shown = JSON.stringify(text) ?? String(text);
  const wrong =
    text === undefined
      ? 'The canonical ID is missing'
      : `${shown.slice(0, 100)} is not a canonical ID`;
  throw new IdMinterError(
    'INVALID_CANONICAL_ID',
    `${wrong}: eight characters of a-z and 2-9 without i, l and o, a letter first, ` +
      'all lower-case. Nothing was done with it. Correct it at its source.',
    { value: text }
  );
}
