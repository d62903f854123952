import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import type { FoldedIdentifier } from '../../../src/domain/source-identifier.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { outcomes, requests } from '../../support/answers.ts';
import { id, sierra } from '../../support/identifiers.ts';
import type { MysqlRegistry } from './mysql-registry.ts';
import { createMysqlRegistry, openStore } from './mysql-registry.ts';
import { startWire } from './wire.ts';

const servers = inject('servers');

describe.each(servers)('characters on $kind', server => {
  test('the columns hold exactly the characters that the store says they can', async () => {
    await using registry = await createMysqlRegistry(server);
    const store = await openStore(registry.minter);
    const differing: string[] = [];
    for (let first = 0; first < 0x1_1000; first += 0x1000) {
      const characters = listCharacters(first, 0x1000);
      const stored = await comeBackFromLatin1(registry, characters);
      differing.push(
        ...characters.filter((character, index) => store.canStore(character) !== stored[index])
      );
    }
    await store.close();
    expect(differing).toEqual([]);
  });

  test('each of the 256 characters of latin1 is minted and comes back as it was', async () => {
    await using registry = await createMysqlRegistry(server, { free: 300 });
    await using minter = createRegistry(await openStore(registry.minter));
    const latin1 = listCharacters(0, 0x1_0000).filter(character => isLatin1(character));
    expect(latin1).toHaveLength(256);
    // A number in front, so that no two are one to the collation.
    const sources = latin1.map((character, index) => sierra(`${index} ${character}|`));
    const { answers } = await minter.mint(requests(...sources));
    expect(new Set(outcomes(answers))).toEqual(new Set(['minted']));
    const found = await minter.lookUp(sources);
    expect(found.map(mapping => mapping?.source)).toEqual(sources);
  });

  test('what cannot be stored is refused with its reason, and no statement is sent', async () => {
    await using registry = await createMysqlRegistry(server, { free: 10 });
    await using wire = await startWire(server.url);
    await using minter = createRegistry(await openStore({ ...registry.minter, port: wire.port }));
    wire.take();
    const values = ['\u0080', 'ħ', '𝄞', '\ud800', 'x'.repeat(256), '\ud834'];
    const { answers } = await minter.mint(requests(...values.map(value => sierra(value))));
    expect(answers.map(({ error }) => error?.code)).toEqual(values.map(() => 'INVALID_IDENTIFIER'));
    expect(answers.map(({ error }) => error?.details['why'])).toEqual([
      expect.stringContaining('U+0080'),
      expect.stringContaining('U+0127'),
      expect.stringContaining('U+1D11E'),
      expect.stringContaining('surrogate'),
      expect.stringContaining('256 characters'),
      expect.stringContaining('surrogate'),
    ]);
    expect(wire.take()).toEqual([]);
    const stored = await minter.mint(requests(sierra('\u0081'), sierra('é'.repeat(255))));
    expect(outcomes(stored.answers)).toEqual(['minted', 'minted']);
  });

  test.each([
    ['ascii', 'ascii_general_ci', 'é', '~'],
    ['utf8mb3', 'utf8mb3_general_ci', '𝄞', 'ħ'],
    ['utf8mb4', 'utf8mb4_general_ci', '\udc00', '𝄞'],
  ])('an adopted registry in %s is read, not assumed', async (characterSet, collation, no, yes) => {
    await using registry = await createMysqlRegistry(server, { free: 5 });
    await changeColumns(registry, characterSet, collation);
    await using minter = createRegistry(await openStore(registry.minter));
    const { answers } = await minter.mint(requests(sierra(`1${no}`), sierra(`2${yes}`)));
    expect(outcomes(answers)).toEqual(['INVALID_IDENTIFIER', 'minted']);
    expect((await minter.lookUp([sierra(`2${yes}`)]))[0]?.source).toEqual(sierra(`2${yes}`));
  });

  test('a character set that nothing is known of is refused by its name', async () => {
    await using registry = await createMysqlRegistry(server);
    await changeColumns(registry, 'cp1251', 'cp1251_general_ci');
    await expect(openStore(registry.minter)).rejects.toMatchObject({
      code: 'SCHEMA_UNSUPPORTED',
      message: expect.stringContaining('cp1251'),
    });
  });
});

describe.each(servers)('spellings on $kind', server => {
  const collations: [string, string][] = [
    ['latin1', 'latin1_swedish_ci'],
    ['latin1', 'latin1_bin'],
    ['latin1', 'latin1_german2_ci'],
    ['ascii', 'ascii_general_ci'],
    ['utf8mb4', 'utf8mb4_general_ci'],
    ['utf8mb4', 'utf8mb4_unicode_ci'],
    ['utf8mb4', 'utf8mb4_bin'],
    ...(server.kind === 'mysql'
      ? ([
          ['utf8mb4', 'utf8mb4_0900_ai_ci'],
          ['utf8mb4', 'utf8mb4_0900_bin'],
        ] as [string, string][])
      : ([
          ['latin1', 'latin1_swedish_nopad_ci'],
          ['utf8mb4', 'utf8mb4_nopad_bin'],
        ] as [string, string][])),
  ];

  test.each(collations)(
    'equality keys in %s %s are equal exactly where the server says =',
    async (characterSet, collation) => {
      await using registry = await createMysqlRegistry(server);
      await changeColumns(registry, characterSet, collation);
      const store = await openStore(registry.minter);
      const singles = listCharacters(0, 0x1_0000).filter(
        character => isLatin1(character) && store.canStore(character)
      );
      const texts = [
        ...singles.flatMap(character => [character, `a${character} `]),
        ...fc.sample(spellings(store.canStore), { numRuns: 300, seed: 83 }),
      ];
      const keys = await store.equalityKeys(texts.map(text => sierra(text) as FoldedIdentifier));
      await store.close();
      expect(new Set(keys.map(key => key.length > 0))).toEqual(new Set([true]));
      expect(groupsOf(keys)).toEqual(groupsOf(await askTheServer(registry, texts)));
    }
  );

  test('type and system are compared like the value', async () => {
    await using registry = await createMysqlRegistry(server);
    const store = await openStore(registry.minter);
    const source = (ontologyType: string, sourceSystem: string, value: string) =>
      ({ ontologyType, sourceSystem, value }) as FoldedIdentifier;
    const [key, same, type, system] = await store.equalityKeys([
      source('Work', 'miro', 'V1'),
      source('work ', 'MIRO', 'v1 '),
      source('Works', 'miro', 'V1'),
      source('Work', 'mir', 'oV1'),
    ]);
    await store.close();
    expect(same).toBe(key);
    expect(new Set([key, type, system]).size).toBe(3);
  });

  test('a look-up finds what the server takes for the same, told by position in the stored spelling', async () => {
    await using registry = await createMysqlRegistry(server, { free: 5 });
    const store = await openStore(registry.minter);
    await createRegistry(store).mint(requests(sierra('b1'), sierra('Café')));
    const asked = ['cafe', 'B1 ', 'b1', 'b2', 'CAFÉ '].map(value => sierra(value));
    const found = await store.lookUp(asked as FoldedIdentifier[]);
    await store.close();
    expect(found.map(mapping => mapping?.source.value)).toEqual([
      ...['Café', 'b1', 'b1', undefined, 'Café'],
    ]);
  });

  test('spellings are told in all three parts, of a type and system with many values and of those with few', async () => {
    await using registry = await createMysqlRegistry(server, { free: 5 });
    const store = await openStore(registry.minter);
    const source = (ontologyType: string, sourceSystem: string, value: string) =>
      ({ ontologyType, sourceSystem, value }) as FoldedIdentifier;
    const stored = [
      source('Work', 'system', 'Café'),
      source('Livré', 'à', '1'),
      source('Image', 'miro', 'V1'),
      source('Livré', 'à', '2'),
    ];
    await createRegistry(store).mint(requests(...stored));
    const absent = (ontologyType: string, sourceSystem: string) =>
      Array.from({ length: 600 }, (_, number) =>
        source(ontologyType, sourceSystem, `no ${number}`)
      );
    const asked = [
      ...[source('WORK', 'System ', 'CAFÉ '), ...absent('WORK', 'System ')],
      ...[source('livre', 'A', '1'), ...absent('livre', 'A')],
      ...[source('image', 'MIRO', 'v1 ')],
      ...[source('Livré', 'à', '2'), ...absent('Livré', 'à')],
    ];
    const found = await store.lookUp(asked);
    await store.close();
    expect(found.flatMap((mapping, at) => (mapping ? [[at, mapping.source]] : []))).toEqual([
      ...[0, 601, 1202, 1203].map((at, index) => [at, stored[index]]),
    ]);
  });

  test.each([
    ['case', 'b1', 'B1'],
    ['an accent', 'cafe', 'café'],
    ['a trailing space', 'b1', 'b1 '],
  ])(
    'twins that differ by %s: the one that came first stands, in either order',
    async (_, a, b) => {
      await using registry = await createMysqlRegistry(server, { free: 10 });
      await using minter = createRegistry(await openStore(registry.minter));
      for (const [first, second, system] of [
        [a, b, 'one'],
        [b, a, 'two'],
      ] as const) {
        const twins = [first, second].map(value => ({ ...sierra(value), sourceSystem: system }));
        const { answers } = await minter.mint(requests(...twins));
        expect(outcomes(answers)).toEqual(['minted', 'IDENTIFIER_COLLISION']);
        expect(answers[1]?.error?.message).toContain(`/${first}]`);
        expect(answers[1]?.error?.message).toContain(`/${second}]`);
        const again = await minter.mint(requests(...twins.reverse()));
        expect(outcomes(again.answers)).toEqual(['IDENTIFIER_COLLISION', 'existing']);
      }
    }
  );

  test('twins in type or system are twins too', async () => {
    await using registry = await createMysqlRegistry(server, { free: 10 });
    await using minter = createRegistry(await openStore(registry.minter));
    const { answers } = await minter.mint(
      requests(
        sierra('b1'),
        { ...sierra('b1'), ontologyType: 'WORK' },
        { ...sierra('b1'), sourceSystem: 'sierra-system-number ' }
      )
    );
    expect(outcomes(answers)).toEqual([
      ...['minted', 'IDENTIFIER_COLLISION', 'IDENTIFIER_COLLISION'],
    ]);
    expect(await registry.sql('SELECT COUNT(*) FROM identifiers')).toEqual([[1]]);
  });

  test('an exact registry holds every spelling apart, a trailing space included', async () => {
    await using registry = await createMysqlRegistry(server, { free: 20, exact: true });
    await using minter = createRegistry(await openStore(registry.minter));
    const values = ['b1', 'B1', 'b1 ', 'b1  ', 'cafe', 'café', 'cafe\u0301', 'ħ', '𝄞', ''];
    const { answers } = await minter.mint(requests(...values.map(value => sierra(value))));
    expect(outcomes(answers)).toEqual(values.map(() => 'minted'));
    const found = await minter.lookUp(values.map(value => sierra(value)));
    expect(found.map(mapping => mapping?.source.value)).toEqual(values);
    expect(new Set(found.map(mapping => mapping?.canonicalId)).size).toBe(values.length);
  });

  test('a dry run sees the twins that a real run would', async () => {
    await using registry = await createMysqlRegistry(server, { free: 10 });
    await using minter = createRegistry(await openStore(registry.minter));
    const view = minter.dryRun();
    await view.mint(requests(sierra('b1')));
    const { answers } = await view.mint(requests(sierra('B1'), sierra('b1'), sierra('b2')));
    expect(outcomes(answers)).toEqual(['IDENTIFIER_COLLISION', 'existing', 'minted']);
    expect(answers[1]?.canonicalId).toBe(id('(new-1)'));
  });
});

/** The characters from a code point on, without halves of surrogate pairs. */
function listCharacters(first: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => first + index)
    .filter(codePoint => codePoint < 0xd800 || codePoint > 0xdfff)
    .map(codePoint => String.fromCodePoint(codePoint));
}

function isLatin1(character: string): boolean {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  return new TextDecoder('windows-1252').decode(bytes).includes(character);
}

/** Whether each character is the same after the server has put it in the column's character set. */
async function comeBackFromLatin1(
  { sql }: MysqlRegistry,
  characters: readonly string[]
): Promise<boolean[]> {
  const rows = await sql<[number, number]>(
    `SELECT n, CONVERT(CONVERT(c USING latin1) USING utf8mb4) COLLATE utf8mb4_bin = c
       AND LENGTH(CONVERT(c USING latin1)) = 1
     FROM JSON_TABLE(?, '$[*]' COLUMNS (n FOR ORDINALITY, c VARCHAR(2) CHARACTER SET utf8mb4
       COLLATE utf8mb4_bin PATH '$')) AS t ORDER BY n`,
    [JSON.stringify(characters)]
  );
  return rows.map(([, same]) => same === 1);
}

async function changeColumns(
  { sql }: MysqlRegistry,
  characterSet: string,
  collation: string
): Promise<void> {
  const type = `VARCHAR(255) CHARACTER SET ${characterSet} COLLATE ${collation} NOT NULL`;
  const parts = ['OntologyType', 'SourceSystem', 'SourceId'];
  await sql(`ALTER TABLE identifiers ${parts.map(part => `MODIFY ${part} ${type}`).join(', ')}`);
}

/** Texts that collations like to confuse, in all mixtures. */
function spellings(canStore: (text: string) => boolean): fc.Arbitrary<string> {
  const pieces = [
    'a',
    'A',
    'á',
    'ä',
    'ae',
    'æ',
    'ss',
    'ß',
    ' ',
    '  ',
    '\u00a0',
    '\t',
    '\0',
    '-',
    '',
  ]
    .concat(['o', 'ö', 'oe', 'y', 'ü', 'þ', 'ž', '\u00ad', '\u0301', 'ı', 'K', '𝄞'])
    .filter(canStore);
  return fc.array(fc.constantFrom(...pieces), { maxLength: 5 }).map(parts => parts.join(''));
}

/** For each text the first of the list that the column takes for it; compared, and not by a hash of their own. */
async function askTheServer({ sql }: MysqlRegistry, texts: readonly string[]): Promise<number[]> {
  const [[characterSet, collation] = []] = await sql<[string, string]>(
    `SELECT CHARACTER_SET_NAME, COLLATION_NAME FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'identifiers' AND COLUMN_NAME = 'SourceId'`
  );
  const table = `JSON_TABLE(?, '$[*]' COLUMNS (n FOR ORDINALITY,
    v VARCHAR(255) CHARACTER SET ${characterSet} COLLATE ${collation} PATH '$'))`;
  const json = JSON.stringify(texts);
  const rows = await sql<[number, number]>(
    `SELECT a.n, MIN(b.n) FROM ${table} AS a JOIN ${table} AS b ON a.v BETWEEN b.v AND b.v
     GROUP BY a.n ORDER BY a.n`,
    [json, json]
  );
  return rows.map(([, first]) => first);
}

/** For each item the position of the first that is the same. */
function groupsOf(items: readonly (string | number)[]): number[] {
  return items.map(item => items.indexOf(item));
}
