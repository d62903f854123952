import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import type { Random } from '../../scripts/invented-identifiers.ts';
import { between } from '../../scripts/invented-identifiers.ts';
import type { MintAnswer, MintRequest, Registry } from '../../src/domain/registry.ts';
import { keyOf } from '../../src/domain/source-identifier.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import type { MysqlRegistry } from '../../test/registry/mysql/mysql-registry.ts';
import { createMysqlRegistry, openStore } from '../../test/registry/mysql/mysql-registry.ts';
import type { Fate, Packet, Wire } from '../../test/registry/mysql/wire.ts';
import { startWire } from '../../test/registry/mysql/wire.ts';
import type { Campaign, Figures, Ground } from '../campaign.ts';
import { Broken, demandEqual } from '../campaign.ts';
import { History } from '../history.ts';
import { untilRolledBack } from '../open-transactions.ts';
import { dumpOf } from '../registry-dump.ts';
import { Reused } from '../reused.ts';
import type { Answered, MakeScenario, Scenario } from '../scenarios.ts';
import { SCENARIOS, setUp, sourcesOf, verifyAnswers } from '../scenarios.ts';
import { Sessions } from '../sessions.ts';

const AT_ONCE = 4;
/** In which a connection that was cut while nothing was at work is noticed. */
const NOTICED_MS = 25;

const ISOLATIONS = ['READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'];

/** New, at the end of a chain, known, and two that share a predecessor. */
const everyKind: MakeScenario = unit => {
  const { a, b, c, d, e, p, q } = sourcesOf(unit);
  const left = [
    { source: c, predecessor: b },
    { source: b, predecessor: a },
    { source: a },
    { source: p },
    { source: d, predecessor: q },
    { source: e, predecessor: q },
  ];
  return { standing: [p, q], free: 4, left, right: [] };
};

/** One place at which the connection is cut. */
interface Cut {
  readonly scenario: MakeScenario;
  /** Of a neighbour that reads and writes beside; undefined where there is none. */
  readonly isolation: string | undefined;
  readonly to: Packet['to'];
  /** Counted from 0 in each direction, from the greeting of the server on. */
  readonly packet: number;
  readonly fate: Fate;
}

export const connectionCuts: Campaign = {
  name: 'connection-cuts',
  tries:
    'The connection is cut at every packet of a mint, both ways, before it, in it and after it: the batch and the same batch again get the same IDs.',
  async open(ground) {
    const ends = new Reused(() => openEnds(ground));
    const isLong = ground.form === 'long';
    const scenarios = isLong ? SCENARIOS.map(([, make]) => make) : [everyKind];
    const isolations = isLong ? ISOLATIONS : [undefined];
    const cuts: Cut[] = [];
    for (const scenario of scenarios) {
      const points = await ends.use(one => pointsOf(one, scenario));
      for (const isolation of isolations) {
        cuts.push(...points.map(point => ({ ...point, scenario, isolation })));
      }
    }
    return {
      units: cuts.length,
      atOnce: AT_ONCE,
      run: (unit, random) => ends.use(one => mintAndCut(one, cuts[unit] as Cut, unit, random)),
      [Symbol.asyncDispose]: () => ends[Symbol.asyncDispose](),
    };
  },
};

/** A database, and a minter that reaches it over a wire. */
interface Ends extends AsyncDisposable {
  readonly registry: MysqlRegistry;
  readonly wire: Wire;
  readonly minter: Registry;
}

async function openEnds({ server }: Ground): Promise<Ends> {
  const registry = await createMysqlRegistry(server);
  const wire = await startWire(server.url);
  const minter = createRegistry(await openStore({ ...registry.minter, port: wire.port }));
  return {
    ...{ registry, wire, minter },
    async [Symbol.asyncDispose]() {
      await minter.close();
      await wire[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

/** Every packet that a mint sends and gets, its connection included, in each of the ways to be cut. */
async function pointsOf(
  { registry, wire, minter }: Ends,
  scenario: MakeScenario
): Promise<Pick<Cut, 'to' | 'packet' | 'fate'>[]> {
  const { left, ...rest } = scenario(0);
  await setUp(registry, { left, ...rest });
  await beginAnew(wire);
  const points: Pick<Cut, 'to' | 'packet' | 'fate'>[] = [];
  const counted = { server: 0, client: 0 };
  wire.decidePacket = ({ to }) => {
    const packet = counted[to]++;
    for (const fate of ['cut before', 'cut half', 'cut after'] as const) {
      points.push({ to, packet, fate });
    }
    return 'pass';
  };
  await minter.mint(left);
  wire.decidePacket = () => 'pass';
  return points;
}

async function mintAndCut(
  { registry, wire, minter }: Ends,
  cut: Cut,
  unit: number,
  random: Random
): Promise<Figures> {
  const scenario = cut.scenario(unit);
  await setUp(registry, scenario);
  const before = (await dumpOf(registry)).identifiers;
  const history = new History();
  history.asked(scenario.left);
  await beginAnew(wire);
  const sessions = new Sessions();
  const counted = { server: 0, client: 0 };
  let cuts = 0;
  wire.decidePacket = (packet): Fate => {
    sessions.saw(packet);
    if (packet.to !== cut.to || counted[packet.to]++ !== cut.packet) return 'pass';
    cuts += 1;
    return cut.fate;
  };
  const told = `cut: ${cut.fate} packet ${cut.packet} to the ${cut.to}, neighbour: ${cut.isolation}`;
  try {
    const state = { isOver: false };
    const meddling =
      cut.isolation === undefined
        ? Promise.resolve([])
        : meddle(registry, scenario, cut.isolation, { history, random, state });
    // Awaited below, also where the mint fails.
    meddling.catch(() => {});
    const began = performance.now();
    const { answers } = await minter.mint(scenario.left).finally(() => {
      state.isOver = true;
    });
    const mintedMs = Math.round(performance.now() - began);
    history.acknowledged(answers);
    const others = await meddling;
    await untilRolledBack(registry, registry.minter.user);
    const dump = await dumpOf(registry);
    history.verify(dump, before);
    const ours = { requests: scenario.left, answers: withoutCoincidences(answers, others) };
    verifyAnswers(scenario, [ours, ...others], dump);

    await using fresh = createRegistry(await openStore(registry.minter));
    for (const again of [fresh, minter]) {
      const second = (await again.mint(scenario.left)).answers;
      const ends = answers.map(({ canonicalId, error }) => [
        canonicalId,
        error?.code ?? 'existing',
      ]);
      demandEqual(
        'The same batch again',
        second.map(({ canonicalId, outcome, error }) => [canonicalId, outcome ?? error?.code]),
        ends
      );
    }
    history.verify(await dumpOf(registry), before);
    sessions.verify();
    const neighbours = others.length;
    return {
      cuts,
      answers: 3 * answers.length,
      'rows of neighbours': neighbours,
      'max ms of a mint': mintedMs,
    };
  } catch (error) {
    throw new Broken(
      `${told}: ${error instanceof Error ? error.message : error}\nStatements: ${wire
        .take()
        .map(sql => sql.slice(0, 40))
        .join('; ')}`,
      { cause: error }
    );
  } finally {
    wire.decidePacket = () => 'pass';
    wire.take();
  }
}

/**
 * From so small a pool the neighbour may draw the very ID that the attempt that was cut had, and give it to the same
 * source. Whose row it is nobody can tell then; ours is told as minted, as after a COMMIT whose answer was lost.
 */
function withoutCoincidences(
  answers: readonly MintAnswer[],
  others: readonly Answered[]
): MintAnswer[] {
  const given = new Set(
    others.flatMap(other =>
      other.answers.map(answer => `${answer.canonicalId} ${keyOf(answer.source)}`)
    )
  );
  return answers.map(answer =>
    answer.error === undefined && given.has(`${answer.canonicalId} ${keyOf(answer.source)}`)
      ? { ...answer, outcome: 'existing' }
      : answer
  );
}

/** The next statement needs a new connection, so that the way to it is part of what can be cut. */
async function beginAnew(wire: Wire): Promise<void> {
  wire.cutAll();
  await sleep(NOTICED_MS);
  wire.take();
}

/**
 * Reads and writes what the right one of the scenario asks for, one request a transaction, and sometimes thinks better
 * of it. What it commits is sound at any isolation, so nothing that is wrong can come from here.
 *
 * @returns what it committed
 */
async function meddle(
  { admin, sql }: MysqlRegistry,
  { right }: Scenario,
  isolation: string,
  { history, random, state }: { history: History; random: Random; state: { isOver: boolean } }
): Promise<Answered[]> {
  const { host, port, user, database } = admin;
  const password = await admin.password();
  const connection = await createConnection({
    ...{ host, port, user, password, database, rowsAsArray: true },
  });
  const ask = async (statement: string, values: readonly unknown[] = []): Promise<string[][]> =>
    (await connection.query(statement, [...values] as string[]))[0] as unknown as string[][];
  const committed: Answered[] = [];
  await connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
  const standing = new Map(
    (await sql<string[]>('SELECT SourceId, CanonicalId FROM identifiers')).map(([value, id]) => [
      value,
      id,
    ])
  );
  for (const request of right) {
    if (state.isOver) break;
    history.asked([request]);
    const { source, predecessor } = request as MintRequest;
    const inherited = predecessor ? standing.get(predecessor.value) : undefined;
    if (predecessor && inherited === undefined) continue;
    try {
      await connection.query('START TRANSACTION');
      await ask('SELECT COUNT(*) FROM identifiers');
      const [free] = await ask(
        "SELECT CanonicalId FROM canonical_ids WHERE Status = 'free' LIMIT 1 FOR UPDATE SKIP LOCKED"
      );
      const id = inherited ?? free?.[0];
      if (id === undefined) {
        await connection.query('ROLLBACK');
        continue;
      }
      const { ontologyType, sourceSystem, value } = source;
      const [change] = await connection.query(
        'INSERT IGNORE INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) VALUES (?, ?, ?, ?)',
        [ontologyType, sourceSystem, value, id]
      );
      const isIn = (change as { affectedRows: number }).affectedRows === 1;
      if (isIn)
        await ask("UPDATE canonical_ids SET Status = 'assigned' WHERE CanonicalId = ?", [id]);
      await sleep(between(0, 4, random));
      const commits = between(0, 2, random) > 0;
      await connection.query(commits ? 'COMMIT' : 'ROLLBACK');
      if (!commits || !isIn) continue;
      const outcome = inherited === undefined ? 'minted' : 'inherited';
      const answer = { source, canonicalId: id as never, outcome } as const;
      history.acknowledged([answer]);
      committed.push({ requests: [request], answers: [answer] });
    } catch (error) {
      // Lost against the minter: a deadlock, a lock wait, a row that changed.
      if (![1020, 1205, 1213].includes((error as { errno?: number }).errno ?? 0)) throw error;
      await connection.query('ROLLBACK');
    }
  }
  await connection.end();
  return committed;
}
