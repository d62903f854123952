import { describe, expect, test } from 'vitest';
import { openDesk } from '../support/command-line.ts';
import { openDeskOn, REGISTRY_KINDS, SERVER_REGISTRIES } from './desk-on-registry.ts';
import { fromLines } from './works.ts';

const FIRST = '0001_create_identifiers_schema';

describe.each(REGISTRY_KINDS)('migrate on $name', kind => {
  test('creates the tables, says so, and then has nothing to do', async () => {
    await using desk = await openDeskOn(kind);

    const before = await desk.run(['migrate', 'status', '--json']);
    const first = await desk.run(['migrate']);
    const again = await desk.run(['migrate', '--json']);
    const after = await desk.run(['migrate', 'status']);

    expect(before.status).toBe(6);
    expect(JSON.parse(before.stdout)).toEqual({
      ...{ applied: [], pending: [FIRST], unknown: [], unfinished: [] },
    });
    expect(first.status).toBe(0);
    expect(first.stderr).toContain(`Applied: ${FIRST}\n`);
    expect(again.stderr).toContain('Nothing to do');
    expect(JSON.parse(again.stdout)).toEqual({ applied: [], adopted: [] });
    expect(after).toMatchObject({ status: 0, stdout: `applied\t${FIRST}\n` });
  });

  test('lets several starters at once through, and one of them works', async () => {
    await using desk = await openDeskOn(kind);

    const ended = await Promise.all(
      Array.from({ length: 3 }, () => desk.run(['migrate', '--json']))
    );

    expect(ended.map(({ status }) => status)).toEqual([0, 0, 0]);
    const applied = ended.flatMap(({ stdout }) => JSON.parse(stdout).applied as string[]);
    expect(applied).toEqual([FIRST]);
  });

  test('takes over tables that another minter made, with what they hold', async () => {
    await using desk = await openDeskOn(kind, { free: 3 });
    const before = fromLines((await desk.run(['assign', 'Work[s/1]'])).stdout);
    await desk.registry.sql('DROP TABLE id_minter_migrations');

    const { status, stderr } = await desk.run(['migrate']);

    expect(status).toBe(0);
    expect(stderr).toContain(`Found in place: ${FIRST}\n`);
    const after = await desk.run(['assign', 'Work[s/1]', 'Person[s/2]', 'Concept[s/2]']);
    expect(fromLines(after.stdout)).toMatchObject([
      { ...(before[0] as object), outcome: 'existing' },
      { outcome: 'minted' },
      { outcome: 'existing' },
    ]);
  });

  test('fixes the concept types when the registry is created, and never after', async () => {
    await using desk = await openDeskOn(kind);

    const first = await desk.run(['migrate', '--concept-types', 'Person, Ship']);
    const same = await desk.run(['migrate', '--concept-types', 'Ship,Person']);
    const other = await desk.run(['migrate', '--concept-types', 'none']);

    expect([first.status, same.status, other.status]).toEqual([0, 0, 3]);
    expect(other.stderr).toMatch(/^error INVALID_CONFIGURATION: .*Person, Ship.*never changes/m);
    await desk.run(['pool', 'top-up', '--target', '9']);
    const { stdout } = await desk.run([
      ...['assign', 'Person[s/1]', 'Ship[s/1]', 'Place[s/1]', 'Concept[s/1]'],
    ]);
    expect(fromLines<{ outcome: string }>(stdout).map(({ outcome }) => outcome)).toEqual([
      ...['minted', 'existing', 'minted', 'existing'],
    ]);
  });

  test('may be told to fold no types at all', async () => {
    await using desk = await openDeskOn(kind);
    await desk.run(['migrate', '--concept-types', 'none']);
    await desk.run(['pool', 'top-up', '--target', '9']);
    const { stdout } = await desk.run(['assign', 'Person[s/1]', 'Concept[s/1]']);
    expect(fromLines<{ outcome: string }>(stdout).map(({ outcome }) => outcome)).toEqual([
      ...['minted', 'minted'],
    ]);
  });

  test('rolls back only with the exact number of mappings that it drops', async () => {
    await using desk = await openDeskOn(kind, { free: 5 });
    await desk.run(['assign', 'Work[s/1]', 'Work[s/2]']);
    const before = await desk.registry.dump();

    const unnamed = await desk.run(['migrate', 'rollback']);
    const wrong = await desk.run(['migrate', 'rollback', '--drop-mappings', '3', '--json']);
    const unchanged = await desk.registry.dump();
    const exact = await desk.run(['migrate', 'rollback', '--drop-mappings', '2', '--json']);
    const nothing = await desk.run(['migrate', 'rollback']);

    expect(unnamed.status).toBe(5);
    expect(unnamed.stderr).toMatch(
      /^error ROLLBACK_REFUSED: .* drops 2 mappings.*--drop-mappings 2/m
    );
    expect(wrong.status).toBe(5);
    expect(JSON.parse(wrong.stdout)).toMatchObject({
      error: { code: 'ROLLBACK_REFUSED', exit: 5 },
    });
    expect(unchanged).toBe(before);
    expect(exact.status).toBe(0);
    expect(JSON.parse(exact.stdout)).toEqual({ rolledBack: FIRST, droppedMappings: 2 });
    expect(nothing).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('Nothing to undo'),
    });
    expect(await desk.run(['migrate', 'status'])).toMatchObject({ status: 6 });
  });

  test('of an empty registry rolls back without a number', async () => {
    await using desk = await openDeskOn(kind, { free: 5 });
    expect(await desk.run(['migrate', 'rollback'])).toMatchObject({ status: 0 });
    expect((await desk.run(['migrate'])).stderr).toContain(`Applied: ${FIRST}`);
  });
});

describe.each(REGISTRY_KINDS)('a registry on $name that a later version changed', kind => {
  const record = (oldestCode: string) =>
    'INSERT INTO id_minter_migrations (Id, StartedAt, FinishedAt, OldestCode, Facts) VALUES ' +
    `('9001_of_later', '2030-01-01 00:00:00', '2030-01-01 00:00:00', '${oldestCode}', '{}')`;

  test('is used with a warning where that version allows it', async () => {
    await using desk = await openDeskOn(kind, { free: 5 });
    await desk.registry.sql(record('1.0.0'));

    const { status, stderr } = await desk.run(['assign', 'Work[s/1]']);

    expect(status).toBe(0);
    expect(stderr).toMatch(/^warning SCHEMA_NEWER: .*9001_of_later/m);
    expect(await desk.run(['migrate', 'status'])).toMatchObject({
      status: 0,
      stdout: `applied\t${FIRST}\nunknown\t9001_of_later\n`,
    });
  });

  test('is refused otherwise, with the version to use', async () => {
    await using desk = await openDeskOn(kind, { free: 5 });
    await desk.registry.sql(record('9000.0.0'));
    const before = await desk.registry.dump();

    for (const args of [
      ['assign', 'Work[s/1]'],
      ['lookup', 'a2345678'],
      ['pool'],
      ['migrate', 'rollback'],
    ]) {
      const { status, stderr } = await desk.run(args);
      expect(status).toBe(5);
      expect(stderr).toMatch(/^error SCHEMA_NEWER: .*9001_of_later/m);
    }
    expect(await desk.registry.dump()).toBe(before);
  });

  test('is left alone where a migration is half done', async () => {
    await using desk = await openDeskOn(kind, { free: 5 });
    await desk.registry.sql('UPDATE id_minter_migrations SET FinishedAt = NULL');

    const assigned = await desk.run(['assign', 'Work[s/1]']);
    const migrated = await desk.run(['migrate']);
    const status = await desk.run(['migrate', 'status']);

    for (const ended of [assigned, migrated]) {
      expect(ended.status).toBe(5);
      expect(ended.stderr).toMatch(/^error MIGRATION_UNFINISHED: .*id_minter_migrations/m);
    }
    expect(status).toMatchObject({ status: 6, stdout: `unfinished\t${FIRST}\n` });
  });
});

describe.each(SERVER_REGISTRIES)('spelling on $name', kind => {
  test('is that of the collation, unless the registry was created exact', async () => {
    await using folding = await openDeskOn(kind, { free: 5 });
    await using exact = await openDeskOn(kind);
    await exact.run(['migrate', '--exact']);
    await exact.run(['pool', 'top-up', '--target', '9']);
    const args = ['assign', 'Work[s/b1]', 'Work[s/B1]', 'Work[s/b1 ]', 'Work[s/日本]'];

    const folded = await folding.run(args);
    const told = await exact.run(args);

    const codes = ({ stdout }: typeof told) =>
      fromLines<{ outcome?: string; error?: { code: string } }>(stdout).map(
        ({ outcome, error }) => outcome ?? error?.code
      );
    expect(codes(folded)).toEqual([
      ...['minted', 'IDENTIFIER_COLLISION', 'IDENTIFIER_COLLISION', 'INVALID_IDENTIFIER'],
    ]);
    expect(codes(told)).toEqual(['minted', 'minted', 'minted', 'minted']);
    expect(await folding.run(['migrate', '--exact'])).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('never changes'),
    });
  });
});

describe('migrate', () => {
  test('makes a SQLite file where it is told to, and status and rollback make none', async () => {
    await using desk = await openDesk();
    const url = ['--registry', 'sqlite:here.sqlite'];
    expect((await desk.run(['migrate', 'status', ...url])).status).toBe(6);
    expect((await desk.run(['migrate', 'rollback', ...url])).status).toBe(0);
    expect(await desk.list()).toEqual([]);
    expect((await desk.run(['migrate', ...url])).status).toBe(0);
    expect(await desk.list()).toEqual(['here.sqlite']);
  });

  test.each(['', 'Pers[on', 'a,,b'])('refuses %j as concept types', async list => {
    await using desk = await openDesk();
    expect(await desk.run(['migrate', '--concept-types', list])).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('cannot be a concept type'),
    });
  });
});
