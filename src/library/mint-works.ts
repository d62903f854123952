import type { SourceWork, UnreadableWork, WaitingRoom } from '../domain/documents.ts';
import type { Warning } from '../domain/errors.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { Registry } from '../domain/registry.ts';
import { RunTally } from '../domain/run-report.ts';
import { unwrapWork } from '../domain/work-wrapper.ts';
import { openWaitingRoom } from '../runtime/open-documents.ts';
import { remembering } from '../runtime/open-registry.ts';
import { BATCHES_AT_ONCE, WORKS_A_BATCH } from '../steps/batch-defaults.ts';
import type { MintWorksOptions as StepOptions, WaitingWork } from '../steps/mint-works.ts';
import { mintWorks as runStep } from '../steps/mint-works.ts';
import type { IdentifierCounts } from './assign-identifiers.ts';
import type { Give } from './hand-over.ts';
import { handOver, untilAborted } from './hand-over.ts';
import type { WorkResult } from './works-in-order.ts';
import { placeOf, WorksInOrder } from './works-in-order.ts';

/** What {@link mintWorks} works on, and how. */
export interface MintWorksOptions {
  /** Stays open; for a run that writes nothing give `registry.dryRun()`. */
  readonly registry: Registry;
  /**
   * Works as JSON.parse gives them, bare or as `{_id, _source}`: data that JSON can hold. Read as far ahead as batches
   * need, and no further while nobody takes results.
   */
  readonly works: Iterable<unknown> | AsyncIterable<unknown>;
  /** Works a batch, 500 by default; the identifiers of a batch are one transaction. */
  readonly batchSize?: number;
  /** Batches in the registry at once, 2 by default; as many are read ahead of them. */
  readonly concurrency?: number;
  /** Stops the run between two batches: the results so far are given, then the iteration throws its reason. */
  readonly signal?: AbortSignal;
  /** Told of warnings that concern no single work (POOL_CORRUPT). Silent by default; they are counted in any case. */
  readonly warn?: (warning: Warning) => void;
}

/** The results of a run, one a work, to be iterated over once; the run goes on while results are taken. */
export interface MintRun extends AsyncIterable<WorkResult> {
  /** What the run came to so far; final when the iteration has ended. */
  readonly counts: WorkCounts;
}

/** The counts of a run over works. */
export interface WorkCounts extends IdentifierCounts {
  /** A work that stands back for another one counts as succeeded. */
  readonly works: { readonly succeeded: number; readonly failed: number };
}

/**
 * Gives works their canonical IDs: finds the identifiers in each, mints those that are new, and embeds the IDs. A work
 * of which any identifier got no ID fails as a whole, and the run goes on. It is the run of the command line `id-minter
 * mint`, to the same promises, on objects in place of files.
 *
 * Results come in the order of the works. Only those whose predecessor was unknown come last: they wait, in a temporary
 * file, for a predecessor that comes later in the run, and are tried once more at its end.
 *
 * Leaving the iteration early stops the run after the batch at hand. What was minted stays, and the same works again get
 * the same IDs.
 *
 * @throws IdMinterError out of the iteration, where the registry fails as a whole (REGISTRY_UNAVAILABLE, one of the
 * SCHEMA codes) or the temporary file cannot be written (TARGET_FAILED); also what `works` itself throws. The results of
 * earlier batches come first
 */
export function mintWorks({
  registry,
  works,
  batchSize = WORKS_A_BATCH,
  concurrency = BATCHES_AT_ONCE,
  signal,
  warn = () => {},
}: MintWorksOptions): MintRun {
  const tally = new RunTally();
  const results = handOver<WorkResult>(async (give, stop) => {
    const order = new WorksInOrder();
    const room = openWaitingRoom<WaitingWork>();
    try {
      await runStep({
        registry: remembering(registry),
        source: { name: 'works', works: () => readWorks(works, order, stop) },
        waiting: waitInOrder(room, order),
        ...giveInOrder(order, give, warn),
        tally,
        batchSize,
        concurrency,
        signal: stop,
      });
    } finally {
      await room.close();
    }
  }, signal);
  const { works: ended, identifiers, errors, warnings } = tally;
  const counts = { works: ended, identifiers, errors, warnings };
  return { counts, [Symbol.asyncIterator]: () => results };
}

async function* readWorks(
  works: MintWorksOptions['works'],
  order: WorksInOrder,
  signal: AbortSignal
): AsyncGenerator<SourceWork | UnreadableWork, void, undefined> {
  let index = 0;
  for await (const work of untilAborted(works, signal)) {
    const place = placeOf(index);
    index += 1;
    order.begin(place);
    yield readWork(work, place);
  }
}

function readWork(work: unknown, place: string): SourceWork | UnreadableWork {
  try {
    return { place, ...unwrapWork(work) };
  } catch (error) {
    if (error instanceof IdMinterError) return { place, error };
    throw error;
  }
}

function waitInOrder(
  room: WaitingRoom<WaitingWork>,
  order: WorksInOrder
): WaitingRoom<WaitingWork> {
  return {
    put: async entry => {
      order.postpone(entry.place);
      await room.put(entry);
    },
    async *entries() {
      for await (const entry of room.entries()) {
        order.begin(entry.place);
        yield entry;
      }
    },
    close: () => room.close(),
  };
}

/** The target and the report of a run, out of which its results are put together. */
function giveInOrder(
  order: WorksInOrder,
  give: Give<WorkResult>,
  warn: (warning: Warning) => void
): Pick<StepOptions, 'target' | 'report'> {
  return {
    target: {
      name: 'results',
      async write(works) {
        for (const work of works) {
          const { place, canonicalId, content, standingBack = [] } = work;
          // Nothing here comes from a text; and an object, since a work without one has failed.
          const { value } = content as { value: object };
          order.end(place, { canonicalId, work: value });
          for (const lost of standingBack) order.end(lost.place, { canonicalId });
        }
        await give(order.due());
        return new Map();
      },
      complete: async () => {},
      discard: async () => {},
    },
    report: {
      succeeded: async () => {},
      async failed({ row_id: row, stage, code, detail: message }, place) {
        order.end(place, { failure: { row, stage, code, message } });
        await give(order.due());
      },
      async answered({ warning }, place) {
        if (warning) order.warn(place, warning);
      },
      async warned(warning, place) {
        if (place === undefined) warn(warning);
        else order.warn(place, warning);
      },
    },
  };
}
