import { describe, expect, test } from 'vitest';
import type { Finding, Holding } from '../../src/domain/audit.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import { CheckTally, checkDeclared, checkRegistry } from '../../src/steps/check-registry.ts';
import { sierra } from '../support/identifiers.ts';

/** Pages of a copy of a registry, and how many of them were read. */
function copyOf(pages: readonly (readonly Holding[])[]) {
  const copy = {
    conceptTypes: new Set<string>(),
    pagesRead: 0,
    async *holdings() {
      for (const page of pages) {
        copy.pagesRead += 1;
        yield page;
      }
    },
  };
  return copy;
}

const assigned = (canonicalId: string, ...values: readonly string[]): Holding => ({
  ...{ canonicalId, status: 'assigned' },
  mappings: values.map(value => ({ source: sierra(value), canonicalId })),
});

describe('a check', () => {
  test('reads a registry without twins once', async () => {
    const registry = copyOf([[assigned('a2345678', 'b1')], [assigned('b2345678', 'b2', 'b3')]]);
    const tally = await checkRegistry({ registry, tell: () => expect.fail() });
    expect(registry.pagesRead).toBe(2);
    expect(tally).toMatchObject({ assigned: 2, mappings: 3, shared: 1, readings: 1, damage: 0 });
  });

  test('reads it once more to name twins and what a copy has twice, which is damage', async () => {
    const findings: Finding[] = [];
    const registry = copyOf([
      [assigned('a2345678', 'b1'), assigned('b2345678', 'B1')],
      [assigned('c2345678', 'b2'), assigned('d2345678', 'b2')],
    ]);
    const tally = await checkRegistry({ registry, tell: finding => findings.push(finding) });
    expect(findings.map(({ code }) => code).sort()).toEqual(['DOUBLED_MAPPING', 'TWINS']);
    expect(tally).toMatchObject({ readings: 2, damage: 1, mappings: 4 });
    expect(Object.fromEntries(tally.findings)).toEqual({ TWINS: 1, DOUBLED_MAPPING: 1 });
  });

  test('counts each ID and mapping once, however often it reads', async () => {
    const many = Array.from({ length: 100 }, (_, number) =>
      assigned(`a23456${String(number).padStart(2, '0')}`, `b${number}`, `B${number}`)
    );
    const told: Finding[] = [];
    const tally = await checkRegistry({
      ...{ registry: copyOf([many]), room: 16 },
      tell: finding => told.push(finding),
    });
    expect(tally.readings).toBeGreaterThan(10);
    expect(tally).toMatchObject({ assigned: 100, mappings: 200, shared: 100 });
    expect(tally.findings.get('TWINS')).toBe(100);
    expect(told.filter(({ code }) => code === 'TWINS')).toHaveLength(100);
  });

  test('ends after the page at hand where it is stopped', async () => {
    const stop = new AbortController();
    const pages = Array.from({ length: 9 }, () => [assigned('a2345678', 'b1', 'B1')]);
    const registry = copyOf(pages);
    registry.holdings = async function* holdings() {
      for (const page of pages) {
        registry.pagesRead += 1;
        if (registry.pagesRead === 3) stop.abort();
        yield page;
      }
    };
    await checkRegistry({ registry, tell: () => {}, signal: stop.signal, room: 8 });
    // The page at hand in each of the readings that had begun or were due.
    expect(registry.pagesRead).toBeLessThanOrEqual(4);
  });
});

describe('a check of what is declared', () => {
  test('looks up what it can where a batch holds what the registry could not store', async () => {
    const unstorable = new IdMinterError('INVALID_IDENTIFIER', 'planted');
    const findings: string[] = [];
    const tally = new CheckTally();
    const rows = (async function* read() {
      for (const value of ['b1', 'b2', 'bad', 'b3', 'absent']) {
        yield { place: value, source: sierra(value) };
      }
    })();
    await checkDeclared({
      registry: {
        lookUp: async sources => {
          if (sources.some(({ value }) => value === 'bad')) throw unstorable;
          return sources.map(source =>
            source.value === 'absent' ? undefined : { source, canonicalId: 'a2345678' as never }
          );
        },
      },
      ...{ rows, tally, batchSize: 3 },
      tell: ({ code, sources }) => findings.push(`${code} ${sources[0]?.value}`),
      refuse: () => expect.fail(),
    });
    expect(findings).toEqual(['ABSENT_IDENTIFIER bad', 'ABSENT_IDENTIFIER absent']);
    expect(tally).toMatchObject({ declared: 5, unreadable: 0, damage: 2 });
  });

  test('fails as a whole where the registry does', async () => {
    const rows = (async function* read() {
      yield { place: 'line 1', source: sierra('b1') };
    })();
    const away = new IdMinterError('REGISTRY_UNAVAILABLE', 'planted');
    const checking = checkDeclared({
      registry: { lookUp: () => Promise.reject(away) },
      ...{ rows, tally: new CheckTally(), batchSize: 3 },
      ...{ tell: () => {}, refuse: () => {} },
    });
    await expect(checking).rejects.toBe(away);
  });
});
