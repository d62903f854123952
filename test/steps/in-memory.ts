import { WaitingFile } from '../../src/documents/waiting-file.ts';
import type { CanonicalId } from '../../src/domain/canonical-id.ts';
import type {
  MintedWork,
  SourceWork,
  UnreadableWork,
  WorkSource,
  WorkTarget,
} from '../../src/domain/documents.ts';
import type { IdMinterError, Warning } from '../../src/domain/errors.ts';
import type { Identified } from '../../src/domain/identified-work.ts';
import { identifyText } from '../../src/domain/identified-work.ts';
import { readAsWritten } from '../../src/domain/json-tree.ts';
import type { MintAnswer, Registry } from '../../src/domain/registry.ts';
import type { RunError, RunReport } from '../../src/domain/run-report.ts';
import { RunTally } from '../../src/domain/run-report.ts';
import { unwrapWork } from '../../src/domain/work-wrapper.ts';
import type { MintWorksOptions, WaitingWork } from '../../src/steps/mint-works.ts';
import { mintWorks } from '../../src/steps/mint-works.ts';
import { STORES } from '../support/stores.ts';

/** The registry that the steps are tested on: what they do is the same on each. */
export function sqliteStore() {
  const store = STORES.find(({ dialect }) => dialect === 'sqlite');
  if (!store) throw new Error('There is always SQLite.');
  return store;
}

/** A source of documents, or of works that are no bare documents, and whether it was closed. */
export interface SourceInMemory<Work> extends WorkSource<Work> {
  readonly isClosed: boolean;
  /** Works that were asked for so far. */
  readonly given: number;
}

export function sourceOf<Work = SourceWork | UnreadableWork | Identified>(
  works: Iterable<Work>,
  fault?: IdMinterError
): SourceInMemory<Work> {
  let isClosed = false;
  let given = 0;
  return {
    name: 'works in memory',
    async *works() {
      try {
        for (const work of works) {
          given += 1;
          yield work;
        }
        if (fault) throw fault;
      } finally {
        isClosed = true;
      }
    },
    get isClosed() {
      return isClosed;
    },
    get given() {
      return given;
    },
  };
}

/** Bare documents one a line, in turn as a file holds them and as callers give them. */
export function* lines(documents: Iterable<unknown>): Generator<SourceWork | Identified> {
  let number = 0;
  for (const document of documents) {
    number += 1;
    const place = `line ${number}`;
    const text = { json: Buffer.from(JSON.stringify(document) ?? 'null') };
    if (number % 2 === 0) yield { place, document };
    else yield identifyText(place, text) ?? { place, document, text };
  }
}

/** A work as it was written, read again. */
export type WrittenWork = MintedWork & Pick<SourceWork, 'document' | 'wrapper'>;

/** A target that refuses what it is told to. */
export class TargetInMemory implements WorkTarget {
  readonly name = 'memory';
  readonly works: WrittenWork[] = [];
  readonly #refusals: ReadonlyMap<CanonicalId, IdMinterError>;

  constructor(refusals: ReadonlyMap<CanonicalId, IdMinterError> = new Map()) {
    this.#refusals = refusals;
  }

  async write(works: readonly MintedWork[]): Promise<Map<number, IdMinterError>> {
    const refused = new Map<number, IdMinterError>();
    for (const [index, work] of works.entries()) {
      const refusal = this.#refusals.get(work.canonicalId);
      if (refusal) refused.set(index, refusal);
      else this.works.push({ ...work, ...unwrapWork(contentOf(work)) });
    }
    return refused;
  }

  async complete(): Promise<void> {}

  async discard(): Promise<void> {}
}

function contentOf({ content }: MintedWork): unknown {
  return 'json' in content ? readAsWritten(Buffer.from(content.json).toString()) : content.value;
}

export class ReportInMemory implements RunReport {
  readonly ids: CanonicalId[] = [];
  readonly errors: RunError[] = [];
  readonly outcomes: MintAnswer[] = [];
  readonly warnings: Warning[] = [];

  async succeeded(ids: readonly CanonicalId[]): Promise<void> {
    this.ids.push(...ids);
  }

  async failed(error: RunError): Promise<void> {
    this.errors.push(error);
  }

  async answered(answer: MintAnswer): Promise<void> {
    this.outcomes.push(answer);
  }

  async warned(warning: Warning): Promise<void> {
    this.warnings.push(warning);
  }
}

export interface Run {
  readonly target: TargetInMemory;
  readonly report: ReportInMemory;
  readonly tally: RunTally;
  /** Rejects as the step does. */
  readonly ended: Promise<void>;
}

export type RunOptions = Partial<Pick<MintWorksOptions, 'batchSize' | 'concurrency' | 'signal'>> & {
  readonly target?: TargetInMemory;
};

/** Mints works, or bare documents, in batches of two where nothing else is said. */
export function run(
  registry: Registry,
  works: Iterable<unknown> | MintWorksOptions['source'],
  { target = new TargetInMemory(), batchSize = 2, concurrency = 1, ...options }: RunOptions = {}
): Run {
  const source = 'works' in works ? works : sourceOf(lines(works));
  const [report, tally] = [new ReportInMemory(), new RunTally()];
  const waiting = new WaitingFile<WaitingWork>();
  const ended = mintWorks({
    ...{ registry, source, target, report, tally, waiting, batchSize, concurrency },
    ...options,
  }).finally(() => waiting.close());
  return { target, report, tally, ended };
}

export async function mintAll(...args: Parameters<typeof run>): Promise<Run> {
  const begun = run(...args);
  await begun.ended;
  return begun;
}
