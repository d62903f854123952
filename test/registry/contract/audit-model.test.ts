import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../src/domain/audit.ts';
import { readHoldings } from '../../../src/registry/holdings.ts';
import { checkRegistry } from '../../../src/steps/check-registry.ts';
import { requests } from '../../support/answers.ts';
import { damage, mappingRow, poolRow } from '../../support/damage.ts';
import { label, sierra } from '../../support/identifiers.ts';
import type { Dump, TestRegistry } from '../../support/store-kinds.ts';
import { STORES } from '../../support/stores.ts';

/** Each text, and what it is for whoever overlooks case, accent and outer space. */
const TYPES = { Work: 'work', work: 'work', Person: 'person', '': '', 'W[': 'w[' } as const;
const SYSTEMS = { s: 's', S: 's', 's/t': 's/t', '': '' } as const;
const VALUES = { a: 'a', A: 'a', á: 'a', ' a': 'a', b: 'b', 'B ': 'b', '': '', c: 'c' } as const;
const IDS = ['a2345678', 'A2345678', 'b2345678', 'c2345678', 'd2345678', 'bad'] as const;

const any = <T extends object>(texts: T) => fc.constantFrom(...Object.keys(texts));

/** Rows as no minter writes them: any status, any mapping. */
const registries = fc.record({
  pool: fc.array(fc.tuple(fc.constantFrom(...IDS), fc.constantFrom('free', 'assigned')), {
    maxLength: 7,
  }),
  mappings: fc.array(
    fc.record({
      type: any(TYPES),
      system: any(SYSTEMS),
      value: any(VALUES),
      canonicalId: fc.constantFrom(...IDS),
    }),
    { maxLength: 12 }
  ),
});

/** The rules of an audit written down a second time, over everything at once. */
function auditNaively({ identifiers, canonicalIds }: Dump, sameId: SameText): string[] {
  const rows = identifiers.map(row => row.map(String) as [string, string, string, string]);
  const pool = canonicalIds.map(row => row.map(String) as [string, string]);
  const found: string[] = [];
  for (const [id, status] of pool) {
    const isUsed = rows.some(row => sameId(row[3], id));
    if (isUsed && status === 'free') found.push(`USED_BUT_FREE ${id}`);
    if (!isUsed && status === 'assigned') found.push(`ASSIGNED_BUT_UNUSED ${id}`);
  }
  const spellings = new Set([...pool.map(([id]) => id), ...rows.map(row => row[3])]);
  for (const id of spellings) {
    if (!/^[a-hjkmnp-z][a-hjkmnp-z2-9]{7}$/.test(id)) found.push(`MALFORMED_ID ${id}`);
  }
  const twins = new Map<string, string[]>();
  for (const [type, system, value, id] of rows) {
    const text = `${type}[${system}/${value}]`;
    if (!pool.some(row => sameId(row[0], id))) found.push(`ORPHAN_MAPPING ${text}`);
    const isMalformed = ['', 'W['].includes(type) || ['', 's/t'].includes(system);
    if (isMalformed) found.push(`MALFORMED_IDENTIFIER ${text}`);
    if (type === 'Person') found.push(`UNFOLDED_TYPE ${text}`);
    const key = [
      TYPES[type as keyof typeof TYPES],
      SYSTEMS[system as keyof typeof SYSTEMS],
      VALUES[value as keyof typeof VALUES],
    ].join('|');
    twins.set(key, [...(twins.get(key) ?? []), text]);
  }
  for (const texts of twins.values()) {
    if (texts.length > 1) found.push(`TWINS ${texts.sort().join(' ')}`);
  }
  return found.sort();
}

type SameText = (a: string, b: string) => boolean;

/** By what it is about: an ID, or identifiers. */
function inShort({ code, canonicalIds, sources }: Finding): string {
  const texts = sources.map(
    ({ ontologyType, sourceSystem, value }) => `${ontologyType}[${sourceSystem}/${value}]`
  );
  const isOfId = ['USED_BUT_FREE', 'ASSIGNED_BUT_UNUSED', 'MALFORMED_ID'].includes(code);
  return `${code} ${isOfId ? canonicalIds[0] : texts.sort().join(' ')}`;
}

async function audit({ store }: TestRegistry, pageRows: number, room?: number): Promise<string[]> {
  const found: string[] = [];
  const { conceptTypes } = store;
  const registry = { conceptTypes, holdings: () => readHoldings(store, pageRows) };
  const tell = (finding: Finding): void => {
    const line = inShort(finding);
    // The spelling of an ID whose mappings are more than a page is told for each page.
    if (finding.code !== 'MALFORMED_ID' || !found.includes(line)) found.push(line);
  };
  await checkRegistry({ registry, tell, room });
  return found.sort();
}

describe.each(STORES)('an audit of $name', store => {
  test('of any registry finds what a look at everything at once does, however it is read', async () => {
    await using registry = await store.open();
    const ignore = store.dialect === 'sqlite' ? 'INSERT OR IGNORE' : 'INSERT IGNORE';
    const sameId: SameText = store.isExact
      ? (a, b) => a === b
      : (a, b) => a.toLowerCase() === b.toLowerCase();
    const property = fc.asyncProperty(
      registries,
      fc.integer({ min: 2, max: 9 }),
      async ({ pool, mappings }, pageRows) => {
        await damage(
          registry,
          'DELETE FROM identifiers',
          'DELETE FROM canonical_ids',
          ...pool.map(([id, status]) => poolRow(id, status).replace('INSERT', ignore)),
          ...mappings.map(({ canonicalId, value, type, system }) =>
            mappingRow(canonicalId, value, { type, system }).replace('INSERT', ignore)
          )
        );
        const expected = auditNaively(await registry.dump(), sameId);
        expect(await audit(registry, 1_000)).toEqual(expected);
        expect(await audit(registry, pageRows, 8)).toEqual(expected);
      }
    );
    await fc.assert(property, { numRuns: store.dialect === 'sqlite' ? 150 : 40 });
  });

  test('finds nothing while four minters mint in it', async () => {
    await using registry = await store.open({ freeCount: 5_000 });
    const numbers = Array.from({ length: 900 }, (_, number) => number);
    let isOver = false;
    const minting = [0, 1, 2, 3].map(async seed => {
      const minter = await registry.openAnother();
      for (let from = 0; from < numbers.length; from += 30) {
        const some = numbers.slice(from, from + 30);
        // Half of what each mints it shares with the others.
        const shared = some.map(number => sierra(`b${number}`));
        const own = some.map(number => label(`minter ${seed} ${number}`));
        const { answers } = await minter.mint(requests(...shared, ...own));
        expect(answers.filter(({ error }) => error)).toEqual([]);
      }
    });
    const ended = Promise.all(minting).finally(() => {
      isOver = true;
    });
    let checks = 0;
    for (; !isOver || checks < 2; checks += 1) expect(await audit(registry, 200)).toEqual([]);
    await ended;
    expect(checks).toBeGreaterThan(1);
    expect((await registry.countPool()).free).toBe(5_000 - 900 - 4 * 900);
  });
});
