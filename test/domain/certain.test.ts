import { expect, test } from 'vitest';
import { certain } from '../../src/domain/certain.ts';

test('what is certain is handed on, also where it is empty', () => {
  expect([certain(0, 'a number'), certain('', 'a text'), certain(null, 'nothing')]).toEqual([
    ...[0, '', null],
  ]);
});

test('what is missing all the same is a fault, and named', () => {
  expect(() => certain(undefined, 'The answer')).toThrow('The answer is missing');
});
