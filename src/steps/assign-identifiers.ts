import type { AnsweredRow, AnswerTarget, IdentifierRow } from '../domain/documents.ts';
import type { Warning } from '../domain/errors.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { MintRequest, MintResult, Registry } from '../domain/registry.ts';
import type { RunTally } from '../domain/run-report.ts';
import { readSourceIdentifier } from '../domain/source-identifier.ts';
import { inBatches } from './in-batches.ts';
import { inOverlap } from './read-ahead.ts';

export interface AssignIdentifiersOptions {
  readonly registry: Registry;
  readonly rows: AsyncIterable<IdentifierRow>;
  readonly target: AnswerTarget;
  readonly tally: RunTally;
  /** Told of what concerns a batch and no single identifier. */
  readonly warn?: ((warning: Warning) => void) | undefined;
  /** Identifiers a batch; each batch is one transaction. */
  readonly batchSize: number;
  readonly signal?: AbortSignal;
}

/**
 * Gives each bare source identifier its canonical ID, one answer a row in their order. A row that cannot be read
 * or gets no ID is answered with its error; the others are unharmed.
 *
 * @throws IdMinterError where the rows, the registry or the target fail as a whole
 */
export async function assignIdentifiers(options: AssignIdentifiersOptions): Promise<void> {
  const { rows, batchSize, signal } = options;
  await inOverlap(
    inBatches(rows, batchSize, signal),
    batch => mintBatch(batch.map(readRequest), options),
    batch => answer(batch, options)
  );
}

interface ReadRow {
  readonly row: IdentifierRow;
  readonly request?: MintRequest;
  readonly error?: IdMinterError;
}

interface MintedBatch {
  readonly read: readonly ReadRow[];
  readonly result: MintResult;
}

/** @returns undefined where the signal came before */
async function mintBatch(
  read: readonly ReadRow[],
  { registry, signal }: AssignIdentifiersOptions
): Promise<MintedBatch | undefined> {
  if (signal?.aborted) return undefined;
  return { read, result: await registry.mint(read.flatMap(({ request }) => request ?? [])) };
}

async function answer(
  { read, result: { answers, warnings } }: MintedBatch,
  { target, tally, warn }: AssignIdentifiersOptions
): Promise<void> {
  for (const warning of warnings) {
    tally.warned(warning);
    warn?.(warning);
  }
  const inOrder = answers.values();
  const answered = read.map(({ row, error }): AnsweredRow => {
    const own = error ? { error } : inOrder.next().value;
    if (own === undefined) throw new Error('The registry gave fewer answers than it had requests.');
    tally.answered(own);
    return { row, answer: own };
  });
  await target.write(answered);
}

function readRequest(row: IdentifierRow): ReadRow {
  if (row.error) return { row, error: row.error };
  try {
    const source = readSourceIdentifier(row.source);
    const named = row.predecessor ?? null;
    const predecessor = named === null ? null : readSourceIdentifier(named, 'predecessor');
    return { row, request: { source, predecessor } };
  } catch (error) {
    if (error instanceof IdMinterError) return { row, error };
    throw error;
  }
}
