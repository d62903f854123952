// Started by `startMinter`: mints each batch when it comes, and acknowledges it.
import { readdirSync } from 'node:fs';
import type { Connection } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import { mintAsOriginal } from '../../../bench/original-sequence.ts';
import type { MintRequest } from '../../../src/domain/registry.ts';
import { keyOf } from '../../../src/domain/source-identifier.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { remembering } from '../../../src/registry/remembering.ts';
import type { End, Order, Reply, Vitals } from './mint-in-process.ts';
import { openStore } from './mysql-registry.ts';

const DESCRIPTORS = '/proc/self/fd';

type Login = Extract<Order, { login: unknown }>['login'];
type Mint = (batch: readonly MintRequest[]) => Promise<End[]>;

let mint: Mint | undefined;

process.on('message', (order: Order) => {
  obey(order).then(
    reply => process.send?.(reply, () => {}),
    (error: unknown) => {
      // Not the whole of it: the driver's holds the text of the statement.
      console.error(error instanceof Error ? error.stack : error);
      process.exit(1);
    }
  );
});
process.once('disconnect', () => process.exit());

async function obey(order: Order): Promise<Reply> {
  if ('say' in order) return await readVitals();
  if ('batch' in order) {
    if (mint === undefined) throw new Error('A batch came before the login.');
    return { ends: await mint(order.batch) };
  }
  mint = await (order.as === 'us' ? mintLikeUs : mintLikeTheOriginal)(order.login);
  return 'ready';
}

async function mintLikeUs(login: Login): Promise<Mint> {
  const plain = createRegistry(await openStore({ ...login, password: async () => login.secret }));
  // As a run of the product has it.
  const registry = remembering(plain);
  return async batch => {
    const { answers } = await registry.mint(batch);
    return answers.map(({ canonicalId, outcome, error }) => [canonicalId, outcome ?? error?.code]);
  };
}

/** A batch that deadlocks is said again, as its users do. */
async function mintLikeTheOriginal(login: Login): Promise<Mint> {
  const { host, port, user, secret: password, database } = login;
  const connection = await createConnection({ host, port, user, password, database });
  await connection.query('SET autocommit = 0');
  return async batch => {
    const sources = batch.map(({ source }) => source);
    const predecessors = new Map(
      batch.flatMap(({ source, predecessor }) =>
        predecessor ? [[keyOf(source), predecessor] as const] : []
      )
    );
    const answers = await untilItWorks(connection, () =>
      mintAsOriginal(connection, sources, predecessors)
    );
    return batch.map(({ source }) => [answers.get(keyOf(source)), 'minted']);
  };
}

async function untilItWorks<T>(
  connection: Pick<Connection, 'rollback'>,
  attempt: () => Promise<T>
): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await connection.rollback();
      const { errno } = error as { errno?: number };
      if (![1020, 1205, 1213].includes(errno ?? 0)) throw error;
    }
  }
}

async function readVitals(): Promise<Vitals> {
  await globalThis.gc?.({ type: 'major', execution: 'async' });
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heldBytes: heapUsed + external, residentBytes: rss, descriptors: countDescriptors() };
}

function countDescriptors(): number {
  return process.platform === 'linux' ? readdirSync(DESCRIPTORS).length : 0;
}
