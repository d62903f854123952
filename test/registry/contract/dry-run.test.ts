import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isStandIn } from '../../../src/domain/canonical-id.ts';
import type { MintAnswer } from '../../../src/domain/registry.ts';
import { ids, outcomes, requests } from '../../support/answers.ts';
import type { Course } from '../../support/batches.ts';
import { courses, inNamespace, setFree } from '../../support/batches.ts';
import { folio, heading, id, image, label, sierra } from '../../support/identifiers.ts';
import { FOLDING_STORES, STORES } from '../../support/stores.ts';

describe.each(STORES)('registry contract on $name: a dry run', store => {
  test('answers with what is there and with stand-ins for what is not, and writes nothing', async () => {
    await using registry = await store.open({
      mappings: [[sierra('b1'), 'a2345678']],
      freeCount: 4,
    });
    const before = await registry.dump();
    const view = registry.dryRun();
    const { answers } = await view.mint([
      { source: sierra('b1') },
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: sierra('b2') },
      { source: folio('f2'), predecessor: sierra('b2') },
      { source: folio('f3'), predecessor: sierra('nobody') },
      { source: label('') },
    ]);
    expect(outcomes(answers)).toEqual([
      'existing',
      'inherited',
      'minted',
      'inherited',
      'PREDECESSOR_NOT_FOUND',
      'minted',
    ]);
    expect(ids(answers).slice(0, 2)).toEqual(['a2345678', 'a2345678']);
    const [, , minted, inherited] = ids(answers);
    expect(minted && isStandIn(minted)).toBe(true);
    expect(inherited).toBe(minted);
    expect(answers[5]?.warning?.code).toBe('EMPTY_VALUE');
    expect(await view.countPool()).toEqual({ free: 2, assigned: 3 });
    expect(await registry.dump()).toEqual(before);
  });

  test('knows in later batches what earlier ones would have made', async () => {
    await using registry = await store.open({ freeCount: 2 });
    const view = registry.dryRun();
    const first = await view.mint(requests(sierra('b1'), heading('Person', 'n1')));
    const second = await view.mint([
      { source: sierra('b1') },
      { source: heading('Agent', 'n1') },
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: image('V1') },
    ]);
    expect(outcomes(second.answers)).toEqual([
      'existing',
      'existing',
      'inherited',
      'POOL_EXHAUSTED',
    ]);
    expect(ids(second.answers).slice(0, 2)).toEqual(ids(first.answers));
    expect(second.answers[3]?.error?.details).toMatchObject({ needed: 1, free: 0 });
    expect(
      (await view.lookUp([sierra('b1'), image('V1')])).map(found => found?.canonicalId)
    ).toEqual([ids(first.answers)[0], undefined]);
  });

  test('is forgotten with its view', async () => {
    await using registry = await store.open({ freeCount: 2 });
    await registry.dryRun().mint(requests(sierra('b1')));
    const { answers } = await registry.dryRun().mint(requests(sierra('b1')));
    expect(outcomes(answers)).toEqual(['minted']);
    expect(await registry.lookUp([sierra('b1')])).toEqual([undefined]);
  });

  test('tops nothing up, and counts as if it had', async () => {
    await using registry = await store.open({ freeCount: 1 });
    const before = await registry.dump();
    const view = registry.dryRun();
    expect(await view.topUp(3)).toEqual({ free: 3, added: 2 });
    const { answers } = await view.mint(requests(sierra('b1'), sierra('b2'), sierra('b3')));
    expect(outcomes(answers)).toEqual(['minted', 'minted', 'minted']);
    expect(await view.countPool()).toEqual({ free: 0, assigned: 3 });
    expect(await registry.dump()).toEqual(before);
  });

  test('imports nothing, and answers as if it had', async () => {
    await using registry = await store.open({
      mappings: [[sierra('b1'), 'a2345678']],
      free: ['b2345678'],
    });
    const before = await registry.dump();
    const mappings = [
      { source: sierra('b1'), canonicalId: id('c2345678') },
      { source: sierra('b1'), canonicalId: id('a2345678') },
      { source: folio('f1'), canonicalId: id('a2345678') },
      { source: sierra('b2'), canonicalId: id('b2345678') },
      { source: sierra('b3'), canonicalId: id('B2345678') },
    ];
    const view = registry.dryRun();
    const dry = await view.importMappings(mappings);
    const dryAgain = await view.importMappings(mappings);
    expect(await registry.dump()).toEqual(before);
    const real = await registry.importMappings(mappings);
    const realAgain = await registry.importMappings(mappings);
    expect(outcomes(real)).toEqual([
      'MAPPING_CONFLICT',
      'existing',
      'added',
      'added',
      'INVALID_CANONICAL_ID',
    ]);
    expect(outcomes(dry)).toEqual(outcomes(real));
    expect(outcomes(dryAgain)).toEqual(outcomes(realAgain));
    expect(dry.map(({ warning }) => warning)).toEqual(real.map(({ warning }) => warning));
  });

  test('of any course of batches ends as the real one does after it, spelling by spelling', async () => {
    await using registry = await store.open();
    let run = 0;
    const property = fc.asyncProperty(courses(['a', 'A', 'b', 'á']), async course => {
      await setFree(registry, course.free);
      const batches = inNamespace(course, ++run);
      const before = await registry.dump();
      const view = registry.dryRun();
      const dry: MintAnswer[][] = [];
      for (const batch of batches) dry.push([...(await view.mint(batch)).answers]);
      const pool = await view.countPool();
      expect(await registry.dump()).toEqual(before);
      const real: MintAnswer[][] = [];
      for (const batch of batches) real.push([...(await registry.mint(batch)).answers]);
      expect(dry.map(outcomes)).toEqual(real.map(outcomes));
      const warnings = (batch: readonly MintAnswer[]) => batch.map(({ warning }) => warning?.code);
      expect(dry.map(warnings)).toEqual(real.map(warnings));
      expect(await registry.countPool()).toEqual(pool);
      // Which sources share an ID is the same, though the IDs are not.
      const pairs = real
        .flat()
        .map(({ canonicalId }, at) => [dry.flat()[at]?.canonicalId, canonicalId]);
      const distinct = new Set(pairs.map(pair => pair.join()));
      expect(distinct.size).toBe(new Set(pairs.map(([stands]) => stands)).size);
      expect(distinct.size).toBe(new Set(pairs.map(([, stands]) => stands)).size);
    });
    // A twin that is found out when IDs of its batch are marked already.
    const sourceOf = (ontologyType: string, value: string) => ({
      ...{ ontologyType, sourceSystem: 'tms', value },
    });
    const twins = [
      { source: sourceOf('Work', 'A'), predecessor: sourceOf('Concept', 'b') },
      { source: sourceOf('Work', 'a'), predecessor: null },
      { source: sourceOf('Concept', 'b'), predecessor: null },
    ];
    const examples: [Course][] = [[{ free: 2, batches: [twins] }]];
    await fc.assert(property, { numRuns: store.dialect === 'sqlite' ? 200 : 40, examples });
  });
});

for (const store of FOLDING_STORES) {
  test(`registry contract on ${store.name}: a dry run refuses twins as the real run does, of one batch and of two`, async () => {
    await using registry = await store.open({ freeCount: 9 });
    const view = registry.dryRun();
    const batches = [
      requests(sierra('b1'), sierra('B1'), sierra('a')),
      requests(sierra('A'), sierra('b1 '), sierra('c')),
    ];
    for (const run of [view, registry]) {
      const [first, second] = [await run.mint(batches[0] ?? []), await run.mint(batches[1] ?? [])];
      expect(outcomes(first.answers)).toEqual(['minted', 'IDENTIFIER_COLLISION', 'minted']);
      expect(outcomes(second.answers)).toEqual([
        'IDENTIFIER_COLLISION',
        'IDENTIFIER_COLLISION',
        'minted',
      ]);
      expect(second.answers[0]?.error?.details).toEqual({
        source: sierra('A'),
        standing: sierra('a'),
      });
    }
  });
}
