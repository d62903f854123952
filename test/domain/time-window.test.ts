import { describe, expect, test } from 'vitest';
import { parseWindow } from '../../src/domain/time-window.ts';

const written = (window: { start?: string; end?: string }) => {
  const { start, end } = parseWindow(window);
  return [start.toISOString(), end.toISOString()];
};

describe('a window', () => {
  test.each([
    ['2026-08-20T03:00Z', '2026-08-20T03:15:00Z'],
    ['2026-08-20T03:00', '2026-08-20T03:15:00.000'],
    ['2026-08-20T05:00+02:00', '2026-08-19T22:15:00-05:00'],
  ])('is read from %s and %s, in UTC where there is no zone', (start, end) => {
    expect(written({ start, end })).toEqual([
      '2026-08-20T03:00:00.000Z',
      '2026-08-20T03:15:00.000Z',
    ]);
  });

  test('may be a whole day, and one moment', () => {
    expect(written({ start: '2026-08-20', end: '2026-08-21' })).toEqual([
      '2026-08-20T00:00:00.000Z',
      '2026-08-21T00:00:00.000Z',
    ]);
    expect(written({ start: '2026-08-20', end: '2026-08-20' })).toHaveLength(2);
  });

  test('without a start is the quarter of an hour before its end', () => {
    expect(written({ end: '2026-08-20T00:05Z' })).toEqual([
      '2026-08-19T23:50:00.000Z',
      '2026-08-20T00:05:00.000Z',
    ]);
  });

  test.each<[window: { start?: string; end?: string }, message: string]>([
    [
      { start: '2026-08-20' },
      'The window from 2026-08-20 has no end: give both. Nothing was done.',
    ],
    [
      { start: '2026-08-21', end: '2026-08-20' },
      'The window begins at 2026-08-21, after its end at 2026-08-20: swap them. Nothing was done.',
    ],
    ...[
      'noon',
      '2026-02-30',
      '2026-13-01',
      '2026-08-20 03:00',
      '2026-08-20T25:00Z',
      '20260820',
    ].map((end): [{ end: string }, string] => [
      { end },
      `${JSON.stringify(end)} is no time: write it as 2026-08-20T03:15:00Z. Nothing was done.`,
    ]),
  ])('is refused where it is none: %j', (window, message) => {
    expect(() => parseWindow(window)).toThrow(expect.objectContaining({ code: 'USAGE', message }));
  });
});
