/** What runs out for everybody on a server: so these have a server of their own, one of them at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import type { Random } from '../../scripts/invented-identifiers.ts';
import { between } from '../../scripts/invented-identifiers.ts';
import type { Registry } from '../../src/domain/registry.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { workOf } from '../../test/cli/works.ts';
import type { MysqlRegistry } from '../../test/registry/mysql/mysql-registry.ts';
import { createMysqlRegistry, openStore } from '../../test/registry/mysql/mysql-registry.ts';
import { folio } from '../../test/support/identifiers.ts';
import type { ServerKind } from '../../test/support/servers/kinds.ts';
import type { StartedServer } from '../../test/support/servers/start-server.ts';
import { startServer } from '../../test/support/servers/start-server.ts';
import type { Figures } from '../campaign.ts';
import { demand } from '../campaign.ts';
import { History } from '../history.ts';
import { dumpOf } from '../registry-dump.ts';
import {
  demandCompletion,
  demandFailure,
  demandNothingLeft,
  MINT,
  openDeskOn,
  SOURCES,
} from './commands.ts';

const LANES = 4;
const BATCH = 20;
const AFTERWARDS = 5;

export async function openWholeServer(kind: ServerKind) {
  const server = await startServer(kind, { extraArgs: ['--innodb-buffer-pool-size=64M'] });
  let last: Promise<unknown> = Promise.resolve();
  return {
    alone: <T>(work: (server: StartedServer) => Promise<T>): Promise<T> => {
      const result = last.then(() => work(server));
      last = result.catch(() => undefined);
      return result;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Others take every connection: a new minter is told so at once, one that is at work goes on when there are some again. */
export async function takeConnections(server: StartedServer, random: Random): Promise<Figures> {
  await using registry = await createMysqlRegistry(server, { free: 10_000 });
  await using desk = await openDeskOn(registry);
  await registry.sql('SET GLOBAL max_connections = 24');
  const hogs: Connection[] = [];
  try {
    const minting = await mintInLanes(registry);
    await sleep(between(0, 500, random));
    await takeAll(registry, hogs);
    const ended = await desk.run(MINT);
    demandFailure(ended, {
      status: 4,
      code: 'REGISTRY_UNAVAILABLE',
      says: /too many connections/i,
    });
    await demandNothingLeft(desk);
    await sleep(between(0, 1_000, random));
    for (const hog of hogs.splice(0)) await hog.end();
    const answers = await minting.end();
    const before = await dumpOf(registry);
    minting.history.verify(before);
    await demandCompletion(desk, { before, dump: () => dumpOf(registry) });
    return { 'servers without connections': 1, 'answers meanwhile': answers };
  } finally {
    for (const hog of hogs) hog.destroy();
    await registry.sql('SET GLOBAL max_connections = 300');
  }
}

/** As after a failover: for a while, which is waited for, and for as long as a command tries. */
export async function turnReadOnly(server: StartedServer, random: Random): Promise<Figures> {
  await using registry = await createMysqlRegistry(server, { free: 10_000 });
  await using desk = await openDeskOn(registry);
  const set = (value: 'ON' | 'OFF') => registry.sql(`SET GLOBAL read_only = ${value}`);
  try {
    const minting = await mintInLanes(registry);
    await sleep(between(0, 1_000, random));
    await set('ON');
    await sleep(between(100, 2_000, random));
    await set('OFF');
    const answers = await minting.end();
    minting.history.verify(await dumpOf(registry));
    await set('ON');
    const ended = await desk.run(MINT);
    demandFailure(ended, { status: 4, code: 'REGISTRY_UNAVAILABLE', says: /read-only/ });
    await demandNothingLeft(desk);
    await set('OFF');
    const before = await dumpOf(registry);
    await demandCompletion(desk, { before, dump: () => dumpOf(registry) });
    return { 'read-only servers': 2, 'answers meanwhile': answers };
  } finally {
    await set('OFF');
  }
}

/** Statements longer than the server takes. */
export async function limitPackets(server: StartedServer, random: Random): Promise<Figures> {
  await using registry = await createMysqlRegistry(server, { free: 2_000 });
  const long = 'x'.repeat(200);
  const subjects = SOURCES.map((_, index) => folio(`${long} ${index}`));
  const works = SOURCES.map((source, index) =>
    workOf(source, { subjects: subjects.slice(index, index + 1) })
  );
  await using desk = await openDeskOn(registry, works);
  const bytes = 1_024 * between(1, 16, random);
  await registry.sql(`SET GLOBAL max_allowed_packet = ${bytes}`);
  try {
    const ended = await desk.run(MINT);
    demandFailure(ended, { status: 4, code: 'REGISTRY_UNAVAILABLE', says: /max_allowed_packet/ });
    await demandNothingLeft(desk);
  } finally {
    await registry.sql('SET GLOBAL max_allowed_packet = 16777216');
  }
  const requests = [...SOURCES, ...subjects].map(source => ({ source }));
  const before = await dumpOf(registry);
  await demandCompletion(desk, { requests, before, dump: () => dumpOf(registry) });
  return { 'packets too long': 1 };
}

/** Opens connections as the minter until the server gives none. */
async function takeAll({ minter }: MysqlRegistry, hogs: Connection[]): Promise<void> {
  const { host, port, user, database } = minter;
  const password = await minter.password();
  for (;;) {
    try {
      hogs.push(await createConnection({ host, port, user, database, password }));
    } catch (error) {
      if ((error as { errno?: number }).errno === 1040) return;
      throw error;
    }
  }
}

/** Several callers of one minter, until they are told to end; then each mints some more. */
async function mintInLanes(registry: MysqlRegistry) {
  const minter = createRegistry(await openStore(registry.minter));
  const history = new History();
  let isEnding = false;
  const lanes = Promise.all(
    Array.from({ length: LANES }, (_, lane) => mintOn(minter, lane, history, () => isEnding))
  );
  lanes.catch(() => undefined);
  return {
    history,
    async end(): Promise<number> {
      isEnding = true;
      try {
        await lanes;
      } finally {
        await minter.close();
      }
      return history.answers;
    },
  };
}

async function mintOn(
  minter: Registry,
  lane: number,
  history: History,
  isEnding: () => boolean
): Promise<void> {
  let afterwards = 0;
  for (let at = 0; afterwards < AFTERWARDS; at += 1) {
    const batch = Array.from({ length: BATCH }, (_, index) => ({
      source: folio(`${at}-${index} of ${index % 3 === 0 ? 'all' : lane}`),
    }));
    history.asked(batch);
    const { answers } = await minter.mint(batch);
    for (const { error } of answers) demand(error === undefined, () => `A lane got ${error}`);
    history.acknowledged(answers);
    if (isEnding()) afterwards += 1;
    // So that the pool lasts as long as the fault.
    else await sleep(20);
  }
}
