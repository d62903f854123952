import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const PROGRAM = fileURLToPath(new URL('../../bin/id-minter.js', import.meta.url));
/** What Node compiled is kept for the next command: each starts in half the time, and there are hundreds. */
const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url));

/** How a command ended and what it said. */
export interface Ended {
  /** The exit status; null where a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** What stands in standard input; a pipe that is empty where it is not given. */
  readonly input?: string | Uint8Array | undefined;
  /** Variables beside those without which no program runs. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Options of Node itself, before the program. */
  readonly node?: readonly string[];
  /** An open file in the place of standard output. */
  readonly output?: number | 'pipe';
}

/** A command that runs, for those that are stopped or fed in mid-run. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when standard error holds what is waited for. */
  says(what: RegExp): Promise<void>;
}

/** A folder of a test's own in which it runs the command line as a user does. Disposal removes it. */
export interface Desk extends AsyncDisposable {
  /** Where commands are run. */
  readonly folder: string;
  path(name: string): string;
  write(name: string, content: string | Uint8Array): Promise<string>;
  read(name: string): Promise<string>;
  /** The names in the folder, in order. */
  list(): Promise<string[]>;
  /** The names that commands left in the folder for temporary files. */
  leftovers(): Promise<string[]>;
  /** Variables that every command gets from here on. */
  environment: Readonly<Record<string, string>>;
  /**
   * Runs one command line to its end.
   *
   * @throws Error where it shows a stack that nobody asked for, a warning of Node, or a secret of its environment
   */
  run(args: readonly string[], options?: CommandOptions): Promise<Ended>;
  start(args: readonly string[], options?: CommandOptions): Running;
  /** Runs a line as a shell does, in the same surroundings. */
  shell(line: string): Promise<Ended>;
  startShell(line: string, options?: CommandOptions): Running;
}

export async function openDesk(): Promise<Desk> {
  const root = await mkdtemp(join(tmpdir(), 'id-minter-desk-'));
  const folder = join(root, 'desk');
  const temporary = join(root, 'temporary');
  for (const path of [folder, temporary]) mkdirSync(path);
  const running = new Set<ChildProcess>();
  const path = (name: string) => join(folder, name);
  const launch = (
    program: string,
    args: readonly string[],
    { environment, output = 'pipe' }: CommandOptions = {}
  ): Running => {
    const given = { ...desk.environment, ...environment };
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...bareEnvironment(temporary), ...given },
      stdio: ['pipe', output, 'pipe'],
    });
    running.add(child);
    // A program that ends without reading all of its input is no fault of the test.
    child.stdin?.on('error', () => undefined);
    return {
      child,
      ended: end(child, secretsIn(given)).finally(() => running.delete(child)),
      says: what => waitFor(child, what),
    };
  };
  const desk: Desk = {
    folder,
    environment: {},
    path,
    write: async (name, content) => {
      await writeFile(path(name), content);
      return path(name);
    },
    read: name => readFile(path(name), 'utf8'),
    list: async () => (await readdir(folder)).sort(),
    leftovers: () => readdir(temporary),
    run: async (args, options = {}) => {
      const { child, ended } = desk.start(args, options);
      child.stdin?.end(options.input);
      const result = await ended;
      refuseStack(args, result);
      return result;
    },
    start: (args, options = {}) =>
      launch(process.execPath, [...(options.node ?? []), PROGRAM, ...args], options),
    shell: async line => {
      const { child, ended } = desk.startShell(line);
      child.stdin?.end();
      return await ended;
    },
    startShell: (line, options) =>
      launch(process.platform === 'win32' ? 'bash' : 'sh', ['-c', line], options),
    async [Symbol.asyncDispose]() {
      for (const child of running) child.kill('SIGKILL');
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return desk;
}

/** What a shell has that was just opened: no setting of this machine reaches the program. */
function bareEnvironment(temporary: string): Record<string, string> {
  const kept = ['PATH', 'SystemRoot', 'WINDIR', 'COMSPEC', 'PATHEXT'];
  return {
    ...Object.fromEntries(
      kept.flatMap(name => {
        const value = process.env[name];
        return value === undefined ? [] : [[name, value]];
      })
    ),
    HOME: temporary,
    USERPROFILE: temporary,
    TMPDIR: temporary,
    TEMP: temporary,
    TMP: temporary,
    NODE_COMPILE_CACHE: COMPILED,
  };
}

async function end(child: ChildProcess, secrets: readonly string[]): Promise<Ended> {
  const output = gather(child.stdout);
  const errors = gather(child.stderr);
  const [status] = await once(child, 'close');
  const [stdout, stderr] = [output(), errors()];
  for (const secret of secrets) {
    if (stdout.includes(secret) || stderr.includes(secret)) {
      throw new Error(`The command shows the secret ${secret}:\n${stdout}\n${stderr}`);
    }
  }
  return { status, stdout, stderr };
}

/** @returns what came so far, also of a stream that the test destroyed */
function gather(stream: Readable | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', chunk => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}

async function waitFor(child: ChildProcess, what: RegExp): Promise<void> {
  const said = gather(child.stderr);
  const deadline = Date.now() + 20_000;
  while (!what.test(said())) {
    if (child.exitCode !== null) throw new Error(`The command ended without ${what}:\n${said()}`);
    if (Date.now() > deadline) throw new Error(`The command never said ${what}:\n${said()}`);
    await sleep(5);
  }
}

function secretsIn(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment)
    .filter(([name, value]) => /PASSWORD|SECRET|KEY|TOKEN/.test(name) && value.length > 7)
    .map(([, value]) => value);
}

function refuseStack(args: readonly string[], { stdout, stderr }: Ended): void {
  if (args.includes('--debug') || !/^\s+at .*[:(]|^\(node:\d+\)/m.test(stdout + stderr)) return;
  throw new Error(
    `The command shows a stack without --debug, or a warning of Node:\n${stdout}\n${stderr}`
  );
}
