import { describe, expect, test } from 'vitest';
import type { MintRequest, Registry } from '../../src/domain/registry.ts';
import { remembering } from '../../src/registry/remembering.ts';
import { heading, label, sierra } from '../support/identifiers.ts';
import { STORES } from '../support/stores.ts';

/** Tells which sources the registry below is asked for. */
function watched(registry: Registry): { registry: Registry; asked: string[][] } {
  const asked: string[][] = [];
  const mint = (requests: readonly MintRequest[]) => {
    asked.push(requests.map(({ source }) => source.value));
    return registry.mint(requests);
  };
  return { registry: { ...registry, mint }, asked };
}

describe.each(STORES)('a registry that remembers, over $name', store => {
  test('asks for a mapping once, and answers in the order of the requests', async () => {
    await using below = await store.open({ freeCount: 10 });
    const { registry, asked } = watched(below);
    const run = remembering(registry);
    const first = await run.mint([{ source: label('b1') }, { source: label('b2') }]);
    const again = await run.mint([
      { source: label('b2') },
      { source: label('b3') },
      { source: label('b1') },
    ]);
    await run.mint([{ source: label('b3') }]);
    expect(asked).toEqual([['b1', 'b2'], ['b3']]);
    expect(again.answers.map(({ outcome }) => outcome)).toEqual(['existing', 'minted', 'existing']);
    expect(again.answers[2]?.canonicalId).toBe(first.answers[0]?.canonicalId);
    expect(again.answers.map(({ source }) => source.value)).toEqual(['b2', 'b3', 'b1']);
  });

  test('answers what it remembers without the registry, and so do its dry runs', async () => {
    await using below = await store.open({ freeCount: 10 });
    const { registry, asked } = watched(below);
    const run = remembering(registry);
    const two = [{ source: label('b1') }, { source: label('b2') }];
    const { answers } = await run.mint(two);
    expect(await run.mint(two)).toEqual({
      answers: answers.map(answer => ({ ...answer, outcome: 'existing' })),
      warnings: [],
    });
    expect(asked).toHaveLength(1);
    const dry = remembering({ ...registry, dryRun: () => registry }).dryRun();
    await dry.mint([{ source: label('b3') }]);
    await dry.mint([{ source: label('b3') }]);
    expect(asked).toHaveLength(2);
  });

  test('remembers no refusal, and passes requests that name a predecessor on', async () => {
    await using below = await store.open({ mappings: [[sierra('b1'), 'a2345678']] });
    const { registry, asked } = watched(below);
    const run = remembering(registry);
    const heir = { source: heading('Concept', 'f1'), predecessor: sierra('b9') };
    expect((await run.mint([heir])).answers[0]?.error?.code).toBe('PREDECESSOR_NOT_FOUND');
    const [answer] = (await run.mint([{ ...heir, predecessor: sierra('b1') }])).answers;
    expect(answer).toMatchObject({ canonicalId: 'a2345678', outcome: 'inherited' });
    await run.mint([{ ...heir, predecessor: sierra('b1') }, { source: heading('Concept', 'f1') }]);
    expect(asked).toEqual([['f1'], ['f1'], ['f1']]);
  });

  test('remembers headings by whatever type, and nothing that belongs to one work', async () => {
    await using below = await store.open({ freeCount: 10 });
    const { registry, asked } = watched(below);
    const run = remembering(registry);
    const requests = [
      { source: heading('Person', 'n1') },
      { source: heading('Concept', 'n2') },
      { source: sierra('b1') },
    ];
    await run.mint(requests);
    await run.mint(requests);
    expect(asked).toEqual([['n1', 'n2', 'b1'], ['b1']]);
  });

  test('holds no more than it may', async () => {
    await using below = await store.open({ freeCount: 10 });
    const { registry, asked } = watched(below);
    const run = remembering(registry, 2);
    for (const value of ['b1', 'b2', 'b3', 'b1', 'b1']) await run.mint([{ source: label(value) }]);
    expect(asked).toEqual([['b1'], ['b2'], ['b3'], ['b1']]);
  });

  test('forgets first what nobody asks for again', async () => {
    await using below = await store.open({ freeCount: 10 });
    const { registry, asked } = watched(below);
    const run = remembering(registry, 4);
    const values = ['b1', 'b2', 'b3', 'b1', 'b4', 'b1', 'b5', 'b1', 'b2'];
    for (const value of values) await run.mint([{ source: label(value) }]);
    expect(asked.flat()).toEqual(['b1', 'b2', 'b3', 'b4', 'b5', 'b2']);
  });

  test('leaves it to the registry to refuse what is no identifier', async () => {
    await using below = await store.open();
    const broken = [{ source: { ontologyType: 'Work' } }, {}] as unknown as MintRequest[];
    const { answers } = await remembering(below).mint(broken);
    expect(answers.map(({ error }) => error?.code)).toEqual([
      ...['INVALID_IDENTIFIER', 'INVALID_IDENTIFIER'],
    ]);
  });
});
