import type { Warning } from '../domain/errors.ts';
import type { RunReport, RunTally } from '../domain/run-report.ts';
import type { WorkFault } from '../domain/work-document.ts';

/** Who is told what becomes of works. */
export interface Told {
  readonly report: RunReport;
  readonly tally: RunTally;
}

export async function fail(
  { row, place }: { row: string; place: string },
  { stage, error }: WorkFault,
  { report, tally }: Told
): Promise<void> {
  tally.works.failed += 1;
  // At stage `mint` each refused identifier was counted already.
  if (stage !== 'mint') tally.met(error.code);
  const detail = error.message.startsWith(place) ? error.message : `${place}: ${error.message}`;
  await report.failed({ row_id: row, stage, code: error.code, detail }, place);
}

export async function warn(
  warning: Warning,
  { report, tally }: Told,
  place?: string
): Promise<void> {
  tally.warned(warning);
  await report.warned(warning, place);
}
