import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../scripts/invented-identifiers.ts';
import { between } from '../../scripts/invented-identifiers.ts';
import type { MintRequest } from '../../src/domain/registry.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import type { Minter, Vitals } from '../../test/registry/mysql/mint-in-process.ts';
import { startMinter } from '../../test/registry/mysql/mint-in-process.ts';
import type { MysqlRegistry } from '../../test/registry/mysql/mysql-registry.ts';
import { createMysqlRegistry, openStore } from '../../test/registry/mysql/mysql-registry.ts';
import { image } from '../../test/support/identifiers.ts';
import type { Campaign, Figures, Form, Ground } from '../campaign.ts';
import { demand } from '../campaign.ts';
import { History } from '../history.ts';
import { snapshotOf } from '../registry-dump.ts';
import { knownBefore, requestsFor } from '../works.ts';

const MINTERS = 6;
const UNITS = { gate: 1, long: 40 } as const;
const UNIT_MS = 60_000;
const SAMPLE_MS = 5_000;
/** Requests of a batch for what the registry has from the beginning, and works, of which few are new. */
const STOCK_IN_BATCH = 150;
const WORKS_IN_BATCH = 50;
const NEW_IN_BATCH = 4;
/** From one batch of a minter to the next. */
const PAUSE_MS = 200;
/** In the long form the stock is more than a minter remembers, and no minter comes to all the works. */
const SIZES = {
  gate: { stock: 2_000, works: 2_000, free: 20_000 },
  long: { stock: 60_000, works: 60_000, free: 500_000 },
} as const;
/** Caches fill and code is compiled; then memory may grow by no more than this. */
const WARM_UP_MS = 5 * 60_000;
const MEASURED_MS = 15 * 60_000;
const GROWTH_MAX = 1_000_000; // bytes an hour
/** Beyond the one that a minter mints with: its channel, and what Node opens for a moment. */
const DESCRIPTORS_SPARE = 3;

export const soak: Campaign = {
  name: 'soak',
  tries:
    'Six processes mint for long, mostly what exists: every answer stands, and no process keeps memory, connections or files.',
  async open(ground) {
    return await openSoak(ground);
  },
};

/** The processes live as long as the campaign is open. */
async function openSoak({ form, server }: Ground) {
  await using opening = new AsyncDisposableStack();
  const { stock, works, free } = SIZES[form];
  const registry = opening.use(await createMysqlRegistry(server, { free }));
  const history = new History();
  await mintBefore(registry, history, [...inStock(stock), ...knownBefore(works)]);
  const places: Place[] = [];
  for (let number = 0; number < MINTERS; number += 1) {
    const minter = await startMinter(registry.minter);
    opening.defer(() => minter.end());
    places.push({ number, minter, batches: 0, samples: [] });
  }
  const stack = opening.move();
  return {
    units: UNITS[form],
    run: async (_: number, random: Random): Promise<Figures> => {
      const before = history.answers;
      const until = performance.now() + UNIT_MS;
      const connections = await Promise.all([
        watchConnections(registry, until),
        ...places.map(place =>
          workOn(place, { history, until, next: () => nextBatch(place, form, random) })
        ),
      ]).then(([most]) => most);
      history.verify(await snapshotOf(registry));
      const growth = Math.max(...places.map(place => verifyVitals(place, form)));
      return {
        answers: history.answers - before,
        'max connections': connections,
        ...(Number.isFinite(growth) && { 'max growth in bytes an hour': Math.round(growth) }),
        'max resident MB': Math.max(
          ...places.map(({ samples }) => Math.round((samples.at(-1)?.residentBytes ?? 0) / 1e6))
        ),
      };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function mintBefore(
  { minter }: MysqlRegistry,
  history: History,
  requests: readonly MintRequest[]
): Promise<void> {
  await using first = createRegistry(await openStore(minter));
  history.asked(requests);
  for (let at = 0; at < requests.length; at += 5_000) {
    history.acknowledged((await first.mint(requests.slice(at, at + 5_000))).answers);
  }
}

interface Place {
  readonly number: number;
  readonly minter: Minter;
  batches: number;
  readonly samples: (Vitals & { readonly atMs: number })[];
}

async function workOn(
  place: Place,
  { history, until, next }: { history: History; until: number; next: () => MintRequest[] }
): Promise<void> {
  let nextSample = 0;
  while (performance.now() < until) {
    const began = performance.now();
    const batch = next();
    history.asked(batch);
    const ends = await place.minter.mint(batch);
    demand(ends?.length === batch.length, () => `${ends?.length} answers to ${batch.length}`);
    for (const [at, { source }] of batch.entries()) {
      const [canonicalId, how] = ends?.[at] ?? [];
      demand(canonicalId !== undefined, () => `${source.value} got no ID but ${how}`);
      history.acknowledged([{ source, canonicalId: canonicalId as never }]);
    }
    if (performance.now() > nextSample) {
      place.samples.push({ ...(await place.minter.vitals()), atMs: performance.now() });
      nextSample = performance.now() + SAMPLE_MS;
    }
    await wait(Math.max(0, began + PAUSE_MS - performance.now()));
  }
}

/** Works of its own and of all: a few new ones, more of the latest; and much that has stood for long. */
function nextBatch(place: Place, form: Form, random: Random): MintRequest[] {
  const { stock, works } = SIZES[form];
  const isAware = place.batches % 2 === place.number % 2;
  place.batches += 1;
  const newest = Math.min(place.batches * NEW_IN_BATCH, works - 1);
  const latest = Math.max(0, newest - 20 * WORKS_IN_BATCH);
  const recent = Array.from({ length: WORKS_IN_BATCH }, (_, index) => {
    const number = index < NEW_IN_BATCH ? newest - index : between(latest, newest, random);
    return requestsFor(number, number % 3 === 0 ? 'all' : place.number, isAware);
  });
  const old = Array.from({ length: STOCK_IN_BATCH }, () => ofStock(between(0, stock - 1, random)));
  return [...recent.flat(), ...old];
}

function inStock(count: number): MintRequest[] {
  return Array.from({ length: count }, (_, number) => ofStock(number));
}

function ofStock(number: number): MintRequest {
  return { source: image(`V${number}`) };
}

/** @returns the most that minters had at a time */
async function watchConnections({ sql, minter }: MysqlRegistry, until: number): Promise<number> {
  let most = 0;
  while (performance.now() < until) {
    const [row] = await sql<[number]>(
      'SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = ?',
      [minter.user]
    );
    const connections = Number(row?.[0]);
    // Each mints one batch after the other.
    demand(
      connections <= MINTERS,
      () => `${MINTERS} minters that mint one batch at a time have ${connections} connections`
    );
    most = Math.max(most, connections);
    await wait(SAMPLE_MS / 5);
  }
  return most;
}

/**
 * @returns bytes an hour by which the process grows, NaN before that can be said
 * @throws Broken
 */
function verifyVitals({ number, samples }: Place, form: Form): number {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined) throw new Error('Nobody was asked how it fares.');
  demand(
    last.descriptors <= first.descriptors + DESCRIPTORS_SPARE,
    () => `minter ${number} had ${first.descriptors} files open and has ${last.descriptors}`
  );
  const measured = samples.filter(({ atMs }) => atMs > first.atMs + WARM_UP_MS);
  if (form === 'gate' || last.atMs < first.atMs + WARM_UP_MS + MEASURED_MS) return Number.NaN;
  const growth = slope(measured.map(({ atMs, heldBytes }) => [atMs / 3_600_000, heldBytes]));
  demand(
    growth < GROWTH_MAX,
    () =>
      `minter ${number} grows by ${Math.round(growth)} bytes an hour: ${samples.map(({ heldBytes }) => heldBytes)}`
  );
  return growth;
}

/** Least squares. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const covered = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  return points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / covered;
}
