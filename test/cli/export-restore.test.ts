import { existsSync } from 'node:fs';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/domain/registry-export.ts';
import type { Desk } from '../support/command-line.ts';
import { openDesk } from '../support/command-line.ts';
import { someIds } from '../support/identifiers.ts';
import {
  MAPPING_COLUMNS,
  openDuck,
  POOL_COLUMNS,
  values,
  writeRdsExport,
} from '../support/parquet.ts';
import type { DeskOnRegistry, RegistryKind } from './desk-on-registry.ts';
import { openDeskOn, REGISTRY_KINDS, SERVER_REGISTRIES, sqliteAt } from './desk-on-registry.ts';
import { fillRegistry, tablesOf } from './restored.ts';

const WITH_FREE = ['export', 'restore', 'backup', '--with-free'];

/** A desk whose registry holds so many IDs, a tenth of them free, and its export `backup`. */
async function openExported(kind: RegistryKind, ids: number): Promise<DeskOnRegistry> {
  const desk = await openDeskOn(kind, { free: 0 });
  await fillRegistry(desk.registry, someIds(ids), ids / 10);
  const { status, stderr } = await desk.run(['export', 'write', 'backup']);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return desk;
}

async function expectDone(desk: Desk, args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await desk.run(args);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return stdout;
}

async function readManifest(desk: Desk): Promise<Manifest> {
  return JSON.parse(await desk.read('backup/manifest.json'));
}

describe.each(REGISTRY_KINDS)('an export of a registry on $name', kind => {
  test('holds what the registry holds, as another reader of Parquet sees it', async () => {
    await using desk = await openExported(kind, 2_000);
    await using duck = await openDuck();
    const read = (table: string, columns: string) =>
      duck.rows(
        `SELECT ${columns}, strftime(CreatedAt AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S')
         FROM read_parquet('${desk.path(`backup/identifiers/${table}/*/part-*.parquet`)}')`
      );
    const byText = (rows: readonly (readonly (string | null)[])[]) =>
      rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

    const { canonicalIds, identifiers } = await tablesOf(desk.registry);
    expect(byText(await read('canonical_ids', 'CanonicalId, Status'))).toEqual(canonicalIds);
    expect(
      byText(await read('identifiers', 'OntologyType, SourceSystem, SourceId, CanonicalId'))
    ).toEqual(identifiers);
    expect(canonicalIds).toHaveLength(2_000);
    const { tables } = await readManifest(desk);
    expect([tables.canonical_ids.rows, tables.identifiers.rows]).toEqual([2_000, 1_980]);
  });

  test.each(REGISTRY_KINDS)('restores the same registry on $name', async other => {
    await using desk = await openExported(kind, 2_000);
    await using restored = await openDeskOn(other, { free: 0 });
    await cp(desk.path('backup'), restored.path('backup'), { recursive: true });

    const told = await expectDone(restored, [...WITH_FREE, '--json']);

    expect(JSON.parse(told)).toEqual({
      outcome: 'restored',
      mappings: 1_980,
      canonicalIds: { assigned: 1_800, free: 200 },
    });
    expect(await tablesOf(restored.registry)).toEqual(await tablesOf(desk.registry));
    const before = await restored.registry.dump();
    const again = await expectDone(restored, [...WITH_FREE, '--json']);
    expect(JSON.parse(again)).toMatchObject({ outcome: 'already' });
    expect(await restored.registry.dump()).toBe(before);
    const minted = await expectDone(restored, ['assign', 'Work[s/new]', 'Work[folio-instance/f3]']);
    expect(minted).toMatch(/"minted".*"existing"/s);
  });

  test('restores without the free IDs, unless they are asked for', async () => {
    await using desk = await openExported(kind, 200);
    await using restored = await openDeskOn(kind, { free: 0 });
    await cp(desk.path('backup'), restored.path('backup'), { recursive: true });

    await expectDone(restored, ['export', 'restore', 'backup']);

    const { canonicalIds, identifiers } = await tablesOf(desk.registry);
    expect(await tablesOf(restored.registry)).toEqual({
      canonicalIds: canonicalIds.filter(([, status]) => status === 'assigned'),
      identifiers,
    });
    const late = await restored.run(WITH_FREE);
    expect(late).toMatchObject({
      status: 5,
      stderr: expect.stringContaining('without --with-free'),
    });
  });

  test('is not restored into a registry that holds anything, and that stays as it was', async () => {
    await using desk = await openExported(kind, 100);
    await using other = await openDeskOn(kind, { free: 3 });
    await cp(desk.path('backup'), other.path('backup'), { recursive: true });
    for (const each of [desk, other]) {
      const before = await each.registry.dump();
      const { status, stderr } = await each.run(WITH_FREE);
      expect({ status, stderr }).toEqual({
        status: 5,
        stderr: expect.stringMatching(
          /RESTORE_REFUSED: .* is not empty: it holds (100|3) canonical IDs/
        ),
      });
      expect(await each.registry.dump()).toBe(before);
    }
  });

  test('keeps what the registry folds, and is refused by one that folds otherwise', async () => {
    await using desk = await openDeskOn(kind);
    await expectDone(desk, ['migrate', '--concept-types', 'Person']);
    await fillRegistry(desk.registry, someIds(20), 2);
    await expectDone(desk, ['export', 'write', 'backup']);
    await using other = await openDeskOn(kind, { free: 0 });
    await cp(desk.path('backup'), other.path('backup'), { recursive: true });

    const refused = await other.run(WITH_FREE);
    expect(refused).toMatchObject({
      status: 5,
      stderr: expect.stringContaining('migrate --concept-types Person'),
    });
    await expectDone(other, [...WITH_FREE, '--registry', 'sqlite:made.sqlite']);
    expect(await tablesOf(sqliteAt(other.path('made.sqlite')))).toEqual(
      await tablesOf(desk.registry)
    );
    const folded = ['assign', 'Person[s/1]', 'Place[s/1]', 'Concept[s/1]', '--top-up'];
    const answers = await expectDone(other, [...folded, '--registry', 'sqlite:made.sqlite']);
    expect(answers.match(/"minted"/g)).toHaveLength(2);
  });

  test('that is half-way into a registry closes it to all but its own restore', async () => {
    await using desk = await openExported(kind, 20_000);
    await using half = await openDeskOn(kind, { free: 0 });
    await cp(desk.path('backup'), half.path('backup'), { recursive: true });
    const running = half.start(WITH_FREE);
    await poll(async () => (await countIds(half)) > 0);
    running.child.kill('SIGKILL');
    await running.ended;
    const before = await half.registry.dump();

    for (const args of [
      ['assign', 'Work[s/1]'],
      ['pool', 'top-up', '--target', '5'],
      ['lookup', 'Work[s/1]'],
      ['export', 'write', 'another'],
    ]) {
      const { status, stderr } = await half.run(args);
      expect({ status, stderr }).toEqual({
        status: 5,
        stderr: expect.stringMatching(/RESTORE_UNFINISHED: The export id-minter-.* rows are there/),
      });
    }
    const without = await half.run(['export', 'restore', 'backup']);
    expect(without).toMatchObject({
      status: 5,
      stderr: expect.stringContaining('RESTORE_REFUSED'),
    });
    await expectDone(desk, ['export', 'write', 'second']);
    const other = await half.run([...['export', 'restore', desk.path('second'), '--with-free']]);
    expect(other).toMatchObject({
      status: 5,
      stderr: expect.stringMatching(/is being restored from another export, id-minter-/),
    });
    expect(await half.registry.dump()).toBe(before);

    await expectDone(half, WITH_FREE);
    expect(await tablesOf(half.registry)).toEqual(await tablesOf(desk.registry));
  });

  test('whose writing fails or is stopped leaves nothing that looks whole', async () => {
    await using desk = await openExported(kind, 20_000);
    const again = await desk.run(['export', 'write', 'backup']);
    expect(again).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('TARGET_UNWRITABLE: backup holds 7 files already'),
    });
    const running = desk.start(['export', 'write', 'second']);
    await poll(async () => (await readdir(desk.path('second')).catch(() => [])).length > 0);
    running.child.kill('SIGTERM');
    expect((await running.ended).status).toBeOneOf([143, 0]);
    const left = await readdir(desk.path('second'), { recursive: true, withFileTypes: true });
    const files = left.filter(entry => entry.isFile()).map(({ name }) => name);
    if (!files.includes('manifest.json')) expect(files).toEqual([]);
  });

  test('written while others mint has every mapping with its ID, assigned', async () => {
    await using desk = await openExported(kind, 3_000);
    const rows = Array.from({ length: 20_000 }, (_, index) => `{"source": "Work[new/${index}]"}`);
    await desk.write('rows.ndjson', rows.join('\n'));
    await expectDone(desk, ['pool', 'top-up', '--target', '21000']);
    const minting = desk.start(['assign', '--source', 'rows.ndjson', '--target', 'out.ndjson']);
    let minted = false;
    const ended = minting.ended.finally(() => {
      minted = true;
    });
    await using duck = await openDuck();
    const counts: number[] = [];
    for (let round = 0, isLast = false; !isLast; round += 1) {
      isLast = minted && round > 0;
      const name = `while-${round}`;
      await expectDone(desk, ['export', 'write', name]);
      const at = (table: string) =>
        `read_parquet('${desk.path(`${name}/identifiers/${table}/*/part-*.parquet`)}')`;
      const unsound = await duck.rows(
        `SELECT p.CanonicalId, p.Status, i.SourceId FROM ${at('canonical_ids')} AS p
         FULL JOIN ${at('identifiers')} AS i ON i.CanonicalId = p.CanonicalId
         WHERE (p.Status IS DISTINCT FROM 'assigned') <> (i.CanonicalId IS NULL)`
      );
      expect(unsound).toEqual([]);
      const [[count] = []] = await duck.rows(`SELECT count(*) FROM ${at('identifiers')}`);
      counts.push(Number(count));
    }
    expect((await ended).status).toBe(0);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts.at(-1)).toBe(22_970);
  });
});

describe('an export that RDS wrote', () => {
  const POOL = values(POOL_COLUMNS, [
    ["'a2345678'", "'assigned'", "TIMESTAMP '2020-02-29 23:59:59'"],
    ["'b2345678'", "'free'", 'NULL'],
    ["'c2345678'", "'assigned'", "TIMESTAMP '2026-08-20 03:00:00'"],
  ]);
  const MAPPINGS = [
    values(MAPPING_COLUMNS, [
      ["'Work'", "'miro'", "'V1 é'", "'a2345678'", "TIMESTAMP '2020-02-29 23:59:59'"],
    ]),
    values(MAPPING_COLUMNS, [
      ["'Work'", "'sierra-system-number'", "'b1'", "'a2345678'", 'NULL'],
      ["'Image'", "'miro'", "''", "'c2345678'", "TIMESTAMP '2026-08-20 03:00:01'"],
    ]),
  ];
  const RESTORED = {
    canonicalIds: [
      ['a2345678', 'assigned', '2020-02-29 23:59:59'],
      ['b2345678', 'free', null],
      ['c2345678', 'assigned', '2026-08-20 03:00:00'],
    ],
    identifiers: [
      ['Image', 'miro', '', 'c2345678', '2026-08-20 03:00:01'],
      ['Work', 'miro', 'V1 é', 'a2345678', '2020-02-29 23:59:59'],
      ['Work', 'sierra-system-number', 'b1', 'a2345678', null],
    ],
  };

  test.each(REGISTRY_KINDS)(
    'is restored on $name with its times and its unknown times',
    async kind => {
      await using desk = await openDeskOn(kind, { free: 0 });
      await using duck = await openDuck();
      const parts = { canonical_ids: [POOL], identifiers: MAPPINGS };
      await writeRdsExport(duck, desk.path('backup'), { parts });

      await expectDone(desk, WITH_FREE);

      expect(await tablesOf(desk.registry)).toEqual(RESTORED);
    }
  );

  test.each([
    ['half a second', "TIMESTAMP '2020-01-01 00:00:00.5'", "'free'", /whole seconds/],
    ['no time', "'never'", "'free'", /CreatedAt is no time/],
    ['a status of its own', "TIMESTAMP '2020-01-01 00:00:00'", "'retired'", /status "retired"/],
  ])('is refused for a row with %s before the first row goes in', async (_, time, status, why) => {
    await using desk = await openDesk();
    await using duck = await openDuck();
    const bad = values(POOL_COLUMNS, [["'d2345678'", status, time]]);
    await writeRdsExport(duck, desk.path('backup'), {
      parts: { canonical_ids: [POOL, bad], identifiers: MAPPINGS },
    });

    const ended = await desk.run([...WITH_FREE, '--registry', 'sqlite:r.sqlite']);

    expect(ended).toMatchObject({ status: 6, stderr: expect.stringMatching(/EXPORT_DAMAGED/) });
    expect(ended.stderr).toMatch(why);
    expect(ended.stderr).toContain('canonical_ids/2/part-00003-');
    const { canonicalIds } = await tablesOf(sqliteAt(desk.path('r.sqlite')));
    expect(canonicalIds).toEqual([]);
  });

  test('with a mapping whose ID it lacks names the row’s fault, and the registry stays closed', async () => {
    await using desk = await openDesk();
    await using duck = await openDuck();
    const lost = values(MAPPING_COLUMNS, [["'Work'", "'miro'", "'V9'", "'z2345678'", 'NULL']]);
    await writeRdsExport(duck, desk.path('backup'), {
      parts: { canonical_ids: [POOL], identifiers: [...MAPPINGS, lost] },
    });
    const registry = ['--registry', 'sqlite:r.sqlite'];

    const ended = await desk.run([...WITH_FREE, ...registry]);
    expect(ended).toMatchObject({
      status: 6,
      stderr: expect.stringMatching(
        /EXPORT_DAMAGED: .*does not take a row of the export: FOREIGN KEY/
      ),
    });
    const refused = await desk.run(['assign', 'Work[s/1]', ...registry]);
    expect(refused).toMatchObject({
      status: 5,
      stderr: expect.stringContaining('RESTORE_UNFINISHED'),
    });
  });

  test.each(SERVER_REGISTRIES)(
    'is refused on $name for what its columns cannot hold',
    async kind => {
      await using desk = await openDeskOn(kind, { free: 0 });
      await using duck = await openDuck();
      const foreign = values(MAPPING_COLUMNS, [
        ["'Work'", "'miro'", "'日本'", "'a2345678'", 'NULL'],
      ]);
      await writeRdsExport(duck, desk.path('backup'), {
        parts: { canonical_ids: [POOL], identifiers: [...MAPPINGS, foreign] },
      });
      const refused = await desk.run(WITH_FREE);
      expect(refused).toMatchObject({
        status: 5,
        stderr: expect.stringMatching(/cannot store Work\[miro\/日本\].*migrate --exact/),
      });
      expect((await tablesOf(desk.registry)).canonicalIds).toEqual([]);

      const twin = values(MAPPING_COLUMNS, [["'Work'", "'miro'", "'v1 É'", "'c2345678'", 'NULL']]);
      await rm(desk.path('backup'), { recursive: true });
      await writeRdsExport(duck, desk.path('backup'), {
        parts: { canonical_ids: [POOL], identifiers: [...MAPPINGS, twin] },
      });
      const collided = await desk.run(WITH_FREE);
      expect(collided).toMatchObject({
        status: 6,
        stderr: expect.stringMatching(/EXPORT_DAMAGED: .*Duplicate entry.*migrate --exact/),
      });
    }
  );
});

test('an export to where no folder can be made ends in an error, before a row is read', async () => {
  await using desk = await openDesk();
  await expectDone(desk, ['assign', 'Work[s/1]', '--registry', 'sqlite:r.sqlite']);
  await desk.write('file', '');

  // Folders of /proc take none, as root too.
  const places = [['file/backup', 'file/backup']];
  if (existsSync('/proc/self')) places.push(['/proc/no/backup', '/proc/no/backup/export_info_']);
  for (const [place = '', failed] of places) {
    const ended = await desk.run(['export', 'write', place, '--registry', 'sqlite:r.sqlite']);
    expect(ended).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(`EXPORT_NOT_FOUND: ${failed}\\S* could not be written`),
    });
  }
});

describe('an export whose manifest does not agree with it', () => {
  test.each<[string, (manifest: Manifest) => unknown, RegExp]>([
    [
      'in rows',
      manifest => ({ rows: manifest.tables.identifiers.rows + 1 }),
      /rows, and \d+ by its manifest/,
    ],
    [
      'in what the rows are',
      () => ({ digest: '0'.repeat(32) }),
      /not those that its manifest tells of/,
    ],
    ['in its files', () => ({ files: [] }), /which its manifest does not name/],
    [
      'in the bytes of a file',
      manifest => ({
        files: manifest.tables.identifiers.files.map(file => ({ ...file, sha256: '0'.repeat(64) })),
      }),
      /part-00000\.gz\.parquet has another SHA-256 than its manifest says/,
    ],
  ])('%s is not restored', async (_, change, why) => {
    const [kind] = REGISTRY_KINDS;
    if (!kind) throw new Error('There is always SQLite.');
    await using desk = await openExported(kind, 100);
    const manifest = await readManifest(desk);
    Object.assign(manifest.tables.identifiers, change(manifest));
    await writeFile(desk.path('backup/manifest.json'), JSON.stringify(manifest));

    const ended = await desk.run([...WITH_FREE, '--registry', 'sqlite:r.sqlite']);

    expect(ended).toMatchObject({ status: 6, stderr: expect.stringMatching(why) });
    const there = await readFile(desk.path('r.sqlite')).then(
      async () => (await tablesOf(sqliteAt(desk.path('r.sqlite')))).canonicalIds,
      () => []
    );
    expect(there).toEqual([]);
  });

  test('is told of before a registry is made, where a file is missing', async () => {
    const [kind] = REGISTRY_KINDS;
    if (!kind) throw new Error('There is always SQLite.');
    await using desk = await openExported(kind, 100);
    await rm(desk.path(join('backup', 'identifiers', 'identifiers', '1', '_SUCCESS')));
    await rm(desk.path('backup/manifest.json'));

    const ended = await desk.run([...WITH_FREE, '--registry', 'sqlite:r.sqlite', '--json']);

    expect(ended.status).toBe(6);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      error: { code: 'EXPORT_INCOMPLETE', exit: 6 },
    });
    expect(await desk.list()).not.toContain('r.sqlite');
  });
});

async function countIds({ registry }: DeskOnRegistry): Promise<number> {
  const rows = await registry.sql('SELECT 1 FROM canonical_ids LIMIT 1').catch(() => []);
  return rows.length;
}

async function poll(isSo: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + 20_000;
  while (!(await isSo())) {
    if (Date.now() > until) throw new Error('It never was so.');
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}
