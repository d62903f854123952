import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  drawCanonicalId,
  isCanonicalId,
  isStandIn,
  parseCanonicalId,
  standIn,
} from '../../src/domain/canonical-id.ts';
import { IdMinterError } from '../../src/domain/errors.ts';

const LETTERS = 'abcdefghjkmnpqrstuvwxyz';
const LETTERS_AND_DIGITS = `${LETTERS}23456789`;
const cryptographic = (limit: number) => randomInt(limit);

describe('a drawn canonical ID', () => {
  test('is what the numbers say, the first from 23 letters and the others from 31 characters', () => {
    const limits: number[] = [];
    const numbers = [0, 22, 23, 30, 0, 1, 2, 3];
    const id = drawCanonicalId(limit => {
      limits.push(limit);
      return numbers[limits.length - 1] ?? 0;
    });
    expect(id).toBe('az29abcd');
    expect(limits).toEqual([23, 31, 31, 31, 31, 31, 31, 31]);
  });

  test('has the form of one, and 10,000 are all different', () => {
    const ids = Array.from({ length: 10_000 }, () => drawCanonicalId(cryptographic));
    expect(ids.filter(id => !/^[a-hjkmnp-z][a-hjkmnp-z2-9]{7}$/.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(10_000);
  });

  test('has every character equally often in each place', () => {
    const draws = 40_000;
    const ids = Array.from({ length: draws }, () => drawCanonicalId(cryptographic));
    for (let place = 0; place < 8; place++) {
      const alphabet = place === 0 ? LETTERS : LETTERS_AND_DIGITS;
      const counts = new Map([...alphabet].map(character => [character, 0]));
      for (const id of ids) counts.set(id.charAt(place), (counts.get(id.charAt(place)) ?? 0) + 1);
      expect(counts.size).toBe(alphabet.length);
      // Chi-squared with 22 or 30 degrees of freedom: above 80 once in a million fair runs.
      const expected = draws / alphabet.length;
      const distances = [...counts.values()].map(count => (count - expected) ** 2 / expected);
      expect(distances.reduce((sum, distance) => sum + distance)).toBeLessThan(80);
    }
  });
});

describe('a canonical ID from outside', () => {
  test.each(['a2345678', 'zzzzzzzz', 'abcdefgh'])('%j is one', text => {
    expect(isCanonicalId(text)).toBe(true);
    expect(parseCanonicalId(text)).toBe(text);
  });

  test.each([
    'A2345678',
    'a234567',
    'a23456789',
    '22345678',
    'i2345678',
    'a234567l',
    'a234567o',
    'a2345670',
    'a2345671',
    'a2345678\n',
    ' a2345678',
    'á2345678',
    '',
    '(new-1)',
    undefined,
    null,
    12_345_678,
    ['a2345678'],
  ])('%j is none, and the error shows it', text => {
    expect(isCanonicalId(text)).toBe(false);
    expect(() => parseCanonicalId(text)).toThrowError(
      expect.objectContaining({
        code: 'INVALID_CANONICAL_ID',
        message: expect.stringContaining(JSON.stringify(text) ?? 'missing'),
        details: { value: text },
      })
    );
    expect(() => parseCanonicalId(text)).toThrowError(IdMinterError);
  });

  test('a stand-in of a dry run can be told from every ID', () => {
    expect(standIn(12)).toBe('(new-12)');
    expect(isStandIn(standIn(1))).toBe(true);
    expect(isCanonicalId(standIn(1))).toBe(false);
    expect(isStandIn(drawCanonicalId(cryptographic))).toBe(false);
  });
});
