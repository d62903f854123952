import type { RegistryFigures, ReportHead } from '../domain/notices.ts';
import type { RunReport } from '../domain/run-report.ts';
import { tellAll } from '../domain/run-report.ts';
import { openNotices, openRecord } from '../runtime/open-notices.ts';
import type { ToldRun } from '../steps/tell-run.ts';
import { tellRun } from '../steps/tell-run.ts';
import type { Call } from './call.ts';

/** Whom a run tells besides whoever invoked it. */
export interface RunNotices extends AsyncDisposable {
  /** To be told while the run goes on. */
  readonly report: RunReport;
  /** Of the run when it has ended: its report first, then which documents there are, then its figures. */
  tell(about: { head: ReportHead; figures: () => Promise<RegistryFigures> }): Promise<ToldRun>;
}

export async function openRunNotices(
  jobId: string,
  { settings, deadline, log }: Call
): Promise<RunNotices> {
  const notices = await openNotices({ environment: process.env, settings, jobId });
  const record = openRecord();
  return {
    report: tellAll([log.report, record]),
    tell: about =>
      tellRun({
        ...about,
        ...notices,
        record,
        nameUnannounced: ids => log.warning('Not announced', { ids }),
        log: log.info,
        signals: deadline,
      }),
    async [Symbol.asyncDispose]() {
      await record.close();
      notices[Symbol.dispose]();
    },
  };
}
