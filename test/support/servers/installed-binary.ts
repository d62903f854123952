import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { ServerKind } from './kinds.ts';
import { SERVER_NAMES, whyUnfit } from './kinds.ts';
import type { FindLauncher, Launch, Launched } from './launcher.ts';
import { launchedProcess, TEST_ARGS } from './launcher.ts';
import { run } from './processes.ts';

const EXE = process.platform === 'win32' ? '.exe' : '';
const PROGRAMS: Record<ServerKind, readonly string[]> = {
  mysql: ['mysqld'],
  mariadb: ['mariadbd', 'mysqld'],
};

/** Where servers are installed without being on the PATH; a star stands for any folder. */
const FOLDERS = [
  '/usr/sbin',
  '/usr/libexec',
  '/usr/local/sbin',
  '/usr/local/mysql/bin',
  'C:/Program Files/MySQL/*/bin',
  'C:/Program Files/*/bin',
];

/** A server program installed on this machine, run as an instance of our own: own folder, port and socket. */
export const findInstalledBinary: FindLauncher = async kind => {
  const unfit: string[] = [];
  for (const folder of await programFolders()) {
    for (const program of PROGRAMS[kind].map(name => join(folder, name + EXE))) {
      if (!existsSync(program)) continue;
      const version = await readVersion(program);
      const why = whyUnfit(kind, version);
      if (why !== undefined) unfit.push(`${program} ${why}`);
      else
        return { chosen: `${program}, as an instance of our own`, launch: launchProgram(program) };
    }
  }
  const found = unfit.length > 0 ? unfit.join('; ') : 'no such program';
  return { whyNot: `no ${SERVER_NAMES[kind]} server is installed (${found})` };
};

async function programFolders(): Promise<string[]> {
  const fromPath = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  // Homebrew links what it keeps apart into `opt`, beside the folder of its own program.
  const ofHomebrew = fromPath
    .filter(folder => existsSync(join(folder, 'brew')))
    .map(folder => join(dirname(folder), 'opt', '*', 'bin'));
  const others = await Promise.all([...FOLDERS, ...ofHomebrew].map(expandStar));
  return [...new Set([...fromPath, ...others.flat()])];
}

async function expandStar(pattern: string): Promise<string[]> {
  const [before, after] = pattern.split('*');
  if (before === undefined || after === undefined) return [pattern];
  const names = await readdir(before).catch(() => []);
  return names
    .filter(name => /mysql|mariadb/i.test(name) || /mysql/i.test(before))
    .map(name => before + name + after);
}

/** `mysqld  Ver 8.0.36 for Linux …` → `8.0.36` */
async function readVersion(program: string): Promise<string> {
  const printed = await run(program, ['--no-defaults', '--version'], { seconds: 20 }).catch(
    (error: Error) => error.message
  );
  return /Ver (\S+)/.exec(printed)?.[1] ?? printed.trim();
}

function launchProgram(program: string) {
  return async (launch: Launch): Promise<Launched> => {
    const { kind, dataDir, port, extraArgs } = launch;
    // both refuse to run as root unless they are told to
    const user = process.getuid?.() === 0 ? ['--user=root'] : [];
    if (!existsSync(join(dataDir, 'mysql'))) await initialise(kind, program, dataDir, user);

    const logFile = join(dataDir, 'server.log');
    const log = await open(logFile, 'a');
    const socket = process.platform === 'win32' ? [] : [`--socket=${join(dataDir, 'server.sock')}`];
    const ownX = kind === 'mysql' ? ['--mysqlx=OFF'] : [];
    const args = [
      '--no-defaults',
      `--datadir=${dataDir}`,
      `--tmpdir=${dirname(dataDir)}`,
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      `--pid-file=${join(dataDir, 'mysqld.pid')}`,
      ...socket,
      ...user,
      ...ownX,
      ...TEST_ARGS[kind],
      ...extraArgs,
    ];
    const child = spawn(program, args, { detached: true, stdio: ['ignore', log.fd, log.fd] });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child.pid ?? 0));
    });
    child.unref();
    await log.close();
    const readLog = async () => (await readFile(logFile, 'utf8')).slice(-2000);
    return launchedProcess(pid, `mysql://root@127.0.0.1:${port}`, readLog);
  };
}

async function initialise(
  kind: ServerKind,
  program: string,
  dataDir: string,
  user: readonly string[]
): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  if (kind === 'mysql') {
    const args = ['--no-defaults', '--initialize-insecure', `--datadir=${dataDir}`, ...user];
    await run(program, args, { seconds: 180 });
    return;
  }
  const installer = await findMariadbInstaller(program);
  const args =
    process.platform === 'win32'
      ? [`--datadir=${dataDir}`]
      : [
          '--no-defaults',
          `--datadir=${dataDir}`,
          // MariaDB clears this folder of temporary tables when it starts, also of those of a server beside it.
          `--tmpdir=${dirname(dataDir)}`,
          '--auth-root-authentication-method=normal',
          '--skip-test-db',
          ...user,
        ];
  await run(installer, args, { seconds: 180 });
}

/** It stands beside the server or in the `bin` or `scripts` next to it. */
async function findMariadbInstaller(program: string): Promise<string> {
  const folder = dirname(await realpath(program));
  const folders = [dirname(program), folder, join(folder, '../bin'), join(folder, '../scripts')];
  const candidates = folders.flatMap(place => [
    join(place, `mariadb-install-db${EXE}`),
    join(place, `mysql_install_db${EXE}`),
  ]);
  const installer = candidates.find(existsSync);
  if (installer === undefined) {
    throw new Error(
      `${program} is there, but none of ${candidates.join(', ')}, which makes its data folder.`
    );
  }
  return installer;
}
