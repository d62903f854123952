import type { MysqlRegistry } from '../test/registry/mysql/mysql-registry.ts';

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
