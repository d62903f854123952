/** What a workload compares. Both sides do the same work; each call is one measured run. */
export interface Workload extends AsyncDisposable {
  readonly name: string;
  readonly question: string;
  readonly against: string;
  ours(): Promise<void>;
  theirs(): Promise<void>;
}

export interface Comparison {
  readonly name: string;
  readonly question: string;
  readonly against: string;
  readonly pairs: number;
  /** Wall time of ours divided by theirs, pair by pair. */
  readonly ratio: Spread;
  readonly oursMs: Spread;
  readonly theirsMs: Spread;
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Runs both sides in turn after one uncounted pair; which goes first alternates, so that drift cancels out. */
export async function compare(workload: Workload, pairs: number): Promise<Comparison> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let pair = 0; pair <= pairs; pair += 1) {
    const oursFirst = pair % 2 === 0;
    const first = await time(() => (oursFirst ? workload.ours() : workload.theirs()));
    const second = await time(() => (oursFirst ? workload.theirs() : workload.ours()));
    if (pair === 0) continue;
    ours.push(oursFirst ? first : second);
    theirs.push(oursFirst ? second : first);
  }
  const { name, question, against } = workload;
  const ratios = ours.map((ms, index) => ms / (theirs[index] ?? Number.NaN));
  return {
    name,
    question,
    against,
    pairs,
    ratio: spread(ratios),
    oursMs: spread(ours),
    theirsMs: spread(theirs),
  };
}

async function time(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return { min: at(0), median: at(0.5), max: at(1) };
}
