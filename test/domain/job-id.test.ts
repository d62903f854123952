import { expect, test } from 'vitest';
import { newJobId } from '../../src/domain/job-id.ts';

test('a run is named by its second in UTC and by chance', () => {
  const now = new Date('2026-08-20T05:15:07.999+02:00');
  expect(newJobId(now, () => 0)).toBe('20260820T031507-0000');
  expect(newJobId(now, limit => limit - 1)).toBe('20260820T031507-zzzz');
});
