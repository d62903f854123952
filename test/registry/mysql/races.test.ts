import { describe, expect, inject, test } from 'vitest';
import type { MintRequest, RegistryStore } from '../../../src/domain/registry.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { ids, outcomes, requests } from '../../support/answers.ts';
import { folio, sierra } from '../../support/identifiers.ts';
import type { MysqlRegistry } from './mysql-registry.ts';
import { createMysqlRegistry, openStore } from './mysql-registry.ts';

const servers = inject('servers');

describe.each(servers)('another minter is faster between look-up and insert, on $kind', server => {
  test('its ID is the answer, and ours stays free', async () => {
    await using registry = await createMysqlRegistry(server, { free: 10 });
    const { rival, answers } = await race(registry, requests(sierra('b1')), [
      ...requests(sierra('b0'), sierra('b1'), sierra('b2')),
    ]);
    expect(outcomes(answers)).toEqual(['minted', 'existing', 'minted']);
    expect(answers[1]?.canonicalId).toBe(rival[0]?.canonicalId);
    expect(await countFree(registry)).toBe(7);
  });

  test('with a predecessor: its ID is the answer for what inherits too', async () => {
    await using registry = await createMysqlRegistry(server, { free: 10 });
    const { rival, answers } = await race(registry, requests(sierra('b1'), folio('f2')), [
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: folio('f2'), predecessor: sierra('b1') },
      { source: sierra('b1') },
    ]);
    const [b1, f2] = ids(rival);
    expect(outcomes(answers)).toEqual(['inherited', 'existing', 'existing']);
    expect(ids(answers)).toEqual([b1, f2, b1]);
    expect(answers[1]?.warning?.code).toBe('INHERITANCE_CONFLICT');
  });

  test('and takes so much of the pool that only what it left to do can be minted: that is minted', async () => {
    await using registry = await createMysqlRegistry(server, { free: 3 });
    const { rival, answers } = await race(registry, requests(sierra('b2'), sierra('b3')), [
      ...requests(sierra('b1'), sierra('b2')),
    ]);
    expect(outcomes(answers)).toEqual(['minted', 'existing']);
    expect(answers[1]?.canonicalId).toBe(rival[0]?.canonicalId);
    expect(await countFree(registry)).toBe(0);
  });

  test.each([
    ['the earlier', 'B1', 'b1'],
    ['the later', 'b1', 'B1'],
  ])('with %s of two twins: the one that it minted stands', async (_, first, second) => {
    for (const [position, faster] of [first, second].entries()) {
      await using registry = await createMysqlRegistry(server, { free: 10 });
      const { rival, answers } = await race(
        registry,
        requests(sierra(faster)),
        requests(sierra(first), sierra(second))
      );
      const expected = ['IDENTIFIER_COLLISION', 'IDENTIFIER_COLLISION'];
      expected[position] = 'existing';
      expect(outcomes(answers)).toEqual(expected);
      expect(answers[position]?.canonicalId).toBe(rival[0]?.canonicalId);
    }
  });
});

/** Mints a batch, and just before its first transaction lets a rival mint another one. */
async function race(
  { minter }: MysqlRegistry,
  before: readonly MintRequest[],
  batch: readonly MintRequest[]
) {
  await using rival = createRegistry(await openStore(minter));
  const store = await openStore(minter);
  const first = { isOver: false, answers: (await rival.mint([])).answers };
  const slow: RegistryStore = Object.assign(Object.create(store) as RegistryStore, {
    translate: (error: unknown) => store.translate(error),
    lookUp: (sources: Parameters<RegistryStore['lookUp']>[0]) => store.lookUp(sources),
    transaction: async <T>(work: Parameters<typeof store.transaction<T>>[0]): Promise<T> => {
      if (!first.isOver) first.answers = (await rival.mint(before)).answers;
      first.isOver = true;
      return await store.transaction(work);
    },
  });
  const { answers } = await createRegistry(slow).mint(batch);
  await store.close();
  return { rival: first.answers, answers };
}

async function countFree({ sql }: MysqlRegistry): Promise<number> {
  const [[count] = [0]] = await sql<[number]>(
    "SELECT COUNT(*) FROM canonical_ids WHERE Status = 'free'"
  );
  return count;
}
