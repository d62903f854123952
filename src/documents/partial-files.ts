import { createHash, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Those of this process that are being written; what ends it by `process.exit` takes them along. */
const own = new Set<string>();
process.once('exit', () => {
  for (const partial of own) rmSync(partial, { force: true });
});

/** Process ids mean something on one machine only. Short, as names have a bound. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/**
 * The name under which a file is written until it is complete: beside its place, and telling who writes it,
 * `.out.ndjson.HOST-PROCESS-RANDOM.partial`.
 */
export function namePartial(place: string): string {
  const writer = `${HOST}-${process.pid}-${randomBytes(4).toString('hex')}`;
  return join(dirname(place), `.${basename(place)}.${writer}.partial`);
}

/** To be called when it is made; it goes with the process until it is released. */
export function keepPartial(partial: string): void {
  own.add(partial);
}

export function releasePartial(partial: string): void {
  own.delete(partial);
}

/**
 * Removes what processes of this machine left beside a place when they were killed, so that a run which is said again
 * leaves nothing behind. What another one is writing now stays.
 */
export async function removeOrphans(place: string): Promise<void> {
  const folder = dirname(place);
  const start = `.${basename(place)}.${HOST}-`;
  // A folder in which one may write but not look keeps them: the run itself goes well.
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(start)) continue;
    const pid = /^(\d+)-[0-9a-f]{8}\.partial$/.exec(name.slice(start.length))?.[1];
    if (pid === undefined || isBeingWritten(name, Number(pid))) continue;
    await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
}

/** In a container that starts again, this process may have the id of the one that was killed. */
function isBeingWritten(name: string, pid: number): boolean {
  if (pid === process.pid) return [...own].some(partial => basename(partial) === name);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
