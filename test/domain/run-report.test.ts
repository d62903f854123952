import { describe, expect, test } from 'vitest';
import type { Warning } from '../../src/domain/errors.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import type { Answer, Outcome } from '../../src/domain/registry.ts';
import { isNoteworthy, RunTally } from '../../src/domain/run-report.ts';
import { id } from '../support/identifiers.ts';

const given = (outcome: Outcome, warning?: Warning): Answer => ({
  canonicalId: id('a2345678'),
  outcome,
  ...(warning && { warning }),
});
const empty: Warning = { code: 'EMPTY_VALUE', message: 'Empty.', details: {} };
const refused: Answer = { error: new IdMinterError('POOL_EXHAUSTED', 'None left.') };

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
