import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { drawCanonicalId } from '../src/domain/canonical-id.ts';
import { knownMigrations, migrate } from '../src/registry/migrate.ts';
import { createRegistry } from '../src/registry/registry.ts';
import { openSqliteMigrations } from '../src/registry/sqlite/sqlite-migrations.ts';
import { openSqliteStore } from '../src/registry/sqlite/sqlite-store.ts';
import type { Workload } from './pairs.ts';

const BATCH = 5_000;

/** New identifiers in transactions of 5,000, against bare inserts of the same rows in the same transactions. */
export async function mintIntoSqlite(count: number): Promise<Workload> {
  const folder = await mkdtemp(join(tmpdir(), 'id-minter-bench-'));
  const create = async (name: string): Promise<string> => {
    const path = join(folder, name);
    const database = openSqliteMigrations(path);
    await migrate(database);
    await database.close();
    return path;
  };
  const store = await openSqliteStore(await create('ours.sqlite'), {
    knownMigrations: knownMigrations('sqlite'),
    version: '1.0.0',
    warn: () => {},
  });
  const registry = createRegistry(store);
  const bare = new DatabaseSync(await create('bare.sqlite'));
  bare.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
  let run = 0;
  const value = (index: number): string =>
    `${run}-${((index * 7_919) % count).toString().padStart(7, '0')}`;
  return {
    name: `mint ${count} new identifiers into SQLite`,
    question: 'How near are we to what the file system and SQLite allow?',
    against:
      'bare inserts of the same rows in the same transactions, IDs drawn and marked assigned at once',
    async ours() {
      run += 1;
      await registry.topUp(count);
      for (let start = 0; start < count; start += BATCH) {
        const { answers } = await registry.mint(
          Array.from({ length: BATCH }, (_, index) => ({
            source: { ontologyType: 'Work', sourceSystem: 'bench', value: value(start + index) },
          }))
        );
        if (!answers.every(({ outcome }) => outcome === 'minted')) throw new Error('Wrong answer.');
      }
    },
    async theirs() {
      run += 1;
      const id = bare.prepare(
        "INSERT INTO canonical_ids (CanonicalId, Status) VALUES (?, 'assigned')"
      );
      const mapping = bare.prepare(
        'INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) VALUES (?, ?, ?, ?)'
      );
      for (let start = 0; start < count; start += BATCH) {
        bare.exec('BEGIN IMMEDIATE');
        for (let index = start; index < start + BATCH; index += 1) {
          const canonicalId = drawCanonicalId(randomInt);
          id.run(canonicalId);
          mapping.run('Work', 'bench', value(index), canonicalId);
        }
        bare.exec('COMMIT');
      }
    },
    [Symbol.asyncDispose]: async () => {
      await registry.close();
      bare.close();
      await rm(folder, { recursive: true });
    },
  };
}
