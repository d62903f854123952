import { createConnection } from 'mysql2/promise';
import { describe, expect, inject, test } from 'vitest';
import { openDesk } from '../support/command-line.ts';
import { sierra } from '../support/identifiers.ts';
import { poll } from '../support/servers/processes.ts';
import { startServer } from '../support/servers/start-server.ts';
import type { Minted } from './works.ts';
import { fromLines, toLines, workOf } from './works.ts';

const WORKS = Array.from({ length: 200 }, (_, index) => workOf(sierra(`b${index}`)));

describe('a server that dies in mid-run', () => {
  test.concurrent.each(inject('servers'))(
    '($kind) ends the run with 4 and one line, and after its return the same command completes it',
    { timeout: 240_000 },
    async ({ kind }) => {
      await using desk = await openDesk();
      await using server = await startServer(kind);
      await query(server.url, 'CREATE DATABASE ids');
      const registry = `${server.url}/ids`;
      desk.environment = { ID_MINTER_REGISTRY: registry };
      await desk.run(['migrate']);
      await desk.run(['pool', 'top-up', '--target', '1000']);
      const args = [
        ...['mint', '--source', '-', '--target', 'out.ndjson', '--batch-size', '50'],
        ...['--concurrency', '1', '--json'],
      ];

      const { child, ended } = desk.start(args);
      child.stdin?.write(toLines(WORKS.slice(0, 100)));
      const known = await poll('The first batches', 20, async () => {
        const rows = await query(registry, 'SELECT SourceId, CanonicalId FROM identifiers');
        return rows.length >= 100 ? new Map(rows) : undefined;
      });
      await server.kill9();
      child.stdin?.end(toLines(WORKS.slice(100)));
      const { status, stdout, stderr } = await ended;

      expect(status).toBe(4);
      expect(stderr).toMatch(
        /^Registry: [^\n]+\n(?:[\d,]+ works[^\n]*\n)*error REGISTRY_UNAVAILABLE: [^\n]+ say the same again[^\n]+\n$/
      );
      expect(JSON.parse(stdout)).toMatchObject({
        error: { code: 'REGISTRY_UNAVAILABLE', exit: 4 },
      });
      expect(await desk.list()).toEqual([]);

      const { dataDir, port } = server;
      await using _again = await startServer(kind, { dataDir, port });
      const completed = await desk.run(args, { input: toLines(WORKS) });
      expect(JSON.parse(completed.stdout)).toMatchObject({
        works: { succeeded: 200, failed: 0 },
        identifiers: { existing: 100, minted: 100 },
      });
      const minted = fromLines<Minted>(await desk.read('out.ndjson'));
      for (const { state } of minted.slice(0, 100)) {
        expect(state.canonicalId).toBe(known.get(state.sourceIdentifier.value));
      }
    }
  );
});

async function query(url: string, statement: string): Promise<[string, string][]> {
  const connection = await createConnection({ uri: url, rowsAsArray: true });
  try {
    const [rows] = await connection.query(statement);
    return Array.isArray(rows) ? (rows as [string, string][]) : [];
  } finally {
    await connection.end();
  }
}
