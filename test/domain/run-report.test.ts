import { describe, expect, test } from 'vitest';
import type { Warning } from '../../src/domain/errors.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import type { Answer, Outcome } from '../../src/domain/registry.ts';
import type { RunReport } from '../../src/domain/run-report.ts';
import { isNoteworthy, RunTally, tellAll } from '../../src/domain/run-report.ts';
import { id, sierra } from '../support/identifiers.ts';

const given = (outcome: Outcome, warning?: Warning): Answer => ({
  canonicalId: id('a2345678'),
  outcome,
  ...(warning && { warning }),
});
const empty: Warning = { code: 'EMPTY_VALUE', message: 'Empty.', details: {} };
const refused: Answer = { error: new IdMinterError('POOL_EXHAUSTED', 'None left.') };

describe('several who are told of a run', () => {
  test('are each told of everything, in their order, and of what is unconfirmed if they ask', async () => {
    const heard: string[] = [];
    const listener = (name: string): RunReport => ({
      succeeded: async ([first]) => void heard.push(`${name}: succeeded ${first}`),
      failed: async ({ row_id: row }, place) => void heard.push(`${name}: failed ${row} ${place}`),
      answered: async ({ source }, place) => void heard.push(`${name}: ${source.value} ${place}`),
      warned: async ({ code }, place) => void heard.push(`${name}: ${code} ${place}`),
    });
    const careful = {
      ...listener('careful'),
      unconfirmed: async () => void heard.push('careful: unconfirmed'),
    };
    const all = tellAll([listener('plain'), careful]);
    const ids = [id('a2345678')];
    await all.succeeded(ids);
    await all.unconfirmed?.(ids);
    await all.failed({ row_id: 'r', stage: 'read', code: 'INVALID_JSON', detail: '' }, 'line 1');
    await all.answered({ source: sierra('b1'), ...given('minted') }, 'line 2');
    await all.warned(empty, 'line 3');

    const expected = ['succeeded a2345678', 'failed r line 1', 'b1 line 2', 'EMPTY_VALUE line 3'];
    for (const name of ['plain', 'careful']) {
      const own = heard.filter(line => line.startsWith(name) && !line.endsWith('unconfirmed'));
      expect(own).toEqual(expected.map(line => `${name}: ${line}`));
    }
    expect(heard.slice(0, 3)).toEqual([
      ...['plain: succeeded a2345678', 'careful: succeeded a2345678', 'careful: unconfirmed'],
    ]);
  });
});

describe('the counts of a run', () => {
  test('begin at nothing', () => {
    expect({ ...new RunTally() }).toEqual({
      works: { succeeded: 0, failed: 0 },
      identifiers: { existing: 0, inherited: 0, minted: 0 },
      errors: {},
      warnings: {},
    });
  });

  test('count each answer by its outcome or its error, and its warning beside', () => {
    const tally = new RunTally();
    for (const answer of [
      ...[given('minted'), given('minted', empty), given('existing'), given('existing', empty)],
      ...[given('inherited'), refused, refused],
    ]) {
      tally.answered(answer);
    }
    expect(tally.identifiers).toEqual({ existing: 2, inherited: 1, minted: 2 });
    expect(tally.errors).toEqual({ POOL_EXHAUSTED: 2 });
    expect(tally.warnings).toEqual({ EMPTY_VALUE: 2 });
  });

  test('count what concerns no identifier', () => {
    const tally = new RunTally();
    tally.met('INVALID_JSON');
    tally.met('INVALID_JSON');
    tally.warned({ ...empty, code: 'SHARED_DOCUMENT_ID' });
    expect(tally.errors).toEqual({ INVALID_JSON: 2 });
    expect(tally.warnings).toEqual({ SHARED_DOCUMENT_ID: 1 });
    expect(tally.identifiers).toEqual({ existing: 0, inherited: 0, minted: 0 });
  });
});

test('a report names what is new, refused or warned about, and only counts what simply exists', () => {
  expect(
    [given('minted'), given('inherited'), refused, given('existing', empty)].map(isNoteworthy)
  ).toEqual([true, true, true, true]);
  expect(isNoteworthy(given('existing'))).toBe(false);
});
