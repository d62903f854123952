import { readFileSync } from 'node:fs';

/**
 * The most memory, in KiB, that this process has held. `maxRSS` will not do on Linux: there it is at least what the process
 * held that started this one.
 */
export function peakKib(
  read: (path: string) => string = path => readFileSync(path, 'utf8')
): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(read('/proc/self/status'))?.[1]);
}
