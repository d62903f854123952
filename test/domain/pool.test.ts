import { describe, expect, test } from 'vitest';
import type { CanonicalId } from '../../src/domain/canonical-id.ts';
import { passedOver, poolCorrupt, poolExhausted } from '../../src/domain/pool.ts';

describe('what is said of a pool that runs short', () => {
  test('empty, short and locked by others are told apart, each with what to do', () => {
    const empty = poolExhausted(3, 0);
    expect(empty).toMatchObject({ code: 'POOL_EXHAUSTED', details: { needed: 3, free: 0 } });
    expect(empty.message).toContain('the pool is empty');
    expect(empty.message).toContain('pool top-up');

    const short = poolExhausted(3, 2);
    expect(short.message).toContain('the pool has 2 free: none was taken');
    expect(short.message).toContain('pool top-up');
    expect(short.details['locked']).toBe(false);

    const locked = poolExhausted(3, 3);
    expect(locked.message).toContain('other minters hold them');
    expect(locked.message).not.toContain('pool top-up');
    expect(locked.details['locked']).toBe(true);
  });

  test('a corrupt pool is named with the IDs that were passed over', () => {
    const error = poolCorrupt(2, ['a2345678', 'bad']);
    expect(error.code).toBe('POOL_CORRUPT');
    expect(error.message).toContain('a2345678, bad');
    expect(error.details).toEqual({ needed: 2, passedOver: ['a2345678', 'bad'] });
  });

  test('an ID that was passed over is a warning that says what became of it', () => {
    const inUse = passedOver('a2345678' as CanonicalId, 'in use');
    expect(inUse.code).toBe('POOL_CORRUPT');
    expect(inUse.message).toContain('"a2345678"');
    expect(inUse.message).toContain('marked assigned');
    const malformed = passedOver('X' as CanonicalId, 'malformed');
    expect(malformed.message).toContain('left as it is');
    expect(malformed.details).toEqual({ canonicalId: 'X', why: 'malformed' });
  });
});
