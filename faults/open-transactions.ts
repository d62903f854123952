import { setTimeout as sleep } from 'node:timers/promises';
import type { MysqlRegistry } from '../test/registry/mysql/mysql-registry.ts';
import { demand } from './campaign.ts';

/** In which the server rolls back what a lost connection had begun. */
const ROLLED_BACK_MS = 3_000;

/** A transaction that is open on the server. */
export interface OpenTransaction {
  readonly waitsForLock: boolean;
}

/** Those of one user. Out of the status as text, since the tables of it may show for long how it was before. */
export async function openTransactionsOf(
  { sql }: Pick<MysqlRegistry, 'sql'>,
  user: string
): Promise<OpenTransaction[]> {
  const [[, , status] = ['', '', '']] = await sql<[string, string, string]>(
    'SHOW ENGINE INNODB STATUS'
  );
  return status
    .slice(status.lastIndexOf('LIST OF TRANSACTIONS'))
    .split('---TRANSACTION ')
    .filter(text => /^[^\n]*, ACTIVE/.test(text) && text.includes(` ${user}`))
    .map(text => ({ waitsForLock: /^LOCK WAIT /m.test(text) }));
}

/** @throws Broken where a transaction of this user stays open on the server */
export async function untilRolledBack(
  registry: Pick<MysqlRegistry, 'sql'>,
  user: string
): Promise<void> {
  const until = performance.now() + ROLLED_BACK_MS;
  while ((await openTransactionsOf(registry, user)).length > 0) {
    demand(performance.now() < until, () => 'A transaction that nobody works on stays open');
    await sleep(20);
  }
}
