import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/domain/registry-export.ts';
import type { RdsShape } from '../support/rewritten-exports.ts';
import { partsOf, rewriteAsRds } from '../support/rewritten-exports.ts';
import { REGISTRY_KINDS } from './desk-on-registry.ts';
import type { DeskWithExport } from './desk-with-export.ts';
import { LONG_AGO, openDesk } from './desk-with-export.ts';
import { FILES, MANIFESTS, POOL_PART, REGISTRY, ROWS } from './export-tamperings.ts';
import { runHere } from './in-process.ts';

describe.each(REGISTRY_KINDS)('verify on $name', kind => {
  test.each([...ROWS, ...FILES, ...REGISTRY])(
    'finds $name by the registry, and names it',
    async ({ tamper, against }) => {
      await using desk = await openDesk(kind);
      await tamper(desk);
      await rm(`${desk.exported}/manifest.json`, { force: true });

      const { status, findings, counts } = await desk.verify(['--against', desk.registry.url]);

      const expected = Object.entries(against).map(([code, named]) => [code, named.length]);
      expect({ status, counts }).toEqual({ status: 6, counts: Object.fromEntries(expected) });
      for (const [code, named] of Object.entries(against)) {
        const messages = findings.filter(one => one.code === code).map(({ message }) => message);
        expect(messages).toHaveLength(named.length);
        for (const text of named) expect(messages.join('\n')).toContain(text);
      }
    }
  );

  test('finds nothing where the registry is as it was, and says that it is', async () => {
    await using desk = await openDesk(kind);
    const { status, counts, sums } = await desk.verify(['--against', desk.registry.url]);
    expect({ status, counts }).toEqual({ status: 0, counts: {} });
    expect(sums.compared).toMatchObject({
      canonicalIds: { rows: 5, equal: true, assigned: 0, younger: 0, undecided: 0 },
      mappings: { rows: 4, equal: true, younger: 0, undecided: 0 },
    });
  });
});

describe.each(REGISTRY_KINDS)('verify of what RDS wrote, on $name', kind => {
  const SHAPES: readonly (RdsShape & { readonly what: string })[] = [
    { what: 'a folder for each database and table' },
    { what: 'folders without the database in their names', schema: '' },
    { what: 'several parts with gaps in their numbers', partNumbers: [0, 2, 3] },
    { what: 'several batches', batches: 3, partNumbers: [1] },
    { what: 'Snappy', codec: 'snappy' },
    { what: 'times in milliseconds', time: 'CreatedAt::TIMESTAMP::TIMESTAMP_MS' },
    { what: 'times with their zone', time: 'CreatedAt' },
    { what: 'times as text', time: "strftime(CreatedAt, '%Y-%m-%d %H:%M:%S')" },
  ];

  test.each(SHAPES)('finds nothing in $what, and that all is equal', async shape => {
    await using desk = await openDesk(kind);
    const folder = desk.path('rds');
    await rewriteAsRds(desk.exported, folder, shape);

    const { status, counts, sums } = await desk.verify(['--against', desk.registry.url], folder);

    expect({ status, counts }).toEqual({ status: 0, counts: {} });
    expect(sums.compared).toMatchObject({
      canonicalIds: { rows: 5, equal: true },
      mappings: { rows: 4, equal: true },
    });
  });

  test('finds a missing part that no manifest lists', async () => {
    await using desk = await openDesk(kind);
    const folder = desk.path('rds');
    await rewriteAsRds(desk.exported, folder, { schema: '', partNumbers: [0, 3] });
    const [, last = ''] = await partsOf(folder, 'identifiers');
    await rm(last);

    const { status, counts } = await desk.verify(['--against', desk.registry.url], folder);

    expect(status).toBe(6);
    expect(counts).toMatchObject({ NOT_EXPORTED: 2 });
  });

  test('finds nothing where minting went on, and counts what may have come before the snapshot', async () => {
    await using desk = await openDesk(kind);
    const { registry, environment, add } = desk;
    const folder = desk.path('rds');
    const snapshot = LONG_AGO + 86_400;
    const snapshotTime = new Date(snapshot * 1000).toISOString();
    await rewriteAsRds(desk.exported, folder, { snapshotTime });
    await runHere(['assign', 'Work[miro/V7]', 'Work[miro/V8]', '--no-top-up'], environment);
    await add([['f2345678', 'free']], [], snapshot);
    await add([['g2345678', 'assigned']], [['Work', 'miro', 'V9', 'g2345678']], snapshot - 1);
    await add([['h2345678', 'free']], [], snapshot - 15 * 60);

    const sound = await desk.verify(['--against', registry.url], folder);
    await add([['k2345678', 'free']], [], snapshot - 15 * 60 - 1);
    const unsound = await desk.verify(['--against', registry.url], folder);

    expect({ status: sound.status, counts: sound.counts }).toEqual({ status: 0, counts: {} });
    expect(sound.sums.compared).toMatchObject({
      canonicalIds: { rows: 8, equal: false, assigned: 2, younger: 1, undecided: 2 },
      mappings: { rows: 7, equal: false, younger: 2, undecided: 1 },
    });
    expect({ status: unsound.status, counts: unsound.counts }).toEqual({
      status: 6,
      counts: { NOT_EXPORTED: 1 },
    });
    expect(unsound.findings.map(({ message }) => message)).toEqual([
      'k2345678 is in the registry’s pool, free since 2026-01-01T23:44:59Z, and not in the export of 2026-01-02T00:00:00Z.',
    ]);
  });
});

describe('verify by the export alone', () => {
  test.each([...ROWS, ...FILES])('finds $name, and names it', async ({ tamper, alone }) => {
    await using desk = await openOnSqlite();
    await tamper(desk);

    const { status, findings } = await desk.verify();

    expect(status).toBe(6);
    const [code, named] = alone ?? [];
    const messages = findings.filter(one => one.code === code).map(({ message }) => message);
    expect(messages.join('\n')).toContain(named);
  });

  test.each(MANIFESTS)('finds a manifest with $name', async ({ edit: change, named }) => {
    await using desk = await openOnSqlite();
    const path = `${desk.exported}/manifest.json`;
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
    change(manifest);
    await writeFile(path, JSON.stringify(manifest));

    const { status, findings } = await desk.verify();

    expect(status).toBe(6);
    expect(findings.map(({ message }) => message).join('\n')).toContain(named);
    expect(findings.map(({ code }) => code)).toContain('EXPORT_DAMAGED');
  });

  test('finds a manifest that is cut off', async () => {
    await using desk = await openOnSqlite();
    await writeFile(`${desk.exported}/manifest.json`, '{"format": 1,');
    const { status, counts } = await desk.verify();
    expect({ status, counts }).toEqual({ status: 6, counts: { EXPORT_DAMAGED: 1 } });
  });

  test('finds other types by the registry that are looked up as Concept', async () => {
    await using desk = await openOnSqlite();
    const path = `${desk.exported}/manifest.json`;
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
    await writeFile(path, JSON.stringify({ ...manifest, conceptTypes: ['Person'] }));

    const { status, findings } = await desk.verify(['--against', desk.registry.url]);

    expect(status).toBe(6);
    expect(findings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'CONCEPT_TYPES_CHANGED: The export looks up as Concept: Person. The registry: Agent, Genre, Meeting, Organisation, Period, Person, Place.',
    ]);
  });

  test('says what it read, and what it found, to people', async () => {
    await using desk = await openOnSqlite();
    const { registry, environment, exported } = desk;
    const against = ['export', 'verify', exported, '--against', registry.url];

    const sound = await runHere(['export', 'verify', exported], environment);
    await runHere(['assign', 'Work[miro/V7]'], environment);
    await registry.sql("UPDATE canonical_ids SET Status = 'free' WHERE CanonicalId = 'a2345678'");
    const changed = await runHere([...against, '--quiet'], environment);
    const { stderr: said } = await runHere(against, environment);

    expect(sound).toEqual({
      status: 0,
      stdout: 'free 2\nassigned 3\nmappings 4\n',
      stderr: `Export: ${exported}\nVerified 4 mappings in 2 files: 0 findings, 0 warnings.\n`,
    });
    expect(changed).toEqual({
      status: 6,
      stdout:
        'free 2\nassigned 3\nmappings 4\nassigned since 1\nyounger 1\nundecided 0\nSTATUS_CHANGED 1\n',
      stderr:
        'error STATUS_CHANGED: a2345678 is assigned in the export and free in the registry. See docs/errors.md#status_changed.\n',
    });
    expect(said).toContain(`Registry: ${registry.url}\nExport: ${exported}\n`);
    expect(said).toContain(
      'In the registry 1 IDs were assigned since, 0 canonical IDs and 1 mappings are younger than the export, and 0 rows may be.'
    );
  });

  test('does not audit rows of which it could not read all', async () => {
    await using desk = await openOnSqlite();
    await writeFile(`${desk.exported}/${POOL_PART}`, '');
    const { sums } = await desk.verify(['--against', desk.registry.url]);
    expect(sums).toMatchObject({ audited: null, compared: null });
  });

  test('reads what is not there as an error, and two registries as a wrong usage', async () => {
    await using desk = await openOnSqlite();
    const { environment, exported, registry } = desk;
    const absent = await runHere(['export', 'verify', desk.path('none')], environment);
    const both = ['--against', registry.url, '--registry', registry.url];
    const twice = await runHere(['export', 'verify', exported, ...both], environment);
    expect(absent).toMatchObject({ status: 3, stdout: '' });
    expect(absent.stderr).toContain('error EXPORT_NOT_FOUND: ');
    expect(twice).toMatchObject({ status: 2, stdout: '' });
  });

  test('leaves nothing behind, in the export, the registry or the temporary folder', async () => {
    await using desk = await openOnSqlite();
    const { registry, exported } = desk;
    const before = await registry.dump();
    const files = await readdir(exported, { recursive: true });

    const sound = await desk.run(['export', 'verify', exported, '--against', registry.url]);
    await writeFile(`${exported}/${POOL_PART}`, '');
    const unsound = await desk.run(['export', 'verify', exported]);
    const failed = await desk.run(['export', 'verify', desk.path('none')]);

    expect([sound.status, unsound.status, failed.status]).toEqual([0, 6, 3]);
    expect(await desk.leftovers()).toEqual([]);
    expect(await registry.dump()).toBe(before);
    expect(await readdir(exported, { recursive: true })).toEqual(files);
  });
});

async function openOnSqlite(): Promise<DeskWithExport> {
  const [sqlite] = REGISTRY_KINDS;
  if (sqlite === undefined) throw new Error('SQLite is always there.');
  return await openDesk(sqlite);
}
