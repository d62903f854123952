import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Measured } from './figures.ts';

const FILE = fileURLToPath(new URL('results.json', import.meta.url));

/** A workload at one size, as it was measured last. */
export interface Result extends Measured {
  readonly workload: string;
  /** `mysql 9.7.4`; `none` where it needs none. */
  readonly server: string;
  readonly node: string;
  readonly cores: number;
  /** Of all runs, what was made for them included. */
  readonly seconds: number;
  readonly date: string;
}

export function readResults(): Result[] {
  return Object.values(JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Result>);
}

/** In the place of what was measured of the same workload, kind of server and size before. */
export function keepResult(result: Result): void {
  const results = new Map(readResults().map(kept => [keyOf(kept), kept]));
  results.set(keyOf(result), result);
  const inOrder = Object.fromEntries([...results].sort(([a], [b]) => compareNames(a, b)));
  writeFileSync(`${FILE}.new`, `${JSON.stringify(inOrder, shorten, 2)}\n`);
  renameSync(`${FILE}.new`, FILE);
}

function keyOf({ workload, server, at }: Result): string {
  const size = Object.entries(at).map(([name, value]) => `${name} ${value}`);
  return [`${workload} on ${server.split(' ')[0]}`, ...size].join(', ');
}

function compareNames(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** Four digits are more than the machine is worth. */
function shorten(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value)
    ? Number(value.toPrecision(4))
    : value;
}
