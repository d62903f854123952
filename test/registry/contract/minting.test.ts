import { describe, expect, test } from 'vitest';
import { ids, outcomes, requests } from '../../support/answers.ts';
import { folio, heading, id, image, label, sierra } from '../../support/identifiers.ts';
import { STORES } from '../../support/stores.ts';

describe.each(STORES)('registry contract on $name: looking up', store => {
  test('finds what is there, by position, and nothing else', async () => {
    await using registry = await store.open({
      mappings: [
        [sierra('b1'), 'a2345678'],
        [image('V1'), 'b2345678'],
        [label(''), 'c2345678'],
      ],
    });
    const found = await registry.lookUp([
      image('V1'),
      sierra('b9'),
      sierra('b1'),
      folio('b1'),
      image('b1'),
      label(''),
      sierra('b1'),
    ]);
    expect(found.map(mapping => mapping?.canonicalId)).toEqual([
      'b2345678',
      undefined,
      'a2345678',
      undefined,
      undefined,
      'c2345678',
      'a2345678',
    ]);
    expect(found[2]).toEqual({ source: sierra('b1'), canonicalId: 'a2345678' });
  });

  test('finds nothing in an empty registry, and nothing where nothing is asked', async () => {
    await using registry = await store.open();
    expect(await registry.lookUp([sierra('b1')])).toEqual([undefined]);
    expect(await registry.lookUp([])).toEqual([]);
  });

  test('finds each of 5,000 identifiers of several types and systems', async () => {
    await using registry = await store.open({ freeCount: 5_000 });
    const sources = Array.from({ length: 5_000 }, (_, number) =>
      [sierra, folio, image, label][number % 4]?.(`v${number}`)
    ).filter(source => source !== undefined);
    const minted = await registry.mint(requests(...sources));
    const found = await registry.lookUp([...sources].reverse());
    expect(found.map(mapping => mapping?.canonicalId).reverse()).toEqual(ids(minted.answers));
  });

  test('lists all sources of an ID, the oldest first and equal times in key order', async () => {
    await using registry = await store.open({
      mappings: [
        [sierra('b1'), 'a2345678'],
        [folio('f1'), 'a2345678'],
        [image('V1'), 'a2345678'],
        [image('V2'), 'b2345678'],
      ],
    });
    const at = (time: string, value: string) =>
      registry.database.sql(
        `UPDATE identifiers SET CreatedAt = '${time}' WHERE SourceId = '${value}'`
      );
    await at('2020-01-02 03:04:05', 'b1');
    await at('2020-01-02 03:04:05', 'f1');
    await at('2020-01-02 03:04:06', 'V1');
    const sources = await registry.sourcesOf([id('a2345678'), id('z2345678')]);
    expect(sources.get(id('a2345678'))).toEqual([
      { source: folio('f1'), canonicalId: 'a2345678', createdAt: new Date('2020-01-02T03:04:05Z') },
      {
        source: sierra('b1'),
        canonicalId: 'a2345678',
        createdAt: new Date('2020-01-02T03:04:05Z'),
      },
      { source: image('V1'), canonicalId: 'a2345678', createdAt: new Date('2020-01-02T03:04:06Z') },
    ]);
    expect(sources.get(id('z2345678'))).toEqual([]);
    expect([...sources.keys()]).toEqual(['a2345678', 'z2345678']);
  });

  test('records when a mapping was made, in UTC and to the second', async () => {
    await using registry = await store.open({ freeCount: 1 });
    const before = Math.floor(Date.now() / 1000) * 1000;
    const { answers } = await registry.mint(requests(sierra('b1')));
    const [canonicalId] = ids(answers);
    const [mapping] =
      (await registry.sourcesOf([canonicalId ?? id('')])).values().next().value ?? [];
    const created = mapping?.createdAt.getTime() ?? 0;
    expect(created).toBeGreaterThanOrEqual(before - 1000);
    expect(created).toBeLessThanOrEqual(Date.now() + 1000);
    expect(created % 1000).toBe(0);
  });

  test('tells free, assigned and unknown IDs apart', async () => {
    await using registry = await store.open({
      free: ['f2345678'],
      mappings: [[sierra('b1'), 'a2345678']],
    });
    const status = await registry.statusOf([id('f2345678'), id('a2345678'), id('z2345678')]);
    expect([...status].sort()).toEqual([
      ['a2345678', 'assigned'],
      ['f2345678', 'free'],
    ]);
  });
});

describe.each(STORES)('registry contract on $name: minting', store => {
  test('an empty batch gets an empty answer', async () => {
    await using registry = await store.open();
    expect(await registry.mint([])).toEqual({ answers: [], warnings: [] });
  });

  test('new sources get IDs of the pool, each another one, and the database holds them', async () => {
    const free = ['a2345678', 'b2345678', 'c2345678'];
    await using registry = await store.open({ free });
    const { answers, warnings } = await registry.mint(requests(sierra('b1'), image('V1')));
    expect(outcomes(answers)).toEqual(['minted', 'minted']);
    expect(warnings).toEqual([]);
    const [first, second] = ids(answers);
    expect(first).not.toBe(second);
    expect(free).toContain(first);
    expect(free).toContain(second);
    expect(await registry.standing(sierra('b1'))).toBe(first);
    expect(await registry.standing(image('V1'))).toBe(second);
  });

  test('an ID is assigned if and only if a mapping uses it', async () => {
    await using registry = await store.open({ freeCount: 5 });
    const { answers } = await registry.mint(requests(sierra('b1'), sierra('b2')));
    const used = new Set<unknown>(ids(answers));
    const { canonicalIds } = await registry.dump();
    expect(canonicalIds).toHaveLength(5);
    for (const [canonicalId, status] of canonicalIds) {
      expect(status).toBe(used.has(canonicalId) ? 'assigned' : 'free');
    }
    expect(await registry.countPool()).toEqual({ free: 3, assigned: 2 });
  });

  test('sources that are there keep their IDs, and the pool is not touched', async () => {
    await using registry = await store.open({
      mappings: [
        [sierra('b1'), 'a2345678'],
        [image('V1'), 'b2345678'],
      ],
      freeCount: 2,
    });
    const before = await registry.dump();
    const { answers } = await registry.mint(requests(image('V1'), sierra('b1')));
    expect(answers).toEqual([
      { source: image('V1'), canonicalId: 'b2345678', outcome: 'existing' },
      { source: sierra('b1'), canonicalId: 'a2345678', outcome: 'existing' },
    ]);
    expect(await registry.dump()).toEqual(before);
  });

  test('a batch of old and new sources is answered in its order', async () => {
    await using registry = await store.open({
      mappings: [[sierra('b2'), 'a2345678']],
      freeCount: 4,
    });
    const { answers } = await registry.mint(
      requests(sierra('b3'), sierra('b2'), image('V1'), sierra('b1'))
    );
    expect(outcomes(answers)).toEqual(['minted', 'existing', 'minted', 'minted']);
    expect(answers.map(({ source }) => source)).toEqual([
      sierra('b3'),
      sierra('b2'),
      image('V1'),
      sierra('b1'),
    ]);
  });

  test('the same batch again gives the same IDs and writes nothing', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const batch = [
      { source: folio('f1'), predecessor: sierra('b1') },
      ...requests(sierra('b1'), image('V1')),
    ];
    const first = await registry.mint(batch);
    const between = await registry.dump();
    const second = await registry.mint(batch);
    expect(outcomes(first.answers)).toEqual(['inherited', 'minted', 'minted']);
    expect(outcomes(second.answers)).toEqual(['existing', 'existing', 'existing']);
    expect(ids(second.answers)).toEqual(ids(first.answers));
    expect(await registry.dump()).toEqual(between);
  });

  test('of a source that is asked for twice the first tells how it got its ID, the other finds it', async () => {
    await using registry = await store.open({ freeCount: 3 });
    const { answers } = await registry.mint(requests(sierra('b1'), sierra('b2'), sierra('b1')));
    expect(outcomes(answers)).toEqual(['minted', 'minted', 'existing']);
    expect(ids(answers)[2]).toBe(ids(answers)[0]);
    expect(await registry.countFree()).toBe(1);
  });

  test('an empty value is minted like any other, with a warning where it is new', async () => {
    await using registry = await store.open({ freeCount: 2 });
    const [first] = (await registry.mint(requests(label('')))).answers;
    const [second] = (await registry.mint(requests(label('')))).answers;
    expect(first).toMatchObject({ outcome: 'minted', warning: { code: 'EMPTY_VALUE' } });
    expect(second).toEqual({
      source: label(''),
      canonicalId: first?.canonicalId,
      outcome: 'existing',
    });
  });

  test('one ID stands for a heading whatever the work calls it, and the answer keeps that type', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const batch = ['Person', 'Agent', 'Concept', 'Subject'].map(type => heading(type, 'n1'));
    const { answers } = await registry.mint(requests(...batch));
    expect(outcomes(answers)).toEqual(['minted', 'existing', 'existing', 'minted']);
    expect(new Set(ids(answers)).size).toBe(2);
    expect(answers.map(({ source }) => source)).toEqual(batch);
    const found = await registry.lookUp([heading('Genre', 'n1'), heading('Work', 'n1')]);
    expect(found).toEqual([
      { source: heading('Concept', 'n1'), canonicalId: answers[0]?.canonicalId },
      undefined,
    ]);
    const { identifiers } = await registry.dump();
    expect(identifiers.map(([type]) => type)).toEqual(['Concept', 'Subject']);
  });

  test('a registry that was made without concept types tells Person and Place apart', async () => {
    await using registry = await store.open({ conceptTypes: [], freeCount: 3 });
    const { answers } = await registry.mint(
      requests(heading('Person', '1'), heading('Place', '1'), heading('Concept', '1'))
    );
    expect(outcomes(answers)).toEqual(['minted', 'minted', 'minted']);
    expect(new Set(ids(answers)).size).toBe(3);
    const another = await registry.openAnother();
    expect((await another.lookUp([heading('Place', '1')]))[0]).toEqual({
      source: heading('Place', '1'),
      canonicalId: ids(answers)[1],
    });
  });

  test('a registry folds the types that it was made with, and no others', async () => {
    await using registry = await store.open({ conceptTypes: ['Ship', 'Engine'], freeCount: 3 });
    const { answers } = await registry.mint(
      requests(heading('Ship', '1'), heading('Engine', '1'), heading('Person', '1'))
    );
    expect(outcomes(answers)).toEqual(['minted', 'existing', 'minted']);
  });

  test('keys that JavaScript has names for are keys like any other', async () => {
    await using registry = await store.open({ freeCount: 20 });
    const hostile = [
      '__proto__',
      'constructor',
      'toString',
      "'; DROP TABLE identifiers; --",
      '\\',
      '%',
      '_',
      '"',
      '[1:1:a]',
      '0',
      '-0',
      '1e1',
      'null',
      '$.a',
      '?',
      ':x',
    ];
    const sources = [
      ...hostile.map(sierra),
      { ontologyType: '__proto__', sourceSystem: 'constructor', value: 'a' },
    ];
    const { answers } = await registry.mint(requests(...sources));
    expect(outcomes(answers)).toEqual(sources.map(() => 'minted'));
    expect(new Set(ids(answers)).size).toBe(sources.length);
    const found = await registry.lookUp(sources);
    expect(found).toEqual(sources.map((source, at) => ({ source, canonicalId: ids(answers)[at] })));
  });

  test('several calls at once in one process agree, and no ID is used twice', async () => {
    await using registry = await store.open({ freeCount: 200 });
    const batches = Array.from({ length: 8 }, (_, number) => [
      ...requests(...Array.from({ length: 10 }, (_, at) => sierra(`b${number}-${at}`))),
      ...requests(...Array.from({ length: 10 }, (_, at) => label(`shared ${(at + number) % 12}`))),
    ]);
    const results = await Promise.all(batches.map(batch => registry.mint(batch)));
    const standing = new Map<string, string>();
    for (const { source, canonicalId, error } of results.flatMap(({ answers }) => answers)) {
      expect(error).toBeUndefined();
      const key = JSON.stringify(source);
      expect(standing.get(key) ?? canonicalId).toBe(canonicalId);
      standing.set(key, canonicalId ?? '');
    }
    expect(new Set(standing.values()).size).toBe(92);
    const minted = results.flatMap(({ answers }) => outcomes(answers)).filter(o => o === 'minted');
    expect(minted).toHaveLength(92);
    const { identifiers } = await registry.dump();
    for (const [ontologyType, sourceSystem, value, canonicalId] of identifiers) {
      expect(standing.get(JSON.stringify({ ontologyType, sourceSystem, value }))).toBe(canonicalId);
    }
    expect(await registry.countPool()).toEqual({ free: 108, assigned: 92 });
  });
});
