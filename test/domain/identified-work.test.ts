import { describe, expect, test } from 'vitest';
import type { IdentifiedWork } from '../../src/domain/identified-work.ts';
import { identify, identifyText } from '../../src/domain/identified-work.ts';

const document = {
  state: {
    sourceIdentifier: {
      ...{ ontologyType: 'Work', identifierType: { id: 'sierra-system-number' }, value: 'b1' },
    },
  },
};

describe('what is kept of a work while its identifiers are asked for', () => {
  test('is its text alone, where there is one', () => {
    const text = {
      json: new TextEncoder().encode(JSON.stringify({ _id: 'b1', _source: document })),
    };
    const parsed = identify({ place: 'line 1', document, wrapper: { _id: 'b1' }, text });
    expect(parsed).toHaveProperty('kept', { text, places: undefined });
    const found = identifyText('line 1', text);
    expect(found).toMatchObject({
      ...parsed,
      kept: { text, places: { nodes: expect.anything() } },
    });
    expect(found?.extracted).toEqual((parsed as IdentifiedWork).extracted);
  });

  test('is the document in its wrapper, where there is none', () => {
    const work = identify({ place: 'the first', document, wrapper: { _id: 'b1' } });
    expect(work).toHaveProperty('kept', { document, wrapper: { _id: 'b1' } });
  });

  test('is the bare document, where it has no wrapper', () => {
    expect(identify({ place: 'the first', document })).toHaveProperty('kept', { document });
  });
});
