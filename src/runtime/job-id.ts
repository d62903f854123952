import { randomInt } from 'node:crypto';

/** The name of a run that has none: UTC to the second and four random characters, so that no two runs share a report. */
export function newJobId(now = new Date()): string {
  const time = now.toISOString().replace(/[-:]|\..*/g, '');
  const random = randomInt(36 ** 4)
    .toString(36)
    .padStart(4, '0');
  return `${time}-${random}`;
}
