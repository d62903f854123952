import { describe, expect, test } from 'vitest';
import type { Desk } from '../support/command-line.ts';
import { openDesk } from '../support/command-line.ts';
import { sierra } from '../support/identifiers.ts';
import { poll } from '../support/servers/processes.ts';
import type { SilentServer } from '../support/silent-server.ts';
import { openSilentServer } from '../support/silent-server.ts';
import type { DeskOnRegistry } from './desk-on-registry.ts';
import { expectSoundPool, openDeskOn, REGISTRY_KINDS } from './desk-on-registry.ts';
import { toLines, workOf } from './works.ts';

// Windows has no signals that a program could catch and another one could send.
const SIGNALS =
  process.platform === 'win32'
    ? []
    : ([
        ['SIGINT', 130],
        ['SIGTERM', 143],
      ] as const);

/** Makes a file in the temporary folder once standard input is read. */
const SAY_READY = `data:text/javascript,${encodeURIComponent(`
  import { writeFileSync } from 'node:fs';
  process.stdin.on('newListener', event => {
    if (event === 'readable') writeFileSync(process.env.TMPDIR + '/reads', '');
  });
`)}`;

const WORKS = Array.from({ length: 600 }, (_, index) => workOf(sierra(`b${index}`)));

describe.each(REGISTRY_KINDS)('on $name', kind => {
  test.each(SIGNALS)(
    '%s ends a run within 2 s with %i, and the same command completes it',
    async (signal, status) => {
      await using desk = await openDeskOn(kind, { free: 1_000 });
      const args = [
        ...['mint', '--source', '-', '--target', 'out.ndjson', '--report', 'report.json'],
        ...['--batch-size', '50', '--concurrency', '1'],
      ];
      const { child, ended } = desk.start(args);
      // More may come: the run has minted some batches, and waits for the next one.
      child.stdin?.write(toLines(WORKS.slice(0, 275)));
      await poll('Minting', 20, async () => (await countMappings(desk)) >= 250 || undefined);

      const began = performance.now();
      child.kill(signal);
      const { status: was, stdout, stderr } = await ended;

      expect(performance.now() - began).toBeLessThan(2_000);
      expect({ status: was, stdout }).toEqual({ status, stdout: '' });
      expect(stderr).toMatch(
        /^Registry: [^\n]*\nStopping\. [^\n]*the same command again completes[^\n]*\n$/
      );
      expect((await desk.list()).filter(name => !name.startsWith('registry.'))).toEqual([]);
      expect(await desk.leftovers()).toEqual([]);
      await expectSoundPool(desk);
      const known = await countMappings(desk);
      const again = await desk.run(args, { input: toLines(WORKS) });
      expect(again.status).toBe(0);
      expect(again.stderr).toContain(
        `Identifiers: ${known} existing, 0 inherited, ${600 - known} minted.`
      );
      await expectSoundPool(desk);
    }
  );
});

describe.each(SIGNALS)('%s', (signal, status) => {
  test.each([
    ['mint', ['mint', 'works.ndjson', '--target', 'out', '--batch-size', '1']],
    ['assign', ['assign', '--source', 'ids.ndjson', '--target', 'out']],
    ['import', ['import', 'ids.ndjson']],
  ])('ends %s at full speed', async (_, args) => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', toLines(Array.from({ length: 40 }, () => WORKS).flat()));
    await desk.write('ids.ndjson', manyMappings());
    const { child, ended, says } = desk.start(args);
    await says(/^Registry: /m);
    await poll(
      'The first batch',
      20,
      async () => (await desk.list()).includes('id-minter.sqlite-wal') || undefined
    );

    const began = performance.now();
    child.kill(signal);

    expect(await ended).toMatchObject({ status });
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(await desk.list()).not.toContain('out');
    expect((await desk.list()).filter(name => name.includes('partial'))).toEqual([]);
  });

  test.each([
    ['assign', ['assign', '--source', '-']],
    ['import', ['import', '-']],
    ['mint', ['mint', 'works.ndjson', '--source-identifiers', '-']],
  ])('ends %s that still waits for its first line, and makes no registry', async (_, args) => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', '');
    const { child, ended } = desk.start(args, { node: ['--import', SAY_READY] });
    await poll('Reading', 20, async () => (await desk.leftovers()).includes('reads') || undefined);

    const began = performance.now();
    child.kill(signal);

    expect(await ended).toMatchObject({ status, stdout: '' });
    expect(performance.now() - began).toBeLessThan(1_400);
    expect(await desk.list()).toEqual(['works.ndjson']);
  });

  test('ends a command that waits for a server that never answers, and a second one does at once', async () => {
    await using desk = await openDesk();
    await using server = await openSilentServer();
    const args = [
      'assign',
      'Work[s/1]',
      '--registry',
      `mysql://u@127.0.0.1:${server.port}/ids`,
      '--target',
      'out',
    ];

    const patient = await stopTwice(desk, args, { signal, server });
    const hasty = await stopTwice(desk, args, { signal, server, againAfterMs: 100 });

    expect(patient.status).toBe(status);
    expect(patient.ms).toBeLessThan(2_000);
    expect(hasty.status).toBe(status);
    expect(hasty.ms).toBeLessThan(1_000);
    expect(await desk.list()).toEqual([]);
  });
});

async function stopTwice(
  desk: Desk,
  args: readonly string[],
  {
    signal,
    server,
    againAfterMs,
  }: { signal: NodeJS.Signals; server: SilentServer; againAfterMs?: number }
) {
  const { child, ended, says } = desk.start(args);
  await server.connected();
  const began = performance.now();
  child.kill(signal);
  await says(/^Stopping/m);
  if (againAfterMs !== undefined) setTimeout(() => child.kill(signal), againAfterMs);
  const { status } = await ended;
  return { status, ms: performance.now() - began };
}

async function countMappings({ registry }: DeskOnRegistry): Promise<number> {
  const [row] = await registry.sql('SELECT COUNT(*) FROM identifiers');
  return Number(row?.[0]);
}

function manyMappings(): string {
  return Array.from(
    { length: 150_000 },
    (_, index) => `{"source": "Work[s/${index}]", "canonicalId": "a2345678"}\n`
  ).join('');
}
