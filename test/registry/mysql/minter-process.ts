// Started by `mintInProcess`: mints the batches it is sent, one after the other, and sends back how each ended.
import { createConnection } from 'mysql2/promise';
import { mintAsOriginal } from '../../../bench/original-sequence.ts';
import type { MintRequest } from '../../../src/domain/registry.ts';
import { keyOf } from '../../../src/domain/source-identifier.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { remembering } from '../../../src/registry/remembering.ts';
import type { End, Job } from './mint-in-process.ts';
import { openStore } from './mysql-registry.ts';

process.once('message', (job: Job) => {
  const mint = job.as === 'original' ? mintLikeTheOriginal : mintLikeUs;
  mint(job).then(
    ends => process.send?.(ends, () => process.disconnect()),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    }
  );
});

async function mintLikeUs({ login, batches }: Job): Promise<End[][]> {
  await using plain = createRegistry(
    await openStore({ ...login, password: async () => login.secret })
  );
  // As a run of the product has it.
  const registry = remembering(plain);
  const ends: End[][] = [];
  for (const batch of batches) {
    const { answers } = await registry.mint(batch);
    ends.push(
      answers.map(({ canonicalId, outcome, error }) => [canonicalId, outcome ?? error?.code])
    );
  }
  return ends;
}

/** A batch that deadlocks is said again, as its users do. */
async function mintLikeTheOriginal({ login, batches }: Job): Promise<End[][]> {
  const { host, port, user, secret: password, database } = login;
  const connection = await createConnection({ host, port, user, password, database });
  await connection.query('SET autocommit = 0');
  const ends: End[][] = [];
  for (const batch of batches) {
    const sources = batch.map(({ source }) => source);
    const predecessors = new Map(
      batch.flatMap(({ source, predecessor }) =>
        predecessor ? [[keyOf(source), predecessor] as const] : []
      )
    );
    const answers = await untilItWorks(connection, () =>
      mintAsOriginal(connection, sources, predecessors)
    );
    ends.push(batch.map(({ source }: MintRequest) => [answers.get(keyOf(source)), 'minted']));
  }
  await connection.end();
  return ends;
}

async function untilItWorks<T>(
  connection: { rollback(): Promise<void> },
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
