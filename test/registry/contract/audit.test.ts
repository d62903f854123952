import { describe, expect, test } from 'vitest';
import type { Audited, Finding, Holding } from '../../../src/domain/audit.ts';
import { readHoldings } from '../../../src/registry/holdings.ts';
import { checkRegistry } from '../../../src/steps/check-registry.ts';
import { requests } from '../../support/answers.ts';
import { damage, mappingRow, poolRow } from '../../support/damage.ts';
import { label, sierra, someIds } from '../../support/identifiers.ts';
import { STORES } from '../../support/stores.ts';

/** A finding in one line: its code, the IDs and the text forms. */
function inShort({ code, canonicalIds, sources }: Finding): string {
  const texts = sources.map(
    ({ ontologyType, sourceSystem, value }) => `${ontologyType}[${sourceSystem}/${value}]`
  );
  return [code, ...canonicalIds, ...texts].join(' ');
}

async function audit(registry: Audited) {
  const findings: Finding[] = [];
  const tally = await checkRegistry({ registry, tell: finding => findings.push(finding) });
  return { findings: findings.map(inShort).sort(), tally };
}

/** What is done to a sound registry, and what an audit must find then; nothing else. */
const DAMAGE: readonly (readonly [
  what: string,
  statements: readonly string[],
  found: readonly string[],
])[] = [
  [
    'a mapping whose ID is not in the pool',
    [mappingRow('w2345678', 'V1')],
    ['ORPHAN_MAPPING w2345678 Work[miro/V1]'],
  ],
  [
    'mappings that lost the pool before, between and after',
    [
      mappingRow('a2345678', 'V1'),
      mappingRow('n2345678', 'V2'),
      mappingRow('n2345678', 'V3'),
      mappingRow('z2345678', 'V4'),
    ],
    [
      'ORPHAN_MAPPING a2345678 Work[miro/V1]',
      'ORPHAN_MAPPING n2345678 Work[miro/V2]',
      'ORPHAN_MAPPING n2345678 Work[miro/V3]',
      'ORPHAN_MAPPING z2345678 Work[miro/V4]',
    ],
  ],
  [
    'a free ID that mappings have',
    [mappingRow('c2345678', 'V1'), mappingRow('c2345678', 'V2')],
    ['USED_BUT_FREE c2345678 Work[miro/V1] Work[miro/V2]'],
  ],
  [
    'an assigned ID that nothing has',
    [poolRow('w2345678', 'assigned')],
    ['ASSIGNED_BUT_UNUSED w2345678'],
  ],
  [
    'a mapping that was deleted',
    ["DELETE FROM identifiers WHERE SourceId = 'b1'"],
    ['ASSIGNED_BUT_UNUSED m2345678'],
  ],
  [
    'IDs that are not of their form',
    [
      poolRow('', 'free'),
      poolRow('9abcdefg', 'free'),
      poolRow('short', 'assigned'),
      mappingRow('short', 'V1'),
    ],
    ['MALFORMED_ID ', 'MALFORMED_ID 9abcdefg', 'MALFORMED_ID short Work[miro/V1]'],
  ],
  [
    'an empty type',
    [poolRow('w2345678', 'assigned'), mappingRow('w2345678', 'V1', { type: '' })],
    ['MALFORMED_IDENTIFIER w2345678 [miro/V1]'],
  ],
  [
    'a system with a slash, a type with a bracket',
    [
      poolRow('w2345678', 'assigned'),
      mappingRow('w2345678', 'V1', { system: 'a/b' }),
      mappingRow('w2345678', 'V1', { type: 'a[b' }),
    ],
    ['MALFORMED_IDENTIFIER w2345678 Work[a/b/V1]', 'MALFORMED_IDENTIFIER w2345678 a[b[miro/V1]'],
  ],
  [
    'a type that is looked up as Concept',
    [poolRow('w2345678', 'assigned'), mappingRow('w2345678', 'V1', { type: 'Person' })],
    ['UNFOLDED_TYPE w2345678 Person[miro/V1]'],
  ],
  [
    'several at once',
    [mappingRow('c2345678', 'V1', { type: 'Genre' }), poolRow('w2345678', 'assigned')],
    [
      'ASSIGNED_BUT_UNUSED w2345678',
      'UNFOLDED_TYPE c2345678 Genre[miro/V1]',
      'USED_BUT_FREE c2345678 Genre[miro/V1]',
    ],
  ],
];

describe.each(STORES)('an audit of $name', store => {
  const sound = {
    free: ['b2345678', 'c2345678', 'y2345678'],
    mappings: [
      [sierra('b1'), 'm2345678'],
      [sierra('b2'), 'p2345678'],
      [sierra('b3'), 'p2345678'],
      [label(''), 's2345678'],
    ] as const,
  };

  test('finds nothing in a sound registry, and counts what it saw', async () => {
    await using registry = await store.open(sound);
    const { findings, tally } = await audit(registry);
    expect(findings).toEqual([]);
    expect(tally).toMatchObject({ free: 3, assigned: 3, mappings: 4, shared: 1, emptyValues: 1 });
  });

  test.each(DAMAGE)('finds %s, and nothing else', async (_, statements, found) => {
    await using registry = await store.open(sound);
    await damage(registry, ...statements);
    const { findings, tally } = await audit(registry);
    expect(findings).toEqual(found);
    expect(tally.damage).toBe(found.length);
  });

  test('finds an ID with a status that there is not', async () => {
    await using registry = await store.open(sound);
    await damage(
      registry,
      "UPDATE canonical_ids SET Status = 'lost' WHERE CanonicalId = 'b2345678'"
    );
    expect((await audit(registry)).findings).toEqual(['UNKNOWN_STATUS b2345678']);
  });

  test('finds what differs by case or outer space, which is no damage', async () => {
    await using registry = await store.open({ freeCount: 9 });
    // A leading space is part of the identifier by every collation.
    await registry.mint(requests(sierra('b1'), sierra(' b1'), sierra('b2')));
    const { findings, tally } = await audit(registry);
    expect(findings).toEqual([expect.stringMatching(/^TWINS \w{8} \w{8} .*\/ ?b1\] .*\/ ?b1\]$/)]);
    expect([tally.damage, tally.findings.get('TWINS')]).toEqual([0, 1]);
  });

  test('reads every ID and every mapping once, however small the pages are', async () => {
    const used = someIds(9);
    await using registry = await store.open({
      free: ['b2345678', 'y2345678'],
      mappings: used.flatMap((canonicalId, number) =>
        Array.from(
          { length: number === 4 ? 11 : 1 + (number % 3) },
          (__, at) => [sierra(`b${number}-${at}`), canonicalId] as const
        )
      ),
    });
    await damage(
      registry,
      ...['a2345678', 'n2345678', 'z2345678'].flatMap(stray =>
        ['V1', 'V2', 'V3', 'V4', 'V5'].map(value => mappingRow(stray, `${stray}${value}`))
      )
    );
    const whole = await gather(readHoldings(registry.store, 1_000));
    expect(whole.mappings).toHaveLength(42);
    for (const pageRows of [2, 3, 4, 5, 7]) {
      expect(await gather(readHoldings(registry.store, pageRows))).toEqual(whole);
    }
  });
});

/** Everything that the pages say, in an order that does not depend on how they are cut. */
async function gather(pages: AsyncIterable<readonly Holding[]>) {
  const ids: string[] = [];
  const mappings: string[] = [];
  for await (const page of pages) {
    for (const { canonicalId, status, mappings: held, continues } of page) {
      if (!continues) ids.push(`${canonicalId} ${status}`);
      for (const { source } of held) mappings.push(`${canonicalId} ${source.value}`);
    }
  }
  return { ids: ids.sort(), mappings: mappings.sort() };
}
