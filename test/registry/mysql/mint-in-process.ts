import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { MintRequest } from '../../../src/domain/registry.ts';
import type { MysqlSettings } from '../../../src/registry/mysql/mysql-settings.ts';

const PROGRAM = fileURLToPath(new URL('minter-process.ts', import.meta.url));

/** Who mints: the product, or the statements of the Python minter. */
export type MinterKind = 'us' | 'original';

/** How a request ended: its canonical ID, and its outcome or error code. */
export type End = readonly [canonicalId: string | undefined, how: string | undefined];

/** What the process is told, in this order: who it is, then any number of the others. */
export type Order =
  | {
      readonly as: MinterKind;
      readonly login: Omit<MysqlSettings, 'password'> & { readonly secret: string };
    }
  | { readonly batch: readonly MintRequest[] }
  | { readonly say: 'vitals' };

/** What it answers, one for each order. */
export type Reply = { readonly ends: readonly End[] } | Vitals | 'ready';

/** How a process fares after a collection of its garbage. */
export interface Vitals {
  /** What JavaScript holds, buffers included. */
  readonly heldBytes: number;
  readonly residentBytes: number;
  /** Files and sockets, where the system counts them. */
  readonly descriptors: number;
}

/** A process that mints what it is told to, and acknowledges each batch when it is committed. */
export interface Minter {
  /** @returns undefined where the process was killed before it answered */
  mint(batch: readonly MintRequest[]): Promise<readonly End[] | undefined>;
  vitals(): Promise<Vitals>;
  /** Resolves when the process is gone and everything that it answered before has been read. */
  kill9(): Promise<void>;
  end(): Promise<void>;
}

/** Ready to mint: its connection is open. */
export async function startMinter(settings: MysqlSettings, as: MinterKind = 'us'): Promise<Minter> {
  const child = fork(PROGRAM, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: ['--expose-gc'],
  });
  const gone = Promise.all([once(child, 'exit'), once(child, 'disconnect')]);
  const { password, ...login } = settings;
  const ready = await ask(child, gone, { as, login: { ...login, secret: await password() } });
  if (ready !== 'ready') throw new Error('A process that shall mint did not come to be.');
  return {
    mint: async batch => {
      const reply = await ask(child, gone, { batch });
      return reply !== undefined && reply !== 'ready' && 'ends' in reply ? reply.ends : undefined;
    },
    vitals: async () => {
      const reply = await ask(child, gone, { say: 'vitals' });
      if (reply === undefined || reply === 'ready' || !('heldBytes' in reply))
        throw new Error('A process that mints does not say how it fares.');
      return reply;
    },
    kill9: async () => {
      child.kill('SIGKILL');
      await gone;
    },
    end: async () => {
      if (child.connected) child.disconnect();
      await gone;
    },
  };
}

/** Mints batches one after the other in a process of its own. */
export async function mintInProcess(
  settings: MysqlSettings,
  batches: readonly (readonly MintRequest[])[],
  as?: MinterKind
): Promise<End[][]> {
  const minter = await startMinter(settings, as);
  const ends: End[][] = [];
  for (const batch of batches) {
    const answered = await minter.mint(batch);
    if (answered === undefined) throw new Error('The process that minted ended by itself.');
    ends.push([...answered]);
  }
  await minter.end();
  return ends;
}

/** @returns undefined where the process ended without an answer */
async function ask(
  child: ChildProcess,
  gone: Promise<unknown>,
  order: Order
): Promise<Reply | undefined> {
  if (!child.connected) return undefined;
  const answer = once(child, 'message') as Promise<[Reply]>;
  // A process that is being killed takes no orders; that it is gone is what counts.
  child.send(order, () => {});
  const [reply] = await Promise.race([answer, gone.then(() => [undefined])]);
  return reply;
}
