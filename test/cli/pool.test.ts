import { describe, expect, test } from 'vitest';
import { openDesk } from '../support/command-line.ts';
import { openDeskOn, REGISTRY_KINDS, SERVER_REGISTRIES } from './desk-on-registry.ts';

describe.each(REGISTRY_KINDS)('pool on $name', kind => {
  test('says how many IDs are free and assigned', async () => {
    await using desk = await openDeskOn(kind, { free: 5 });
    await desk.run(['assign', 'Work[s/1]', 'Work[s/2]']);
    expect(await desk.run(['pool'])).toMatchObject({ status: 0, stdout: 'free 3\nassigned 2\n' });
    const { stdout } = await desk.run(['pool', '--json']);
    expect(JSON.parse(stdout)).toEqual({ free: 3, assigned: 2 });
  });

  test('is topped up to a number of free IDs, and never cut down to one', async () => {
    await using desk = await openDeskOn(kind, { free: 5 });
    await desk.run(['assign', 'Work[s/1]']);

    const up = await desk.run(['pool', 'top-up', '--target', '12000']);
    const enough = await desk.run(['pool', 'top-up', '--target', '7', '--json']);

    expect(up).toMatchObject({ status: 0, stdout: 'free 12000\nadded 11996\n' });
    expect(JSON.parse(enough.stdout)).toEqual({ free: 12_000, added: 0 });
    const malformed = (await desk.registry.sql('SELECT CanonicalId FROM canonical_ids')).filter(
      ([id]) => !/^[a-hjkmnp-z][a-hjkmnp-z2-9]{7}$/.test(String(id))
    );
    expect(malformed).toEqual([]);
  });

  test('is topped up to what the environment says, where no flag says otherwise', async () => {
    await using desk = await openDeskOn(kind, { free: 0 });
    desk.environment = { ...desk.environment, ID_GENERATOR_DESIRED_FREE_IDS_COUNT: '30' };
    expect(await desk.run(['pool', 'top-up'])).toMatchObject({ stdout: 'free 30\nadded 30\n' });
    expect(await desk.run(['pool', 'top-up', '--target', '31'])).toMatchObject({
      stdout: 'free 31\nadded 1\n',
    });
  });
});

describe.each(SERVER_REGISTRIES)('pool on $name', kind => {
  test('asks for the tables first', async () => {
    await using desk = await openDeskOn(kind);
    for (const args of [['pool'], ['pool', 'top-up']]) {
      const { status, stderr } = await desk.run(args);
      expect(status).toBe(5);
      expect(stderr).toMatch(/^error SCHEMA_MISSING: .*id-minter migrate/);
    }
  });
});

describe('pool of a SQLite file that is not there', () => {
  test('is not counted, and the file is not made', async () => {
    await using desk = await openDesk();
    expect(await desk.run(['pool'])).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('REGISTRY_NOT_FOUND'),
    });
    expect(await desk.list()).toEqual([]);
  });

  test('is made when it is topped up, by default to 100,000', async () => {
    await using desk = await openDesk();
    expect(await desk.run(['pool', 'top-up'])).toMatchObject({
      status: 0,
      stdout: 'free 100000\nadded 100000\n',
    });
  });
});
