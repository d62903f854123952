import { expect, test } from 'vitest';
import { IdMinterError } from '../../src/domain/errors.ts';

test('an error has its code, what it is about, and what it came from apart from that', () => {
  const cause = new Error('socket closed');
  const error = new IdMinterError('REGISTRY_UNAVAILABLE', 'It is away.', { host: 'db', cause });
  expect(error).toMatchObject({
    name: 'IdMinterError',
    code: 'REGISTRY_UNAVAILABLE',
    message: 'It is away.',
    cause,
  });
  expect(error.details).toEqual({ host: 'db' });
});

test('an error that came from nothing else has no cause, and may be about nothing', () => {
  const error = new IdMinterError('INTERNAL', 'A fault.');
  expect(Object.hasOwn(error, 'cause')).toBe(false);
  expect(error.details).toEqual({});
});
