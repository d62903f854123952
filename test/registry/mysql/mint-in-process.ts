import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { MintRequest } from '../../../src/domain/registry.ts';
import type { MysqlSettings } from '../../../src/registry/mysql/mysql-settings.ts';

const PROGRAM = fileURLToPath(new URL('minter-process.ts', import.meta.url));

/** How a request ended: its canonical ID, and its outcome or error code. */
export type End = readonly [canonicalId: string | undefined, how: string | undefined];

export interface Job {
  readonly as: 'us' | 'original';
  readonly login: Omit<MysqlSettings, 'password'> & { readonly secret: string };
  readonly batches: readonly (readonly MintRequest[])[];
}

/** Mints batches one after the other in a process of its own. */
export async function mintInProcess(
  settings: MysqlSettings,
  batches: Job['batches'],
  as: Job['as'] = 'us'
): Promise<End[][]> {
  const child = fork(PROGRAM, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  const { password, ...login } = settings;
  const job: Job = { as, login: { ...login, secret: await password() }, batches };
  child.send(job);
  const ended = once(child, 'exit').then(([status]) => {
    if (status !== 0) throw new Error(`The process that minted ended with ${status}.`);
  });
  const [answers] = (await Promise.race([once(child, 'message'), ended])) as [End[][]];
  await ended;
  return answers;
}
