import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Desk } from '../support/command-line.ts';
import { openDesk } from '../support/command-line.ts';
import { openDuck, writeRdsExport } from '../support/parquet.ts';
import { atScale, SCALE_TIMEOUT_MS } from './scale.ts';

const SAY_PEAK = new URL('../support/say-peak-memory.ts', import.meta.url).href;

/** An ID for each number below two million, in no order that a registry would have: eight to the power of seven. */
const SCATTERED = '(i * 7919) % 2097143';
const DIGITS = [7, 6, 5, 4, 3, 2, 1, 0];

/** One row for each number `i`, in DuckDB and in SQLite. */
const IN_DUCKDB = {
  id: `'a' || translate(to_base(${SCATTERED}, 8, 7), '01234567', '23456789')`,
  time: "TIMESTAMP '2026-01-01 00:00:00' + to_seconds(i)",
  numbers: (count: number) => `range(${count}) AS t(i)`,
};
const IN_SQLITE = {
  id: `'a' || ${DIGITS.reduce(
    (text, digit) => `replace(${text}, '${digit}', '${digit + 2}')`,
    `printf('%07o', ${SCATTERED})`
  )}`,
  time: "datetime('2026-01-01', i || ' seconds')",
  numbers: (count: number) =>
    `(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1}) SELECT i FROM n)`,
};

/** The statements that select so many mappings, and a tenth as many free IDs. */
function rowsIn({ id, time, numbers }: typeof IN_DUCKDB, mappings: number) {
  return {
    canonical_ids: `SELECT ${id} AS CanonicalId, CASE WHEN i < ${mappings} THEN 'assigned' ELSE 'free' END AS Status,
      ${time} AS CreatedAt FROM ${numbers(Math.floor(mappings * 1.1))}`,
    identifiers: `SELECT 'Work' AS OntologyType, 'sierra-system-number' AS SourceSystem,
      'b' || (1000000 + i) AS SourceId, ${id} AS CanonicalId, ${time} AS CreatedAt FROM ${numbers(mappings)}`,
  };
}

async function writeExport(desk: Desk, mappings: number): Promise<string> {
  await using duck = await openDuck();
  const folder = desk.path(`export-${mappings}`);
  const { canonical_ids, identifiers } = rowsIn(IN_DUCKDB, mappings);
  await writeRdsExport(duck, folder, {
    parts: { canonical_ids: [canonical_ids], identifiers: [identifiers] },
    info: { snapshotTime: '2027-01-01T00:00:00Z' },
  });
  return folder;
}

async function makeRegistry(desk: Desk, mappings: number): Promise<string> {
  const name = `registry-${mappings}.sqlite`;
  await desk.run(['migrate', '--registry', `sqlite:${name}`]);
  const { canonical_ids, identifiers } = rowsIn(IN_SQLITE, mappings);
  const file = new DatabaseSync(desk.path(name));
  file.exec(
    `BEGIN; INSERT INTO canonical_ids ${canonical_ids}; INSERT INTO identifiers ${identifiers}; COMMIT`
  );
  file.close();
  return `sqlite:${name}`;
}

// Windows has no signals that a program could catch and another one could send.
const STOPS =
  process.platform === 'win32'
    ? []
    : ([
        ['SIGTERM', 100, 143],
        ['SIGINT', 1_000, 130],
        ['SIGTERM', 2_000, 143],
        ['SIGKILL', 1_000, null],
      ] as const);

describe('verify of a large export', () => {
  test('needs hardly more memory for four times as many rows', {
    timeout: SCALE_TIMEOUT_MS,
  }, async () => {
    await using desk = await openDesk();
    const peakOf = async (mappings: number): Promise<number> => {
      const folder = await writeExport(desk, mappings);
      const registry = await makeRegistry(desk, mappings);
      const line = ['export', 'verify', folder, '--against', registry, '--json'];
      const { status, stdout, stderr } = await desk.run(line, { node: ['--import', SAY_PEAK] });
      expect({ status, told: JSON.parse(stdout) }).toMatchObject({
        status: 0,
        told: {
          audited: { mappings, free: Math.floor(mappings * 1.1) - mappings },
          compared: { canonicalIds: { equal: true }, mappings: { equal: true } },
        },
      });
      return Number(/^Peak memory: (\d+) KiB$/m.exec(stderr)?.[1]);
    };
    const many = atScale(400_000);

    const few = await peakOf(many / 4);
    const more = await peakOf(many);

    expect(more / few).toBeLessThan(1.5);
  });

  test.each(STOPS)(
    'that %s stops after %i ms ends within 2 s with %s, and leaves nothing behind',
    { timeout: SCALE_TIMEOUT_MS },
    async (signal, afterMs, status) => {
      await using desk = await openDesk();
      const folder = await writeExport(desk, 200_000);
      const registry = await makeRegistry(desk, 200_000);
      const { child, ended, says } = desk.start([
        ...['export', 'verify', folder, '--against', registry],
      ]);
      await says(/^Export: /m);
      await sleep(afterMs);
      const began = performance.now();
      child.kill(signal);

      expect(await ended).toMatchObject({ status, stdout: '' });
      expect(performance.now() - began).toBeLessThan(2_000);
      expect(await desk.leftovers()).toEqual([]);
    }
  );
});
