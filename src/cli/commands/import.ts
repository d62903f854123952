import { basename } from 'node:path';
import type { ErrorCode } from '../../domain/errors.ts';
import { IdMinterError } from '../../domain/errors.ts';
import { boundHeap } from '../../runtime/heap.ts';
import { openIdentifiers } from '../../runtime/open-documents.ts';
import { IDENTIFIERS_A_BATCH } from '../../steps/batch-defaults.ts';
import type { ImportTally } from '../../steps/import-mappings.ts';
import { importMappings } from '../../steps/import-mappings.ts';
import { EXIT, exitFor } from '../exit.ts';
import type { CommonOptions, Io } from '../io.ts';
import { speech } from '../io.ts';
import { describeRun, shareDone, startProgress } from '../progress.ts';
import { openFor } from '../session.ts';

/** `id-minter import`: known mappings in. */
export async function importFile(path: string, options: CommonOptions, io: Io): Promise<number> {
  boundHeap();
  await using resources = new AsyncDisposableStack();
  const speak = speech(io, options);
  const file = await openIdentifiers(path, io, { withCanonicalId: true });
  resources.defer(() => file.close());
  const registry = resources.use(await openFor(io, options, { purpose: 'write' }));
  const tally: ImportTally = { added: 0, existing: 0, failed: 0, warnings: 0 };
  const codes = new Set<ErrorCode>();
  using progress = startProgress(io, options, seconds => {
    const done = tally.added + tally.existing + tally.failed;
    const share = shareDone(done, file.reading());
    return describeRun({ done, unit: 'mappings', share, whole: basename(file.name) }, seconds);
  });
  await importMappings({
    registry,
    rows: file.rows(),
    tally,
    tell: (place, about) => {
      const isError = about instanceof IdMinterError;
      if (isError) codes.add(about.code);
      speak.tell(isError ? 'error' : 'warning', about.code, `${place}: ${about.message}`);
    },
    batchSize: IDENTIFIERS_A_BATCH,
    signal: io.signal,
  });
  progress.stop();
  if (io.signal.aborted) return EXIT.done;
  const { added, existing, failed, warnings } = tally;
  if (file.reading().items === 0) speak.say(`There are no mappings in ${file.name}.`);
  if (options.json) speak.data(JSON.stringify({ mappings: { added, existing, failed }, warnings }));
  speak.say(
    `Mappings: ${added} added, ${existing} existing, ${failed} failed, ${warnings} with a warning.`
  );
  return exitFor(codes);
}
