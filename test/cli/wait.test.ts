import { createConnection } from 'mysql2/promise';
import { describe, expect, inject, test } from 'vitest';
import { openDesk } from '../support/command-line.ts';
import { findFreePort } from '../support/servers/processes.ts';
import { startServer } from '../support/servers/start-server.ts';
import { openDeskOn, SERVER_REGISTRIES } from './desk-on-registry.ts';

describe('migrate --wait', () => {
  test.each(inject('servers'))(
    'goes on when the server ($kind) has started',
    { timeout: 240_000 },
    async ({ kind }) => {
      await using desk = await openDesk();
      await using server = await startServer(kind);
      const connection = await createConnection(server.url);
      await connection.query('CREATE DATABASE ids');
      await connection.end();
      await server.stop();
      const { dataDir, port } = server;

      const waiting = desk.start(['migrate', '--wait', '120', '--registry', `${server.url}/ids`]);
      await waiting.says(/Waiting up to 120 s/);
      await using _again = await startServer(kind, { dataDir, port });
      const { status, stdout, stderr } = await waiting.ended;

      expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
      expect(stderr).toMatch(
        new RegExp(`^Waiting up to 120 s for the registry: 127\\.0\\.0\\.1:${port}, [^\\n]+\\n`)
      );
      expect(stderr).toMatch(/^Applied: /m);
    }
  );

  test('ends with 4 where the server does not come in time', async () => {
    await using desk = await openDesk();
    const url = `mysql://minter@127.0.0.1:${await findFreePort()}/ids`;
    const began = performance.now();
    const { status, stdout, stderr } = await desk.run([
      ...['migrate', '--wait', '1', '--registry', url, '--json'],
    ]);
    expect(status).toBe(4);
    expect(performance.now() - began).toBeGreaterThanOrEqual(1_000);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'REGISTRY_UNAVAILABLE', exit: 4 } });
    expect(stderr.match(/^Waiting up to 1 s/gm)).toHaveLength(1);
    expect(stderr).toMatch(/^error REGISTRY_UNAVAILABLE: .* waited 1 s for it\./m);
  });

  test('waits for a minute where no time is given, until Ctrl-C', async () => {
    await using desk = await openDesk();
    const url = `mysql://minter@127.0.0.1:${await findFreePort()}/ids`;
    const waiting = desk.start(['migrate', '--registry', url, '--wait']);
    await waiting.says(/Waiting up to 60 s/);
    const began = performance.now();
    waiting.child.kill('SIGINT');
    expect(await waiting.ended).toMatchObject({
      status: 130,
      stdout: '',
      stderr: expect.not.stringContaining('error'),
    });
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test.each(SERVER_REGISTRIES)('tells a wrong password on $name at once', async kind => {
    await using desk = await openDeskOn(kind);
    const { status, stderr } = await desk.run(['migrate', '--wait'], {
      environment: { RDS_PASSWORD: 'wrong-canary-5521' },
    });
    expect(status).toBe(3);
    expect(stderr).toMatch(/^error REGISTRY_ACCESS_DENIED: [^\n]+\n$/);
  });

  test('wants its time as a number', async () => {
    await using desk = await openDesk();
    const { status, stderr } = await desk.run(['migrate', '--wait', 'soon']);
    expect(status).toBe(2);
    expect(stderr).toContain('soon');
  });
});
