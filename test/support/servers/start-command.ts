import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerKind } from './kinds.ts';
import type { FindLauncher, Launch, Launched } from './launcher.ts';
import { launchedProcess } from './launcher.ts';
import { poll, run } from './processes.ts';

/**
 * A command named by the environment: it takes a data folder and options of the server, heeds MYSQL_PORT,
 * prints the server's URL on stdout once it answers, and leaves its process id in DATADIR/mysqld.pid.
 */
export const findStartCommand: FindLauncher = async kind => {
  const variable = startVariable(kind);
  const command = process.env[variable];
  if (!command) return { whyNot: `${variable} names no command that starts one` };
  return {
    chosen: `started by the command in ${variable}`,
    launch: launch => launchByCommand(command, launch),
  };
};

function startVariable(kind: ServerKind): string {
  return `ID_MINTER_TEST_${kind.toUpperCase()}_START`;
}

async function launchByCommand(
  command: string,
  { dataDir, port, extraArgs }: Launch
): Promise<Launched> {
  const printed = await run(command, [dataDir, ...extraArgs], {
    seconds: 180,
    env: { MYSQL_PORT: String(port) },
  });
  // A server answers a moment before it writes the file, which takes longer where much else is going on.
  const pid = await poll('The process id', 30, async () => {
    return Number(await readFile(join(dataDir, 'mysqld.pid'), 'utf8').catch(() => '')) || undefined;
  });
  return launchedProcess(pid, printed.trim(), async () => `Its log is in ${dataDir}.`);
}
