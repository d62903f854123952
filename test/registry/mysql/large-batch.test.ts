import { describe, expect, inject, test } from 'vitest';
import { createRegistry } from '../../../src/registry/registry.ts';
import { outcomes, requests } from '../../support/answers.ts';
import { image, sierra, someIds } from '../../support/identifiers.ts';
import type { MysqlRegistry } from './mysql-registry.ts';
import { createMysqlRegistry, openStore } from './mysql-registry.ts';
import type { Fate } from './wire.ts';
import { startWire } from './wire.ts';

const servers = inject('servers');
const STANDING = 400_000;
const NEW = 45_000;

describe.each(servers)('45,000 new identifiers in one batch, on $kind', server => {
  test('no statement scans a table, and at most four rows are locked an identifier', {
    timeout: 180_000,
  }, async () => {
    await using registry = await createMysqlRegistry(server);
    await fill(registry);
    await using _ = await countingReads(registry);
    await using wire = await startWire(server.url);
    await using minter = createRegistry(await openStore({ ...registry.minter, port: wire.port }));
    const batch = requests(
      ...Array.from({ length: NEW }, (_, number) =>
        number % 2 === 0 ? sierra(`new ${number}`) : image(`new ${number}`)
      )
    );
    const locked: number[] = [];
    wire.decide = async (sql): Promise<Fate> => {
      if (sql === 'COMMIT') locked.push(await countLocked(registry));
      return 'pass';
    };
    const read = await rowsReadDuring(registry, async () => {
      const { answers } = await minter.mint(batch);
      expect(new Set(outcomes(answers))).toEqual(new Set(['minted']));
    });
    // Each is read as asked for, looked up, claimed, checked, and marked.
    expect(read).toBeGreaterThan(2 * NEW);
    expect(read).toBeLessThan(STANDING);
    expect(locked).toHaveLength(1);
    expect(locked[0]).toBeGreaterThan(NEW);
    expect(locked[0]).toBeLessThanOrEqual(4 * NEW);
    const known = await rowsReadDuring(registry, () => minter.mint(batch.slice(0, 20_000)));
    expect(known).toBeLessThan(STANDING / 4);
  });
});

/** Mappings that stand already, and a pool with room for the batch; made by the server itself. */
async function fill({ sql }: MysqlRegistry): Promise<void> {
  const ids = someIds(STANDING + NEW + 5_000);
  for (let start = 0; start < ids.length; start += 50_000) {
    const json = JSON.stringify(ids.slice(start, start + 50_000));
    await sql(
      `INSERT INTO canonical_ids (CanonicalId, Status)
       SELECT id, IF(n + ? <= ?, 'assigned', 'free') FROM JSON_TABLE(?, '$[*]' COLUMNS (
         n FOR ORDINALITY, id VARCHAR(8) CHARACTER SET latin1 PATH '$')) AS t`,
      [start, STANDING, json]
    );
  }
  await sql(
    `INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId)
     SELECT 'Work', 'sierra-system-number', CONCAT('old ', CanonicalId), CanonicalId
     FROM canonical_ids WHERE Status = 'assigned'`
  );
  await sql('ANALYZE TABLE canonical_ids, identifiers');
}

/** Row locks that the minter's transaction holds. */
async function countLocked({ sql, minter }: MysqlRegistry): Promise<number> {
  const [[count] = [0]] = await sql<[number]>(
    `SELECT MAX(t.trx_rows_locked) FROM information_schema.INNODB_TRX AS t
     JOIN information_schema.PROCESSLIST AS p ON p.ID = t.trx_mysql_thread_id WHERE p.USER = ?`,
    [minter.user]
  );
  return Number(count);
}

/** How many rows the server reads for the minter meanwhile, from tables, indexes and what it unfolds. */
async function rowsReadDuring(
  registry: MysqlRegistry,
  work: () => Promise<unknown>
): Promise<number> {
  const before = await countRead(registry);
  await work();
  return (await countRead(registry)) - before;
}

async function countRead({ sql, minter }: MysqlRegistry): Promise<number> {
  const [[count] = [0]] = await sql<[number | string | null]>(
    (await isMariaDb({ sql }))
      ? 'SELECT SUM(ROWS_READ) FROM information_schema.USER_STATISTICS WHERE USER = ?'
      : `SELECT SUM(SUM_ROWS_EXAMINED)
         FROM performance_schema.events_statements_summary_by_user_by_event_name WHERE USER = ?`,
    [minter.user]
  );
  return Number(count);
}

/** MariaDB counts what each user reads only where it is told to; MySQL always does. */
async function countingReads({ sql }: MysqlRegistry): Promise<AsyncDisposable> {
  if (!(await isMariaDb({ sql }))) return { [Symbol.asyncDispose]: async () => {} };
  const [[before] = [0]] = await sql<[number]>('SELECT @@GLOBAL.userstat');
  await sql('SET GLOBAL userstat = 1');
  return {
    [Symbol.asyncDispose]: async () => {
      await sql('SET GLOBAL userstat = ?', [before]);
    },
  };
}

async function isMariaDb({ sql }: Pick<MysqlRegistry, 'sql'>): Promise<boolean> {
  const [[version] = ['']] = await sql<[string]>('SELECT VERSION()');
  return version.includes('MariaDB');
}
