import { describe, expect, test } from 'vitest';
import { DEPTH_MAX } from '../../src/domain/work-document.ts';
import { unwrapWork, wrapWork } from '../../src/domain/work-wrapper.ts';
import { id } from '../support/identifiers.ts';

const document = { state: {} };
const canonicalId = id('a2345678');
const minted = { document: { minted: true } };

/** An object in `levels` objects. */
function nested(levels: number): object {
  let value = {};
  for (let level = 1; level < levels; level++) value = { value };
  return value;
}

describe('a work in its wrapper', () => {
  test('is the document under _source, and what stands beside it', () => {
    expect(
      unwrapWork({ _id: 'b1', _index: 'works', _source: document, _score: null })
    ).toStrictEqual({ document, wrapper: { _id: 'b1', _index: 'works', _score: null } });
  });

  test.each<[string, unknown]>([
    ['only _id', { _id: 'b1', state: {} }],
    ['only _source', { _source: document }],
    ['neither', document],
    ['both of them inherited', Object.create({ _id: 'b1', _source: document })],
    ['no members, being a text', '_id _source'],
    ['no members, being null', null],
    ['no members, being nothing', undefined],
  ])('is a bare document where it has %s', (_, value) => {
    expect(unwrapWork(value)).toStrictEqual({ document: value });
  });

  test('is refused where what stands beside it is too deep, and only then', () => {
    const wrapped = (levels: number) => ({ _id: 'b1', _source: document, more: nested(levels) });
    expect(unwrapWork(wrapped(DEPTH_MAX - 1)).document).toBe(document);
    expect(() => unwrapWork(wrapped(DEPTH_MAX))).toThrowError(
      expect.objectContaining({ code: 'TOO_DEEP' })
    );
  });

  test('comes out with its canonical ID, without its index, and with all else as it was', () => {
    expect(
      wrapWork({ ...minted, wrapper: { _id: 'b1', _index: 'works', _score: null } }, canonicalId)
    ).toStrictEqual({ _id: 'a2345678', _score: null, _source: { minted: true } });
    expect(
      Object.keys(wrapWork({ ...minted, wrapper: { a: 1, _id: 'b1' } }, canonicalId) as object)
    ).toEqual(['_id', 'a', '_source']);
  });

  test('comes out bare as it came in bare', () => {
    expect(wrapWork(minted, canonicalId)).toBe(minted.document);
  });
});
