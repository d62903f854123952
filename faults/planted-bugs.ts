/** A bug for the campaigns to find: one text of the product in the place of another. */
export interface PlantedBug {
  readonly name: string;
  /** What its author would have thought. */
  readonly thought: string;
  /** Each text stands exactly once in its file. */
  readonly edits: readonly {
    readonly file: string;
    readonly text: string;
    readonly becomes: string;
  }[];
  /** The campaigns of which one at least must find it, in the order in which they are asked. */
  readonly foundBy: readonly [string, ...string[]];
}

const MINT = 'src/registry/mint-batch.ts';
const MYSQL = 'src/registry/mysql/mysql-transaction.ts';
const STORE = 'src/registry/mysql/mysql-store.ts';
const CONNECTION = 'src/registry/mysql/mysql-connection.ts';
const ERRORS = 'src/registry/mysql/mysql-errors.ts';
const PLAN = 'src/domain/mint-plan.ts';

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'no re-read',
    thought: 'INSERT IGNORE went through, so the rows are ours.',
    edits: [
      {
        file: MINT,
        text: 'if (inserted === rows.length) return',
        becomes: 'if (inserted >= 0) return',
      },
    ],
    foundBy: ['interleavings', 'contention'],
  },
  {
    name: 'no re-read after inheriting',
    thought: 'What inherits takes its predecessor’s ID whatever happens.',
    edits: [
      {
        file: MINT,
        text: 'if (inserted === rows.length) return',
        becomes: "if (inserted === rows.length || rows[0]?.outcome === 'inherited') return",
      },
    ],
    foundBy: ['interleavings', 'contention'],
  },
  {
    name: 'found rows are counted',
    thought: 'The driver’s own flags will do, and so will ON DUPLICATE KEY UPDATE.',
    edits: [
      { file: CONNECTION, text: "flags: ['-FOUND_ROWS'],", becomes: "flags: ['FOUND_ROWS']," },
      {
        file: MYSQL,
        text: 'inserted += change.rows;',
        becomes: 'inserted += chunk.length; // each row was found or inserted',
      },
    ],
    foundBy: ['interleavings', 'contention'],
  },
  {
    name: 'no order',
    thought: 'The database sorts by itself.',
    edits: [
      {
        file: PLAN,
        text: 'for (const layer of layers) layer.sort((a, b) => compareSources(a.source, b.source));',
        becomes: 'for (const layer of layers) layer.reverse();',
      },
      { file: 'src/registry/retries.ts', text: 'retries: 11,', becomes: 'retries: 0,' },
    ],
    foundBy: ['interleavings', 'contention'],
  },
  {
    name: 'no retry',
    thought: 'An error is an error.',
    edits: [{ file: 'src/registry/retries.ts', text: 'retries: 11,', becomes: 'retries: 0,' }],
    foundBy: ['connection-cuts', 'interleavings'],
  },
  {
    name: 'marked before it is inserted',
    thought: 'Once an ID is claimed nobody else shall have it, and that is safest at once.',
    edits: [
      {
        file: MYSQL,
        text: 'if (ids.length === count) return { ids, free: count };',
        becomes:
          "await this.markAssigned(ids);\n    await this.#connection.change('COMMIT');\n    await this.#connection.change('START TRANSACTION');\n    if (ids.length === count) return { ids, free: count };",
      },
    ],
    foundBy: ['connection-cuts', 'kill-minters'],
  },
  {
    name: 'answered before the commit',
    thought: 'A COMMIT never fails, so it need not be waited for.',
    edits: [
      {
        file: STORE,
        text: "await connection.change('COMMIT');\n      return result;",
        becomes: "void connection.change('COMMIT').catch(() => {});\n      return result;",
      },
    ],
    foundBy: ['connection-cuts', 'kill-minters'],
  },
  {
    name: 'claimed without SKIP LOCKED',
    thought: 'FOR UPDATE is enough to keep others out.',
    edits: [
      { file: MYSQL, text: 'LIMIT ? FOR UPDATE SKIP LOCKED`', becomes: 'LIMIT ? FOR UPDATE`' },
    ],
    foundBy: ['interleavings', 'contention', 'exhaustion'],
  },
  {
    name: 'claimed without a lock',
    thought: 'A SELECT is enough: who would take the same ones?',
    edits: [
      {
        file: MYSQL,
        text: 'ORDER BY CanonicalId LIMIT ? FOR UPDATE SKIP LOCKED`',
        becomes: 'ORDER BY CanonicalId LIMIT ?`',
      },
      {
        file: MYSQL,
        text: 'const start = drawCanonicalId(randomInt);',
        becomes:
          "const start = 'aaaaaaaa' as ReturnType<typeof drawCanonicalId>;\n    void randomInt;",
      },
    ],
    foundBy: ['interleavings', 'contention'],
  },
  {
    name: 'no wrap-round',
    thought: 'From a random place on there are always enough.',
    edits: [{ file: MYSQL, text: 'if (ids.length < count) {', becomes: 'if (ids.length < 0) {' }],
    foundBy: ['model', 'interleavings'],
  },
  {
    name: 'used IDs are handed out',
    thought: 'A free ID is free.',
    edits: [
      {
        file: MINT,
        text: 'const used = await transaction.findUsed(unseen);',
        becomes: 'const used = new Set<CanonicalId>();',
      },
    ],
    foundBy: ['exhaustion'],
  },
  {
    name: 'twins are one',
    thought: 'What the database takes for the same is the same.',
    edits: [
      {
        file: PLAN,
        text: 'return isSameSource(source, stored.source)\n    ?',
        becomes: 'return source !== undefined\n    ?',
      },
    ],
    foundBy: ['model', 'hostile-values'],
  },
  {
    name: 'predecessors of the batch are not seen',
    thought: 'A predecessor stands in the registry, or it does not exist.',
    edits: [
      {
        file: PLAN,
        text: 'return positions[named] === undefined\n    ? predecessorNotFound(source, predecessor)\n    : { inheritFrom: named, predecessor };',
        becomes: 'return predecessorNotFound(source, predecessor);',
      },
    ],
    foundBy: ['model', 'interleavings'],
  },
  {
    name: 'a batch goes in by pieces',
    thought: 'Short transactions are good transactions.',
    edits: [
      {
        file: MYSQL,
        text: '      inserted += change.rows;\n    }\n    return inserted;',
        becomes:
          "      inserted += change.rows;\n    }\n    await this.#connection.change('COMMIT');\n    await this.#connection.change('START TRANSACTION');\n    return inserted;",
      },
    ],
    foundBy: ['connection-cuts', 'kill-minters'],
  },
  {
    name: 'a broken connection is lent again',
    thought: 'What failed was the statement, not the connection.',
    edits: [
      {
        file: CONNECTION,
        text: '    } catch (error) {\n      this.#isSound = false;\n      throw error;\n    } finally {\n      this.#giveUp = undefined;',
        becomes: '    } finally {\n      this.#giveUp = undefined;',
      },
      {
        file: STORE,
        text: 'await rollBack(connection);\n        throw error;',
        becomes: 'if (!connection.isSound) await rollBack(connection);\n        throw error;',
      },
    ],
    foundBy: ['model', 'interleavings', 'connection-cuts', 'exhaustion'],
  },
  {
    name: 'a lost commit is taken for another minter’s',
    thought: 'What is found now was there before.',
    edits: [{ file: MINT, text: 'tried.push(...ours);', becomes: '' }],
    foundBy: ['connection-cuts'],
  },
  {
    name: 'a plan that is outdated is refused',
    thought: 'A pool that was too small a moment ago is too small.',
    edits: [{ file: MINT, text: '(await isOutdated(transaction, plan))', becomes: 'false' }],
    foundBy: ['interleavings'],
  },
  {
    name: 'remembered before the commit',
    thought: 'What is being inserted is as good as there.',
    edits: [
      {
        file: MINT,
        text: '  const inserted = await transaction.insert(rows);',
        becomes:
          '  for (const { source, canonicalId } of rows) early.set(source, canonicalId);\n  const inserted = await transaction.insert(rows);',
      },
      {
        file: MINT,
        text: '/** What earlier attempts were about to commit.',
        becomes:
          'export const early = new SourceMap<CanonicalId>();\n\n/** What earlier attempts were about to commit.',
      },
      {
        file: MINT,
        text: "import type { Place } from '../domain/source-places.ts';",
        becomes:
          "import type { Place } from '../domain/source-places.ts';\nimport { SourceMap } from '../domain/source-places.ts';",
      },
      {
        file: 'src/registry/remembering.ts',
        text: 'const canonicalId = known.find(source);',
        becomes: 'const canonicalId = early.get(source) ?? known.find(source);',
      },
      {
        file: 'src/registry/remembering.ts',
        text: "import { SourceMap } from '../domain/source-places.ts';",
        becomes:
          "import { SourceMap } from '../domain/source-places.ts';\nimport { early } from './mint-batch.ts';",
      },
    ],
    foundBy: ['contention'],
  },
  {
    name: 'a read-only server is a refusal',
    thought: 'A server that does not write is set up wrongly.',
    edits: [{ file: ERRORS, text: "  1290: 'it is read-only',\n", becomes: '' }],
    foundBy: ['exhaustion'],
  },
];
