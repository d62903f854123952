import { setTimeout as sleep } from 'node:timers/promises';
import type { MintResult } from '../../src/domain/registry.ts';
import { formatSourceIdentifier, keyOf } from '../../src/domain/source-identifier.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import type { MysqlRegistry } from '../../test/registry/mysql/mysql-registry.ts';
import { createMysqlRegistry, openStore } from '../../test/registry/mysql/mysql-registry.ts';
import type { Fate, Packet, Wire } from '../../test/registry/mysql/wire.ts';
import { startWire } from '../../test/registry/mysql/wire.ts';
import { openDesk } from '../../test/support/command-line.ts';
import type { Campaign, Figures, Ground } from '../campaign.ts';
import { Broken, demand, demandEqual } from '../campaign.ts';
import { History } from '../history.ts';
import { untilRolledBack } from '../open-transactions.ts';
import { dumpOf } from '../registry-dump.ts';
import type { Scenario } from '../scenarios.ts';
import { setUp, sourcesOf, verifyAnswers } from '../scenarios.ts';

/** A connection is waited for 10 s, an answer 60 s; between the attempts there are pauses of 8 s at most. */
const CONNECT_S = 10;
const ANSWER_S = 60;
const PAUSE_S = 8;
/** One statement is given up, then eleven further attempts fail to connect, with all pauses in between. */
const BOUND_S = ANSWER_S + 11 * CONNECT_S + 45;

/** What the network swallows everything at. */
const MOMENTS = ['connect', 'INSERT', 'COMMIT'] as const;
/** Half-open: what the minter sends arrives, and no answer comes back. */
const DIRECTIONS = ['both ways', 'answers'] as const;
/**
 * What becomes of the connections afterwards: what was sent comes late, as TCP sends it again; they are reset; or
 * nobody hears of them again, as after a firewall that has lost its table.
 */
const AFTERWARDS = ['late', 'reset', 'forgotten'] as const;

interface Hole {
  readonly at: (typeof MOMENTS)[number];
  readonly direction: (typeof DIRECTIONS)[number];
  readonly afterwards: (typeof AFTERWARDS)[number];
  /** Infinity where the network does not come back before the minter has given up. */
  readonly seconds: number;
  readonly by: 'library' | 'command line';
}

export const blackHoles: Campaign = {
  name: 'black-holes',
  tries:
    'The network swallows everything for a while, or for good: the minter comes back by itself or says within 4 minutes that the registry cannot be reached.',
  async open(ground) {
    const holes = HOLES[ground.form];
    return {
      units: holes.length,
      atOnce: 16,
      run: unit => mintThrough(ground, holes[unit] as Hole, unit),
      async [Symbol.asyncDispose]() {},
    };
  },
};

/** In the gate only what ends soon: an answer that never comes is waited for a minute. */
const HOLES: Readonly<Record<Ground['form'], readonly Hole[]>> = {
  gate: [
    ...everyHole(1).filter(({ at, afterwards }) => afterwards !== 'forgotten' || at === 'connect'),
    ...forGood('command line').filter(({ at }) => at === 'connect'),
  ],
  long: [...everyHole(10), ...everyHole(60), ...forGood('library'), ...forGood('command line')],
};

function everyHole(seconds: number): Hole[] {
  return MOMENTS.flatMap(at =>
    DIRECTIONS.flatMap(direction =>
      AFTERWARDS.map(afterwards => ({ at, direction, afterwards, seconds, by: 'library' }) as const)
    )
  );
}

function forGood(by: Hole['by']): Hole[] {
  return MOMENTS.flatMap(at =>
    DIRECTIONS.map(
      direction =>
        ({ at, direction, afterwards: 'forgotten', seconds: Number.POSITIVE_INFINITY, by }) as const
    )
  );
}

async function mintThrough({ server }: Ground, hole: Hole, unit: number): Promise<Figures> {
  await using registry = await createMysqlRegistry(server);
  const { a, b, c, p } = sourcesOf(unit);
  const left = [
    ...[{ source: a }, { source: b, predecessor: a }, { source: p }],
    { source: c, predecessor: p },
  ];
  const scenario: Scenario = { standing: [p], free: 4, left, right: [] };
  await setUp(registry, scenario);
  await using wire = await startWire(server.url);
  const mint = hole.by === 'library' ? mintByLibrary : mintByCommand;
  try {
    return await mint(registry, wire, hole, scenario);
  } catch (error) {
    throw new Broken(
      `${Object.values(hole).join(', ')}: ${error instanceof Error ? error.message : error}\n` +
        `Statements: ${wire
          .take()
          .map(sql => sql.slice(0, 40))
          .join('; ')}`,
      { cause: error }
    );
  }
}

async function mintByLibrary(
  registry: MysqlRegistry,
  wire: Wire,
  hole: Hole,
  scenario: Scenario
): Promise<Figures> {
  const { left } = scenario;
  const history = new History();
  history.asked(left);
  const before = (await dumpOf(registry)).identifiers;
  await using minter = createRegistry(await openStore({ ...registry.minter, port: wire.port }));
  // So that it has to connect.
  wire.cutAll();
  await sleep(100);
  using open = openHole(wire, hole);
  const began = performance.now();
  const end: MintResult | Error = await minter.mint(left).catch((error: Error) => error);
  const seconds = Math.round((performance.now() - began) / 1000);
  verifyTime(hole, seconds, end instanceof Error);
  demand(open.hasSwallowed, () => 'Nothing fell into the hole');
  if (end instanceof Error) {
    demandEqual('How it gave up', (end as { code?: unknown }).code, 'REGISTRY_UNAVAILABLE');
  } else {
    history.acknowledged(end.answers);
  }
  open.close();
  wire.cutAll();
  await untilRolledBack(registry, registry.minter.user);
  if (!(end instanceof Error)) {
    const dump = await dumpOf(registry);
    verifyAnswers(scenario, [{ requests: left, answers: end.answers }], dump);
  }
  await using fresh = createRegistry(await openStore(registry.minter));
  for (const again of [fresh, minter]) {
    const { answers } = await again.mint(left);
    history.acknowledged(answers);
    demand(
      answers.every(({ error }) => error === undefined),
      () => `Again: ${answers.map(({ outcome, error }) => outcome ?? error.message)}`
    );
  }
  history.verify(await dumpOf(registry), before);
  return {
    answers: history.answers,
    [end instanceof Error ? 'given up' : 'come back']: 1,
    'max s of a mint': seconds,
  };
}

async function mintByCommand(
  registry: MysqlRegistry,
  wire: Wire,
  hole: Hole,
  { left: [request] }: Scenario
): Promise<Figures> {
  if (request === undefined) throw new Error('The scenario asks for nothing.');
  await using desk = await openDesk();
  const { user, database, password } = registry.minter;
  desk.environment = { REGISTRY_PASSWORD: await password() };
  const name = formatSourceIdentifier(request.source);
  const url = `mysql://${user}@127.0.0.1:${wire.port}/${database}?password-env=REGISTRY_PASSWORD`;
  const command = ['assign', name, '--registry', url];
  using open = openHole(wire, hole);
  const began = performance.now();
  const { status, stdout, stderr } = await desk.run(command);
  const seconds = Math.round((performance.now() - began) / 1000);
  demand(open.hasSwallowed, () => 'Nothing fell into the hole');
  demandEqual('The exit status and what was printed', [status, stdout], [4, '']);
  demand(stderr.includes('REGISTRY_UNAVAILABLE'), () => `It said: ${stderr}`);
  verifyTime(hole, seconds, true);
  open.close();
  wire.cutAll();
  await untilRolledBack(registry, user);
  const again = await desk.run(command);
  demandEqual('The exit status of the same command again', again.status, 0);
  const { identifiers, canonicalIds } = await dumpOf(registry);
  const row = identifiers.find(([, , value]) => value === request.source.value);
  demand(
    typeof row?.[3] === 'string' && again.stdout.includes(row[3]),
    () => `${keyOf(request.source)} has ${row?.[3]}, and was printed as ${again.stdout}`
  );
  const free = canonicalIds.filter(([, state]) => state === 'free').length;
  demandEqual('The free IDs', free, 3);
  return { answers: 1, 'given up': 1, 'max s of a command': seconds };
}

/** @throws Broken where it gave up though it need not, or took longer than its bound */
function verifyTime({ at, afterwards, seconds }: Hole, tookS: number, hasGivenUp: boolean): void {
  const isForGood = seconds === Number.POSITIVE_INFINITY;
  const waits = afterwards === 'forgotten' && at !== 'connect' ? ANSWER_S : CONNECT_S;
  const boundS = isForGood ? BOUND_S : Math.max(seconds, waits) + CONNECT_S + PAUSE_S;
  demand(hasGivenUp === isForGood, () => `It ${hasGivenUp ? 'gave up' : 'answered'} at ${tookS} s`);
  demand(tookS <= boundS, () => `It took ${tookS} s; its bound is ${boundS} s`);
}

interface OpenHole extends Disposable {
  readonly hasSwallowed: boolean;
  close(): void;
}

/** The hole opens at its moment, and closes by itself after its time. */
function openHole(wire: Wire, { at, direction, afterwards, seconds }: Hole): OpenHole {
  const over = Promise.withResolvers<void>();
  /** Connections of which something fell into the hole. */
  const fallen = new Set<number>();
  const state = { isOpen: false, isOver: false };
  let timer: NodeJS.Timeout | undefined;
  const close = () => {
    state.isOpen = false;
    state.isOver = true;
    clearTimeout(timer);
    over.resolve();
  };
  const begin = () => {
    state.isOpen = true;
    if (Number.isFinite(seconds)) timer = setTimeout(close, seconds * 1000);
  };
  const passes = ({ to }: Packet) => direction === 'answers' && to === 'server';
  wire.decidePacket = (packet): Fate | Promise<Fate> => {
    const { connection, sql } = packet;
    const isAtMoment = at === 'connect' || sql?.startsWith(at) === true;
    if (isAtMoment && !state.isOpen && !state.isOver) begin();
    const isLost = afterwards === 'forgotten' && fallen.has(connection);
    if ((!state.isOpen && !isLost) || passes(packet)) return 'pass';
    fallen.add(connection);
    if (afterwards === 'forgotten') return direction === 'answers' ? 'swallow' : 'forget';
    return over.promise.then(() => (afterwards === 'late' ? 'pass' : 'cut before'));
  };
  return {
    get hasSwallowed() {
      return fallen.size > 0;
    },
    close,
    [Symbol.dispose]: close,
  };
}
