import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { AnsweredRow, AnswerTarget, IdentifierRow } from '../../src/domain/documents.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import type { Registry } from '../../src/domain/registry.ts';
import { RunTally } from '../../src/domain/run-report.ts';
import type { AssignIdentifiersOptions } from '../../src/steps/assign-identifiers.ts';
import { assignIdentifiers } from '../../src/steps/assign-identifiers.ts';
import { folio, sierra } from '../support/identifiers.ts';
import { sqliteStore } from './in-memory.ts';

const store = sqliteStore();

interface AnswersInMemory extends AnswerTarget {
  readonly batches: AnsweredRow[][];
}

function answers(): AnswersInMemory {
  const batches: AnsweredRow[][] = [];
  return {
    name: 'memory',
    batches,
    write: async batch => {
      batches.push([...batch]);
    },
    complete: async () => {},
    discard: async () => {},
  };
}

async function* rowsOf(
  rows: Iterable<Omit<IdentifierRow, 'place'>>
): AsyncGenerator<IdentifierRow> {
  let number = 0;
  for (const row of rows) {
    number += 1;
    yield { place: `line ${number}`, ...row };
  }
}

function manyRows(count: number): Omit<IdentifierRow, 'place'>[] {
  return Array.from({ length: count }, (_, number) => ({ source: sierra(`b${number}`) }));
}

async function assign(
  registry: Registry,
  rows: Iterable<Omit<IdentifierRow, 'place'>>,
  options: Partial<AssignIdentifiersOptions> = {}
) {
  const [target, tally] = [answers(), new RunTally()];
  await assignIdentifiers({
    ...{ registry, rows: rowsOf(rows), target, tally, batchSize: 3 },
    ...options,
  });
  const answered = target.batches.flat();
  const ends = answered.map(({ answer }) => answer.outcome ?? answer.error?.code);
  return { answered, ends, tally, batches: target.batches };
}

describe('assigning IDs to bare identifiers', () => {
  test('answers each row in its place, whatever becomes of its neighbours', async () => {
    await using registry = await store.open({
      freeCount: 9,
      mappings: [[sierra('b0'), 'a2345678']],
    });
    const unreadable = new IdMinterError('INVALID_ROW', 'Two fields.');
    const { answered, ends, tally, batches } = await assign(registry, [
      { source: 'Work[sierra-system-number/b1]' },
      { source: null, error: unreadable },
      { source: sierra('b0') },
      { source: 'b1' },
      { source: { ...sierra('b2'), value: 7 } },
      { source: folio('f1'), predecessor: 'Work[sierra-system-number/b0]' },
      { source: folio('f2'), predecessor: 'none' },
      { source: folio('f3'), predecessor: sierra('none') },
      { source: sierra('b1'), predecessor: null },
      { source: sierra('') },
    ]);
    expect(ends).toEqual([
      ...[
        'minted',
        'INVALID_ROW',
        'existing',
        'INVALID_IDENTIFIER',
        'INVALID_IDENTIFIER',
        'inherited',
      ],
      ...['INVALID_IDENTIFIER', 'PREDECESSOR_NOT_FOUND', 'existing', 'minted'],
    ]);
    expect(answered.map(({ row }) => row.place)).toEqual(
      ends.map((_, index) => `line ${index + 1}`)
    );
    expect(batches.map(batch => batch.length)).toEqual([3, 3, 3, 1]);
    for (const [index, source] of [
      [0, sierra('b1')],
      [2, sierra('b0')],
      [5, folio('f1')],
      [8, sierra('b1')],
    ] as const) {
      expect(answered[index]?.answer.canonicalId).toBe(await registry.standing(source));
    }
    expect(tally).toMatchObject({
      identifiers: { existing: 2, inherited: 1, minted: 2 },
      errors: { INVALID_ROW: 1, INVALID_IDENTIFIER: 3, PREDECESSOR_NOT_FOUND: 1 },
      warnings: { EMPTY_VALUE: 1 },
    });
  });

  test('may have nothing to ask the registry', async () => {
    await using registry = await store.open();
    expect((await assign(registry, [])).batches).toEqual([]);
    expect((await assign(registry, [{ source: 'b1' }, { source: 'b2' }])).ends).toEqual([
      ...['INVALID_IDENTIFIER', 'INVALID_IDENTIFIER'],
    ]);
  });

  test('counts the warnings of a whole batch too', async () => {
    await using registry = await store.open({
      free: ['a2345678'],
      mappings: [[sierra('b0'), 'c2345678']],
    });
    await registry.database.sql("UPDATE canonical_ids SET Status = 'free'");
    const { tally } = await assign(registry, [{ source: sierra('b1') }, { source: sierra('b2') }]);
    expect(tally.warnings).toEqual({ POOL_CORRUPT: 1 });
  });

  test('says which part of a predecessor is wrong', async () => {
    await using registry = await store.open({ freeCount: 1 });
    const { answered } = await assign(registry, [
      { source: sierra('b1'), predecessor: { ...sierra('b0'), ontologyType: '' } },
    ]);
    expect(answered[0]?.answer.error?.message).toContain(
      'The predecessor is invalid: ontologyType'
    );
    expect(await registry.countFree()).toBe(1);
  });

  test('ends between two batches on its signal', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const controller = new AbortController();
    const target = answers();
    const write = target.write.bind(target);
    target.write = async batch => {
      await write(batch);
      controller.abort();
    };
    await assign(registry, manyRows(9), { target, signal: controller.signal });
    expect(target.batches).toHaveLength(1);
    expect(await registry.countFree()).toBe(6);
  });

  test('leaves a batch alone that was read when the signal came', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const controller = new AbortController();
    const signal = controller.signal;
    const stopping: Registry = {
      ...registry,
      mint: async requests => {
        const result = await registry.mint(requests);
        controller.abort();
        return result;
      },
    };
    const { answered, tally } = await assign(stopping, manyRows(9), { signal });
    expect(answered).toHaveLength(3);
    expect(tally.identifiers.minted).toBe(3);
    expect(await registry.countFree()).toBe(6);
  });

  test('has one batch in the registry, the next one read and the one before written meanwhile', async () => {
    await using registry = await store.open({ freeCount: 15 });
    const events: string[] = [];
    const told = async <T>(what: string, work: () => T | Promise<T>): Promise<T> => {
      events.push(`${what} begins`);
      await nextTurn();
      const result = await work();
      events.push(`${what} ends`);
      return result;
    };
    const [target, minting] = [answers(), { ...registry }];
    let batches = 0;
    minting.mint = requests => {
      batches += 1;
      return told(`mint ${batches}`, () => registry.mint(requests));
    };
    const write = target.write.bind(target);
    target.write = batch =>
      told(`write ${target.batches.length + 1}`, async () => {
        await nextTurn();
        await write(batch);
      });
    async function* rows(): AsyncGenerator<IdentifierRow> {
      let count = 0;
      for await (const row of rowsOf(manyRows(9))) {
        count += 1;
        if (count % 3 === 0) events.push(`read ${count / 3}`);
        yield row;
      }
    }
    await assign(minting, [], { rows: rows(), target });
    const expectOrder = (first: string, second: string) =>
      expect(events.indexOf(first), `${first} before ${second}: ${events}`).toBeLessThan(
        events.indexOf(second)
      );
    expectOrder('read 2', 'mint 1 ends');
    expectOrder('mint 1 ends', 'mint 2 begins');
    expectOrder('mint 2 begins', 'write 1 ends');
    expectOrder('write 1 ends', 'write 2 begins');
    expectOrder('mint 2 ends', 'mint 3 begins');
    expect(target.batches.flat().map(({ row }) => row.place)).toEqual(
      Array.from({ length: 9 }, (_, index) => `line ${index + 1}`)
    );
  });

  test('knows in each batch what the batches before it were answered', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const { ends, tally } = await assign(
      registry,
      [
        { source: sierra('b1') },
        { source: folio('f1'), predecessor: sierra('b1') },
        { source: sierra('b1') },
        { source: folio('f2'), predecessor: folio('f1') },
        { source: folio('f3'), predecessor: sierra('b2') },
        { source: sierra('b2') },
      ],
      { batchSize: 1 }
    );
    expect(ends).toEqual([
      ...['minted', 'inherited', 'existing', 'inherited', 'PREDECESSOR_NOT_FOUND', 'minted'],
    ]);
    expect(tally.identifiers).toEqual({ existing: 1, inherited: 2, minted: 2 });
  });

  test('answers the batches before one with which the registry fails', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const fault = new IdMinterError('REGISTRY_UNAVAILABLE', 'The server is gone.');
    const target = answers();
    let batches = 0;
    const failing: Registry = {
      ...registry,
      mint: async requests => {
        batches += 1;
        if (batches === 3) throw fault;
        return await registry.mint(requests);
      },
    };
    await expect(assign(failing, manyRows(12), { target })).rejects.toBe(fault);
    expect(target.batches.flat()).toHaveLength(6);
    expect(await registry.countFree()).toBe(3);
  });

  test('answers the rows before a fault of their source', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const fault = new IdMinterError('SOURCE_UNREADABLE', 'The pipe burst.');
    const target = answers();
    async function* rows(): AsyncGenerator<IdentifierRow> {
      yield* rowsOf([{ source: sierra('b1') }]);
      throw fault;
    }
    await expect(assign(registry, [], { rows: rows(), target })).rejects.toBe(fault);
    expect(target.batches.flat()).toHaveLength(1);
  });
});
