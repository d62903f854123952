import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Random } from '../../scripts/invented-identifiers.ts';
import { between } from '../../scripts/invented-identifiers.ts';
import type { CanonicalId } from '../../src/domain/canonical-id.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import type { MintRequest, Registry } from '../../src/domain/registry.ts';
import { keyOf } from '../../src/domain/source-identifier.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import type { MysqlRegistry } from '../../test/registry/mysql/mysql-registry.ts';
import { createMysqlRegistry, openStore } from '../../test/registry/mysql/mysql-registry.ts';
import type { Acknowledged, Job } from '../../test/registry/sqlite/minting-process.ts';
import { folio, sierra } from '../../test/support/identifiers.ts';
import type { StartedServer } from '../../test/support/servers/start-server.ts';
import { startServer } from '../../test/support/servers/start-server.ts';
import { sqliteStore } from '../../test/support/store-kinds.ts';
import type { Campaign, Figures } from '../campaign.ts';
import { Broken, demand, demandEqual } from '../campaign.ts';
import { History } from '../history.ts';
import { dumpOf } from '../registry-dump.ts';

const UNITS = { gate: 5, long: 50 } as const;
const MINTERS = 2;
const BATCH = 40;
/** Batches that each minter has to mint after the server's return. */
const AFTERWARDS = 10;
/** The retries last half a minute; an attempt on a server that is not there fails at once. */
const GIVES_UP_WITHIN_MS = 60_000;
/** The shortest time that the retries can last, with some less: within it, no minter may give up. */
const BRIDGED_MS = 14_000;
/** In the long form the server stays away in one of so many units, until every minter has given up. */
const AWAY_ONE_IN = 10;
const SQLITE_KILLS = { gate: 1, long: 4 } as const;
const SQLITE_BATCHES = 30;
const SQLITE_MINTER = fileURLToPath(
  new URL('../../test/registry/sqlite/minting-process.ts', import.meta.url)
);

export const killDatabase: Campaign = {
  name: 'kill-database',
  tries:
    'The database server is killed in mid-run and comes back on its data, or stays away; processes that hold a SQLite file are killed: what was acknowledged stands, and minters go on.',
  async open({ form, server: { kind } }) {
    let server = await startServer(kind);
    const { dataDir, port } = server;
    // The first one removes the data folder, the others only end.
    const first = server;
    return {
      units: UNITS[form],
      run: async (unit, random) => {
        const staysAway = form === 'long' && unit % AWAY_ONE_IN === AWAY_ONE_IN - 1;
        const figures = await killServer(server, { staysAway, random }, async () => {
          server = await startServer(kind, { dataDir, port });
          return server;
        });
        return { ...figures, ...(await killHoldersOfFile(unit, SQLITE_KILLS[form], random)) };
      },
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await first[Symbol.asyncDispose]();
      },
    };
  },
};

/** What the minters of a unit share. */
interface Scene {
  readonly history: History;
  /** Resolves when the server is back. */
  readonly back: Promise<void>;
  isBack: boolean;
  readonly counts: Record<'batches' | 'gave up' | 'acknowledged', number>;
  longestMs: number;
}

async function killServer(
  server: StartedServer,
  { staysAway, random }: { staysAway: boolean; random: Random },
  startAgain: () => Promise<StartedServer>
): Promise<Figures> {
  const registry = await createMysqlRegistry(server, { free: 20_000 });
  const { promise: back, resolve: sayBack } = Promise.withResolvers<void>();
  const scene: Scene = {
    ...{ history: new History(), back, isBack: false, longestMs: 0 },
    counts: { batches: 0, 'gave up': 0, acknowledged: 0 },
  };
  await using ends = new AsyncDisposableStack();
  const minting = await Promise.all(
    Array.from({ length: MINTERS }, async (_, number) => {
      const minter = ends.use(createRegistry(await openStore(registry.minter)));
      return () => mintOn(minter, number, scene);
    })
  );
  const minters = Promise.all(minting.map(mint => mint()));
  // Looked at only at the end, and until then no failure of the process.
  minters.catch(() => undefined);
  await sleep(between(50, 1_200, random));
  await server.kill9();
  const killed = performance.now();
  const acknowledgedBefore = scene.counts.acknowledged;
  if (staysAway) await untilAllGaveUp(scene);
  else await sleep(between(0, 1_500, random));
  const again = await startAgain();
  const awayMs = performance.now() - killed;
  scene.isBack = true;
  sayBack();
  await minters;
  demand(
    awayMs > BRIDGED_MS || scene.counts['gave up'] === 0,
    () => `A minter gave up, though the server was back after ${Math.round(awayMs)} ms`
  );
  await verify(again, registry, scene.history);
  return {
    'server kills': 1,
    'acknowledged before the kill': acknowledgedBefore,
    ...scene.counts,
    'max ms of a batch over the kill': Math.round(scene.longestMs),
  };
}

/** Mints batches until it has minted enough of them after the server's return; one that it gave up, it says again. */
async function mintOn(minter: Registry, number: number, scene: Scene): Promise<void> {
  const { history, counts } = scene;
  let afterwards = 0;
  for (let at = 0; afterwards < AFTERWARDS; at += 1) {
    const batch = batchOf(number, at);
    history.asked(batch);
    let gaveUp = false;
    for (;;) {
      const began = performance.now();
      const answers = await mintOrGiveUp(minter, batch);
      const tookMs = performance.now() - began;
      scene.longestMs = Math.max(scene.longestMs, tookMs);
      if (answers !== undefined) {
        check(answers, { number, at, gaveUp });
        history.acknowledged(answers);
        counts.acknowledged += answers.length;
        break;
      }
      demand(
        tookMs < GIVES_UP_WITHIN_MS,
        () => `Minter ${number} gave up only after ${Math.round(tookMs)} ms`
      );
      demand(!scene.isBack || !gaveUp, () => `Minter ${number} gave up twice, with a server there`);
      gaveUp = true;
      counts['gave up'] += 1;
      await scene.back;
    }
    counts.batches += 1;
    if (scene.isBack) afterwards += 1;
  }
}

async function mintOrGiveUp(minter: Registry, batch: readonly MintRequest[]) {
  try {
    return (await minter.mint(batch)).answers;
  } catch (error) {
    if (error instanceof IdMinterError && error.code === 'REGISTRY_UNAVAILABLE') return undefined;
    throw new Broken(`A minter failed with ${error}, not with REGISTRY_UNAVAILABLE`);
  }
}

/** Every request has its ID; what only this minter can have brought in is new, though COMMIT's answer was lost. */
function check(
  answers: Awaited<ReturnType<Registry['mint']>>['answers'],
  { number, at, gaveUp }: { number: number; at: number; gaveUp: boolean }
): void {
  for (const [index, { source, canonicalId, outcome, error }] of answers.entries()) {
    const what = `${keyOf(source)} of minter ${number}, batch ${at}`;
    demand(canonicalId !== undefined, () => `${what} got no ID: ${error?.message}`);
    if (isShared(index) || gaveUp) continue;
    const expected = index % 5 === 4 ? 'inherited' : 'minted';
    demand(outcome === expected, () => `${what} is ${outcome}, and should be ${expected}`);
  }
}

/** A third of it is asked for by the other minter too, and a fifth inherits, from this batch. */
function batchOf(minter: number, at: number): MintRequest[] {
  return Array.from({ length: BATCH }, (_, index) => {
    const owner = isShared(index) ? 'all' : minter;
    const value = (of: number) => `b${at}-${of} of ${owner}`;
    return index % 5 === 4
      ? { source: folio(value(index)), predecessor: sierra(value(index - 1)) }
      : { source: sierra(value(index)) };
  });
}

/** Whole groups of five, so that what inherits has the owner of its predecessor. */
function isShared(index: number): boolean {
  return Math.floor(index / 5) % 3 === 0;
}

async function untilAllGaveUp({ counts }: Scene): Promise<void> {
  const deadline = performance.now() + GIVES_UP_WITHIN_MS + 30_000;
  while (counts['gave up'] < MINTERS) {
    demand(
      performance.now() < deadline,
      () => `Only ${counts['gave up']} of ${MINTERS} minters have given up`
    );
    await sleep(100);
  }
}

/** The registry's own connection went with the server: its tables are read through another database. */
async function verify(
  server: StartedServer,
  { minter: { database } }: MysqlRegistry,
  history: History
): Promise<void> {
  await using other = await createMysqlRegistry(server);
  await other.sql(`USE ${database}`);
  history.verify(await dumpOf(other));
}

/** Two processes on one file, of which one or both are killed; what one of them was writing is there or not at all. */
async function killHoldersOfFile(unit: number, kills: number, random: Random): Promise<Figures> {
  const counts = { 'SQLite kills': 0, 'acknowledged by SQLite': 0 };
  for (let kill = 0; kill < kills; kill += 1) {
    const killsBoth = (unit + kill) % 2 === 1;
    await using registry = await sqliteStore().open({ freeCount: 5_000 });
    const path = registry.name.slice('sqlite:'.length);
    // With no other connection, the log that the killed one leaves is recovered by whoever opens it next.
    await registry.close();
    const history = new History();
    const minters = [0, 1].map(number => {
      const batches = Array.from({ length: SQLITE_BATCHES }, (_, at) => batchOf(number, at));
      for (const batch of batches) history.asked(batch.map(({ source }) => ({ source })));
      return { batches, ...startOnFile(path, batches) };
    });
    await Promise.all(minters.map(({ started }) => started));
    await sleep(between(0, 250, random));
    for (const { child } of killsBoth ? minters : minters.slice(0, 1)) child.kill('SIGKILL');
    for (const { ended } of minters) history.acknowledged(await ended);
    const found = await registry.database.sql('PRAGMA integrity_check');
    demandEqual('The integrity of the file', found, [['ok']]);
    history.verify(await registry.dump());
    await using again = createRegistry(await registry.database.openStore());
    for (const { batches } of minters) {
      for (const batch of batches) {
        history.acknowledged((await again.mint(batch.map(({ source }) => ({ source })))).answers);
      }
    }
    history.verify(await registry.dump());
    counts['SQLite kills'] += killsBoth ? 2 : 1;
    counts['acknowledged by SQLite'] += history.answers;
  }
  return counts;
}

/** Mints in a process of its own that holds the file. */
function startOnFile(path: string, batches: readonly (readonly MintRequest[])[]) {
  const child = fork(SQLITE_MINTER, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [],
  });
  const sources = batches.map(batch => batch.map(({ source }) => source));
  const answers: Acknowledged[][] = [];
  const { promise: started, resolve } = Promise.withResolvers<void>();
  child.on('message', (batch: Acknowledged[]) => {
    answers.push(batch);
    resolve();
  });
  child.send({ path, batches: sources } satisfies Job);
  const ended = once(child, 'close').then(([status, signal]) => {
    resolve();
    demand(
      status === 0 || signal === 'SIGKILL',
      () => `A minter on the file that nobody killed ended with ${status}`
    );
    return answers.flatMap((batch, at) =>
      batch.map(([value, canonicalId], index) => {
        const source = sources[at]?.[index];
        demand(source?.value === value, () => `${value} was answered for ${source?.value}`);
        return { source, canonicalId: canonicalId as CanonicalId };
      })
    );
  });
  return { child, started, ended };
}
