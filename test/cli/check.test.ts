import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { mappingRow, poolRow } from '../support/damage.ts';
import { createUser } from '../support/databases.ts';
import { sharedDataFolder } from '../support/shared-data.ts';
import type { DeskOnRegistry } from './desk-on-registry.ts';
import { openDeskOn, REGISTRY_KINDS, SERVER_REGISTRIES } from './desk-on-registry.ts';
import { fromLines } from './works.ts';

const READER_GRANTS = new URL('../../migrations/mysql/grants/reader.sql', import.meta.url);
const folder = sharedDataFolder();

/** What no constraint forbids: a free ID that is used, and an assigned one that is not. */
async function damage({ registry }: DeskOnRegistry): Promise<void> {
  await registry.sql(mappingRow('aaaaaaaa', 'V1'));
  await registry.sql(poolRow('w2345678', 'assigned'));
}

describe.each(REGISTRY_KINDS)('check on $name', kind => {
  test('of a sound registry says so with its counts, and writes nothing', async () => {
    await using desk = await openDeskOn(kind, { free: 5 });
    await desk.run(['assign', 'Work[s/1]', 'Work[s/2]', 'Concept[label-derived/]']);
    const before = await desk.registry.dump();

    const text = await desk.run(['check']);
    const json = await desk.run(['check', '--json', '--quiet']);

    expect(text).toMatchObject({ status: 0, stdout: 'free 2\nassigned 3\nmappings 3\n' });
    expect(text.stderr).toMatch(/\nChecked 3 mappings: 0 findings, 0 warnings\.\n$/);
    expect(json).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(json.stdout)).toEqual({
      canonicalIds: { free: 2, assigned: 3, shared: 0 },
      ...{ mappings: 3, emptyValues: 1, declared: { compared: 0, failed: 0 } },
      ...{ findings: {}, warnings: {} },
    });
    expect(await desk.registry.dump()).toBe(before);
  });

  test('names each finding on a line, counts them, and ends with 6', async () => {
    await using desk = await openDeskOn(kind, { free: 5 });
    await damage(desk);

    const text = await desk.run(['check', '--quiet']);
    const json = await desk.run(['check', '--json', '--quiet']);

    expect(text.status).toBe(6);
    expect(text.stdout).toBe(
      'free 5\nassigned 1\nmappings 1\nUSED_BUT_FREE 1\nASSIGNED_BUT_UNUSED 1\n'
    );
    expect(text.stderr.split('\n')).toEqual([
      'error USED_BUT_FREE: aaaaaaaa is free by the pool, and Work[miro/V1] has it. See docs/errors.md#used_but_free.',
      'error ASSIGNED_BUT_UNUSED: w2345678 is assigned by the pool, and nothing has it. See docs/errors.md#assigned_but_unused.',
      '',
    ]);
    expect(json).toMatchObject({ status: 6, stderr: '' });
    expect(fromLines(json.stdout)).toMatchObject([
      {
        code: 'USED_BUT_FREE',
        canonicalIds: ['aaaaaaaa'],
        sources: [{ ontologyType: 'Work', sourceSystem: 'miro', value: 'V1' }],
      },
      { code: 'ASSIGNED_BUT_UNUSED', canonicalIds: ['w2345678'], sources: [] },
      { findings: { USED_BUT_FREE: 1, ASSIGNED_BUT_UNUSED: 1 }, warnings: {} },
    ]);
  });

  test('tells of twins, which end it with 0', async () => {
    await using desk = await openDeskOn(kind, { free: 5 });
    await desk.run(['assign', 'Work[s/x]', 'Work[s/ x]']);
    const { status, stdout, stderr } = await desk.run(['check']);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: 'free 3\nassigned 2\nmappings 2\nTWINS 1\n',
    });
    expect(stderr).toMatch(
      /^warning TWINS: Work\[s\/ ?x\] with \w{8} and Work\[s\/ ?x\] with \w{8} differ only by case/m
    );
  });

  test('compares what is declared: other IDs than the predecessor’s, and what is absent', async () => {
    await using desk = await openDeskOn(kind, { free: 5 });
    await desk.write(
      'minted.ndjson',
      '{"source": "Work[s/old]"}\n{"source": "Work[s/new]", "predecessor": "Work[s/old]"}\n' +
        '{"source": "Work[s/other]"}\n{"source": "Concept[s/c]"}\n'
    );
    await desk.run(['assign', '--source', 'minted.ndjson']);
    await desk.write(
      'declared.ndjson',
      '{"source": "Work[s/new]", "predecessor": "Work[s/old]"}\n' +
        '{"source": "Person[s/c]", "predecessor": null}\n' +
        '{"source": "Work[s/other]", "predecessor": "Work[s/old]"}\n' +
        '{"source": "Work[s/none]", "predecessor": "Work[s/日本]"}\n'
    );

    expect(await desk.run(['check', '--declared', 'minted.ndjson'])).toMatchObject({ status: 0 });
    const { status, stdout } = await desk.run(['check', '--declared', 'declared.ndjson', '--json']);

    expect(status).toBe(6);
    expect(fromLines(stdout)).toMatchObject([
      { code: 'INHERITANCE_CONFLICT', sources: [{ value: 'other' }, { value: 'old' }] },
      { code: 'ABSENT_IDENTIFIER', sources: [{ value: 'none' }] },
      { code: 'ABSENT_IDENTIFIER', sources: [{ value: '日本' }] },
      {
        declared: { compared: 4, failed: 0 },
        findings: { INHERITANCE_CONFLICT: 1, ABSENT_IDENTIFIER: 2 },
      },
    ]);
  });

  test('goes on after a declared row that cannot be read, and ends with 1', async () => {
    await using desk = await openDeskOn(kind, { free: 5 });
    const { status, stdout, stderr } = await desk.run(['check', '--declared', '-', '--json'], {
      input: '{"source": "Work[s"}\n{"source": "Work[s/1]"}\n',
    });
    expect(status).toBe(1);
    expect(stderr).toContain('error INVALID_IDENTIFIER: line 1: ');
    expect(fromLines(stdout)).toMatchObject([
      { code: 'ABSENT_IDENTIFIER' },
      { declared: { compared: 1, failed: 1 } },
    ]);
  });

  test.runIf(folder)('finds nothing in a registry of 10,000 real identifiers', async () => {
    await using desk = await openDeskOn(kind, { free: 5 });
    await desk.run(['import', `${folder}/identifiers_sample.csv`]);
    const { status, stdout, stderr } = await desk.run(['check']);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toBe('free 5\nassigned 10000\nmappings 10000\n');
  });
});

describe.each(SERVER_REGISTRIES)('check on $name', kind => {
  test('needs no right but to read', async () => {
    await using desk = await openDeskOn(kind, { free: 5 });
    await damage(desk);
    const { database, url } = desk.registry;
    if (database === undefined) throw new Error('A server has a database.');
    const { user, password } = await createUser(database, await readFile(READER_GRANTS, 'utf8'));
    const asReader = new URL(url);
    asReader.username = user;
    desk.environment = { ID_MINTER_REGISTRY: asReader.href, RDS_PASSWORD: password };
    expect(await desk.run(['check', '--quiet'])).toMatchObject({ status: 6 });
  });

  test('asks for the tables first', async () => {
    await using desk = await openDeskOn(kind);
    expect(await desk.run(['check'])).toMatchObject({
      status: 5,
      stdout: '',
      stderr: expect.stringContaining('error SCHEMA_MISSING: '),
    });
  });
});

describe('check of a SQLite file that is not there', () => {
  test('says so, and makes none', async () => {
    const [sqlite] = REGISTRY_KINDS;
    if (sqlite === undefined) throw new Error('SQLite is always there.');
    await using desk = await openDeskOn(sqlite);
    expect(await desk.run(['check'])).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('error REGISTRY_NOT_FOUND: '),
    });
    expect(await desk.list()).toEqual([]);
  });
});
