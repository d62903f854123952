import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../scripts/invented-identifiers.ts';
import { between } from '../../scripts/invented-identifiers.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import type { MysqlRegistry } from '../../test/registry/mysql/mysql-registry.ts';
import { createMysqlRegistry, openStore } from '../../test/registry/mysql/mysql-registry.ts';
import { sierra, someIds } from '../../test/support/identifiers.ts';
import type { TestServer } from '../../test/support/servers/open-servers.ts';
import { poll } from '../../test/support/servers/processes.ts';
import type { Figures } from '../campaign.ts';
import { demand, demandEqual } from '../campaign.ts';
import { dumpOf } from '../registry-dump.ts';
import {
  demandCompletion,
  demandFailure,
  environmentOf,
  MINT,
  openDeskOn,
  SOURCES,
} from './commands.ts';

/** The server is told by each session to give up a wait for a lock after 10 s. */
const LOCK_WAIT_MS = 10_000;

/** So that the retries are waited for once. */
const IN_ONE_BATCH = [...MINT.slice(0, -1), '1000'];

/** Fewer free IDs than works: those batches that the pool has enough for are minted, the others take none. */
export async function emptyPool(server: TestServer, random: Random): Promise<Figures> {
  const free = between(0, SOURCES.length - 1, random);
  await using registry = await createMysqlRegistry(server, { free });
  await using desk = await openDeskOn(registry);
  const ended = await desk.run(MINT);
  demandFailure(ended, { status: 5, code: 'POOL_EXHAUSTED', says: /pool top-up/ });
  const before = await dumpOf(registry);
  demand(before.identifiers.length <= free, () => 'More IDs were given than there were');
  const environment = await environmentOf(registry, 'pool-filler');
  const filled = await desk.run(['pool', 'top-up', '--target', '700'], { environment });
  demandEqual('The status of a top-up', filled.status, 0);
  await demandCompletion(desk, { before, dump: () => dumpOf(registry) });
  return { 'empty pools': 1 };
}

/** Every free ID is locked: for a while, which is waited for; and for good, which is told apart from an empty pool. */
export async function lockPool(server: TestServer, random: Random): Promise<Figures> {
  await using registry = await createMysqlRegistry(server, { free: 2_000 });
  await using minter = createRegistry(await openStore(registry.minter));
  await using desk = await openDeskOn(registry);
  const lock = async () => {
    await registry.sql('START TRANSACTION');
    await registry.sql("SELECT CanonicalId FROM canonical_ids WHERE Status = 'free' FOR UPDATE");
  };
  await lock();
  const waiting = minter.mint([{ source: sierra('b0') }]);
  await sleep(between(100, 1_500, random));
  await registry.sql('COMMIT');
  const [answer] = (await waiting).answers;
  demandEqual('The outcome once the pool was unlocked', answer?.outcome, 'minted');

  await lock();
  demandFailure(await desk.run(IN_ONE_BATCH), {
    status: 5,
    code: 'POOL_EXHAUSTED',
    says: /other minters hold/,
  });
  await registry.sql('COMMIT');
  const before = await dumpOf(registry);
  demandEqual('Mappings that were made of locked IDs', before.identifiers.length, 1);
  await demandCompletion(desk, { before, dump: () => dumpOf(registry) });
  return { 'locked pools': 2 };
}

/** The pool calls IDs free that mappings use, as after a restored half: they are passed over, however many they are. */
export async function spoilPool(server: TestServer, random: Random): Promise<Figures> {
  const used = between(50, 300, random);
  const sound = between(50, 300, random);
  await using registry = await createMysqlRegistry(server, { free: used + sound });
  await using minter = createRegistry(await openStore(registry.minter));
  const requests = (letter: string, count: number) =>
    Array.from({ length: count }, (_, number) => ({ source: sierra(`${letter}${number}`) }));
  const before = await minter.mint(requests('b', used));
  await registry.sql("UPDATE canonical_ids SET Status = 'free'");
  const { answers } = await minter.mint(requests('c', sound));
  const given = [...before.answers, ...answers].map(({ canonicalId }) => canonicalId);
  demandEqual('IDs that were given once', new Set(given).size, used + sound);
  const { identifiers } = await dumpOf(registry);
  const held = new Map((identifiers as string[][]).map(([, , value = '', id]) => [value, id]));
  for (const { source, canonicalId } of [...before.answers, ...answers]) {
    demandEqual(`The ID of ${source.value}`, held.get(source.value), canonicalId);
  }
  return { 'spoilt pools': 1 };
}

/** A neighbour writes one of the keys and does not commit, for longer than a lock is waited for; and then it does, or not. */
export async function holdRow(server: TestServer, random: Random): Promise<Figures> {
  await using registry = await createMysqlRegistry(server, { free: 1_000 });
  await using desk = await openDeskOn(registry);
  const [id = ''] = someIds(1);
  await registry.sql('START TRANSACTION');
  await registry.sql("INSERT INTO canonical_ids (CanonicalId, Status) VALUES (?, 'assigned')", [
    id,
  ]);
  const held = SOURCES[between(0, SOURCES.length - 1, random)] ?? sierra('b0');
  await registry.sql(
    'INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) VALUES (?, ?, ?, ?)',
    [held.ontologyType, held.sourceSystem, held.value, id]
  );
  const command = desk.run(MINT);
  await poll('The wait for the row', 60, () => isWaitedFor(registry));
  const heldMs = LOCK_WAIT_MS + between(500, 3_000, random);
  await sleep(heldMs);
  const commits = random() < 0.5;
  await registry.sql(commits ? 'COMMIT' : 'ROLLBACK');
  const { status, stderr } = await command;
  demand(status === 0, () => `A command that waited for a lock ended with ${status}: ${stderr}`);
  const before = await dumpOf(registry);
  const row = (before.identifiers as string[][]).find(([, , value]) => value === held.value);
  demandEqual('Whether the neighbour’s mapping stands', row?.[3] === id, commits);
  await demandCompletion(desk, { before, dump: () => dumpOf(registry) });
  return { 'held rows': 1, 'max ms of a held row': heldMs };
}

/** Whether an insert of the minter is under way: the held row is what keeps it from ending. */
async function isWaitedFor(registry: MysqlRegistry): Promise<true | undefined> {
  const processes = await registry.sql<unknown[]>('SHOW FULL PROCESSLIST');
  const isInsert = ([, user, , , , , , statement]: readonly unknown[]) =>
    user === registry.minter.user && `${statement}`.startsWith('INSERT IGNORE INTO identifiers');
  return processes.some(isInsert) ? true : undefined;
}
