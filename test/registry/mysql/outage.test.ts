import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, inject, test } from 'vitest';
import type { Registry } from '../../../src/domain/registry.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { outcomes, requests } from '../../support/answers.ts';
import { sierra } from '../../support/identifiers.ts';
import { startServer } from '../../support/servers/start-server.ts';
import { createMysqlRegistry, openStore } from './mysql-registry.ts';

const servers = inject('servers');

describe.each(servers)('a server of $kind of the test’s own', { timeout: 240_000 }, ({ kind }) => {
  test('is killed while minting, comes back, turns read-only and back, and goes for good', async () => {
    await using server = await startServer(kind);
    // Not dropped at the end: it goes with the server's data.
    const registry = await createMysqlRegistry(server, { free: 20_000 });
    const store = await openStore(registry.minter);
    await using minter = createRegistry(store);

    const answers = new Map<string, string>();
    const goal = { size: Number.POSITIVE_INFINITY };
    const minting = mintUntil(minter, answers, goal);
    await expect.poll(() => answers.size, { timeout: 30_000 }).toBeGreaterThan(100);
    await server.kill9();
    await sleep(300);
    await using again = await startServer(kind, { dataDir: server.dataDir, port: server.port });
    goal.size = answers.size + 100;
    await minting;
    const { sql } = await createMysqlRegistry(again);
    const held = await sql<[string, string]>(
      `SELECT SourceId, CanonicalId FROM ${registry.minter.database}.identifiers`
    );
    expect(new Map(held)).toEqual(answers);

    // As after a failover, where the connection is to what is a replica from then on.
    await sql('SET GLOBAL read_only = ON');
    const waiting = minter.mint(requests(sierra('after the failover')));
    const refused = await store
      .transaction(async transaction => transaction.markAssigned((await transaction.claim(1)).ids))
      .catch((error: unknown) => store.translate(error));
    expect(refused).toMatchObject({ error: { code: 'REGISTRY_UNAVAILABLE' }, passing: true });
    await sql('SET GLOBAL read_only = OFF');
    expect(outcomes((await waiting).answers)).toEqual(['minted']);

    await again.stop();
    const before = performance.now();
    await expect(minter.mint(requests(sierra('b1')))).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: expect.stringContaining('it gives the same IDs'),
    });
    expect(performance.now() - before).toBeLessThan(60_000);
  });
});

/** Mints batches of which each repeats half of the one before; no answer may ever change. */
async function mintUntil(
  minter: Registry,
  answers: Map<string, string>,
  goal: { readonly size: number }
): Promise<void> {
  while (answers.size < goal.size) {
    const first = Math.max(0, answers.size - 10);
    const values = Array.from({ length: 20 }, (_, index) => `b${first + index}`);
    const result = await minter.mint(requests(...values.map(value => sierra(value))));
    for (const [index, { canonicalId, error }] of result.answers.entries()) {
      expect(error).toBeUndefined();
      const value = values[index] ?? '';
      expect(answers.get(value) ?? canonicalId).toBe(canonicalId);
      answers.set(value, canonicalId ?? '');
    }
  }
}
