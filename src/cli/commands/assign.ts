import { basename } from 'node:path';
import type { IdentifierRow } from '../../domain/documents.ts';
import { IdMinterError } from '../../domain/errors.ts';
import { RunTally } from '../../domain/run-report.ts';
import { boundHeap } from '../../runtime/heap.ts';
import { openAnswers, openIdentifiers, STANDARD } from '../../runtime/open-documents.ts';
import { assignIdentifiers } from '../../steps/assign-identifiers.ts';
import { IDENTIFIERS_A_BATCH } from '../../steps/batch-defaults.ts';
import { exitFor } from '../exit.ts';
import type { CommonOptions, Io } from '../io.ts';
import { speech } from '../io.ts';
import { describeRun, shareDone, startProgress } from '../progress.ts';
import { openFor } from '../session.ts';

export interface AssignOptions extends CommonOptions {
  readonly source?: string;
  readonly target?: string;
  readonly type?: string;
  readonly system?: string;
  readonly valueColumn?: string;
  readonly dryRun?: boolean;
  readonly applyMigrations?: boolean;
  readonly topUp?: boolean;
}

/** `id-minter assign`: bare source identifiers in, their canonical IDs out. */
export async function assign(
  identifiers: readonly string[],
  options: AssignOptions,
  io: Io
): Promise<number> {
  if (options.source !== undefined) boundHeap();
  const own = readOwnColumns(options);
  if (identifiers.length > 0 === (options.source !== undefined)) {
    throw usage('Name the identifiers, or a file of them with --source: one of the two.');
  }
  await using resources = new AsyncDisposableStack();
  const speak = speech(io, options);
  const file =
    options.source === undefined ? undefined : await openIdentifiers(options.source, io, { own });
  resources.defer(() => file?.close());
  const targetPath = options.target ?? STANDARD;
  const answersInJson = options.json === true && targetPath === STANDARD;
  const format = (answersInJson ? undefined : file?.format) ?? { kind: 'ndjson' };
  const target = await openAnswers(targetPath, format, io);
  resources.defer(() => target.discard());
  // Last, so that a wrong path is known before a registry is made or changed.
  const registry = resources.use(
    await openFor(io, options, { ...options, purpose: options.dryRun ? 'dry-run' : 'write' })
  );
  const tally = new RunTally();
  using progress = startProgress(io, options, seconds => {
    const done = answered(tally);
    const { share, whole } = file
      ? { share: shareDone(done, file.reading()), whole: basename(file.name) }
      : { share: done / identifiers.length, whole: identifiers.length };
    return describeRun({ done, unit: 'identifiers', share, whole }, seconds);
  });
  await assignIdentifiers({
    registry,
    rows: file?.rows() ?? named(identifiers),
    target,
    tally,
    warn: ({ code, message }) => speak.tell('warning', code, message),
    batchSize: IDENTIFIERS_A_BATCH,
    signal: io.signal,
  });
  progress.stop();
  if (io.signal.aborted) return exitFor([]);
  await target.complete();
  if (file?.reading().items === 0) speak.say(`There are no identifiers in ${file.name}.`);
  const { existing, inherited, minted } = tally.identifiers;
  const would = options.dryRun ? 'would be ' : '';
  const failed = Object.values(tally.errors).reduce((sum, count) => sum + count, 0);
  if (options.json && !answersInJson) {
    const { identifiers, errors, warnings } = tally;
    speak.data(JSON.stringify({ identifiers: { ...identifiers, failed }, errors, warnings }));
  }
  speak.say(
    `Identifiers: ${existing} existing, ${inherited} ${would}inherited, ${minted} ${would}minted, ${failed} failed.`
  );
  for (const [kind, counts] of [
    ['Errors', tally.errors],
    ['Warnings', tally.warnings],
  ] as const) {
    const told = Object.entries(counts).map(([code, count]) => `${count} ${code}`);
    if (told.length > 0)
      speak.say(`${kind}: ${told.join(', ')}; each line says its own. See docs/errors.md.`);
  }
  return exitFor(Object.keys(tally.errors) as (keyof typeof tally.errors)[]);
}

function readOwnColumns({ type, system, valueColumn }: AssignOptions) {
  if (type === undefined && system === undefined && valueColumn === undefined) return undefined;
  if (type === undefined || system === undefined || valueColumn === undefined) {
    throw usage('--type, --system and --value-column go together.');
  }
  return { type, system, valueColumn };
}

async function* named(identifiers: readonly string[]): AsyncGenerator<IdentifierRow> {
  for (const [index, source] of identifiers.entries()) {
    yield { place: `identifier ${index + 1}`, source };
  }
}

function answered({ identifiers, errors }: RunTally): number {
  return [...Object.values(identifiers), ...Object.values(errors)].reduce(
    (sum, count) => sum + count,
    0
  );
}

function usage(message: string): IdMinterError {
  return new IdMinterError('USAGE', `${message} Nothing was done.`);
}
