import type { Random } from '../../scripts/invented-identifiers.ts';
import type { Registry } from '../../src/domain/registry.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import type { MysqlRegistry } from '../../test/registry/mysql/mysql-registry.ts';
import { createMysqlRegistry, openStore } from '../../test/registry/mysql/mysql-registry.ts';
import type { Fate, Wire } from '../../test/registry/mysql/wire.ts';
import { startWire } from '../../test/registry/mysql/wire.ts';
import type { Campaign, Figures, Ground } from '../campaign.ts';
import { Broken, demand } from '../campaign.ts';
import { History } from '../history.ts';
import { openTransactionsOf } from '../open-transactions.ts';
import { dumpOf } from '../registry-dump.ts';
import { Reused } from '../reused.ts';
import type { Answered, Scenario } from '../scenarios.ts';
import { SCENARIOS, setUp, verifyAnswers } from '../scenarios.ts';
import { Sessions } from '../sessions.ts';
import type { Side } from '../turns.ts';
import { countSchedules, scheduleOf, Turns } from '../turns.ts';

/** Of each minter: a batch of new identifiers is seven statements, the look-up and COMMIT among them. */
const TURNS = 7;
const SCHEDULES = countSchedules(TURNS, TURNS);
const GATE_SCHEDULES = 60;
const AT_ONCE = 4;

export const interleavings: Campaign = {
  name: 'interleavings',
  tries:
    'Two minters go on statement by statement, in every order that there is: both answer what stands, and as the rules say.',
  async open(ground) {
    const crossings = new Reused(() => openCrossing(ground));
    const isLong = ground.form === 'long';
    return {
      units: SCENARIOS.length * (isLong ? SCHEDULES : GATE_SCHEDULES),
      atOnce: AT_ONCE,
      run: (unit, random) => {
        const index = isLong ? Math.floor(unit / SCHEDULES) : unit % SCENARIOS.length;
        const number = isLong ? unit % SCHEDULES : draw(random);
        return crossings.use(crossing => interleave(crossing, index, unit, number));
      },
      [Symbol.asyncDispose]: () => crossings[Symbol.asyncDispose](),
    };
  },
};

function draw(random: Random): number {
  return Math.floor(random() * SCHEDULES);
}

/** A database, and two minters that reach it over wires. */
interface Crossing extends AsyncDisposable {
  readonly registry: MysqlRegistry;
  readonly minters: readonly [Registry, Registry];
  readonly wires: readonly [Wire, Wire];
  readonly sessions: readonly [Sessions, Sessions];
  isBlocked(side: Side): Promise<boolean>;
}

async function openCrossing({ server }: Ground): Promise<Crossing> {
  const registry = await createMysqlRegistry(server);
  const logins = [await registry.as('minter'), await registry.as('minter')] as const;
  const wires = [await startWire(server.url), await startWire(server.url)] as const;
  const open = async (side: Side) =>
    createRegistry(await openStore({ ...logins[side], port: wires[side].port }));
  const minters = [await open(0), await open(1)] as const;
  const sessions = [new Sessions(), new Sessions()] as const;
  return {
    ...{ registry, minters, wires, sessions },
    isBlocked: async side => {
      const open = await openTransactionsOf(registry, logins[side].user);
      return open.some(({ waitsForLock }) => waitsForLock);
    },
    async [Symbol.asyncDispose]() {
      for (const minter of minters) await minter.close();
      for (const wire of wires) await wire[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

async function interleave(
  crossing: Crossing,
  index: number,
  unit: number,
  number: number
): Promise<Figures> {
  const { registry, minters, wires, sessions } = crossing;
  const [name, make] = SCENARIOS[index] as (typeof SCENARIOS)[number];
  const scenario = make(unit);
  await setUp(registry, scenario);
  const before = (await dumpOf(registry)).identifiers;
  const history = new History();
  history.asked(scenario.left);
  history.asked(scenario.right);
  const turns = new Turns(crossing.isBlocked);
  const attempts = [0, 0] as [number, number];
  for (const side of [0, 1] as const) {
    wires[side].decidePacket = packet => {
      sessions[side].saw(packet);
      return 'pass';
    };
    wires[side].decide = async (sql): Promise<Fate> => {
      // A connection that is opened again.
      if (sql.startsWith('SET ')) return 'pass';
      if (sql === 'START TRANSACTION') attempts[side] += 1;
      await turns.arrive(side, sql);
      return 'pass';
    };
  }
  const ending = Promise.all([
    mint(minters[0], scenario.left).finally(() => turns.done(0)),
    (scenario.rightReads
      ? readOver(minters[1], scenario.right, history)
      : mint(minters[1], scenario.right)
    ).finally(() => turns.done(1)),
  ]);
  // Awaited below, with what stopped it.
  ending.catch(() => {});
  try {
    await turns.run(scheduleOf(number, TURNS, TURNS));
    const ends = (await ending).filter(end => end !== undefined);
    const dump = await dumpOf(registry);
    for (const { answers } of ends) history.acknowledged(answers);
    history.verify(dump, before);
    verifyAnswers(scenario, ends, dump);
    for (const watched of sessions) watched.verify();
    const claim = turns.waited.find(statement => statement.includes('SELECT CanonicalId'));
    demand(claim === undefined, () => 'A claim waited for IDs that another minter held');
    return {
      schedules: 1,
      answers: history.answers,
      'lock waits': turns.waited.length,
      'attempts again': Math.max(0, attempts[0] - 1) + Math.max(0, attempts[1] - 1),
    };
  } catch (error) {
    throw new Broken(
      `${name}, schedule ${number}: ${error instanceof Error ? error.message : error}\n` +
        `Statements: ${turns.course.join('; ')}`,
      { cause: error }
    );
  }
}

async function mint(minter: Registry, requests: Scenario['left']): Promise<Answered> {
  return { requests, answers: (await minter.mint(requests)).answers };
}

/** A batch is seen as a whole or not at all, and once it was seen it stays. */
async function readOver(
  minter: Registry,
  requests: Scenario['right'],
  history: History
): Promise<undefined> {
  const sources = requests.map(({ source }) => source);
  let before = '';
  for (let turn = 0; turn < TURNS; turn += 1) {
    const found = await minter.lookUp(sources);
    const mappings = found.flatMap(mapping => mapping ?? []);
    const ids = mappings.map(({ canonicalId }) => canonicalId);
    history.acknowledged(mappings);
    demand(
      ids.length === 0 || ids.length === sources.length,
      () => `Of a batch of ${sources.length} a look-up saw ${ids.length}`
    );
    const now = ids.join(' ');
    demand(before === '' || now === before, () => `A look-up saw ${before}, and then ${now}`);
    before = now;
  }
  return undefined;
}
