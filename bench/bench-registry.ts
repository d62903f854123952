import { readFile } from 'node:fs/promises';
import type { Connection } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import type { Random } from '../scripts/invented-identifiers.ts';
import { createInventor, seededRandom } from '../scripts/invented-identifiers.ts';
import type { Registry } from '../src/domain/registry.ts';
import type { SourceIdentifier } from '../src/domain/source-identifier.ts';
import { migrate } from '../src/registry/migrate.ts';
import { openMysqlMigrations } from '../src/registry/mysql/mysql-migrations.ts';
import type { MysqlSettings } from '../src/registry/mysql/mysql-settings.ts';
import { createRegistry } from '../src/registry/registry.ts';
import { openStore } from '../test/registry/mysql/mysql-registry.ts';
import { createDatabase, createUser } from '../test/support/databases.ts';
import { fillRegistry, topUpPool } from './fill.ts';

/** A work with its item and its page images, as a digitised book has them. */
const PAGES_A_WORK = 40;
const IDENTIFIERS_A_WORK = PAGES_A_WORK + 2;
const SEED = 1;

/** A registry with so many mappings on a real server. Disposal drops it. */
export interface BenchRegistry extends AsyncDisposable {
  readonly rows: number;
  /** With the rights of a minter. */
  readonly minter: MysqlSettings;
  readonly admin: MysqlSettings;
  /** The identifiers of so many works that are in the registry, in the order in which a file would have them. */
  storedWorks(count: number, random: Random): SourceIdentifier[];
  /** So many identifiers, of works that no call has given before. */
  freshIdentifiers(count: number): SourceIdentifier[];
  /** The product, opened as a minter opens it. */
  open(): Promise<Registry>;
  /** A bare connection with a minter's rights. */
  connect(as?: 'minter' | 'admin'): Promise<Connection>;
  /** Fills the pool up, so that each run meets one of the same size. */
  topUp(): Promise<void>;
}

interface Work {
  readonly record: string;
  readonly item: string;
}

/**
 * @param server - whose databases may be made and dropped
 * @param known - what is in it; works of page images where it is not given
 */
export async function createBenchRegistry(
  server: { readonly url: string },
  rows: number,
  known?: () => Iterable<SourceIdentifier>
): Promise<BenchRegistry> {
  await using making = new AsyncDisposableStack();
  const database = making.use(await createDatabase(server));
  const { hostname, port, username, password } = new URL(database.adminUrl);
  const settingsOf = (user: string, secret: string): MysqlSettings => ({
    ...{ host: hostname, port: Number(port || 3306), user, database: database.name },
    ...{ password: async () => secret, tls: 'off' as const },
  });
  const admin = settingsOf(username, password);
  const migrations = await openMysqlMigrations(admin);
  await migrate(migrations);
  await migrations.close();
  const grants = new URL('../migrations/mysql/grants/minter.sql', import.meta.url);
  const { user, password: secret } = await createUser(database, await readFile(grants, 'utf8'));
  const minter = settingsOf(user, secret);

  const inventor = createInventor(SEED, seededRandom(SEED));
  const invent = (): Work => ({ record: inventor.bNumber(), item: inventor.iNumber() });
  const works = Array.from({ length: Math.ceil(rows / IDENTIFIERS_A_WORK) }, invent).sort((a, b) =>
    a.record < b.record ? -1 : 1
  );
  await withConnection(admin, connection =>
    known === undefined
      ? fillRegistry(connection, inKeyOrder(works), works.length * IDENTIFIERS_A_WORK)
      : fillRegistry(connection, known(), rows)
  );
  const stack = making.move();
  const fresh: SourceIdentifier[] = [];
  return {
    rows,
    minter,
    admin,
    storedWorks: (count, random) => sample(works, count, random).flatMap(identifiersOf),
    freshIdentifiers: count => {
      while (fresh.length < count) {
        fresh.push(...identifiersOf(invent()));
      }
      return fresh.splice(0, count);
    },
    open: async () => createRegistry(await openStore(minter)),
    connect: (as = 'minter') => connectTo(as === 'admin' ? admin : minter),
    topUp: () => withConnection(admin, topUpPool),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** In the order of the primary key: by type, then by value. */
function* inKeyOrder(works: readonly Work[]): Generator<SourceIdentifier> {
  for (const { record } of works) yield* pagesOf(record);
  for (const item of works.map(work => work.item).sort()) yield itemOf(item);
  for (const { record } of works) yield recordOf(record);
}

/** So many identifiers of works as these registries hold. */
export function* inventIdentifiers(count: number): Generator<SourceIdentifier> {
  const inventor = createInventor(SEED, seededRandom(SEED));
  let left = count;
  while (left > 0) {
    const work = identifiersOf({ record: inventor.bNumber(), item: inventor.iNumber() });
    yield* work.slice(0, left);
    left -= work.length;
  }
}

function identifiersOf({ record, item }: Work): SourceIdentifier[] {
  return [recordOf(record), itemOf(item), ...pagesOf(record)];
}

function recordOf(value: string): SourceIdentifier {
  return { ontologyType: 'Work', sourceSystem: 'sierra-system-number', value };
}

function itemOf(value: string): SourceIdentifier {
  return { ontologyType: 'Item', sourceSystem: 'sierra-system-number', value };
}

function* pagesOf(record: string): Generator<SourceIdentifier> {
  for (let page = 1; page <= PAGES_A_WORK; page += 1) {
    const value = `${record}_${String(page).padStart(4, '0')}.jp2`;
    yield { ontologyType: 'Image', sourceSystem: 'mets-image', value };
  }
}

/** Different ones, in an order that looks like none; all where there are not so many. */
export function sample<T>(all: readonly T[], count: number, random: Random): T[] {
  const chosen = new Set<number>();
  while (chosen.size < Math.min(count, all.length)) chosen.add(Math.floor(random() * all.length));
  return [...chosen].flatMap(index => all[index] ?? []);
}

/** As the product opens its own, so that only the programs differ. */
async function connectTo(settings: MysqlSettings): Promise<Connection> {
  const { host, port, user, database } = settings;
  const connection = await createConnection({
    ...{ host, port, user, database, password: await settings.password() },
    ...{ charset: 'utf8mb4', rowsAsArray: true, flags: ['-FOUND_ROWS'] },
  });
  await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  return connection;
}

async function withConnection(
  settings: MysqlSettings,
  work: (connection: Connection) => Promise<void>
): Promise<void> {
  const connection = await connectTo(settings);
  try {
    await work(connection);
  } finally {
    await connection.end();
  }
}
