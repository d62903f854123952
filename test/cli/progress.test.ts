import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { startProgress } from '../../src/cli/progress.ts';

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
    const progress = startProgress(io, { quiet }, () => `${works} works`);
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

  test('on a terminal is one line that changes and goes', () => {
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
