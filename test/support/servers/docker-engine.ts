import { createHash } from 'node:crypto';
import { keep, release } from './caretaker.ts';
import type { ServerKind } from './kinds.ts';
import type { FindLauncher, Launch, Launched } from './launcher.ts';
import { TEST_ARGS } from './launcher.ts';
import { run } from './processes.ts';

const IMAGES: Record<ServerKind, string> = { mysql: 'mysql:8.0', mariadb: 'mariadb:10.11' };

/** A container, where a Docker engine answers. */
export const findDockerEngine: FindLauncher = async kind => {
  if (!(await answersDocker())) return { whyNot: 'no Docker engine answers' };
  return { chosen: `the image ${IMAGES[kind]} in Docker`, launch: launchContainer };
};

/** Asks the engine: a `docker` program without one is common. */
export async function answersDocker(): Promise<boolean> {
  const asked = run('docker', ['info', '--format', '{{.ServerVersion}}'], { seconds: 10 });
  return /^\d/.test(await asked.catch(() => ''));
}

async function launchContainer({ kind, dataDir, port, extraArgs }: Launch): Promise<Launched> {
  // The server's user in the container could not write to a folder of ours: a volume stands in for it.
  const volume = `id-minter-test-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;
  const container = `${volume}-${port}`;
  keep(`volume ${volume}`);
  keep(`container ${container}`);
  const args = [
    ...['run', '--detach', '--name', container],
    ...['--publish', `127.0.0.1:${port}:3306`, '--volume', `${volume}:/var/lib/mysql`],
    ...['--env', 'MYSQL_ALLOW_EMPTY_PASSWORD=yes', '--env', 'MYSQL_ROOT_HOST=%'],
    IMAGES[kind],
    ...TEST_ARGS[kind],
    ...extraArgs,
  ];
  await run('docker', args, { seconds: 600 });
  const docker = (...words: string[]) => run('docker', words, { seconds: 60 });
  return {
    url: `mysql://root@127.0.0.1:${port}`,
    pid: undefined,
    isRunning: async () =>
      (await docker('ps', '--quiet', '--filter', `name=^${container}$`)).trim() !== '',
    log: () => docker('logs', '--tail', '20', container),
    async end(how) {
      if (how === 'cleanly') await docker('stop', '-t', '30', container);
      await docker('rm', '--force', container);
      release(`container ${container}`);
    },
    async forget() {
      await docker('volume', 'rm', '--force', volume);
      release(`volume ${volume}`);
    },
  };
}
