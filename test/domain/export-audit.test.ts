import { describe, expect, test } from 'vitest';
import { IdMinterError } from '../../src/domain/errors.ts';
import type { Change, ExportFinding } from '../../src/domain/export-audit.ts';
import {
  auditTimes,
  compareConceptTypes,
  compareMapping,
  comparePool,
  findDoubledId,
  findDoubledMapping,
  findProblem,
  withSoundTimes,
} from '../../src/domain/export-audit.ts';
import type { MappingRecord, PoolRecord } from '../../src/domain/registry-tables.ts';
import { sierra } from '../support/identifiers.ts';

/** 2026-01-02T00:00:00Z */
const SNAPSHOT = 1_767_312_000;
const MINUTES = 60;

const pool = (status: string, createdAt: number | null = SNAPSHOT - 3_600): PoolRecord => ({
  ...{ canonicalId: 'a2345678', status, createdAt },
});
const mapping = (
  canonicalId: string,
  createdAt: number | null = SNAPSHOT - 3_600
): MappingRecord => ({ source: sierra('b1'), canonicalId, createdAt });

/** Codes of findings, and changes as they are. */
const inShort = (said: readonly (ExportFinding | Change)[]): string[] =>
  said.map(one => (typeof one === 'string' ? one : one.code));

describe('an ID that differs', () => {
  test.each([
    ['free', 'assigned', ['assigned']],
    ['assigned', 'free', ['STATUS_CHANGED']],
    ['used', 'assigned', ['STATUS_CHANGED']],
    ['free', 'used', ['STATUS_CHANGED']],
  ])('from %s to %s is %j', (before, now, said) => {
    const pair = { exported: pool(before), registry: pool(now) };
    expect(inShort(comparePool(pair, SNAPSHOT))).toEqual(said);
  });

  test('in its time too is told twice', () => {
    const pair = { exported: pool('free'), registry: pool('assigned', null) };
    expect(inShort(comparePool(pair, SNAPSHOT))).toEqual(['assigned', 'TIME_CHANGED']);
  });

  test('in its time alone', () => {
    const pair = { exported: pool('free'), registry: pool('free', null) };
    expect(inShort(comparePool(pair, SNAPSHOT))).toEqual(['TIME_CHANGED']);
  });

  test('by being gone is lost', () => {
    const pair = { exported: pool('assigned'), registry: undefined };
    expect(inShort(comparePool(pair, SNAPSHOT))).toEqual(['ID_LOST']);
  });
});

describe('a row that is there twice', () => {
  test('is told of with the one that stands', () => {
    expect(findDoubledId(pool('free'), pool('assigned'))).toMatchObject({
      ...{ code: 'DOUBLED_ID', canonicalIds: ['a2345678'], sources: [] },
      message: expect.stringMatching(
        /^a2345678 is in the pool more than once: assigned.*, and free/
      ),
    });
  });

  test('is told of with its source identifier', () => {
    expect(findDoubledMapping(mapping('a2345678'))).toEqual({
      ...{ code: 'DOUBLED_MAPPING', canonicalIds: ['a2345678'], sources: [sierra('b1')] },
      message: 'Work[sierra-system-number/b1] is there more than once with a2345678.',
    });
  });
});

describe('what is in the registry alone', () => {
  test.each([
    [SNAPSHOT + 1, SNAPSHOT, 'younger'],
    [SNAPSHOT, SNAPSHOT, 'younger'],
    [SNAPSHOT - 1, SNAPSHOT, 'undecided'],
    [SNAPSHOT - 15 * MINUTES, SNAPSHOT, 'undecided'],
    [SNAPSHOT - 15 * MINUTES - 1, SNAPSHOT, 'NOT_EXPORTED'],
    [null, SNAPSHOT, 'undecided'],
    [0, undefined, 'undecided'],
  ])('of %s, where the snapshot is of %s, is %s', (createdAt, snapshotTime, said) => {
    const id = { exported: undefined, registry: pool('free', createdAt) };
    const row = { exported: undefined, registry: mapping('a2345678', createdAt) };
    expect(inShort(comparePool(id, snapshotTime))).toEqual([said]);
    expect(inShort(compareMapping(row, snapshotTime))).toEqual([said]);
  });
});

describe('a mapping that differs', () => {
  test.each([
    ['in its ID', mapping('b2345678'), ['MAPPING_CHANGED']],
    ['in its time', mapping('a2345678', SNAPSHOT), ['TIME_CHANGED']],
    ['in both', mapping('b2345678', null), ['MAPPING_CHANGED', 'TIME_CHANGED']],
    ['by being gone', undefined, ['MAPPING_LOST']],
  ])('%s is told so', (_, registry, said) => {
    const pair = { exported: mapping('a2345678'), registry };
    expect(inShort(compareMapping(pair, SNAPSHOT))).toEqual(said);
  });
});

test('times that are none, or no whole second, are named with their rows and then unknown', () => {
  const times = [0, SNAPSHOT, null, SNAPSHOT + 0.5, Number.NaN, 1e15, -1];
  const rows = times.map(createdAt => pool('free', createdAt));
  const file = { table: 'canonical_ids', path: 'a.parquet', bytes: 1 } as const;
  const told = auditTimes({ file, start: 5_000, rows }).map(({ message }) => message);
  expect(told).toEqual([
    expect.stringContaining('a.parquet: row 5004: CreatedAt of a2345678 is not a whole second'),
    expect.stringContaining('a.parquet: row 5005: CreatedAt of a2345678 is no time'),
    expect.stringContaining('a.parquet: row 5006: CreatedAt of a2345678 is no time'),
  ]);
  expect(withSoundTimes(rows).map(({ createdAt }) => createdAt)).toEqual([
    ...[0, SNAPSHOT, null, null, null, null, -1],
  ]);
});

test('what is wrong with a file names it, and with the whole export does not', () => {
  const ofFile = findProblem(
    new IdMinterError('EXPORT_DAMAGED', 'Cut off.', { path: 'a.parquet' })
  );
  const ofAll = findProblem(new IdMinterError('EXPORT_INCOMPLETE', 'It has no manifest.'));
  const none = { canonicalIds: [], sources: [] };
  expect(ofFile).toEqual({
    ...{ code: 'EXPORT_DAMAGED', message: 'Cut off.', path: 'a.parquet', ...none },
  });
  expect(ofAll).toEqual({ code: 'EXPORT_INCOMPLETE', message: 'It has no manifest.', ...none });
});

test('other types that are looked up as Concept are named, and the same in any order are not', () => {
  const [person, none] = [new Set(['Person']), new Set<string>()];
  const both = ['Person', 'Genre'];
  expect(compareConceptTypes(new Set(both), new Set(both.toReversed()))).toEqual([]);
  expect(compareConceptTypes(person, none).map(({ message }) => message)).toEqual([
    'The export looks up as Concept: Person. The registry: none.',
  ]);
});
