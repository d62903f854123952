import { copyFileSync, existsSync } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { RegistryStore } from '../../src/domain/registry.ts';
import { knownMigrations, migrate } from '../../src/registry/migrate.ts';
import { openSqliteMigrations } from '../../src/registry/sqlite/sqlite-migrations.ts';
import { openSqliteStore } from '../../src/registry/sqlite/sqlite-store.ts';
import { createMysqlRegistry, openStore } from '../../test/registry/mysql/mysql-registry.ts';
import { dumpOf } from '../registry-dump.ts';
import type { Dumped, Spelling } from './model.ts';
import { byText } from './model.ts';

export type GroundKind = 'SQLite' | 'exact' | 'latin1';

/** A database on which one sequence after the other is played. */
export interface ModelGround extends AsyncDisposable {
  readonly spelling: Spelling;
  /** Whether a minter survives the loss of its connections. */
  readonly reconnects: boolean;
  /** Makes the database empty; no store may be open. */
  empty(): Promise<void>;
  openStore(): Promise<RegistryStore>;
  dump(): Promise<Dumped>;
  /**
   * Called in the middle of a transaction. MySQL drops all connections; SQLite goes on with the files as they are at
   * this moment, which is all that a process leaves that dies.
   */
  strike(): Promise<void>;
}

const EXACT: Spelling = { canStore: () => true, foldText: text => text };

/** As `latin1_swedish_ci` compares the texts that steps are made of: no case, no accents, no spaces at the end. */
const LATIN1: Spelling = {
  canStore: text => [...text].every(character => (character.codePointAt(0) ?? 0) < 256),
  foldText: text =>
    text
      .replace(/ +$/, '')
      .toLowerCase()
      .normalize('NFD')
      .replace(/\p{Mn}/gu, ''),
};

export async function openGround(
  kind: GroundKind,
  { url, folder }: { readonly url: string; readonly folder: string }
): Promise<ModelGround> {
  return kind === 'SQLite' ? await openSqliteGround(folder) : await openMysqlGround(url, kind);
}

async function openMysqlGround(url: string, kind: 'exact' | 'latin1'): Promise<ModelGround> {
  const isExact = kind === 'exact';
  const registry = await createMysqlRegistry({ url }, { exact: isExact, maxConnections: 2 });
  const { sql } = registry;
  return {
    spelling: isExact ? EXACT : LATIN1,
    reconnects: true,
    empty: async () => {
      await sql('DELETE FROM identifiers');
      await sql('DELETE FROM canonical_ids');
    },
    openStore: () => openStore(registry.minter),
    dump: async () => inOrder(await dumpOf(registry)),
    strike: async () => {
      const others = await sql<[number]>(
        'SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()'
      );
      for (const [other] of others) {
        // It may have gone by itself.
        await sql(`KILL ${other}`).catch(() => {});
      }
    },
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}

let folders = 0;

async function openSqliteGround(parent: string): Promise<ModelGround> {
  folders += 1;
  const folder = join(parent, `sqlite-${folders}`);
  await mkdir(folder);
  const template = join(folder, 'empty.sqlite');
  const migrations = openSqliteMigrations(template);
  await migrate(migrations);
  await migrations.close();
  let files = 0;
  const next = () => join(folder, `${files++}.sqlite`);
  let path = next();
  const program = {
    knownMigrations: knownMigrations('sqlite'),
    version: '1.0.0',
    warn: (message: string) => {
      throw new Error(`Nothing to warn of was expected: ${message}`);
    },
  };
  return {
    spelling: EXACT,
    reconnects: false,
    empty: async () => {
      for (let file = 0; file < files; file += 1) {
        for (const ending of ['', '-wal', '-shm'])
          await rm(join(folder, `${file}.sqlite${ending}`), { force: true });
      }
      files = 0;
      path = next();
      await copyFile(template, path);
    },
    openStore: () => openSqliteStore(path, program),
    dump: async () => {
      const connection = new DatabaseSync(path);
      try {
        const all = (sql: string) => {
          const statement = connection.prepare(sql);
          statement.setReturnArrays(true);
          return statement.all() as unknown as string[][];
        };
        return inOrder({
          identifiers: all(
            'SELECT OntologyType, SourceSystem, SourceId, CanonicalId FROM identifiers'
          ),
          canonicalIds: all('SELECT CanonicalId, Status FROM canonical_ids'),
        });
      } finally {
        connection.close();
      }
    },
    strike: async () => {
      const copy = next();
      for (const ending of ['', '-wal']) {
        if (existsSync(`${path}${ending}`)) copyFileSync(`${path}${ending}`, `${copy}${ending}`);
      }
      path = copy;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function inOrder({
  identifiers,
  canonicalIds,
}: {
  readonly identifiers: readonly unknown[][];
  readonly canonicalIds: readonly unknown[][];
}): Dumped {
  return {
    identifiers: [...(identifiers as string[][])].sort(byText),
    canonicalIds: [...(canonicalIds as string[][])].sort(byText),
  };
}
