import { describe, expect, test } from 'vitest';
import { firstDifference } from '../../src/domain/document-difference.ts';
import { readAsWritten } from '../../src/domain/json-tree.ts';

const differ = (ours: string, theirs: string) =>
  firstDifference(readAsWritten(ours), readAsWritten(theirs));

describe('two documents are the same', () => {
  test.each([
    ['in another order of members', '{"a": 1, "b": {"c": 2, "d": 3}}', '{"b":{"d":3,"c":2},"a":1}'],
    [
      'with numbers in another spelling',
      '[1, 1.0, 100, 0.5, -0, 12]',
      '[1.0, 1e0, 1E+2, 5e-1, 0.0, 120e-1]',
    ],
    [
      'with numbers that no double holds',
      '[12345678901234567890, 1e400]',
      '[1.234567890123456789E19, 10e399]',
    ],
    ['when they are one value', '"text"', '"text"'],
  ])('%s', (_, ours, theirs) => {
    expect(differ(ours, theirs)).toBeUndefined();
  });
});

describe('the first difference', () => {
  test.each<[string, string, string, unknown, unknown, string]>([
    [
      'a text',
      '{"a":{"b":[{"c":"x"}]},"z":1}',
      '{"a":{"b":[{"c":"y"}]},"z":2}',
      'x',
      'y',
      'a.b[0].c',
    ],
    [
      'the last digit of a number',
      '[12345678901234567890]',
      '[12345678901234567891]',
      JSON.rawJSON('12345678901234567890'),
      JSON.rawJSON('12345678901234567891'),
      '[0]',
    ],
    ['a sign', '-1', '1', -1, 1, ''],
    ['a power of ten', '{"a":10}', '{"a":100}', 10, 100, 'a'],
    ['a number and its text', '{"a":1}', '{"a":"1"}', 1, '1', 'a'],
    ['a text and nothing', '{"a":"x"}', '{}', 'x', undefined, 'a'],
    ['a member that is null and one that is not there', '{"a":null}', '{}', null, undefined, 'a'],
    ['a member too many', '{"a":1}', '{"a":1,"b":2}', undefined, 2, 'b'],
    ['a member that all objects have', '{"toString":1}', '{}', 1, undefined, 'toString'],
    ['a longer list', '[1]', '[1,2]', undefined, 2, '[1]'],
    ['a shorter list', '[1,2]', '[1]', 2, undefined, '[1]'],
    ['a list and an object', '{"a":[]}', '{"a":{}}', [], {}, 'a'],
    ['an object and a list', '{"a":{}}', '{"a":[]}', {}, [], 'a'],
    ['an object and nothing', '{"a":{}}', '{"a":null}', {}, null, 'a'],
    ['true and false', 'true', 'false', true, false, ''],
  ])('is %s', (_, left, right, ours, theirs, path) => {
    expect(differ(left, right)).toEqual({ path, ours, theirs });
  });
});
