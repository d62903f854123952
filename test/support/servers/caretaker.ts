import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

/** What must not outlive the process that made it. */
export type Kept =
  | `process ${number}`
  | `container ${string}`
  | `volume ${string}`
  | `disk ${string}`
  | `folder ${string}`;

let caretaker: Socket | undefined;

/**
 * Sees to it that a server, its data folder and the like go when this process goes, also when it is interrupted
 * or killed: a second process waits at the other end of a pipe, which closes with us whatever happens.
 */
export function keep(thing: Kept): void {
  caretaker ??= startCaretaker();
  caretaker.write(`+${thing}\n`);
}

/** The thing is gone already; its number or name may belong to another one from now on. */
export function release(thing: Kept): void {
  caretaker?.write(`-${thing}\n`);
}

function startCaretaker(): Socket {
  const program = fileURLToPath(new URL('caretaker-process.ts', import.meta.url));
  const child = spawn(process.execPath, [program], {
    // a process group of its own, so that Ctrl-C reaches us and not it
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const pipe = child.stdin as Socket;
  child.unref();
  pipe.unref();
  return pipe;
}
