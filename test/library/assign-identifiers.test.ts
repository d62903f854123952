import { describe, expect, test } from 'vitest';
import type { AssignAnswer, AssignIdentifiersOptions, Warning } from '../../src/index.ts';
import { assignIdentifiers, formatSourceIdentifier } from '../../src/index.ts';
import { sqliteStore } from '../steps/in-memory.ts';
import { folio, id, sierra } from '../support/identifiers.ts';

const store = sqliteStore();
const b1 = formatSourceIdentifier(sierra('b1'));
const f1 = formatSourceIdentifier(folio('f1'));

async function assignAll(options: AssignIdentifiersOptions) {
  const run = assignIdentifiers(options);
  const answers: AssignAnswer[] = [];
  for await (const answer of run) answers.push(answer);
  return { answers, counts: run.counts };
}

describe('bare identifiers', () => {
  test('are answered one by one, in their order, each with what was given', async () => {
    await using registry = await store.open({ freeCount: 5 });
    const given = [b1, 'no identifier', { source: folio('f1'), predecessor: b1 }, { source: b1 }];
    const { answers, counts } = await assignAll({ registry, identifiers: given, batchSize: 2 });
    const standing = await registry.standing(sierra('b1'));
    expect(answers).toMatchObject([
      { source: b1, canonicalId: standing, outcome: 'minted' },
      { source: 'no identifier', error: { code: 'INVALID_IDENTIFIER' } },
      { source: folio('f1'), canonicalId: standing, outcome: 'inherited' },
      { source: b1, canonicalId: standing, outcome: 'existing' },
    ]);
    expect(counts).toMatchObject({
      identifiers: { existing: 1, inherited: 1, minted: 1 },
      errors: { INVALID_IDENTIFIER: 1 },
      warnings: {},
    });
  });

  test('may come one by one, and what is none is answered so', async () => {
    await using registry = await store.open({ freeCount: 5 });
    async function* given(): AsyncGenerator<string> {
      yield b1;
      yield null as unknown as string;
      yield f1;
    }
    const { answers } = await assignAll({ registry, identifiers: given() });
    expect(answers.map(({ outcome, error }) => outcome ?? error?.code)).toEqual([
      'minted',
      'INVALID_IDENTIFIER',
      'minted',
    ]);
  });

  test('a warning stands with its answer, and one that concerns the batch is told', async () => {
    const mappings = [[sierra('b0'), 'b2345678']] as const;
    await using registry = await store.open({ free: ['c2345678'], mappings });
    await registry.database.sql("UPDATE canonical_ids SET Status = 'free'");
    const warnings: Warning[] = [];
    const warn = (warning: Warning) => warnings.push(warning);
    // As many as there are free, so that each of these is met wherever the claim begins.
    const first = await assignAll({ registry, identifiers: [b1, f1], warn });
    expect(warnings).toMatchObject([{ code: 'POOL_CORRUPT' }]);
    expect(first.counts).toMatchObject({
      errors: { POOL_EXHAUSTED: 2 },
      warnings: { POOL_CORRUPT: 1 },
    });
    const identifiers = ['Concept[label-derived/]'];
    const { answers, counts } = await assignAll({ registry, identifiers, warn });
    expect(answers).toMatchObject([
      { canonicalId: id('c2345678'), warning: { code: 'EMPTY_VALUE' } },
    ]);
    expect(counts.warnings).toEqual({ EMPTY_VALUE: 1 });
    expect(warnings).toHaveLength(1);
  });

  test('a dry run of them writes nothing', async () => {
    await using registry = await store.open({ freeCount: 5 });
    const before = await registry.dump();
    const { answers } = await assignAll({ registry: registry.dryRun(), identifiers: [b1, f1] });
    expect(answers.map(({ canonicalId }) => canonicalId)).toEqual(['(new-1)', '(new-2)']);
    expect(await registry.dump()).toEqual(before);
  });

  test('leaving early ends the run, at the latest after the batch that follows', async () => {
    await using registry = await store.open({ freeCount: 5 });
    for await (const { outcome } of assignIdentifiers({
      ...{ registry, identifiers: [b1, f1, 'Work[x/3]', 'Work[x/4]'], batchSize: 1 },
    })) {
      expect(outcome).toBe('minted');
      break;
    }
    expect((await registry.dump()).identifiers.length).toBeLessThanOrEqual(2);
  });

  test('a signal ends the run, after the answers so far', async () => {
    await using registry = await store.open({ freeCount: 5 });
    const stop = new AbortController();
    const answers: AssignAnswer[] = [];
    const run = async () => {
      for await (const answer of assignIdentifiers({
        ...{ registry, identifiers: [b1, f1, 'Work[x/3]'], batchSize: 1, signal: stop.signal },
      })) {
        answers.push(answer);
        stop.abort();
      }
    };
    await expect(run()).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    expect(answers).toHaveLength((await registry.dump()).identifiers.length);
    expect(answers.length).toBeLessThan(3);
  });
});
