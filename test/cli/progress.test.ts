import { PassThrough, Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/main.ts';
import { describeRun, shareDone, startProgress } from '../../src/cli/progress.ts';
import { sierra } from '../support/identifiers.ts';
import type { TemporaryFolder } from '../support/temporary-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { toLines, workOf } from './works.ts';

describe('progress', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  function watch(terminal: { stderr: boolean; stdout?: boolean }, quiet = false) {
    vi.useFakeTimers();
    const stderr = Object.assign(new PassThrough(), { isTTY: terminal.stderr, columns: 20 });
    const io: Io = {
      environment: {},
      stdin: new PassThrough(),
      stdout: Object.assign(new PassThrough(), { isTTY: terminal.stdout ?? false }),
      stderr,
      signal: new AbortController().signal,
    };
    let works = 0;
    const progress = startProgress(
      io,
      { quiet },
      seconds => `${works} works after ${Math.floor(seconds)} s`
    );
    for (const _ of [1, 2]) {
      works += 500;
      vi.advanceTimersByTime(10_000);
    }
    progress.stop();
    vi.advanceTimersByTime(60_000);
    return String(stderr.read() ?? '');
  }

  test('in a log is one plain line every 10 s', () => {
    expect(watch({ stderr: false })).toBe('500 works after 10 s\n1000 works after 20 s\n');
    expect(watch({ stderr: true, stdout: true })).toBe(watch({ stderr: false }));
  });

  test('on a terminal is one line that changes and goes, cut off where the terminal ends', () => {
    const lines = watch({ stderr: true }).split('\r\u001B[2K');
    expect(lines).toContain('500 works after 3 s');
    expect(lines.at(-2)).toBe('1000 works after 20');
    expect(lines.at(-1)).toBe('');
  });

  test('is left out where it shall be quiet', () => {
    expect(watch({ stderr: false }, true)).toBe('');
    expect(watch({ stderr: true }, true)).toBe('');
  });
});

describe('how far a run is', () => {
  const whole = 'works.ndjson';

  test.each<[number, number, number | undefined, string]>([
    [0, 0, undefined, '0 works'],
    [0, 30, undefined, '0 works'],
    [12_345, 0.9, undefined, '12,345 works'],
    [12_345, 6.5, undefined, '12,345 works, 1,900 a second'],
    [3, 20, undefined, '3 works, 0.15 a second'],
    [0, 0.1, 0, '0 works, 0 % of works.ndjson'],
    [0, 9, 0, '0 works, 0 % of works.ndjson'],
    [1_000, 1.5, 0.5, '1,000 works, 670 a second, 50 % of works.ndjson'],
    [12_000, 6, 0.4, '12,000 works, 2,000 a second, about 9 s left, 40 % of works.ndjson'],
    [1, 2, 0.999_99, '1 works, 0.5 a second, about 1 s left, 99 % of works.ndjson'],
    [10, 10, 0.1, '10 works, 1 a second, about 2 min left, 10 % of works.ndjson'],
    [10, 60, 0.01, '10 works, 0.17 a second, about 1 h 39 min left, 1 % of works.ndjson'],
    [10, 10, 1, '10 works, 1 a second, 100 % of works.ndjson'],
  ])('%d done after %d s, share %j: %s', (done, seconds, share, said) => {
    expect(describeRun({ done, unit: 'works', share, whole }, seconds)).toBe(said);
  });

  test('may be a part of a number', () => {
    expect(describeRun({ done: 5_000, unit: 'IDs added', share: 0.5, whole: 10_000 }, 1)).toBe(
      '5,000 IDs added, 5,000 a second, 50 % of 10,000'
    );
  });

  test.each([
    ['what was read is all done', 40, { items: 40, share: 0.4 }, 0.4],
    ['half of it is still at work', 20, { items: 40, share: 0.4 }, 0.2],
    ['some of it was counted before it was given', 41, { items: 40, share: 0.4 }, 0.4],
    ['nothing was given yet', 0, { items: 0, share: 0.1 }, 0.1],
    ['most is passed over', 3, { share: 0.4 }, 0.4],
    ['nobody knows how much comes', 3, { items: 4, share: undefined }, undefined],
  ])('where %s', (_, done, reading, share) => {
    expect(shareDone(done, reading)).toBe(share);
  });
});

describe('a run on a terminal', () => {
  let folder: TemporaryFolder;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(async () => await folder[Symbol.asyncDispose]());

  const IDENTIFIERS = Array.from({ length: 20_000 }, (_, index) => ({
    source: `Work[sierra-system-number/b${1_000_000 + index}]`,
  }));
  const WORKS = Array.from({ length: 4_000 }, (_, index) => workOf(sierra(`b${1_000 + index}`)));

  /** Runs in this process. What takes its data takes so many lines, and the others when `until` has been said. */
  async function watch(
    args: readonly string[],
    { until, most = 0, input = '' }: { until: RegExp; most?: number; input?: string | Readable }
  ): Promise<string[]> {
    const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 200 });
    let written = '';
    stderr.on('data', chunk => (written += chunk));
    const lines = () => written.split('\r\u001B[2K').map(line => line.split('\n')[0] ?? '');
    const isSaid = Promise.withResolvers<void>();
    let taken = 0;
    const stdout = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _encoding, done) => {
        taken += chunk.toString().split('\n').length - 1;
        if (taken <= most) done();
        else isSaid.promise.then(() => done(), done);
      },
    });
    const io: Io = {
      environment: {},
      stdin: typeof input === 'string' ? Readable.from([Buffer.from(input)]) : input,
      stdout,
      stderr,
      signal: new AbortController().signal,
    };
    const registry = `sqlite:${folder.path('registry.sqlite')}`;
    let hasEnded = false;
    const ended = run([...args, '--registry', registry], io).finally(() => {
      hasEnded = true;
    });
    while (!hasEnded && !lines().some(line => until.test(line))) await sleep(20);
    isSaid.resolve();
    expect(await ended).toBe(0);
    expect(lines()).toContainEqual(expect.stringMatching(until));
    return lines();
  }

  function percentIn(lines: readonly string[], sentence: RegExp): number[] {
    return lines.flatMap(line => sentence.exec(line)?.[1] ?? []).map(Number);
  }

  test.each([
    ['a file', 'ids.ndjson', /^5,000 identifiers, .*\b(\d+) % of ids\.ndjson$/],
    ['a packed file', 'ids.gz', /^5,000 identifiers, .*\b(\d+) % of ids\.gz$/],
  ])('says how much of %s is done, and not how much is read', async (_, name, until) => {
    const text = toLines(IDENTIFIERS);
    const path = await folder.write(name, name.endsWith('.gz') ? gzipSync(text) : text);
    const percent = percentIn(await watch(['assign', '--source', path], { until }), until);
    expect(Math.min(...percent)).toBeGreaterThanOrEqual(22);
    // Packed, these lines are so small that they are read in few pieces.
    expect(Math.max(...percent)).toBeLessThanOrEqual(name.endsWith('.gz') ? 30 : 27);
  });

  test('says how long the rest will take', async () => {
    const until = /^5,000 identifiers, [\d,]+ a second, about (\d+) s left, \d+ % of ids.ndjson$/;
    const path = await folder.write('ids.ndjson', toLines(IDENTIFIERS));
    const seconds = percentIn(await watch(['assign', '--source', path], { until }), until);
    // A quarter is done after 2 s.
    expect(seconds[0]).toBeGreaterThanOrEqual(5);
  });

  test('says how many of the works are done', async () => {
    const until = /^1,000 works, .*\b(\d+) % of works\.ndjson$/;
    const path = await folder.write('works.ndjson', toLines(WORKS));
    const percent = percentIn(await watch(['mint', path], { until, most: 1_000 }), until);
    expect(Math.min(...percent)).toBeGreaterThanOrEqual(22);
    expect(Math.max(...percent)).toBeLessThanOrEqual(27);
  });

  test('that takes a few works out of many says how much it has looked through', async () => {
    const until = /^0 works, .*\b[2-9]\d % of works\.ndjson$/;
    const path = await folder.write('works.ndjson', toLines(Array(10).fill(WORKS).flat()));
    await watch(['mint', path, '--source-identifiers', 'Work[sierra-system-number/b1000]'], {
      until,
    });
  });

  test('says how many of the identifiers of its command line are done', async () => {
    const texts = IDENTIFIERS.slice(0, 8_000).map(({ source }) => source);
    await watch(['assign', ...texts], { until: /^5,000 identifiers, .*\b62 % of 8,000$/ });
  });

  test('says the count and the rate alone where nobody knows the end of a pipe', async () => {
    const until = /^5,000 identifiers, [\d,]+ a second$/;
    const input = toLines(IDENTIFIERS);
    const lines = await watch(['assign', '--source', '-'], { until, input });
    expect(lines.join('')).not.toMatch(/%|left/);
  });

  test('says how many mappings went in', async () => {
    const id = (index: number) => `a2345${'bcdefghjkmnpqrstuvwxyz23456789'.charAt(index % 29)}22`;
    const mappings = IDENTIFIERS.map(({ source }, index) => ({ source, canonicalId: id(index) }));
    const path = await folder.write('known.ndjson', toLines(Array(5).fill(mappings).flat()));
    const until = /^[\d,]+,000 mappings, .*\b(\d+) % of known\.ndjson$/;
    const percent = percentIn(await watch(['import', path], { until }), until);
    expect(percent).toEqual(percent.toSorted((a, b) => a - b));
  });

  test('says how many IDs went into the pool', async () => {
    const args = ['pool', 'top-up', '--target', '400000'];
    const until = /^[1-9]\d?\d?,\d{3} IDs added, .*\b(\d+) % of 400,000$/;
    const percent = percentIn(await watch(args, { until }), until);
    expect(percent).toEqual(percent.toSorted((a, b) => a - b));
  });
});
