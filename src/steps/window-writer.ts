import type { MintedWork, WorkTarget } from '../domain/documents.ts';
import { TargetBroken } from '../domain/documents.ts';
import type { EmbeddedWork } from './embedded-works.ts';
import { nameOf } from './embedded-works.ts';
import type { Told } from './tell-works.ts';
import { fail } from './tell-works.ts';

interface WindowWriterOptions extends Told {
  readonly target: WorkTarget;
}

/** Writes windows, as many at a time as the target takes, and tells in their order what became of each. */
export class WindowWriter {
  readonly #options: WindowWriterOptions;
  readonly #underWay: Promise<void>[] = [];

  constructor(options: WindowWriterOptions) {
    this.#options = options;
  }

  /** Resolves when there is room for another window. */
  async write(works: readonly EmbeddedWork[]): Promise<void> {
    const { target } = this.#options;
    const before = this.#underWay.at(-1);
    const ended = tellWritten(works, { writing: writeAll(target, works), before }, this.#options);
    // Met when it is waited for.
    ended.catch(() => {});
    this.#underWay.push(ended);
    while (this.#underWay.length >= (target.writesAtOnce ?? 1)) await this.#next();
  }

  async end(): Promise<void> {
    while (this.#underWay.length > 0) await this.#next();
  }

  /** Waits for what is under way, also where the run fails: each document that is written has to be told. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #next(): Promise<void> {
    await this.#underWay[0];
    this.#underWay.shift();
  }
}

async function tellWritten(
  works: readonly EmbeddedWork[],
  { writing, before }: { writing: Promise<Written>; before: Promise<void> | undefined },
  options: Told
): Promise<void> {
  const { report, tally } = options;
  const { refused, unknown, failure } = await writing;
  // What it fails with is for its own caller.
  await before?.catch(() => {});
  const written = works.filter((_, index) => !refused.has(index) && !unknown.has(index));
  for (const [index, error] of refused) {
    const work = works[index];
    if (!work) continue;
    for (const lost of [work, ...work.standingBack]) {
      await fail({ row: nameOf(lost), place: lost.place }, { stage: 'index', error }, options);
    }
  }
  for (const work of written) tally.works.succeeded += 1 + work.standingBack.length;
  await report.succeeded(written.map(({ canonicalId }) => canonicalId));
  if (failure === undefined) return;
  const unconfirmed = works.filter((_, index) => unknown.has(index));
  await report.unconfirmed?.(unconfirmed.map(({ canonicalId }) => canonicalId));
  throw failure;
}

interface Written {
  readonly refused: TargetBroken['refused'];
  readonly unknown: TargetBroken['unknown'];
  /** Set where the target as a whole failed. */
  readonly failure?: unknown;
}

async function writeAll(target: WorkTarget, works: readonly MintedWork[]): Promise<Written> {
  try {
    return { refused: await target.write(works), unknown: new Set() };
  } catch (error) {
    if (!(error instanceof TargetBroken)) {
      return { refused: new Map(), unknown: new Set(works.keys()), failure: error };
    }
    const { refused, unknown, cause } = error;
    return { refused, unknown, failure: cause };
  }
}
