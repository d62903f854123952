import { certain } from '../domain/certain.ts';
import type { AnsweredRow, AnswerTarget, IdentifierRow } from '../domain/documents.ts';
import type { Warning } from '../domain/errors.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { MintRequest, MintResult, Registry } from '../domain/registry.ts';
import type { RunTally } from '../domain/run-report.ts';
import { inBatches } from './in-batches.ts';
import { inOverlap } from './read-ahead.ts';
import { readRequest } from './read-request.ts';

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
    batch => mintBatch(batch, options),
    batch => answer(batch, options)
  );
}

interface MintedBatch {
  readonly read: readonly (readonly [IdentifierRow, MintRequest | IdMinterError])[];
  readonly result: MintResult;
}

/** @returns undefined where the signal came before */
async function mintBatch(
  rows: readonly IdentifierRow[],
  { registry, signal }: AssignIdentifiersOptions
): Promise<MintedBatch | undefined> {
  if (signal?.aborted) return undefined;
  const read = rows.map(row => [row, readRequest(row)] as const);
  const requests = read.flatMap(([, request]) => (request instanceof IdMinterError ? [] : request));
  return { read, result: await registry.mint(requests) };
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
  const answered = read.map(([row, request]): AnsweredRow => {
    const own =
      request instanceof IdMinterError
        ? { error: request }
        : certain(inOrder.next().value, 'The answer to a request');
    tally.answered(own);
    return { row, answer: own };
  });
  await target.write(answered);
}
