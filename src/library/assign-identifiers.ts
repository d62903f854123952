import type { AnsweredRow, IdentifierRow } from '../domain/documents.ts';
import type { ErrorCode, Warning, WarningCode } from '../domain/errors.ts';
import type { Answer, Outcome, Registry } from '../domain/registry.ts';
import { RunTally } from '../domain/run-report.ts';
import type { SourceIdentifier } from '../domain/source-identifier.ts';
import { assignIdentifiers as runStep } from '../steps/assign-identifiers.ts';
import { IDENTIFIERS_A_BATCH } from '../steps/batch-defaults.ts';
import { handOver, untilAborted } from './hand-over.ts';

/** A source identifier as a program gives it: the text form `Work[sierra-system-number/b1000001]`, or its three parts. */
export type GivenIdentifier = string | SourceIdentifier;

/** A source identifier that shall have a canonical ID, and the one whose ID it inherits if it is new. */
export interface IdentifierRequest {
  readonly source: GivenIdentifier;
  /** `null` and undefined mean none. */
  readonly predecessor?: GivenIdentifier | null | undefined;
}

/** What {@link assignIdentifiers} works on, and how. */
export interface AssignIdentifiersOptions {
  /** Stays open; for a run that writes nothing give `registry.dryRun()`. */
  readonly registry: Registry;
  /** Text forms, or requests with a predecessor. Read two batches ahead at most, and no further while nobody takes answers. */
  readonly identifiers:
    | Iterable<string | IdentifierRequest>
    | AsyncIterable<string | IdentifierRequest>;
  /** Identifiers a batch, 5,000 by default; each batch is one transaction, and answered when it is full. */
  readonly batchSize?: number;
  /** Stops the run between two batches: the answers so far are given, then the iteration throws its reason. */
  readonly signal?: AbortSignal;
  /** Told of warnings that concern no single identifier (POOL_CORRUPT). Silent by default; they are counted anyhow. */
  readonly warn?: (warning: Warning) => void;
}

/** A canonical ID and how it came, or the error because of which there is none; `source` is what was given. */
export type AssignAnswer = Answer & { readonly source: GivenIdentifier };

/** The answers of a run, one an identifier, to be iterated over once; the run goes on while answers are taken. */
export interface AssignRun extends AsyncIterable<AssignAnswer> {
  /** What the run came to so far; final when the iteration has ended. */
  readonly counts: IdentifierCounts;
}

/** The counts of a run. */
export interface IdentifierCounts {
  /** Each identifier that has an ID, by how it got it. */
  readonly identifiers: Readonly<Record<Outcome, number>>;
  /** How often each error was met; a code that was not is absent. */
  readonly errors: Readonly<Partial<Record<ErrorCode, number>>>;
  /** How often each warning was given; a code that was not is absent. */
  readonly warnings: Readonly<Partial<Record<WarningCode, number>>>;
}

/**
 * Gives source identifiers their canonical IDs, one answer each, in their order. One that gets none is answered with
 * its error, and the others are unharmed. It is the run of the command line `id-minter assign`, to the same promises.
 *
 * A predecessor may stand anywhere in the same batch. Leaving the iteration early stops the run after the batch that is
 * in the registry; what was minted stays, and the same identifiers again get the same IDs.
 *
 * @throws IdMinterError out of the iteration, where the registry fails as a whole (REGISTRY_UNAVAILABLE, one of the
 * SCHEMA codes); also what `identifiers` itself throws. The answers of earlier batches come first
 */
export function assignIdentifiers({
  registry,
  identifiers,
  batchSize = IDENTIFIERS_A_BATCH,
  signal,
  warn,
}: AssignIdentifiersOptions): AssignRun {
  const tally = new RunTally();
  const answers = handOver<AssignAnswer>(async (give, stop) => {
    await runStep({
      registry,
      rows: readRows(untilAborted(identifiers, stop)),
      target: {
        name: 'answers',
        write: answered => give(answered.map(toAnswer)),
        complete: async () => {},
        discard: async () => {},
      },
      tally,
      warn,
      batchSize,
      signal: stop,
    });
  }, signal);
  const { identifiers: assigned, errors, warnings } = tally;
  const counts = { identifiers: assigned, errors, warnings };
  return { counts, [Symbol.asyncIterator]: () => answers };
}

async function* readRows(
  identifiers: AsyncIterable<string | IdentifierRequest>
): AsyncGenerator<IdentifierRow, void, undefined> {
  let index = 0;
  for await (const given of identifiers) {
    const place = `identifiers[${index}]`;
    index += 1;
    // What is no request is answered as the invalid identifier that it is.
    if (typeof given !== 'object' || given === null) yield { place, source: given };
    else yield { place, source: given.source, predecessor: given.predecessor };
  }
}

function toAnswer({ row, answer }: AnsweredRow): AssignAnswer {
  return { ...answer, source: row.source as GivenIdentifier };
}
