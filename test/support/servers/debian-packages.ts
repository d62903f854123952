import { existsSync } from 'node:fs';
import { findInstalledBinary } from './installed-binary.ts';
import type { ServerKind } from './kinds.ts';
import type { FindLauncher } from './launcher.ts';
import { run } from './processes.ts';

/** Only the server programs: nothing is configured, and no service starts by itself. */
const PACKAGES: Record<ServerKind, string> = {
  mysql: 'mysql-server-core-8.0',
  mariadb: 'mariadb-server-core',
};

/** On Debian and its like, as root: the packages of the distribution, which stay installed. */
export const findDebianPackages: FindLauncher = async kind => {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    return { whyNot: 'this is not Debian or Ubuntu as root, where packages could be installed' };
  }
  const name = PACKAGES[kind];
  console.log(`Installing the package ${name} with apt-get…`);
  try {
    // a new machine knows no package before its first update
    await install(name).catch(async () => {
      await aptGet('update');
      await install(name);
    });
  } catch (error) {
    return { whyNot: `apt-get could not install ${name} (${reason(error)})` };
  }
  const installed = await findInstalledBinary(kind);
  if ('whyNot' in installed) return installed;
  return { ...installed, chosen: `${installed.chosen}, after apt-get install ${name}` };
};

async function install(name: string): Promise<void> {
  await aptGet('install', '--yes', '--no-install-recommends', name);
}

async function aptGet(...args: string[]): Promise<void> {
  await run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', '--quiet', ...args], {
    seconds: 300,
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
}

function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n').find(line => line.startsWith('E:')) ?? text.split('\n')[0] ?? '';
}
