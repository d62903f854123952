import type { Cost, Limit, Measured, Ratio } from './figures.ts';
import { scaleOf } from './figures.ts';
import type { Meter } from './meter.ts';
import { spreadOf } from './statistics.ts';

/** What a program of its own took; the meter sees only this process. */
export interface ChildUse {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** What it held at most, above what Node holds that does nothing. */
  readonly peakMib?: number;
}

/** One run of one side, ready to go. */
export interface Attempt {
  /** What is measured. */
  run(): Promise<ChildUse | undefined>;
  /** @throws WrongAnswer where the run did not do what it should */
  verify(): Promise<void>;
}

/** Makes all that one run needs; this is not measured. */
export type Side = () => Promise<Attempt>;

export interface Pair {
  readonly ours: Cost;
  readonly theirs: Cost;
}

/** A measured program did not do the work: there is nothing to compare. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

/** @throws WrongAnswer */
export function demand(holds: boolean, otherwise: () => string): asserts holds {
  if (!holds) throw new WrongAnswer(otherwise());
}

/**
 * Runs both sides in turn after one uncounted pair; which goes first alternates, so that drift cancels out, and so does the
 * garbage of the run before. It is not collected by force: that makes the engine shrink its heap, and who keeps texts and
 * answers pays for letting it grow again, which in a run that lasts nobody does.
 */
export async function runPairs(
  sides: { readonly ours: Side; readonly theirs: Side },
  pairs: number,
  meter: Meter
): Promise<Pair[]> {
  const counted: Pair[] = [];
  for (let pair = 0; pair <= pairs; pair += 1) {
    const isOursFirst = pair % 2 === 0;
    const first = await runOnce(isOursFirst ? sides.ours : sides.theirs, meter);
    const second = await runOnce(isOursFirst ? sides.theirs : sides.ours, meter);
    if (pair === 0) continue;
    counted.push(isOursFirst ? { ours: first, theirs: second } : { ours: second, theirs: first });
  }
  return counted;
}

export async function runOnce(side: Side, meter: Meter): Promise<Cost> {
  const attempt = await side();
  const before = await meter();
  const began = performance.now();
  const child = await attempt.run();
  const wallMs = performance.now() - began;
  const after = await meter();
  await attempt.verify();
  const { clientCpuMs, ...server } = after.since(before);
  return child === undefined
    ? { wallMs, clientCpuMs, ...server }
    : {
        ...{ wallMs: child.wallMs, clientCpuMs: child.cpuMs, ...server },
        ...(child.peakMib !== undefined && { peakMib: child.peakMib }),
      };
}

/** Ours over theirs, pair by pair. Undefined where one of them could not be measured. */
export function ratioOf(
  pairs: readonly Pair[],
  read: (cost: Cost) => number | undefined,
  limit?: Limit
): Ratio | undefined {
  const ratios = pairs.map(({ ours, theirs }) => (read(ours) ?? Number.NaN) / (read(theirs) ?? 0));
  if (ratios.length === 0 || !ratios.every(Number.isFinite)) return undefined;
  return { ...spreadOf(ratios), ...(limit && { limit }) };
}

export function scaleOfPairs(
  pairs: readonly Pair[],
  ours: string,
  theirs: string
): Measured['scale'] {
  return {
    [ours]: scaleOf(pairs.map(pair => pair.ours)),
    [theirs]: scaleOf(pairs.map(pair => pair.theirs)),
  };
}

export function wallOf({ wallMs }: Cost): number {
  return wallMs;
}

/** Of client and server together; of the client alone where there is no server. */
export function cpuOf({ clientCpuMs, serverCpuMs = 0 }: Cost): number {
  return clientCpuMs + serverCpuMs;
}
