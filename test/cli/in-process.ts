import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/main.ts';
import type { Ended } from '../support/command-line.ts';

/** Runs a command line in this process: where there are many, and each says what it would say by itself. */
export async function runHere(
  args: readonly string[],
  environment: Io['environment'],
  signal: AbortSignal = new AbortController().signal
): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const said = Promise.all([text(stdout), text(stderr)]);
  const status = await run(args, { environment, stdin: Readable.from([]), stdout, stderr, signal });
  stdout.end();
  stderr.end();
  const [out, err] = await said;
  return { status, stdout: out, stderr: err };
}
