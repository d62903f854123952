import { describe, expect, test } from 'vitest';
import type { Mapping } from '../../../src/domain/registry.ts';
import type { SourceIdentifier } from '../../../src/domain/source-identifier.ts';
import { outcomes, requests } from '../../support/answers.ts';
import { folio, heading, id, image, sierra } from '../../support/identifiers.ts';
import { FOLDING_STORES, STORES } from '../../support/stores.ts';

const maps = (source: SourceIdentifier, canonicalId: string): Mapping => ({
  source,
  canonicalId: id(canonicalId),
});

describe.each(STORES)('registry contract on $name: importing known mappings', store => {
  test('takes them in, adds their IDs as assigned, and mints no more for them', async () => {
    await using registry = await store.open();
    const answers = await registry.importMappings([
      maps(sierra('b1'), 'a2345678'),
      maps(image('V1'), 'b2345678'),
    ]);
    expect(answers).toEqual([
      { ...maps(sierra('b1'), 'a2345678'), outcome: 'added' },
      { ...maps(image('V1'), 'b2345678'), outcome: 'added' },
    ]);
    expect(await registry.dump()).toEqual({
      identifiers: [
        ['Image', 'miro-image-number', 'V1', 'b2345678'],
        ['Work', 'sierra-system-number', 'b1', 'a2345678'],
      ],
      canonicalIds: [
        ['a2345678', 'assigned'],
        ['b2345678', 'assigned'],
      ],
    });
    const minted = await registry.mint(requests(sierra('b1')));
    expect(minted.answers).toEqual([
      { source: sierra('b1'), canonicalId: 'a2345678', outcome: 'existing' },
    ]);
  });

  test('nothing is imported out of nothing', async () => {
    await using registry = await store.open();
    expect(await registry.importMappings([])).toEqual([]);
  });

  test('saying it twice changes nothing', async () => {
    await using registry = await store.open({ freeCount: 2 });
    const mappings = [maps(sierra('b1'), 'a2345678'), maps(folio('f1'), 'a2345678')];
    await registry.importMappings(mappings);
    const before = await registry.dump();
    const again = await registry.importMappings(mappings);
    expect(outcomes(again)).toEqual(['existing', 'existing']);
    expect(again.map(({ warning }) => warning)).toEqual([undefined, undefined]);
    expect(await registry.dump()).toEqual(before);
  });

  test('an ID that was free in the pool is assigned from then on', async () => {
    await using registry = await store.open({ free: ['a2345678', 'b2345678'] });
    await registry.importMappings([maps(sierra('b1'), 'a2345678')]);
    expect(await registry.statusOf([id('a2345678'), id('b2345678')])).toEqual(
      new Map([
        ['a2345678', 'assigned'],
        ['b2345678', 'free'],
      ])
    );
    const { answers } = await registry.mint(requests(sierra('b2'), sierra('b3')));
    expect(outcomes(answers)).toEqual(['POOL_EXHAUSTED', 'POOL_EXHAUSTED']);
  });

  test('a mapping that contradicts the registry fails by itself, and the rest goes in', async () => {
    await using registry = await store.open({ mappings: [[sierra('b1'), 'a2345678']] });
    const answers = await registry.importMappings([
      maps(sierra('b1'), 'c2345678'),
      maps(sierra('b2'), 'b2345678'),
    ]);
    expect(outcomes(answers)).toEqual(['MAPPING_CONFLICT', 'added']);
    expect(answers[0]?.error?.message).toMatch(/a2345678.*c2345678/);
    expect(await registry.standing(sierra('b1'))).toBe('a2345678');
    expect(await registry.statusOf([id('c2345678')])).toEqual(new Map());
  });

  test('a mapping that contradicts an earlier one of the import fails by itself', async () => {
    await using registry = await store.open();
    const answers = await registry.importMappings([
      maps(sierra('b1'), 'a2345678'),
      maps(sierra('b1'), 'b2345678'),
      maps(sierra('b1'), 'a2345678'),
    ]);
    expect(outcomes(answers)).toEqual(['added', 'MAPPING_CONFLICT', 'existing']);
    expect((await registry.dump()).canonicalIds).toEqual([['a2345678', 'assigned']]);
  });

  test('a malformed ID or source fails by itself, with what it was', async () => {
    await using registry = await store.open();
    const answers = await registry.importMappings([
      maps(sierra('b1'), 'A2345678'),
      maps({ ...sierra('b2'), sourceSystem: '' }, 'b2345678'),
      maps(sierra('b3'), '(new-1)'),
      { source: sierra('b4'), canonicalId: 7 } as unknown as Mapping,
      maps(sierra('b5'), 'c2345678'),
    ]);
    expect(outcomes(answers)).toEqual([
      'INVALID_CANONICAL_ID',
      'INVALID_IDENTIFIER',
      'INVALID_CANONICAL_ID',
      'INVALID_CANONICAL_ID',
      'added',
    ]);
    expect(answers[0]).toMatchObject(maps(sierra('b1'), 'A2345678'));
    expect((await registry.dump()).canonicalIds).toEqual([['c2345678', 'assigned']]);
  });

  test('several sources may share an ID, and one that was in use before is told of', async () => {
    await using registry = await store.open({ mappings: [[sierra('b1'), 'a2345678']] });
    const answers = await registry.importMappings([
      maps(folio('f1'), 'a2345678'),
      maps(sierra('b2'), 'b2345678'),
      maps(folio('f2'), 'b2345678'),
    ]);
    expect(outcomes(answers)).toEqual(['added', 'added', 'added']);
    expect(answers.map(({ warning }) => warning?.code)).toEqual([
      'SHARED_CANONICAL_ID',
      undefined,
      undefined,
    ]);
    expect(answers[0]?.warning).toMatchObject({
      message: expect.stringContaining('a2345678'),
      details: { source: folio('f1'), canonicalId: 'a2345678' },
    });
    const shared = (await registry.sourcesOf([id('b2345678')])).get(id('b2345678'));
    expect(shared?.map(({ source }) => source)).toEqual([folio('f2'), sierra('b2')]);
  });

  test('sources are folded, and a heading by two names is one', async () => {
    await using registry = await store.open();
    const answers = await registry.importMappings([
      maps(heading('Person', 'n1'), 'a2345678'),
      maps(heading('Agent', 'n1'), 'a2345678'),
      maps(heading('Concept', 'n1'), 'b2345678'),
    ]);
    expect(outcomes(answers)).toEqual(['added', 'existing', 'MAPPING_CONFLICT']);
    expect(answers[1]?.source).toEqual(heading('Agent', 'n1'));
    expect((await registry.dump()).identifiers).toEqual([
      ['Concept', 'lc-names', 'n1', 'a2345678'],
    ]);
  });

  test('two imports of the same at once leave it once', async () => {
    await using registry = await store.open();
    const other = await registry.openAnother();
    const mappings = Array.from({ length: 50 }, (_, at) =>
      maps(sierra(`b${at}`), `a23456${'abcdefghjk'.charAt(at / 10)}${'abcdefghjk'.charAt(at % 10)}`)
    );
    const results = await Promise.all([
      registry.importMappings(mappings),
      other.importMappings([...mappings].reverse()),
    ]);
    const all = results.flat().map(({ outcome, error }) => outcome ?? error?.code);
    expect(all.filter(outcome => outcome === 'added').length).toBeGreaterThanOrEqual(50);
    expect(new Set(all).isSubsetOf(new Set(['added', 'existing']))).toBe(true);
    expect((await registry.dump()).identifiers).toHaveLength(50);
  });
});

for (const store of FOLDING_STORES) {
  test(`registry contract on ${store.name}: of lines in two spellings the first stands, and no ID is assigned for the other`, async () => {
    await using registry = await store.open({ mappings: [[sierra('b1'), 'a2345678']] });
    const answers = await registry.importMappings([
      maps(sierra('B1'), 'b2345678'),
      maps(sierra('b2'), 'c2345678'),
      maps(sierra('B2'), 'd2345678'),
      maps(sierra('ħ'), 'e2345678'),
      maps(image('v'), 'e2345678'),
      maps(image('V'), 'f2345678'),
      maps(image('v '), 'g2345678'),
    ]);
    expect(outcomes(answers)).toEqual([
      'IDENTIFIER_COLLISION',
      'added',
      'IDENTIFIER_COLLISION',
      'INVALID_IDENTIFIER',
      'added',
      'IDENTIFIER_COLLISION',
      'IDENTIFIER_COLLISION',
    ]);
    for (const at of [5, 6]) {
      expect(answers[at]?.error?.details).toMatchObject({ standing: image('v') });
    }
    expect((await registry.dump()).canonicalIds).toEqual([
      ['a2345678', 'assigned'],
      ['c2345678', 'assigned'],
      ['e2345678', 'assigned'],
    ]);
  });
}
