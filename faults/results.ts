import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Figures } from './campaign.ts';

const FILE = fileURLToPath(new URL('results.json', import.meta.url));

/** How far the long form of a campaign is, and what it found. */
export interface Result {
  /** `mysql 9.7.4` */
  readonly server: string;
  readonly seed: number;
  readonly units: number;
  /** The first so many units are done. */
  readonly done: number;
  readonly seconds: number;
  readonly figures: Figures;
  /** Units in which a promise did not hold: none, or this is not the product that it says it is. */
  readonly broken: readonly { readonly unit: number; readonly why: string }[];
  /** The day of the last unit. */
  readonly date: string;
}

/** By campaign and kind of server: `kill-minters on mysql`. */
export type Results = Readonly<Record<string, Result>>;

export function readResults(): Results {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Results;
}

/** Read again before it is written, and without a pause in between: campaigns may run side by side. */
export function keepResult(name: string, result: Result): void {
  const results = { ...readResults(), [name]: result };
  const inOrder = Object.fromEntries(Object.entries(results).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(`${FILE}.new`, `${JSON.stringify(inOrder, null, 2)}\n`);
  renameSync(`${FILE}.new`, FILE);
}

/** Sums, and of `max …` the largest. */
export function addFigures(a: Figures, b: Figures): Figures {
  const sum: Record<string, number> = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const before = sum[name];
    sum[name] =
      before === undefined
        ? value
        : name.startsWith('max ')
          ? Math.max(before, value)
          : before + value;
  }
  return sum;
}
