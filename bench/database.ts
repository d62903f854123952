import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import type { TestServer } from '../test/support/servers/open-servers.ts';
import type { BenchRegistry } from './bench-registry.ts';
import { createBenchRegistry } from './bench-registry.ts';
import { serverMeter } from './meter.ts';
import { query } from './sql.ts';
import type { Database } from './workload.ts';

const BUFFER_POOL_BYTES = 2 * 1024 ** 3;

/**
 * A server on which workloads run. One that was started for them gets memory as a server of production has it; one that
 * ran already is used as it is.
 *
 * @param say - told what takes long
 */
export async function openDatabase(
  server: TestServer,
  say: (text: string) => void
): Promise<Database & AsyncDisposable> {
  const admin = await createConnection({ uri: server.url, rowsAsArray: true, charset: 'utf8mb4' });
  const isOurs = process.env[`ID_MINTER_TEST_${server.kind.toUpperCase()}_URL`] === undefined;
  if (isOurs) await setBufferPool(admin, BUFFER_POOL_BYTES);
  const registries = new Map<number, BenchRegistry>();
  return {
    kind: server.kind,
    url: server.url,
    isOurs,
    admin,
    meter: await serverMeter(admin),
    registry: async rows => {
      const made = registries.get(rows);
      if (made !== undefined) return made;
      const began = performance.now();
      say(`A registry of ${rows.toLocaleString('en')} mappings is being made.`);
      const registry = await createBenchRegistry(server, rows);
      say(`It took ${Math.round((performance.now() - began) / 1000)} s.`);
      registries.set(rows, registry);
      return registry;
    },
    async [Symbol.asyncDispose]() {
      for (const registry of registries.values()) await registry[Symbol.asyncDispose]();
      await admin.end();
    },
  };
}

/** The server does it in steps, while it goes on. */
async function setBufferPool(admin: Connection, bytes: number): Promise<void> {
  await admin.query('SET GLOBAL innodb_buffer_pool_size = ?', [bytes]);
  for (let waits = 0; waits < 600; waits += 1) {
    const [[size] = [0]] = await query<[number]>(admin, 'SELECT @@innodb_buffer_pool_size');
    if (size >= bytes) return;
    await sleep(100);
  }
  throw new Error(`The server did not set its buffer pool to ${bytes} bytes within a minute.`);
}
