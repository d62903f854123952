import { seededRandom } from '../../scripts/invented-identifiers.ts';
import type { MintRequest } from '../../src/domain/registry.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import { keyOf } from '../../src/domain/source-identifier.ts';
import type { End, Minter, MinterKind } from '../../test/registry/mysql/mint-in-process.ts';
import { startMinter } from '../../test/registry/mysql/mint-in-process.ts';
import type { BenchRegistry } from '../bench-registry.ts';
import { sample } from '../bench-registry.ts';
import type { Cost, Limit, Measured } from '../figures.ts';
import { figureOf, figuresOf } from '../figures.ts';
import { readCounters } from '../meter.ts';
import type { Pair, Side } from '../pairs.ts';
import { demand, ratioOf, runPairs, scaleOfPairs } from '../pairs.ts';
import { query } from '../sql.ts';
import type { Database, Ground, Workload } from '../workload.ts';

const IDENTIFIERS = 16_000;
const BATCH = 1_000;
/** Headings that works of all minters carry. */
const CONCEPTS = 2_000;
const SHARED_OF_TEN = 2;
/** Batches of each process that are not counted. */
const WARM_UP = 10;
const MINTERS = { full: [1, 2, 4, 8, 16], short: [4] };

export const mintersShared: Workload = {
  name: 'minters-shared',
  question: 'How much do several minters do together when they meet the same new headings?',
  run: '16,000 identifiers in batches of 1,000, shared out among so many processes; a fifth of them are out of 2,000 headings that all of them meet.',
  against:
    'the rival: the Python minter’s statements in a plain Node program, which says a batch again after a deadlock',
  server: true,
  async *measure(ground) {
    const registry = await ground.database.registry(ground.usualRows);
    for (const minters of ground.isShort ? MINTERS.short : MINTERS.full) {
      yield await measureShared(ground, registry, minters);
    }
  },
};

async function measureShared(
  ground: Ground,
  registry: BenchRegistry,
  minters: number
): Promise<Measured> {
  const { admin, meter } = ground.database;
  await using ours = await openMinters(registry, 'us', minters);
  await using rival = await openMinters(registry, 'original', minters);
  const rolledBack: Record<MinterKind, number[]> = { us: [], original: [] };
  const failed: number[] = [];
  const sideOf = (as: MinterKind, processes: Minters): Side => {
    return async () => {
      await registry.topUp();
      const plans = planShared(registry, minters);
      let ends: (readonly End[])[][] = [];
      const before = await rollbacks(admin);
      return {
        run: async () => {
          ends = await processes.mint(plans);
          return undefined;
        },
        verify: async () => {
          const batches = plans.flat().length;
          rolledBack[as].push(((await rollbacks(admin)) - before) / batches);
          if (as === 'us') failed.push(ends.flat(2).filter(([id]) => id === undefined).length);
          await verifyAnswers(registry, plans, ends);
        },
      };
    };
  };
  const pairs = await runPairs(
    { ours: sideOf('us', ours), theirs: sideOf('original', rival) },
    ground.pairs(),
    meter
  );
  const most = Math.max(...MINTERS.full);
  // What the uncounted pair came to was noted as well, and stands first.
  const limit = (limit: Limit) => (minters === most ? limit : undefined);
  const rate = ({ wallMs }: Cost) => IDENTIFIERS / (wallMs / 1000);
  return {
    at: { rows: registry.rows, minters },
    pairs: pairs.length,
    figures: figuresOf({
      'identifiers a second': ratioOf(pairs, ({ wallMs }) => 1 / wallMs, limit({ atLeast: 4 })),
      'errors that reached a caller': figureOf(failed.slice(1), limit({ atMost: 0 })),
      'retries a batch': figureOf(rolledBack.us.slice(1), limit({ atMost: 0.05 })),
      'retries a batch, rival': figureOf(rolledBack.original.slice(1)),
      'our identifiers a second': figureOf(pairs.map(({ ours }) => rate(ours))),
      'rival’s identifiers a second': figureOf(pairs.map(({ theirs }) => rate(theirs))),
    }),
    scale: scaleOfServer(pairs, 'rival'),
  };
}

export const mintersOwn: Workload = {
  name: 'minters-own',
  question: 'Does a minter wait for its free IDs when others take theirs?',
  run: '16,000 new identifiers in batches of 1,000, none of which two processes share; what the server counts of the statements that claim.',
  against: 'one process that mints all of them',
  server: true,
  async *measure(ground) {
    const { database } = ground;
    if (database.kind !== 'mysql') {
      ground.say('minters-own: this server does not count its statements by their text.');
      return;
    }
    const registry = await database.registry(ground.usualRows);
    for (const minters of ground.isShort ? MINTERS.short : MINTERS.full.slice(1)) {
      yield await measureOwn(ground, registry, minters);
    }
  },
};

async function measureOwn(
  ground: Ground,
  registry: BenchRegistry,
  minters: number
): Promise<Measured> {
  const { admin, meter } = ground.database;
  await query(
    admin,
    "UPDATE performance_schema.setup_consumers SET ENABLED = 'YES' WHERE NAME = 'events_statements_cpu'"
  );
  await using many = await openMinters(registry, 'us', minters);
  await using one = await openMinters(registry, 'us', 1);
  const took: Record<'many' | 'one', StatementTimes[]> = { many: [], one: [] };
  const sideOf = (name: 'many' | 'one', processes: Minters, count: number): Side => {
    return async () => {
      await registry.topUp();
      const plans = planOwn(registry, count);
      let ends: (readonly End[])[][] = [];
      await query(admin, 'TRUNCATE performance_schema.events_statements_summary_by_digest');
      return {
        run: async () => {
          ends = await processes.mint(plans);
          return undefined;
        },
        verify: async () => {
          took[name].push(await readStatementTimes(admin, plans.flat().length));
          await verifyAnswers(registry, plans, ends);
        },
      };
    };
  };
  const pairs = await runPairs(
    { ours: sideOf('many', many, minters), theirs: sideOf('one', one, 1) },
    ground.pairs(),
    meter
  );
  // The uncounted pair stands first.
  const timesOf = (name: 'many' | 'one', statement: keyof StatementTimes) =>
    took[name].slice(1).map(times => times[statement]);
  const ratios = (statement: keyof StatementTimes) => {
    const ofOne = timesOf('one', statement);
    return timesOf('many', statement).map((ms, at) => ms / (ofOne[at] ?? Number.NaN));
  };
  const limit: Limit | undefined =
    minters === Math.max(...MINTERS.full) ? { atMost: 4 } : undefined;
  return {
    at: { rows: registry.rows, minters },
    pairs: pairs.length,
    figures: figuresOf({
      'claim a batch': figureOf(ratios('claim'), limit),
      'server thread’s CPU for it': figureOf(ratios('claimCpu')),
      'look-up a batch': figureOf(ratios('lookUp')),
      'ms of claims a batch': figureOf(timesOf('many', 'claim')),
      'ms of claims a batch, alone': figureOf(timesOf('one', 'claim')),
    }),
    scale: scaleOfServer(pairs, 'one'),
  };
}

/** The processes' own time is not counted. */
function scaleOfServer(pairs: readonly Pair[], other: string): Measured['scale'] {
  const ofAll = Object.entries(scaleOfPairs(pairs, 'ours', other));
  return Object.fromEntries(ofAll.map(([side, { clientCpuMs: _, ...scale }]) => [side, scale]));
}

interface Minters extends AsyncDisposable {
  /** What each process is to mint, batch by batch, and what it answers. */
  mint(plans: readonly (readonly MintRequest[][])[]): Promise<(readonly End[])[][]>;
}

/** Processes that have minted before anything is measured: a run is long past the code that the engine has yet to compile. */
async function openMinters(
  registry: BenchRegistry,
  as: MinterKind,
  count: number
): Promise<Minters> {
  // The rival's statement that changes nothing asks for a right to change mappings.
  const settings = as === 'us' ? registry.minter : registry.admin;
  const minters: Minter[] = await Promise.all(
    Array.from({ length: count }, () => startMinter(settings, as))
  );
  const mint: Minters['mint'] = async plans =>
    await Promise.all(
      minters.map(async (minter, number) => {
        const ends: (readonly End[])[] = [];
        for (const batch of plans[number] ?? []) ends.push((await minter.mint(batch)) ?? []);
        return ends;
      })
    );
  await registry.topUp();
  await mint(minters.map(() => Array.from({ length: WARM_UP }, () => newBatch(registry))));
  return {
    mint,
    async [Symbol.asyncDispose]() {
      await Promise.all(minters.map(minter => minter.end()));
    },
  };
}

/** Each batch has its own new identifiers and some of the headings; the same plans for both sides but for the names. */
function planShared(registry: BenchRegistry, minters: number): MintRequest[][][] {
  const concepts: SourceIdentifier[] = registry.freshIdentifiers(CONCEPTS).map(({ value }) => ({
    ...{ ontologyType: 'Concept', sourceSystem: 'label-derived' },
    value,
  }));
  const shared = (BATCH * SHARED_OF_TEN) / 10;
  const random = seededRandom(CONCEPTS);
  return share(minters, () =>
    [...registry.freshIdentifiers(BATCH - shared), ...sample(concepts, shared, random)].map(
      source => ({ source })
    )
  );
}

function planOwn(registry: BenchRegistry, minters: number): MintRequest[][][] {
  return share(minters, () => newBatch(registry));
}

function newBatch(registry: BenchRegistry): MintRequest[] {
  return registry.freshIdentifiers(BATCH).map(source => ({ source }));
}

function share(minters: number, make: () => MintRequest[]): MintRequest[][][] {
  const plans: MintRequest[][][] = Array.from({ length: minters }, () => []);
  for (let number = 0; number < IDENTIFIERS / BATCH; number += 1) {
    plans[number % minters]?.push(make());
  }
  return plans;
}

/** @throws WrongAnswer unless each request has the ID that the registry holds, and each source one of its own */
async function verifyAnswers(
  registry: BenchRegistry,
  plans: readonly (readonly MintRequest[][])[],
  ends: readonly (readonly (readonly End[])[])[]
): Promise<void> {
  const given = new Map<string, string | undefined>();
  const sources = plans.flat(2).map(({ source }) => source);
  const answers = ends.flat(2);
  demand(answers.length === sources.length, () => 'Some batches of a minter were not answered.');
  for (const [at, source] of sources.entries()) {
    const [id, how] = answers[at] ?? [];
    demand(id !== undefined, () => `${source.value} got no ID but ${how}.`);
    const before = given.get(keyOf(source)) ?? id;
    demand(
      before === id,
      () => `${source.value} has the ID ${before} for one minter and ${id} for another.`
    );
    given.set(keyOf(source), id);
  }
  demand(new Set(given.values()).size === given.size, () => 'Two sources have one ID.');
  const opened = await registry.open();
  try {
    const held = await opened.lookUp(sources);
    const wrong = held.filter((mapping, at) => mapping?.canonicalId !== answers[at]?.[0]);
    demand(wrong.length === 0, () => `${wrong.length} answers are not what the registry holds.`);
  } finally {
    await opened.close();
  }
}

/** Transactions that were rolled back, each of which is said again by who sent it. */
async function rollbacks(admin: Database['admin']): Promise<number> {
  return (await readCounters(admin, ['Com_rollback'])).get('Com_rollback') ?? 0;
}

/** Milliseconds a batch; the look-up locks nothing, so that what makes it longer is the machine. */
interface StatementTimes {
  readonly claim: number;
  readonly claimCpu: number;
  readonly lookUp: number;
}

async function readStatementTimes(
  admin: Database['admin'],
  batches: number
): Promise<StatementTimes> {
  const [row] = await query<(number | string)[]>(
    admin,
    `SELECT SUM(IF(DIGEST_TEXT LIKE '%FOR UPDATE SKIP LOCKED%', SUM_TIMER_WAIT, 0)),
       SUM(IF(DIGEST_TEXT LIKE '%FOR UPDATE SKIP LOCKED%', SUM_CPU_TIME, 0)),
       SUM(IF(DIGEST_TEXT LIKE '%JSON_TABLE%SourceId%', SUM_TIMER_WAIT, 0))
     FROM performance_schema.events_statements_summary_by_digest`
  );
  // Picoseconds.
  const [claim = 0, claimCpu = 0, lookUp = 0] = row ?? [];
  const ms = (time: number | string) => Number(time) / 1e9 / batches;
  return { claim: ms(claim), claimCpu: ms(claimCpu), lookUp: ms(lookUp) };
}
