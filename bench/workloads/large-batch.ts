import type { MysqlSettings } from '../../src/registry/mysql/mysql-settings.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { openStore } from '../../test/registry/mysql/mysql-registry.ts';
import type { Fate } from '../../test/registry/mysql/wire.ts';
import { startWire } from '../../test/registry/mysql/wire.ts';
import type { BenchRegistry } from '../bench-registry.ts';
import type { Limit, Measured, Ratio } from '../figures.ts';
import { figureOf, figuresOf } from '../figures.ts';
import type { Pair } from '../pairs.ts';
import { cpuOf, demand, ratioOf, runPairs, scaleOfPairs, wallOf } from '../pairs.ts';
import { query } from '../sql.ts';
import type { Database, Ground, Workload } from '../workload.ts';
import { openMinting } from './mint-new.ts';

const SIZES = { full: [1, 10, 100, 1_000, 10_000, 45_000, 100_000], short: [1, 10_000] };
/** Sizes that have to hold what is promised of large batches. */
const LARGE = [45_000, 100_000];
const PAIRS_OF_LARGE = 5;
/** Small batches are said so often in one run that the clock of the server's CPU, of 10 ms, can tell. */
const RUN_BATCHES = 100;
const RUN_IDENTIFIERS = 1_000;

export const largeBatch: Workload = {
  name: 'large-batch',
  question: 'How does cost grow with the batch, and does a very large one still use indexes?',
  run: 'Mint so many new identifiers in one batch and one transaction; of small batches as many as make 1,000 identifiers, 100 at most.',
  against: 'the floor of minting, in one transaction as well',
  server: true,
  async *measure(ground) {
    const registry = await ground.database.registry(ground.usualRows);
    for (const size of ground.isShort ? SIZES.short : SIZES.full) {
      yield await measureSize(ground, registry, size);
    }
  },
};

async function measureSize(
  ground: Ground,
  registry: BenchRegistry,
  size: number
): Promise<Measured> {
  const isLarge = LARGE.includes(size);
  const limit = (limit: Limit) => (isLarge ? limit : undefined);
  const times = Math.ceil(Math.min(RUN_BATCHES, RUN_IDENTIFIERS / size));
  await using minting = await openMinting(registry, size, times);
  const pairs = await runPairs(
    minting,
    ground.pairs(isLarge ? PAIRS_OF_LARGE : undefined),
    ground.database.meter
  );
  const perThousand = ({ ours }: Pair) => (ours.wallMs / (size * times)) * 1000;
  return {
    at: { rows: registry.rows, identifiers: size },
    pairs: pairs.length,
    figures: figuresOf({
      wall: ratioOf(pairs, wallOf),
      'client and server CPU': ratioOf(pairs, cpuOf),
      'ms for 1,000 identifiers': figureOf(pairs.map(perThousand)),
      'statements that scan a table': await countScans(
        ground,
        registry,
        size,
        limit({ atMost: 0 })
      ),
      'rows locked an identifier': await countLocks(ground, registry, size, limit({ atMost: 4 })),
    }),
    scale: scaleOfPairs(pairs, 'ours', 'floor'),
  };
}

/** Statements that looked at as many rows as the registry has, by what the server counts of each; one run of its own. */
async function countScans(
  { database }: Ground,
  registry: BenchRegistry,
  size: number,
  limit?: Limit
): Promise<Ratio | undefined> {
  if (database.kind !== 'mysql') return undefined;
  await registry.topUp();
  await query(database.admin, 'TRUNCATE performance_schema.events_statements_summary_by_digest');
  await mintFresh(registry, registry.minter, size);
  const [[scans] = [0]] = await query<[number]>(
    database.admin,
    `SELECT COUNT(*) FROM performance_schema.events_statements_summary_by_digest
     WHERE SCHEMA_NAME = ? AND SUM_ROWS_EXAMINED >= COUNT_STAR * ?`,
    [registry.minter.database, registry.rows]
  );
  return figureOf([scans], limit);
}

/** Rows that the transaction holds when it is about to commit. */
async function countLocks(
  { database }: Ground,
  registry: BenchRegistry,
  size: number,
  limit?: Limit
): Promise<Ratio> {
  await registry.topUp();
  await using wire = await startWire(database.url);
  let locked = 0;
  wire.decide = async (sql): Promise<Fate> => {
    if (sql === 'COMMIT') locked = await readLocks(database, registry.minter.user);
    return 'pass';
  };
  await mintFresh(registry, { ...registry.minter, port: wire.port }, size);
  return figureOf([locked / size], limit);
}

async function mintFresh(
  registry: BenchRegistry,
  settings: MysqlSettings,
  size: number
): Promise<void> {
  await using minter = createRegistry(await openStore(settings));
  const requests = registry.freshIdentifiers(size).map(source => ({ source }));
  const { answers } = await minter.mint(requests);
  demand(
    answers.every(({ outcome }) => outcome === 'minted'),
    () => `Of ${size} new identifiers some were not minted.`
  );
}

async function readLocks({ admin }: Database, user: string): Promise<number> {
  const [[rows] = [0]] = await query<[number | null]>(
    admin,
    `SELECT MAX(t.trx_rows_locked) FROM information_schema.INNODB_TRX AS t
     JOIN information_schema.PROCESSLIST AS p ON p.ID = t.trx_mysql_thread_id WHERE p.USER = ?`,
    [user]
  );
  return Number(rows);
}
