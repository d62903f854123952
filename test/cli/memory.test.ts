import { expect, test } from 'vitest';
import { generateWorks } from '../../scripts/works-generator.ts';
import type { Desk } from '../support/command-line.ts';
import { openDesk } from '../support/command-line.ts';
import {
  atScale,
  IDENTIFIER_HEADER,
  identifierLines,
  SCALE_TIMEOUT_MS,
  writeLines,
} from './scale.ts';

const SAY_PEAK = new URL('../support/say-peak-memory.ts', import.meta.url).href;

/** Everything that grows with a run: the documents, the report, and a registry in which all is new. */
const COMMANDS = [
  {
    what: 'works',
    many: 100_000,
    input: function* (works: number) {
      for (const work of generateWorks({ works })) yield JSON.stringify(work);
    },
    args: (name: string) => ['mint', name, '--report', `${name}.json`],
    summary: (works: number) => ({ works: { succeeded: works, failed: 0 } }),
  },
  {
    what: 'lines of identifiers',
    many: atScale(500_000),
    input: function* (count: number) {
      yield IDENTIFIER_HEADER;
      for (const { text } of identifierLines(count)) yield text;
    },
    args: (name: string) => ['assign', '--source', name],
    summary: () => ({ errors: {} }),
  },
];

test.each(COMMANDS)(
  'ten times as many $what need hardly more memory',
  { timeout: SCALE_TIMEOUT_MS },
  async ({ many, input, args, summary }) => {
    await using desk = await openDesk();
    const peakOf = async (count: number): Promise<number> => {
      await writeLines(desk.path(`${count}`), input(count));
      const { told, peakKib } = await run(desk, [...args(`${count}`)], `${count}`);
      expect(told).toMatchObject(summary(count));
      return peakKib;
    };

    const [few, more] = await Promise.all([peakOf(many / 10), peakOf(many)]);

    expect(more / few).toBeLessThan(1.5);
  }
);

async function run(desk: Desk, args: readonly string[], name: string) {
  const { stdout, stderr } = await desk.run(
    [...args, '--registry', `sqlite:${name}.sqlite`, '--target', `${name}.out`, '--json'],
    { node: ['--import', SAY_PEAK] }
  );
  const peakKib = Number(/^Peak memory: (\d+) KiB$/m.exec(stderr)?.[1]);
  return { told: JSON.parse(stdout) as object, peakKib };
}
