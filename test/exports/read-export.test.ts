import { cp, mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RegistryExport } from '../../src/domain/registry-export.ts';
import type { MappingRecord, PoolRecord } from '../../src/domain/registry-tables.ts';
import { openExport } from '../../src/runtime/open-export.ts';
import type { RdsExport } from '../support/parquet.ts';
import {
  MAPPING_COLUMNS,
  openDuck,
  POOL_COLUMNS,
  values,
  writeRdsExport,
} from '../support/parquet.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const TIME = "TIMESTAMP '2020-02-29 23:59:59'";
const SECONDS = Date.UTC(2020, 1, 29, 23, 59, 59) / 1000;
const POOL = values(POOL_COLUMNS, [
  ["'a2345678'", "'assigned'", TIME],
  ["'b2345678'", "'free'", 'NULL'],
]);
const MAPPINGS = values(MAPPING_COLUMNS, [["'Work'", "'miro'", "'V1'", "'a2345678'", TIME]]);
const PARTS = { canonical_ids: [POOL], identifiers: [MAPPINGS] };

/** An export of RDS in a folder of the test's own, and what was opened of it. */
async function openRds(about: Partial<RdsExport> = {}) {
  const folder = await temporaryFolder();
  await using duck = await openDuck();
  await writeRdsExport(duck, folder.path(''), { parts: PARTS, ...about });
  return Object.assign(folder, { open: () => openExport(folder.path(''), {}) });
}

async function readPool(source: RegistryExport, from?: number): Promise<PoolRecord[]> {
  const rows: PoolRecord[] = [];
  for (const file of source.filesOf('canonical_ids')) {
    for await (const page of source.readPool(file, from)) rows.push(...page.rows);
  }
  return rows;
}

async function readMappings(source: RegistryExport): Promise<MappingRecord[]> {
  const rows: MappingRecord[] = [];
  for (const file of source.filesOf('identifiers')) {
    for await (const page of source.readMappings(file)) rows.push(...page.rows);
  }
  return rows;
}

const codesOf = ({ problems }: RegistryExport) => problems.map(({ code }) => code);

describe('an export of RDS', () => {
  test.each([
    ['identifiers.', 'gzip'],
    ['', 'gzip'],
    ['identifiers.', 'snappy'],
    ['identifiers.', 'zstd'],
    ['identifiers.', 'uncompressed'],
  ] as const)(
    'in folders named %stable, packed by %s, is read row by row',
    async (tablePrefix, codec) => {
      await using folder = await openRds({ tablePrefix, codec });
      await using source = await folder.open();

      expect(source.problems).toEqual([]);
      expect(source.task).toBe('identifiers-export-test');
      expect(source.snapshotTime).toBe(Date.UTC(2026, 7, 20, 3, 12, 44) / 1000);
      expect(await readPool(source)).toEqual([
        { canonicalId: 'a2345678', status: 'assigned', createdAt: SECONDS },
        { canonicalId: 'b2345678', status: 'free', createdAt: null },
      ]);
      expect(await readMappings(source)).toEqual([
        {
          source: { ontologyType: 'Work', sourceSystem: 'miro', value: 'V1' },
          canonicalId: 'a2345678',
          createdAt: SECONDS,
        },
      ]);
    }
  );

  test.each([
    ['microseconds in UTC', "TIMESTAMPTZ '2020-02-29 23:59:59+00'", SECONDS],
    ['milliseconds', "'2020-02-29 23:59:59'::TIMESTAMP_MS", SECONDS],
    ['nanoseconds', "'2020-02-29 23:59:59'::TIMESTAMP_NS", SECONDS],
    ['text', "'2020-02-29 23:59:59'", SECONDS],
    ['text with a fraction of zero', "'2020-02-29 23:59:59.000000'", SECONDS],
    ['half a second', "TIMESTAMP '2020-02-29 23:59:59.5'", SECONDS + 0.5],
    ['text with half a second', "'2020-02-29 23:59:59.5'", SECONDS + 0.5],
    ['no time at all', "'yesterday'", Number.NaN],
    ['a day that no month has', "'2021-02-30 00:00:00'", Number.NaN],
  ])('has times as %s', async (_, time, seconds) => {
    const pool = values(POOL_COLUMNS, [["'a2345678'", "'free'", time]]);
    await using folder = await openRds({ parts: { ...PARTS, canonical_ids: [pool] } });
    await using source = await folder.open();

    expect((await readPool(source))[0]?.createdAt).toBe(seconds);
  });

  test('keeps every character of a value, also those that mean something to readers of text', async () => {
    const texts = ['\u{feff}bom', 'a\u0000b', ' trailing ', '日本語', '𝄞', "it's", ''];
    const parts = texts.map(text =>
      values(MAPPING_COLUMNS, [
        [
          ...["'Work'", "'miro'"],
          `decode('${[...Buffer.from(text)].map(byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}'::BLOB)`,
          ...["'a2345678'", TIME],
        ],
      ])
    );
    await using folder = await openRds({ parts: { ...PARTS, identifiers: parts } });
    await using source = await folder.open();

    expect((await readMappings(source)).map(row => row.source.value)).toEqual(texts);
  });

  test('has its parts in many batches, whose tenth comes after the ninth', async () => {
    const parts = Array.from({ length: 11 }, (_, index) =>
      values(POOL_COLUMNS, [[`'a234567${String.fromCharCode(97 + index)}'`, "'free'", TIME]])
    );
    await using folder = await openRds({ parts: { ...PARTS, canonical_ids: parts } });
    await using source = await folder.open();

    const ids = (await readPool(source)).map(({ canonicalId }) => canonicalId);
    expect(ids).toEqual(ids.toSorted());
    expect(ids).toHaveLength(11);
  });

  test('is read from any row on, in pages that follow one another', async () => {
    const pool = `SELECT 'a' || lpad(i::VARCHAR, 7, '2') AS CanonicalId, 'free' AS Status, ${TIME} AS CreatedAt
      FROM range(300000) AS r(i)`;
    await using folder = await openRds({ parts: { ...PARTS, canonical_ids: [pool] } });
    await using source = await folder.open();
    const [file] = source.filesOf('canonical_ids');
    if (!file) throw new Error('There is a file.');

    let next = 250_001;
    for await (const { start, rows } of source.readPool(file, next)) {
      expect(start).toBe(next);
      expect(rows[0]?.canonicalId).toBe(`a${String(next).padStart(7, '2')}`);
      next += rows.length;
    }
    expect(next).toBe(300_000);
    const beyond: unknown[] = [];
    for await (const page of source.readPool(file, 300_000)) beyond.push(page);
    expect(beyond).toEqual([]);
  });

  test('says what the registry folds where its record was exported too', async () => {
    const facts = (json: string) =>
      values(['Id', 'Facts'], [["'0001_create_identifiers_schema'", `'${json}'`]]);
    const folds = async (json: string) => {
      const parts = { ...PARTS, id_minter_migrations: [facts(json)] };
      await using folder = await openRds({ parts });
      await using source = await folder.open();
      return source.conceptTypes && [...source.conceptTypes];
    };
    expect(await folds('{"conceptTypes": ["Person", "Place"]}')).toEqual(['Person', 'Place']);
    expect(await folds('{}')).toBeUndefined();
  });

  test('that is not whole says each thing that is missing', async () => {
    await using unmarked = await openRds({ info: { status: 'IN_PROGRESS' } });
    await rm(unmarked.path('identifiers/identifiers.identifiers/1/_SUCCESS'));
    await using first = await unmarked.open();
    expect(first.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('says "IN_PROGRESS", not COMPLETE'),
      expect.stringContaining('identifiers/identifiers.identifiers/1/ has no _SUCCESS'),
    ]);

    await using untimely = await openRds({ info: { snapshotTime: 'yesterday' } });
    await using told = await untimely.open();
    expect(told.snapshotTime).toBeUndefined();
    expect(told.problems.map(({ code, message }) => [code, message])).toEqual([
      ['EXPORT_DAMAGED', expect.stringContaining('the registry of "yesterday", which is no time')],
    ]);

    await using halfTold = await openRds({
      tables: [
        { target: 'identifiers.canonical_ids', status: 'COMPLETE' },
        { target: 'identifiers.identifiers', status: 'FAILED' },
        { target: 'identifiers._yoyo_log', status: 'FAILED' },
      ],
    });
    await using second = await halfTold.open();
    expect(codesOf(second)).toEqual(['EXPORT_INCOMPLETE']);
    expect(second.problems[0]?.details).toMatchObject({ target: 'identifiers.identifiers' });

    await using oneTable = await openRds({ parts: { canonical_ids: [POOL] } });
    await rm(oneTable.path('export_info_identifiers-export-test.json'));
    await using third = await oneTable.open();
    expect(third.problems.map(({ details }) => details['what'])).toEqual([
      'it has neither manifest.json nor export_info_….json',
      'the table identifiers is not there',
    ]);
  });

  test('is the same wherever it lies, and another one with another part', async () => {
    await using folder = await openRds();
    await using elsewhere = await temporaryFolder();
    await cp(folder.path(''), elsewhere.path('copy'), { recursive: true });
    await using source = await folder.open();
    await using copy = await openExport(elsewhere.path('copy'), {});
    expect(copy.identity).toBe(source.identity);

    const part = join('identifiers', 'identifiers.canonical_ids', '1');
    await rename(elsewhere.path(join('copy', part)), elsewhere.path('copy/identifiers/x'));
    await using other = await openExport(elsewhere.path('copy'), {});
    expect(other.identity).not.toBe(source.identity);
  });
});

describe('what is no export', () => {
  test('is refused, with where the export is if it stands below', async () => {
    await using folder = await temporaryFolder();
    await expect(openExport(folder.path('absent'), {})).rejects.toMatchObject({
      code: 'EXPORT_NOT_FOUND',
    });
    await writeFile(folder.path('file'), '');
    await expect(openExport(folder.path('file'), {})).rejects.toMatchObject({
      code: 'EXPORT_NOT_FOUND',
      message: expect.stringContaining('is no folder'),
    });
    await using duck = await openDuck();
    await mkdir(folder.path('2026-08-20/one'), { recursive: true });
    await writeRdsExport(duck, folder.path('2026-08-20/one'), { parts: PARTS });
    await expect(openExport(folder.path(''), {})).rejects.toMatchObject({
      code: 'EXPORT_NOT_FOUND',
      message: expect.stringContaining('above an export: 2026-08-20/one'),
    });
  });

  test('is refused where two databases have the tables of a registry', async () => {
    await using folder = await openRds();
    await cp(folder.path('identifiers'), folder.path('another'), { recursive: true });
    await expect(folder.open()).rejects.toMatchObject({
      code: 'EXPORT_NOT_FOUND',
      message: expect.stringMatching(
        /several databases: (identifiers, another|another, identifiers)/
      ),
    });
  });
});

describe('a file that is damaged', () => {
  const PART =
    'identifiers/identifiers.canonical_ids/1/part-00000-6ba7b810-9dad-11d1-80b4-00c04fd430c8.gz.parquet';

  test.each([
    ['is cut short', (path: string) => truncate(path, 200)],
    ['is empty', (path: string) => truncate(path, 0)],
    ['is something else', (path: string) => writeFile(path, 'x'.repeat(1000))],
  ])('and %s is named with why it cannot be read', async (_, damage) => {
    await using folder = await openRds();
    await damage(folder.path(PART));
    await using source = await folder.open();

    await expect(readPool(source)).rejects.toMatchObject({
      code: 'EXPORT_DAMAGED',
      message: expect.stringContaining(`${PART} cannot be read as Parquet`),
    });
  });

  test.each([
    ['lacks a column', 'SELECT 1 AS CanonicalId, 2 AS Status', /no column CreatedAt/],
    [
      'has numbers for IDs',
      `SELECT 1 AS CanonicalId, 'free' AS Status, ${TIME} AS CreatedAt`,
      /row 1: CanonicalId is number/,
    ],
    [
      'has no ID in a row',
      `SELECT NULL::VARCHAR AS CanonicalId, 'free' AS Status, ${TIME} AS CreatedAt`,
      /row 1: CanonicalId is null/,
    ],
    [
      'has numbers for times',
      "SELECT 'a2345678' AS CanonicalId, 'free' AS Status, 12::BIGINT AS CreatedAt",
      /row 1: CreatedAt is bigint/,
    ],
  ])('and %s says so', async (_, select, message) => {
    await using folder = await openRds({ parts: { ...PARTS, canonical_ids: [select] } });
    await using source = await folder.open();

    await expect(readPool(source)).rejects.toMatchObject({
      code: 'EXPORT_DAMAGED',
      message: expect.stringMatching(message),
    });
  });
});
