import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../scripts/invented-identifiers.ts';
import { between } from '../../scripts/invented-identifiers.ts';
import type { MintRequest } from '../../src/domain/registry.ts';
import { keyOf } from '../../src/domain/source-identifier.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import type { End, Minter } from '../../test/registry/mysql/mint-in-process.ts';
import { startMinter } from '../../test/registry/mysql/mint-in-process.ts';
import type { MysqlRegistry } from '../../test/registry/mysql/mysql-registry.ts';
import { createMysqlRegistry, openStore } from '../../test/registry/mysql/mysql-registry.ts';
import type { Dump } from '../../test/support/store-kinds.ts';
import type { Campaign, Figures } from '../campaign.ts';
import { demand } from '../campaign.ts';
import { History } from '../history.ts';
import { snapshotOf } from '../registry-dump.ts';
import { knownBefore, requestsFor } from '../works.ts';

const MINTERS = 4;
const KILLS_A_UNIT = 10;
const UNITS = { gate: 3, long: 60 } as const;
/** New works of a minter's own in each batch, and works that all of them share. */
const WORKS = 30;
/** More batches than a minter comes to in a unit. */
const BATCHES_MAX = 300;
/** Enough for what comes between two kills, and so few that minters would meet in the pool if they could. */
const FREE = 4_000;
/** After a batch was sent; most take less. */
const MOMENTS_MS = 40;

export const killMinters: Campaign = {
  name: 'kill-minters',
  tries:
    'Processes that mint overlapping batches with predecessors are killed (SIGKILL) at random moments: what they acknowledged stands, what they did not is there as a whole or not at all, and their batch again is answered rightly.',
  async open({ form, server }) {
    return {
      units: UNITS[form],
      run: (_, random) => mintAndKill(server, random),
      async [Symbol.asyncDispose]() {},
    };
  },
};

interface Scene {
  readonly registry: MysqlRegistry;
  readonly history: History;
  readonly random: Random;
}

async function mintAndKill(server: { readonly url: string }, random: Random): Promise<Figures> {
  await using registry = await createMysqlRegistry(server);
  await using filler = createRegistry(await openStore(registry.admin));
  await filler.topUp(FREE);
  const scene: Scene = { registry, history: new History(), random };
  await mintKnownBefore(scene);
  await using places = await openPlaces(scene);
  const figures = { kills: 0, 'killed in a batch': 0, 'committed without an answer': 0 };
  while (figures.kills < KILLS_A_UNIT) {
    await filler.topUp(FREE);
    const victims = await places.kill(
      between(1, Math.min(2, KILLS_A_UNIT - figures.kills), random)
    );
    const dump = await snapshotOf(registry);
    scene.history.verify(dump);
    figures.kills += victims.length;
    for (const { open } of victims) {
      if (open === undefined) continue;
      figures['killed in a batch'] += 1;
      if (isThere(open, dump)) figures['committed without an answer'] += 1;
    }
    await Promise.all(victims.map(victim => places.replace(victim)));
  }
  scene.history.verify(await snapshotOf(registry));
  return { ...figures, answers: scene.history.answers };
}

async function mintKnownBefore({ registry, history }: Scene): Promise<void> {
  await using first = createRegistry(await openStore(registry.minter));
  const known = knownBefore(WORKS * BATCHES_MAX);
  history.asked(known);
  history.acknowledged((await first.mint(known)).answers);
}

/** A place is what one minter works at; another process takes it when that one was killed. */
interface Place {
  readonly number: number;
  minter: Minter;
  batches: number;
  /** Asked for and not acknowledged. */
  open: Batch | undefined;
}

interface Batch {
  readonly requests: readonly MintRequest[];
  /** Nobody else asks for these. */
  readonly own: readonly MintRequest[];
}

async function openPlaces(scene: Scene) {
  const minters = await Promise.all(
    Array.from({ length: MINTERS }, () => startMinter(scene.registry.minter))
  );
  const places = minters.map(
    (minter, number): Place => ({ number, minter, batches: 0, open: undefined })
  );
  return {
    kill: async (count: number) => {
      const first = between(0, MINTERS - 1, scene.random);
      const victims = [...places, ...places].slice(first, first + count);
      await mintUntilKilled(scene, places, victims);
      return victims;
    },
    replace: async (place: Place) => {
      place.minter = await startMinter(scene.registry.minter);
      if (place.open !== undefined) await mintOpen(scene, place);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(places.map(({ minter }) => minter.end()));
    },
  };
}

/** The others then end the batch that they have at hand. */
async function mintUntilKilled(
  scene: Scene,
  places: readonly Place[],
  victims: readonly Place[]
): Promise<void> {
  const { random } = scene;
  const doomed = victims.map(victim => ({ victim, at: victim.batches + between(1, 6, random) }));
  const moments = doomed.map(() => random() * MOMENTS_MS);
  let alive = victims.length;
  await Promise.all(
    places.map(async place => {
      const index = doomed.findIndex(({ victim }) => victim === place);
      let killed: Promise<void> | undefined;
      while (alive > 0 && place.batches < BATCHES_MAX) {
        if (place.batches === doomed[index]?.at) {
          killed = wait(moments[index]).then(() => place.minter.kill9());
        }
        place.open = nextBatch(place, random);
        if (!(await mintOpen(scene, place))) break;
      }
      if (index < 0) return;
      await killed;
      alive -= 1;
    })
  );
}

/** @returns whether it was acknowledged */
async function mintOpen({ history }: Scene, place: Place): Promise<boolean> {
  const { open, minter } = place;
  if (open === undefined) return false;
  history.asked(open.requests);
  const ends = await minter.mint(open.requests);
  if (ends === undefined) return false;
  place.open = undefined;
  acknowledge(history, open.requests, ends);
  return true;
}

function acknowledge(
  history: History,
  requests: readonly MintRequest[],
  ends: readonly End[]
): void {
  demand(
    ends.length === requests.length,
    () => `${ends.length} answers to ${requests.length} requests`
  );
  for (const [index, { source }] of requests.entries()) {
    const [canonicalId, how] = ends[index] ?? [];
    demand(canonicalId !== undefined, () => `${source.value} got no ID but ${how}`);
    history.acknowledged([{ source, canonicalId: canonicalId as never }]);
  }
}

/** Works of the minter's own that nobody has asked for before, and some that all minters are at. */
function nextBatch(place: Place, random: Random): Batch {
  const { number, batches } = place;
  place.batches += 1;
  const isAware = batches % 2 === number % 2;
  const first = batches * WORKS;
  const own = Array.from({ length: WORKS }, (_, index) =>
    requestsFor(first + index, number, isAware)
  ).flat();
  const shared = Array.from({ length: WORKS }, () =>
    requestsFor(between(first, first + 3 * WORKS, random), 'all', isAware)
  ).flat();
  return { requests: [...own, ...shared], own };
}

/**
 * Whether a batch that nobody acknowledged was committed all the same.
 *
 * @throws Broken where only a part of it is there
 */
function isThere({ own }: Batch, { identifiers }: Dump): boolean {
  const held = new Set(
    (identifiers as string[][]).map(([ontologyType = '', sourceSystem = '', value = '']) =>
      keyOf({ ontologyType, sourceSystem, value })
    )
  );
  const there = own.filter(({ source }) => held.has(keyOf(source)));
  demand(
    there.length === 0 || there.length === own.length,
    () => `Of a killed minter's batch of ${own.length} the registry holds ${there.length}`
  );
  return there.length > 0;
}
