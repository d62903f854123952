import { cpus } from 'node:os';
import type { Measured, Ratio } from './figures.ts';
import { isKept } from './figures.ts';
import type { Result } from './results.ts';
import type { Ground, Workload } from './workload.ts';

export interface MeasureOptions {
  readonly workloads: readonly Workload[];
  /** `mysql 9.7.4`, or `none` */
  readonly server: string;
  readonly ground: Ground;
  /** Told of each size as soon as it is measured. */
  keep(result: Result): void;
}

/**
 * Measures one workload after the other. One that answers wrong, or fails, is named, and the next one follows.
 *
 * @returns how many failed; no time ever makes a workload fail
 */
export async function measureAll({
  workloads,
  server,
  ground,
  keep,
}: MeasureOptions): Promise<number> {
  let failed = 0;
  for (const workload of workloads) {
    let began = performance.now();
    try {
      for await (const measured of workload.measure(ground)) {
        const seconds = Math.round((performance.now() - began) / 1000);
        ground.say(`${workload.name} on ${server}, ${describe(measured, ground)}, ${seconds} s`);
        keep({
          ...{ workload: workload.name, server, ...measured },
          ...{ node: process.versions.node, cores: cpus().length, seconds },
          date: new Date().toISOString().slice(0, 10),
        });
        began = performance.now();
      }
    } catch (error) {
      failed += 1;
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      ground.say(`FAILED ${workload.name} on ${server}: ${why}`);
    }
  }
  return failed;
}

function describe({ at, figures }: Measured, { isShort }: Ground): string {
  const size = Object.entries(at).map(([name, value]) => `${value.toLocaleString('en')} ${name}`);
  const told = Object.entries(figures).map(
    ([name, figure]) => `${name} ${show(figure)}${isShort ? '' : judge(figure)}`
  );
  return `${[...size, ''].join(', ')}${told.join('; ')}`;
}

function show({ median, low, high }: Ratio): string {
  return `${median.toPrecision(3)} (${low.toPrecision(3)} to ${high.toPrecision(3)})`;
}

/** Of the short form no time is worth anything. */
function judge(figure: Ratio): string {
  const kept = isKept(figure);
  return kept === undefined ? '' : kept ? ', kept' : ', NOT KEPT';
}
