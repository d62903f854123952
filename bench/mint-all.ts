import type { WorkTarget } from '../src/domain/documents.ts';
import type { Registry } from '../src/domain/registry.ts';
import type { RunReport } from '../src/domain/run-report.ts';
import { RunTally } from '../src/domain/run-report.ts';
import { openWaitingRoom } from '../src/runtime/open-documents.ts';
import { BATCHES_AT_ONCE, WORKS_A_BATCH } from '../src/steps/batch-defaults.ts';
import type { MintWorksOptions } from '../src/steps/mint-works.ts';
import { mintWorks } from '../src/steps/mint-works.ts';
import { demand } from './pairs.ts';

const SILENT: RunReport = {
  succeeded: async () => {},
  failed: async () => {},
  answered: async () => {},
  warned: async () => {},
};

/**
 * Mints works as the command line does, in this process.
 *
 * @throws WrongAnswer where a work fails
 */
export async function mintAll(
  registry: Registry,
  source: MintWorksOptions['source'],
  target: WorkTarget
): Promise<RunTally> {
  const waiting: MintWorksOptions['waiting'] = openWaitingRoom();
  const tally = new RunTally();
  await mintWorks({
    ...{ registry, source, target, report: SILENT, tally, waiting },
    ...{ batchSize: WORKS_A_BATCH, concurrency: BATCHES_AT_ONCE },
  });
  await waiting.close();
  await target.complete();
  demand(
    tally.works.failed === 0,
    () => `${tally.works.failed} works failed: ${JSON.stringify(tally.errors)}`
  );
  return tally;
}
