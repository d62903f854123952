import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { generateWorks } from '../../scripts/works-generator.ts';
import type { Desk } from '../support/command-line.ts';
import { openDesk } from '../support/command-line.ts';

const SAY_PEAK = new URL('../support/say-peak-memory.ts', import.meta.url).href;

test('ten times as many works need hardly more memory', { timeout: 240_000 }, async () => {
  await using desk = await openDesk();
  await Promise.all([writeWorks(desk, 'few', 10_000), writeWorks(desk, 'many', 100_000)]);

  const [few, many] = await Promise.all([mint(desk, 'few'), mint(desk, 'many')]);

  expect(few.works).toEqual({ succeeded: 10_000, failed: 0 });
  expect(many.works).toEqual({ succeeded: 100_000, failed: 0 });
  expect(many.peakKib / few.peakKib).toBeLessThan(1.5);
});

async function writeWorks(desk: Desk, name: string, works: number): Promise<void> {
  const lines = generateWorks({ works }).map(work => `${JSON.stringify(work)}\n`);
  await pipeline(Readable.from(lines), createWriteStream(desk.path(`${name}.ndjson`)));
}

/** With everything that grows with a run: the works, the report, and a registry in which all is new. */
async function mint(desk: Desk, name: string) {
  const { stdout, stderr } = await desk.run(
    [
      ...['mint', `${name}.ndjson`, '--target', `${name}-minted.ndjson`, '--json'],
      ...['--registry', `sqlite:${name}.sqlite`, '--report', `${name}.json`],
    ],
    { node: ['--import', SAY_PEAK] }
  );
  const peakKib = Number(/^Peak memory: (\d+) KiB$/m.exec(stderr)?.[1]);
  return { works: JSON.parse(stdout).works as object, peakKib };
}
