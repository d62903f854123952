import { describe, expect, test } from 'vitest';
import type { MappingRow } from '../../src/domain/documents.ts';
import type { Warning } from '../../src/domain/errors.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import type { Registry } from '../../src/domain/registry.ts';
import type { ImportMappingsOptions } from '../../src/steps/import-mappings.ts';
import { importMappings } from '../../src/steps/import-mappings.ts';
import { folio, sierra } from '../support/identifiers.ts';
import { sqliteStore } from './in-memory.ts';

const store = sqliteStore();

type Row = Omit<MappingRow, 'place'>;

async function* rowsOf(rows: Iterable<Row>): AsyncGenerator<MappingRow> {
  let number = 0;
  for (const row of rows) {
    number += 1;
    yield { place: `line ${number}`, ...row };
  }
}

async function importAll(
  registry: Registry,
  rows: Iterable<Row>,
  options: Partial<ImportMappingsOptions> = {}
) {
  const tally = { added: 0, existing: 0, failed: 0, warnings: 0 };
  const told: string[] = [];
  const tell = (place: string, { code }: IdMinterError | Warning) => told.push(`${place} ${code}`);
  await importMappings({ registry, rows: rowsOf(rows), tally, tell, batchSize: 3, ...options });
  return { tally, told };
}

describe('importing mappings', () => {
  test('takes what is sound, refuses the rest row by row, and changes nothing the second time', async () => {
    await using registry = await store.open({ mappings: [[sierra('b0'), 'a2345678']] });
    const rows: Row[] = [
      { source: 'Work[sierra-system-number/b1]', canonicalId: 'b2345678' },
      { source: sierra('b0'), canonicalId: 'a2345678' },
      { source: folio('f1'), canonicalId: 'b2345678' },
      { source: sierra('b2'), canonicalId: 'B2345678' },
      { source: null, canonicalId: null, error: new IdMinterError('INVALID_ROW', 'Two fields.') },
      { source: sierra('b0'), canonicalId: 'c2345678' },
      { source: 'b3', canonicalId: 'c2345678' },
      { source: sierra('b4'), canonicalId: undefined },
      { source: folio('f0'), canonicalId: 'a2345678' },
    ];
    const refused = [
      ...['line 4 INVALID_CANONICAL_ID', 'line 5 INVALID_ROW', 'line 6 MAPPING_CONFLICT'],
      ...['line 7 INVALID_IDENTIFIER', 'line 8 INVALID_CANONICAL_ID'],
    ];

    const first = await importAll(registry, rows);
    expect(first.tally).toEqual({ added: 3, existing: 1, failed: 5, warnings: 1 });
    expect(first.told).toEqual([...refused, 'line 9 SHARED_CANONICAL_ID']);
    expect(await registry.standing(folio('f1'))).toBe('b2345678');
    const dump = await registry.dump();

    const second = await importAll(registry, rows, { batchSize: 100 });
    expect(second.tally).toEqual({ added: 0, existing: 4, failed: 5, warnings: 0 });
    expect([...second.told].sort()).toEqual(refused);
    expect(await registry.dump()).toEqual(dump);
  });

  test('of nothing is nothing', async () => {
    await using registry = await store.open();
    const { tally, told } = await importAll(registry, []);
    expect(tally).toEqual({ added: 0, existing: 0, failed: 0, warnings: 0 });
    expect(told).toEqual([]);
  });

  test('ends between two batches on its signal', async () => {
    await using registry = await store.open();
    const controller = new AbortController();
    const rows = function* (): Generator<Row> {
      for (const [n, id] of [
        'a2345678',
        'b2345678',
        'c2345678',
        'd2345678',
        'e2345678',
      ].entries()) {
        if (n === 3) controller.abort();
        yield { source: sierra(`b${n}`), canonicalId: id };
      }
    };
    const { tally } = await importAll(registry, rows(), { signal: controller.signal });
    expect(tally.added).toBe(3);
    expect((await registry.dump()).identifiers).toHaveLength(3);
  });

  test('takes the rows before a fault of their source', async () => {
    await using registry = await store.open();
    const fault = new IdMinterError('SOURCE_UNREADABLE', 'The pipe burst.');
    async function* rows(): AsyncGenerator<MappingRow> {
      yield* rowsOf([{ source: sierra('b1'), canonicalId: 'a2345678' }]);
      throw fault;
    }
    await expect(importAll(registry, [], { rows: rows() })).rejects.toBe(fault);
    expect(await registry.standing(sierra('b1'))).toBe('a2345678');
  });
});
