import type { ExecFileOptions } from 'node:child_process';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);

/**
 * Runs a program to its end.
 *
 * @returns what it wrote on stdout
 * @throws Error with what it wrote where it fails or takes longer than `seconds`
 */
export async function run(
  program: string,
  args: readonly string[],
  { seconds, env }: { seconds: number; env?: NodeJS.ProcessEnv }
): Promise<string> {
  const options: ExecFileOptions = {
    timeout: seconds * 1000,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...env },
  };
  try {
    return (await execFileAsync(program, args, { ...options, encoding: 'utf8' })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & Record<string, string>;
    throw new Error(`${message.trim()}\n${stdout}${stderr}`.slice(0, 4000), { cause: error });
  }
}

/** Asks until the answer is there, at first often. */
export async function poll<Answer>(
  what: string,
  seconds: number,
  ask: () => Promise<Answer | undefined>
): Promise<Answer> {
  const deadline = Date.now() + seconds * 1000;
  for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.5, 500)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`${what} took longer than ${seconds} s.`);
    await sleep(pauseMs);
  }
}

/**
 * Whether the process still holds anything. One that has ended and waits for its parent to notice does not,
 * but its threads may outlive that moment, and a server's port with them.
 */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    // proc(5): after the name in parentheses come the state and, as the 18th field from there, the threads
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1) ?? '';
    const fields = stat.trim().split(' ');
    return fields[0] !== 'Z' || Number(fields[17]) > 1;
  } catch {
    return false;
  }
}

/** A port of the loopback that nobody uses at this moment. */
export async function findFreePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    server.close(() => resolve(port));
  });
  return promise;
}
