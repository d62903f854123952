import { describe, expect, test } from 'vitest';
import { planWindow } from '../../src/domain/mint-window.ts';
import type { MintRequest } from '../../src/domain/registry.ts';
import { folio, image, sierra } from '../support/identifiers.ts';

/** What each work of a window asks for. */
const plan = (works: readonly (readonly MintRequest[])[], batchSize = 2) =>
  planWindow(works, batchSize);

const plain = (value: string): MintRequest[] => [{ source: sierra(value) }];
const heir = (value: string, of: string): MintRequest[] => [
  { source: folio(value), predecessor: sierra(of) },
];

describe('the order in which a window is minted', () => {
  test('is that of the works, in whole batches, where none names a predecessor', () => {
    expect(plan([])).toEqual([]);
    expect(plan(['a', 'b', 'c', 'd', 'e'].map(plain))).toEqual([[[0, 1], [2, 3], [4]]]);
    expect(plan([[{ source: sierra('a'), predecessor: null }], plain('b')])).toEqual([[[0, 1]]]);
  });

  test('puts works that name a predecessor first', () => {
    expect(plan([plain('x'), heir('f', 'b'), plain('y')])).toEqual([[[1]], [[0, 2]]]);
  });

  test('puts the works that hold a named predecessor into the batch of those that name it', () => {
    expect(plan([plain('b1'), plain('x'), heir('f1', 'b1')], 1)).toEqual([[[0, 2]], [[1]]]);
  });

  test('keeps a chain together, and those that name different predecessors for one source', () => {
    const chain = [
      heir('f1', 'b1'),
      [{ source: sierra('b1'), predecessor: image('i1') }],
      [{ source: image('i1') }],
    ];
    expect(plan(chain, 1)).toEqual([[[0, 1, 2]]]);
    expect(plan([heir('f1', 'b1'), heir('f1', 'b2')], 1)).toEqual([[[0, 1]]]);
  });

  test('keeps apart what does not bear on each other, and fills batches with it', () => {
    const window = [heir('f1', 'b1'), heir('f2', 'b2'), heir('f3', 'b3')];
    expect(plan(window, 1)).toEqual([[[0], [1], [2]]]);
    expect(plan(window, 2)).toEqual([[[0, 1], [2]]]);
  });

  test('takes spellings and types that a registry may take for one as one', () => {
    const cited: MintRequest[] = [{ source: { ...sierra('B1 '), ontologyType: 'Person' } }];
    expect(plan([cited, heir('f1', 'b1')], 1)).toEqual([[[0, 1]]]);
  });

  test('puts a work first for a single predecessor among all that it asks for', () => {
    expect(plan([plain('x'), [...plain('a'), ...heir('f1', 'b1')]])).toEqual([[[1]], [[0]]]);
  });

  test('keeps works apart that share only what nobody names', () => {
    const window = [
      [...heir('f1', 'b1'), ...plain('shared')],
      [...heir('f2', 'b2'), ...plain('shared')],
    ];
    expect(plan(window, 1)).toEqual([[[0], [1]]]);
  });

  test('keeps the order of the works within a batch', () => {
    const window = [heir('f1', 'b1'), heir('f2', 'b2'), plain('b1'), plain('b2')];
    expect(plan(window, 4)).toEqual([[[0, 1, 2, 3]]]);
  });

  test('tells two systems apart whose names and values join to one text', () => {
    const of = (sourceSystem: string, value: string) => ({ ...sierra(value), sourceSystem });
    const window = [
      [{ source: of('ab', 'c'), predecessor: sierra('b1') }],
      [{ source: of('a', 'bc'), predecessor: sierra('b2') }],
    ];
    expect(plan(window, 1)).toEqual([[[0], [1]]]);
  });

  test('names every work once', () => {
    const window = [plain('b1'), heir('f1', 'b1'), heir('f2', 'b1'), plain('f1'), plain('x')];
    const positions = plan(window).flat(2);
    expect(positions.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  });
});
