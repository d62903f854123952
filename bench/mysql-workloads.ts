import { randomInt } from 'node:crypto';
import type { Connection } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import { drawCanonicalId } from '../src/domain/canonical-id.ts';
import type { Registry } from '../src/domain/registry.ts';
import type { SourceIdentifier } from '../src/domain/source-identifier.ts';
import { keyOf } from '../src/domain/source-identifier.ts';
import { knownMigrations, migrate } from '../src/registry/migrate.ts';
import { openMysqlMigrations } from '../src/registry/mysql/mysql-migrations.ts';
import { openMysqlStore } from '../src/registry/mysql/mysql-store.ts';
import { createRegistry } from '../src/registry/registry.ts';
import { createDatabase } from '../test/support/databases.ts';
import { mintAsOriginal } from './original-sequence.ts';
import type { Workload } from './pairs.ts';

const RIVAL = 'the Python minter’s statements in a plain Node program';
const PAGES_A_WORK = 40;
const INSERT_ROWS = 5_000;

/** A registry with this many mappings, and a program beside it that does the same by the rival's statements. */
export interface MysqlBench extends AsyncDisposable {
  lookUp(count: number): Workload;
  mint(count: number): Workload;
}

export async function openMysqlBench(server: { url: string }, rows: number): Promise<MysqlBench> {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await createDatabase(server));
  const { hostname, port, username } = new URL(database.adminUrl);
  const settings = {
    host: hostname,
    port: Number(port),
    user: username,
    password: async () => '',
    database: database.name,
    tls: 'off' as const,
  };
  const migrations = await openMysqlMigrations(settings);
  await migrate(migrations);
  await migrations.close();
  const store = await openMysqlStore(settings, {
    knownMigrations: knownMigrations('mysql'),
    version: '1.0.0',
    warn: () => {},
  });
  const registry = opening.use(createRegistry(store));
  const rival = await createConnection(database.adminUrl);
  opening.defer(() => rival.end());
  await rival.query('SET autocommit = 0');
  await fill(rival, rows);
  const stack = opening.move();
  return {
    lookUp: count => lookUpStored(registry, rival, rows, count),
    mint: count => mintNew(registry, rival, count),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function lookUpStored(
  registry: Registry,
  rival: Connection,
  rows: number,
  count: number
): Workload {
  const sources = Array.from({ length: count }, (_, index) => stored((index * 7) % rows));
  return {
    name: `look up ${count} stored identifiers`,
    question:
      'How long does a batch take of which everything exists, as 99.97 % does in production?',
    against: RIVAL,
    async ours() {
      const { answers } = await registry.mint(sources.map(source => ({ source })));
      if (!answers.every(({ outcome }) => outcome === 'existing')) throw new Error('Wrong answer.');
    },
    async theirs() {
      const found = await mintAsOriginal(rival, sources);
      if (found.size !== new Set(sources.map(keyOf)).size) throw new Error('Wrong answer.');
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function mintNew(registry: Registry, rival: Connection, count: number): Workload {
  let run = 0;
  const fresh = (): SourceIdentifier[] => {
    run += 1;
    return Array.from({ length: count }, (_, index) => ({
      ontologyType: 'Image',
      sourceSystem: 'mets-image',
      value: `new-${run}/${((index * 7_919) % count).toString().padStart(6, '0')}`,
    }));
  };
  return {
    name: `mint ${count} new identifiers`,
    question: 'How long does a batch take that is all new, with used IDs of the pool detected?',
    against: RIVAL,
    async ours() {
      const { answers } = await registry.mint(fresh().map(source => ({ source })));
      if (!answers.every(({ outcome }) => outcome === 'minted')) throw new Error('Wrong answer.');
    },
    async theirs() {
      if ((await mintAsOriginal(rival, fresh())).size !== count) throw new Error('Wrong answer.');
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Works of 40 page images each, and a pool for all that the workloads mint. */
async function fill(connection: Connection, rows: number): Promise<void> {
  for (let start = 0; start < rows; start += INSERT_ROWS) {
    const ids = drawIds(Math.min(INSERT_ROWS, rows - start));
    await connection.query('INSERT INTO canonical_ids (CanonicalId, Status) VALUES ?', [
      ids.map(id => [id, 'assigned']),
    ]);
    await connection.query(
      'INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) VALUES ?',
      [
        ids.map((id, index) => {
          const { ontologyType, sourceSystem, value } = stored(start + index);
          return [ontologyType, sourceSystem, value, id];
        }),
      ]
    );
    await connection.commit();
  }
  for (let added = 0; added < 400_000; added += INSERT_ROWS) {
    await connection.query('INSERT IGNORE INTO canonical_ids (CanonicalId) VALUES ?', [
      drawIds(INSERT_ROWS).map(id => [id]),
    ]);
    await connection.commit();
  }
}

function stored(index: number): SourceIdentifier {
  const work = Math.floor(index / PAGES_A_WORK);
  const page = index % PAGES_A_WORK;
  if (page === 0) {
    return { ontologyType: 'Work', sourceSystem: 'sierra-system-number', value: `b${work}` };
  }
  const value = `b${work}/FILE_${page.toString().padStart(4, '0')}_OBJECTS`;
  return { ontologyType: 'Image', sourceSystem: 'mets-image', value };
}

function drawIds(count: number): string[] {
  const ids = new Set<string>();
  while (ids.size < count) ids.add(drawCanonicalId(randomInt));
  return [...ids].sort();
}
