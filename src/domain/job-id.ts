/**
 * Names a run: UTC to the second and four random characters, so that no two runs share a report or a folder.
 *
 * @param randomInt - gives a whole number in 0 ≤ n < limit
 * @returns `20260820T031500-k3x9`
 */
export function newJobId(now: Date, randomInt: (limit: number) => number): string {
  const time = now.toISOString().replace(/[-:]|\..*/g, '');
  const random = randomInt(36 ** 4)
    .toString(36)
    .padStart(4, '0');
  return `${time}-${random}`;
}
