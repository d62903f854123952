import { existsSync } from 'node:fs';
import { findInstalledBinary } from './installed-binary.ts';
import type { ServerKind } from './kinds.ts';
import type { FindLauncher } from './launcher.ts';
import { run } from './processes.ts';

/** Only the programs: nothing is configured, and no service starts by itself. */
const DEBIAN_PACKAGES: Record<ServerKind, readonly string[]> = {
  mysql: ['mysql-server-core-8.0'],
  // what makes a data folder needs a program that lies with the clients
  mariadb: ['mariadb-server-core', 'mariadb-client-core'],
};

/** On Debian and its like, as root: the packages of the distribution, which stay installed. */
export const findDebianPackages: FindLauncher = async kind => {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    return { whyNot: 'this is not Debian or Ubuntu as root, where packages could be installed' };
  }
  const packages = DEBIAN_PACKAGES[kind];
  try {
    // a new machine knows no package before its first update
    await install(packages, ['--simulate']).catch(async () => {
      await aptGet(['update']);
      await install(packages, ['--simulate']);
    });
    console.log(`Installing ${packages.join(' and ')} with apt-get…`);
    await install(packages);
  } catch (error) {
    return { whyNot: `apt-get could not install ${packages.join(' and ')} (${reason(error)})` };
  }
  const installed = await findInstalledBinary(kind);
  if ('whyNot' in installed) return installed;
  return { ...installed, chosen: `${installed.chosen}, installed by apt-get` };
};

async function install(packages: readonly string[], options: string[] = []): Promise<void> {
  await aptGet(['install', '--yes', '--no-install-recommends', ...options, ...packages]);
}

async function aptGet(args: readonly string[]): Promise<void> {
  await run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', '--quiet', ...args], {
    seconds: 300,
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
}

function reason(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).split('\n');
  return lines.find(line => line.startsWith('E:')) ?? lines[0] ?? '';
}
