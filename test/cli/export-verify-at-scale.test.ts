import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openDesk } from '../support/command-line.ts';
import { makeLargeRegistry, writeLargeExport } from './large-exports.ts';
import { atScale, SCALE_TIMEOUT_MS } from './scale.ts';

const SAY_PEAK = new URL('../support/say-peak-memory.ts', import.meta.url).href;

// Windows has no signals that a program could catch and another one could send.
const STOPS =
  process.platform === 'win32'
    ? []
    : ([
        ['SIGTERM', 100, 143],
        ['SIGINT', 1_000, 130],
        ['SIGTERM', 2_000, 143],
        ['SIGKILL', 1_000, null],
      ] as const);

describe('verify of a large export', () => {
  test('needs hardly more memory for four times as many rows', {
    timeout: SCALE_TIMEOUT_MS,
  }, async () => {
    await using desk = await openDesk();
    const peakOf = async (mappings: number): Promise<number> => {
      const folder = await writeLargeExport(desk, mappings);
      const registry = await makeLargeRegistry(desk, mappings);
      const line = ['export', 'verify', folder, '--against', registry, '--json'];
      const { status, stdout, stderr } = await desk.run(line, { node: ['--import', SAY_PEAK] });
      expect({ status, told: JSON.parse(stdout) }).toMatchObject({
        status: 0,
        told: {
          audited: { mappings, free: Math.floor(mappings * 1.1) - mappings },
          compared: { canonicalIds: { equal: true }, mappings: { equal: true } },
        },
      });
      return Number(/^Peak memory: (\d+) KiB$/m.exec(stderr)?.[1]);
    };
    const many = atScale(400_000);

    const few = await peakOf(many / 4);
    const more = await peakOf(many);

    expect(more / few).toBeLessThan(1.5);
  });

  test.each(STOPS)(
    'that %s stops after %i ms ends within 2 s with %s, and leaves nothing behind',
    { timeout: SCALE_TIMEOUT_MS },
    async (signal, afterMs, status) => {
      await using desk = await openDesk();
      const folder = await writeLargeExport(desk, 200_000);
      const registry = await makeLargeRegistry(desk, 200_000);
      const { child, ended, says } = desk.start([
        ...['export', 'verify', folder, '--against', registry],
      ]);
      await says(/^Export: /m);
      await sleep(afterMs);
      const began = performance.now();
      child.kill(signal);

      expect(await ended).toMatchObject({ status, stdout: '' });
      expect(performance.now() - began).toBeLessThan(2_000);
      expect(await desk.leftovers()).toEqual([]);
    }
  );
});
