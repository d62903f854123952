// Started by caretaker.ts. Reads `+thing` and `-thing` lines; when its owner has gone, however it went, it ends
// and removes what is left. It must not depend on anything that could fail with the owner.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from './processes.ts';

const things = new Set<string>();
for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith('+')) things.add(line.slice(1));
  else things.delete(line.slice(1));
}
for (const what of ['process', 'container', 'volume', 'disk', 'folder']) {
  for (const thing of things) {
    const [kind, name = ''] = splitOnce(thing);
    if (kind === what) await remove(kind, name).catch(() => {});
  }
}

async function remove(kind: string, name: string): Promise<void> {
  switch (kind) {
    case 'process':
      process.kill(Number(name), 'SIGKILL');
      for (let tries = 0; tries < 100 && isRunning(Number(name)); tries++) await sleep(50);
      break;
    case 'container':
      execFileSync('docker', ['rm', '--force', name], { stdio: 'ignore', timeout: 30_000 });
      break;
    case 'volume':
      execFileSync('docker', ['volume', 'rm', '--force', name], {
        stdio: 'ignore',
        timeout: 30_000,
      });
      break;
    case 'disk':
      execFileSync('umount', ['-l', name], { stdio: 'ignore', timeout: 30_000 });
      break;
    case 'folder':
      rmSync(name, { recursive: true, force: true, maxRetries: 5 });
      break;
  }
}

function splitOnce(thing: string): [string, string] {
  const space = thing.indexOf(' ');
  return [thing.slice(0, space), thing.slice(space + 1)];
}
