import { describe, expect, test } from 'vitest';
import { foldConcept } from '../../src/domain/source-identifier.ts';
import { groupBySystem, SourcePlaces } from '../../src/domain/source-places.ts';

const source = (ontologyType: string, sourceSystem: string, value: string) =>
  foldConcept({ ontologyType, sourceSystem, value }, new Set());

describe('sources by type and system', () => {
  test('stand together by their positions, however they are mixed', () => {
    const sources = [
      source('Work', 'miro', 'b'),
      source('Work', 'miro', 'a'),
      source('Image', 'miro', 'a'),
      source('Work', 'miro', 'c'),
      source('Work', 'mets', 'a'),
      source('Workm', 'iro', 'a'),
    ];
    expect(groupBySystem(sources)).toEqual([
      { ontologyType: 'Work', sourceSystem: 'miro', positions: [0, 1, 3] },
      { ontologyType: 'Image', sourceSystem: 'miro', positions: [2] },
      { ontologyType: 'Work', sourceSystem: 'mets', positions: [4] },
      { ontologyType: 'Workm', sourceSystem: 'iro', positions: [5] },
    ]);
    expect(groupBySystem([])).toEqual([]);
  });
});

describe('the places of sources', () => {
  test('are numbers in the order in which sources first came, the same for the same three parts', () => {
    const places = new SourcePlaces();
    const [work, image, other] = [
      source('Work', 'miro', 'V1'),
      source('Image', 'miro', 'V1'),
      source('Work', 'mets', 'V1'),
    ];
    expect([work, image, work, other, image].map(each => places.add({ ...each }))).toEqual([
      0, 1, 0, 2, 1,
    ]);
    expect(places.sources).toEqual([work, image, other]);
    expect([other, image, work].map(each => places.placeOf({ ...each }))).toEqual([2, 1, 0]);
  });

  test('are not given to what is only asked after', () => {
    const places = new SourcePlaces();
    expect(places.placeOf(source('Work', 'miro', 'V1'))).toBeUndefined();
    places.add(source('Work', 'miro', 'V1'));
    expect(places.placeOf(source('Work', 'miro', 'V2'))).toBeUndefined();
    expect(places.placeOf(source('Work', 'miroV', '1'))).toBeUndefined();
    expect(places.add(source('Work', 'miroV', '1'))).toBe(1);
  });

  test('take parts without any text as they are', () => {
    const places = new SourcePlaces();
    expect(places.add(source('', '', ''))).toBe(0);
    expect(places.add(source('Work', '', ''))).toBe(1);
    expect(places.placeOf(source('', '', ''))).toBe(0);
  });
});
