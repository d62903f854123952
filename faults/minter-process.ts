// Started by `startMinter`: mints each batch when it comes, and acknowledges it.
import { readdirSync } from 'node:fs';
import type { MintRequest, Registry } from '../src/domain/registry.ts';
import { createRegistry } from '../src/registry/registry.ts';
import { remembering } from '../src/registry/remembering.ts';
import type { End } from '../test/registry/mysql/mint-in-process.ts';
import { openStore } from '../test/registry/mysql/mysql-registry.ts';
import type { Order, Reply, Vitals } from './minter.ts';

const DESCRIPTORS = '/proc/self/fd';

let registry: Registry | undefined;

process.on('message', (order: Order) => {
  obey(order).then(
    reply => process.send?.(reply, () => {}),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    }
  );
});
process.once('disconnect', () => process.exit());

async function obey(order: Order): Promise<Reply> {
  if ('batch' in order) return { ends: await mint(order.batch) };
  if ('say' in order) return await readVitals();
  const { login } = order;
  const plain = createRegistry(await openStore({ ...login, password: async () => login.secret }));
  // As a run of the product has it.
  registry = remembering(plain);
  return 'ready';
}

async function mint(batch: readonly MintRequest[]): Promise<End[]> {
  if (registry === undefined) throw new Error('A batch came before the login.');
  const { answers } = await registry.mint(batch);
  return answers.map(({ canonicalId, outcome, error }) => [canonicalId, outcome ?? error?.code]);
}

async function readVitals(): Promise<Vitals> {
  await globalThis.gc?.({ type: 'major', execution: 'async' });
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heldBytes: heapUsed + external, residentBytes: rss, descriptors: countDescriptors() };
}

function countDescriptors(): number {
  return process.platform === 'linux' ? readdirSync(DESCRIPTORS).length : 0;
}
