import { describe, expect, test } from 'vitest';
import { openDesk } from '../support/command-line.ts';
import type { DeskOnRegistry } from './desk-on-registry.ts';
import { openDeskOn, REGISTRY_KINDS } from './desk-on-registry.ts';

const b = (value: string) => `Work[sierra-system-number/${value}]`;

/** Mappings whose age is known: [source identifier, canonical ID, time]. */
async function importDated(
  desk: DeskOnRegistry,
  mappings: readonly (readonly [string, string, string])[]
): Promise<void> {
  const lines = mappings.map(([source, canonicalId]) => JSON.stringify({ canonicalId, source }));
  await desk.run(['import', '-'], { input: lines.join('\n') });
  for (const [source, , time] of mappings) {
    const value = /\/(.*)\]$/.exec(source)?.[1] ?? '';
    await desk.registry.sql(
      `UPDATE identifiers SET CreatedAt = '${time}' WHERE SourceId = '${value}'`
    );
  }
}

describe.each(REGISTRY_KINDS)('lookup on $name', kind => {
  test('gives all source identifiers of a canonical ID, oldest first, and the siblings of one', async () => {
    await using desk = await openDeskOn(kind, { free: 1 });
    await importDated(desk, [
      ['Work[folio-instance/f1]', 'b2345678', '2026-03-01 10:00:00'],
      [b('b1'), 'b2345678', '2019-05-06 07:08:09'],
      ['Person[lc-names/n1]', 'c2345678', '2020-01-01 00:00:00'],
    ]);
    const siblings = `  ${b('b1')}\t2019-05-06T07:08:09Z\n  Work[folio-instance/f1]\t2026-03-01T10:00:00Z\n`;
    const before = await desk.registry.dump();

    const { status, stdout } = await desk.run([
      ...['lookup', 'b2345678', 'Work[folio-instance/f1]', 'Organisation[lc-names/n1]'],
    ]);

    expect(status).toBe(0);
    expect(stdout).toBe(
      `b2345678\tb2345678\n${siblings}Work[folio-instance/f1]\tb2345678\n${siblings}` +
        'Organisation[lc-names/n1]\tc2345678\n  Concept[lc-names/n1]\t2020-01-01T00:00:00Z\n'
    );
    expect(await desk.registry.dump()).toBe(before);
  });

  test('says so where the oldest were made in one second, and puts them in key order', async () => {
    await using desk = await openDeskOn(kind, { free: 0 });
    await importDated(desk, [
      [b('b2'), 'b2345678', '2026-03-01 10:00:00'],
      [b('b1'), 'b2345678', '2026-03-01 10:00:00'],
      [b('b0'), 'b2345678', '2026-03-01 10:00:01'],
    ]);

    const { stdout } = await desk.run(['lookup', 'b2345678', '--json']);

    expect(JSON.parse(stdout)).toEqual({
      results: [
        {
          query: 'b2345678',
          canonicalId: 'b2345678',
          sources: [
            { source: b('b1'), createdAt: '2026-03-01T10:00:00Z' },
            { source: b('b2'), createdAt: '2026-03-01T10:00:00Z' },
            { source: b('b0'), createdAt: '2026-03-01T10:00:01Z' },
          ],
          note: expect.stringContaining('same second'),
        },
      ],
    });
  });

  test('ends with 6 where something is absent, and offers what was probably meant', async () => {
    await using desk = await openDeskOn(kind, { free: 1 });
    await importDated(desk, [[b('b1'), 'b2345678', '2026-03-01 10:00:00']]);

    const { status, stdout } = await desk.run([
      ...['lookup', b('b1'), b('B1'), b(' b1 '), b('x9'), 'B2345678', 'c2345678', 'aaaaaaaa'],
    ]);

    expect(status).toBe(6);
    expect(stdout.split('\n')).toEqual([
      `${b('b1')}\tb2345678`,
      `  ${b('b1')}\t2026-03-01T10:00:00Z`,
      `${b('B1')}\t-`,
      `  did you mean ${b('b1')}\tb2345678`,
      `${b(' b1 ')}\t-`,
      `  did you mean ${b('b1')}\tb2345678`,
      `${b('x9')}\t-`,
      'B2345678\t-',
      `  did you mean ${b('b1')}\tb2345678`,
      'c2345678\t-',
      '  (not known to the registry)',
      'aaaaaaaa\t-',
      '  (in the pool, not given to anything yet)',
      '',
    ]);
  });
});

describe('lookup', () => {
  test('never makes a registry', async () => {
    await using desk = await openDesk();
    const { status, stdout, stderr } = await desk.run(['lookup', 'a2345678']);
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr).toMatch(/^error REGISTRY_NOT_FOUND: There is no registry .*id-minter\.sqlite/);
    expect(await desk.list()).toEqual([]);
  });

  test.each([
    ['neither an ID nor an identifier', 'a23', '"a23" is neither a canonical ID'],
    ['an identifier that is cut off', 'Work[s/b1', '"Work[s/b1" is neither a canonical ID'],
    ['an identifier without a system', 'Work[/b1]', 'is empty'],
    ['nothing', '', '"" is neither'],
  ])('refuses %s, naming it', async (_, query, why) => {
    await using desk = await openDesk();
    await desk.run(['migrate']);
    const { status, stderr } = await desk.run(['lookup', query]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error USAGE: /);
    expect(stderr).toContain(why);
  });
});
