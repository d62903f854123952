import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import type { LambdaName } from '../../../scripts/build-lambdas.ts';
import { buildLambdas } from '../../../scripts/build-lambdas.ts';
import type { TemporaryFolder } from '../temporary-folder.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const RUNTIME = fileURLToPath(new URL('runtime.ts', import.meta.url));

/** A function's bundles also run on an older Node than the product: this names one for the tests. */
const NODE = process.env['ID_MINTER_TEST_LAMBDA_NODE'] || process.execPath;

/** As long as a function may take, where a test says nothing else. */
const TIMEOUT_MS = 900_000;

/** How an invocation ended. */
export type Invoked =
  | { readonly reply: unknown; readonly error?: undefined }
  /** `errorType` is `Killed` where the process was killed, by its deadline or by the test. */
  | { readonly error: { readonly errorType: string; readonly errorMessage: string } };

/** A function as AWS runs it: a process that asks for invocations, killed where one takes too long. */
export interface TestLambda extends AsyncDisposable {
  /** Invokes it, after the invocation before has ended; a process that is gone is started anew. */
  invoke(event: unknown, options?: { timeoutMs?: number }): Promise<Invoked>;
  /** Kills the process, in the midst of an invocation mostly. */
  kill(): void;
  /** What all its processes printed so far. */
  printed(): string;
  /** How many processes it has had. */
  readonly started: number;
}

/** The zips, unpacked where nothing else of this project can be found; made once a test file. */
export interface LambdaBundles extends AsyncDisposable {
  folderOf(name: LambdaName): string;
  zipOf(name: LambdaName): string;
}

export async function openBundles(names: readonly LambdaName[]): Promise<LambdaBundles> {
  const folder = await temporaryFolder();
  await buildLambdas(folder.path('built'));
  for (const name of names) await unpack(folder, name);
  return {
    folderOf: name => folder.path(name),
    zipOf: name => folder.path(`built/${name}.zip`),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function unpack(folder: TemporaryFolder, name: LambdaName): Promise<void> {
  const files = unzipSync(await readFile(folder.path(`built/${name}.zip`)));
  for (const [path, content] of Object.entries(files)) {
    const target = folder.path(`${name}/${path}`);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
}

/** An invocation on its way. */
interface Pending {
  readonly id: string;
  readonly event: unknown;
  readonly timeoutMs: number;
  readonly end: (invoked: Invoked) => void;
  timer?: NodeJS.Timeout;
}

/** @param environment - all that the function has, beside what Lambda itself sets */
export async function openLambda(
  folder: string,
  environment: Readonly<Record<string, string>>
): Promise<TestLambda> {
  let child: ChildProcess | undefined;
  let pending: Pending | undefined;
  let asking: ServerResponse | undefined;
  let started = 0;
  let printed = '';

  const finish = (invoked: Invoked): void => {
    clearTimeout(pending?.timer);
    const ended = pending;
    pending = undefined;
    ended?.end(invoked);
  };
  const hand = (): void => {
    if (pending === undefined || asking === undefined) return;
    const { id, event, timeoutMs } = pending;
    pending.timer = setTimeout(() => child?.kill('SIGKILL'), timeoutMs);
    asking.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': id,
      'lambda-runtime-deadline-ms': String(Date.now() + timeoutMs),
    });
    asking.end(JSON.stringify(event));
    asking = undefined;
  };
  const server = createServer(async (incoming, outgoing) => {
    const body = await readAll(incoming);
    const path = incoming.url ?? '';
    if (path.endsWith('/invocation/next')) {
      asking = outgoing;
      hand();
      return;
    }
    outgoing.writeHead(202).end('{}');
    if (path.endsWith('/response')) finish({ reply: JSON.parse(body || 'null') });
    else if (path.endsWith('/error')) finish({ error: JSON.parse(body) });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  const start = (): void => {
    started += 1;
    const process = spawn(NODE, [RUNTIME, `${folder}/index.mjs`], {
      cwd: folder,
      env: { ...environment, ...lambdaVariables(folder, port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = process;
    for (const stream of [process.stdout, process.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
      });
    }
    process.once('close', (status, signal) => {
      if (child !== process) return;
      child = undefined;
      asking = undefined;
      const errorMessage = `The process ended with ${signal ?? status}.\n${printed.slice(-2_000)}`;
      finish({ error: { errorType: 'Killed', errorMessage } });
    });
  };

  return {
    invoke: (event, { timeoutMs = TIMEOUT_MS } = {}) =>
      new Promise(resolve => {
        pending = { id: randomUUID(), event, timeoutMs, end: resolve };
        if (child === undefined) start();
        hand();
      }),
    kill: () => void child?.kill('SIGKILL'),
    printed: () => printed,
    get started() {
      return started;
    },
    async [Symbol.asyncDispose]() {
      const running = child;
      if (running) {
        running.kill('SIGKILL');
        if (running.exitCode === null && running.signalCode === null) await once(running, 'close');
      }
      server.closeAllConnections();
      server.close();
    },
  };
}

function lambdaVariables(folder: string, port: number): Record<string, string> {
  return {
    AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
    AWS_LAMBDA_FUNCTION_NAME: 'a-function',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
    LAMBDA_TASK_ROOT: folder,
    _HANDLER: 'index.handler',
    PATH: '/usr/bin:/bin',
    TZ: ':UTC',
  };
}

async function readAll(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
