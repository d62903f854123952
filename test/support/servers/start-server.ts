import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RowDataPacket } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import { keep, release } from './caretaker.ts';
import { findDebianPackages } from './debian-packages.ts';
import { findDockerEngine } from './docker-engine.ts';
import { findInstalledBinary } from './installed-binary.ts';
import type { ServerKind } from './kinds.ts';
import { SERVER_NAMES, whyUnfit } from './kinds.ts';
import type { EndHow, FindLauncher, Launched, Launcher } from './launcher.ts';
import { findFreePort, poll } from './processes.ts';
import { findStartCommand } from './start-command.ts';

/** In the order in which they are tried. */
export const LAUNCHER_WAYS: readonly FindLauncher[] = [
  findStartCommand,
  findInstalledBinary,
  findDockerEngine,
  findDebianPackages,
];

export interface StartServerOptions {
  /** that of a server which has ended, to start it again; default: a new one, removed on disposal */
  readonly dataDir?: string;
  /** default: a free one */
  readonly port?: number;
  /** further options of the server program, `--innodb-lock-wait-timeout=1` */
  readonly extraArgs?: readonly string[];
}

/** A server of the test's own. Disposal ends it and removes the data folder that it was given. */
export interface StartedServer extends AsyncDisposable {
  readonly kind: ServerKind;
  readonly version: string;
  /** of the administrator: mysql://root@127.0.0.1:PORT */
  readonly url: string;
  readonly port: number;
  /** undefined where it runs in a container */
  readonly pid: number | undefined;
  readonly dataDir: string;
  /** how it was found */
  readonly chosen: string;
  /** Shuts it down in order. */
  stop(): Promise<void>;
  /** Crashes it. */
  kill9(): Promise<void>;
}

/**
 * Starts a server that the test may kill and start again:
 * `startServer(kind, { dataDir: killed.dataDir, port: killed.port })`.
 *
 * @throws Error where no such server can be had on this machine, naming each way and why it is closed
 */
export async function startServer(
  kind: ServerKind,
  options: StartServerOptions = {}
): Promise<StartedServer> {
  return startWith(await findLauncher(kind), kind, options);
}

/** Starts a server in a way that has been found; see {@link startServer}. */
export async function startWith(
  launcher: Launcher,
  kind: ServerKind,
  options: StartServerOptions = {}
): Promise<StartedServer> {
  const ownFolder = options.dataDir === undefined;
  const dataDir = options.dataDir ?? (await makeDataDir(kind));
  const port = options.port ?? (await findFreePort());
  const extraArgs = options.extraArgs ?? [];
  const launched = await launcher.launch({ kind, dataDir, port, extraArgs });
  const version = await waitUntilItAnswers(launched);
  const why = whyUnfit(kind, version);
  if (why !== undefined) {
    await launched.end('at once');
    throw new Error(`The server ${launcher.chosen} ${why}.`);
  }
  let ended = false;
  const end = async (how: EndHow) => {
    if (!ended) await launched.end(how);
    ended = true;
  };
  const { url, pid } = launched;
  return {
    ...{ kind, version, url, port, pid, dataDir, chosen: launcher.chosen },
    stop: () => end('cleanly'),
    kill9: () => end('at once'),
    async [Symbol.asyncDispose]() {
      await end('at once');
      if (ownFolder) {
        await launched.forget?.();
        await removeDataDir(dataDir);
      }
    },
  };
}

async function findLauncher(kind: ServerKind): Promise<Launcher> {
  const reasons: string[] = [];
  for (const find of LAUNCHER_WAYS) {
    const found = await find(kind);
    if (!('whyNot' in found)) return found;
    reasons.push(found.whyNot);
  }
  throw new Error(`No ${SERVER_NAMES[kind]} server can be started here: ${reasons.join('; ')}.`);
}

/** The folder lies in one of ours, so that what a start command writes beside it goes with it. */
async function makeDataDir(kind: ServerKind): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `id-minter-${kind}-`));
  keep(`folder ${folder}`);
  return join(folder, 'data');
}

async function removeDataDir(dataDir: string): Promise<void> {
  const folder = dirname(dataDir);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  release(`folder ${folder}`);
}

async function waitUntilItAnswers(launched: Launched): Promise<string> {
  let last: unknown;
  try {
    return await poll('The first answer of the server', 120, async () => {
      try {
        return await readServerVersion(launched.url);
      } catch (error) {
        last = error;
        if (!(await launched.isRunning())) throw new Error('The server ended by itself.');
        return undefined;
      }
    });
  } catch (error) {
    const log = await launched.log().catch(() => 'There is no log.');
    await launched.end('at once').catch(() => {});
    throw new Error(`${error instanceof Error ? error.message : error}\n${log}`, { cause: last });
  }
}

/** @returns `8.0.36`, `10.11.19-MariaDB-0+deb12u1` */
export async function readServerVersion(url: string): Promise<string> {
  const connection = await createConnection({ uri: url, connectTimeout: 5000 });
  try {
    const [rows] = await connection.query<RowDataPacket[]>('SELECT VERSION() AS version');
    return String(rows[0]?.['version']);
  } finally {
    await connection.end();
  }
}
