import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPlainIdentifier } from '../../src/domain/identifier-text.ts';

const written = (id: unknown, ontologyType: unknown, value: unknown) => ({
  identifierType: { id },
  ontologyType,
  value,
});

/** Somewhere in a text, as it stands in a work. */
function read(text: string) {
  const [before, after] = ['{"é":1,"sourceIdentifier":', ',"type":"Identifiable"}'];
  const json = Buffer.from(before + text + after);
  const from = Buffer.byteLength(before);
  return readPlainIdentifier(json, from, from + Buffer.byteLength(text));
}

describe('a source identifier of the usual form', () => {
  test.each([
    '{"identifierType":{"id":"sierra-system-number"},"ontologyType":"Work","value":"b1000001"}',
    '{"value":"b1","ontologyType":"Work","identifierType":{"id":"s"}}',
    '{"ontologyType":"","identifierType":{"id":""},"value":""}',
    '{"value":"{}[],: \u007f~!","ontologyType":"[","identifierType":{"id":"/"}}',
  ])('is what the parser makes of it: %s', text => {
    expect(read(text)).toEqual(JSON.parse(text));
  });

  test.each([
    ['with spaces', '{ "value":"b1","ontologyType":"Work","identifierType":{"id":"s"}}'],
    ['with a space last', '{"value":"b1","ontologyType":"Work","identifierType":{"id":"s"} }'],
    ['with escapes', '{"value":"b\\"1","ontologyType":"Work","identifierType":{"id":"s"}}'],
    [
      'with an escape in its type',
      '{"value":"1","ontologyType":"\\u0057","identifierType":{"id":"s"}}',
    ],
    [
      'with an escape in its system',
      '{"value":"1","ontologyType":"W","identifierType":{"id":"\\\\"}}',
    ],
    ['beyond ASCII', '{"value":"é","ontologyType":"Work","identifierType":{"id":"s"}}'],
    ['that lacks a part', '{"value":"b1","ontologyType":"Work"}'],
    ['that lacks another', '{"value":"b1","identifierType":{"id":"s"}}'],
    ['that lacks the value', '{"ontologyType":"Work","identifierType":{"id":"s"}}'],
    ['of more parts', '{"value":"b1","ontologyType":"W","identifierType":{"id":"s"},"more":1}'],
    [
      'of a system of more parts',
      '{"value":"1","ontologyType":"W","identifierType":{"id":"s","a":1}}',
    ],
    ['with a number', '{"value":1,"ontologyType":"Work","identifierType":{"id":"s"}}'],
    ['that is empty', '{}'],
    ['that is a text', '"ontologyType"'],
    ['that is a list', '["value"]'],
    ['that is nothing', 'null'],
  ])('is no identifier %s, which the parser reads', (_, text) => {
    expect(read(text)).toBeUndefined();
  });

  test('is read so whatever it holds, or not at all', () => {
    const part = fc.oneof(
      fc.constantFrom('Work', 'Item', 'sierra-system-number', '', 'ab', 'ba', 'Concept'),
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc.integer()
    );
    let plain = 0;
    fc.assert(
      fc.property(part, part, part, fc.boolean(), (id, type, value, isIndented) => {
        const text = JSON.stringify(written(id, type, value), null, isIndented ? 1 : 0);
        const found = read(text);
        if (found === undefined) return;
        plain += 1;
        expect(found).toEqual(JSON.parse(text));
      }),
      { numRuns: 5_000 }
    );
    expect(plain).toBeGreaterThan(200);
  });

  test('is never taken for another with words of the same length and ends', () => {
    for (const [id, type] of [
      ['abcd', 'wxyz'],
      ['accd', 'wyxz'],
      ['abcd', 'wyxz'],
      ['abcd', 'abcd'],
    ]) {
      expect(read(JSON.stringify(written(id, type, '1')))).toEqual(written(id, type, '1'));
    }
  });

  test('keeps nothing of the memory that it was read from', () => {
    const text = JSON.stringify(written('calm-record', 'Archive', '1'));
    const other = JSON.stringify(written('calm-lettrd', 'Altered', '1'));
    const json = Buffer.from(text);
    readPlainIdentifier(json, 0, json.length);
    json.write(other);
    expect(read(other)).toEqual(JSON.parse(other));
    expect(read(text)).toEqual(JSON.parse(text));
  });

  test('breaks off nowhere: what ends the text ends it', () => {
    const text = '{"identifierType":{"id":"s"},"ontologyType":"Work","value":"b1"}';
    const json = Buffer.from(text);
    for (let to = 1; to < json.length; to += 1) {
      expect(readPlainIdentifier(json.subarray(0, to), 0, to)).toBeUndefined();
    }
    expect(readPlainIdentifier(json, 0, json.length - 1)).toBeUndefined();
    expect(readPlainIdentifier(json, 0, json.length)).toEqual(JSON.parse(text));
  });
});
