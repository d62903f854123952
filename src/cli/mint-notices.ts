import type { RegistryFigures, ReportHead, RunRecord } from '../domain/notices.ts';
import { openNotices, openRecord, openReportFile } from '../runtime/open-notices.ts';
import { readSettings } from '../runtime/settings.ts';
import type { ToldRun } from '../steps/tell-run.ts';
import { tellRun } from '../steps/tell-run.ts';
import type { Io } from './io.ts';
import { speech } from './io.ts';
import type { MintOptions } from './mint-ends.ts';

/** From Ctrl-C on, for what is left to tell: the process ends soon after. */
const LAST_WORDS_MS = 1_000;

/** Whom a run of `mint` tells besides the terminal. */
export interface MintNotices extends AsyncDisposable {
  /** Who has to be told while the run goes on; nobody, where nobody wants to know. */
  readonly reports: readonly RunRecord[];
  tell(about: { head: ReportHead; figures: () => Promise<RegistryFigures> }): Promise<ToldRun>;
}

/** @param isIntoIndex - whether documents are written into an index: nobody else is told of files and dry runs */
export async function openMintNotices(
  options: MintOptions,
  { io, jobId, isIntoIndex }: { io: Io; jobId: string; isIntoIndex: boolean }
): Promise<MintNotices> {
  const { environment } = io;
  const opened = new AsyncDisposableStack();
  const close = (): Promise<void> => opened.disposeAsync();
  const file =
    options.report === undefined ? undefined : opened.use(await openReportFile(options.report, io));
  const notices = isIntoIndex
    ? opened.use(
        await openNotices({
          environment,
          settings: readSettings(environment),
          jobId,
          pipelineDate: options.pipelineDate,
        })
      )
    : undefined;
  if (!(file ?? notices?.bucket ?? notices?.announcer)) {
    const tell = async (): Promise<ToldRun> => ({ reportUri: null, problems: [] });
    return { reports: [], tell, [Symbol.asyncDispose]: close };
  }
  const record = openRecord();
  opened.defer(() => record.close());
  const { tell } = speech(io, options);
  return {
    reports: [record],
    tell: about =>
      tellRun({
        ...about,
        record,
        file,
        ...notices,
        nameUnannounced: ids => tell('error', 'ANNOUNCEMENT_FAILED', ids.join(' ')),
        signals: { announcing: io.signal, everything: aWhileAfter(io.signal) },
      }),
    [Symbol.asyncDispose]: close,
  };
}

/** A flag wins over a variable. */
export function pipelineDateOf({ pipelineDate }: MintOptions, io: Io): string | undefined {
  return pipelineDate ?? readSettings(io.environment).PIPELINE_DATE;
}

function aWhileAfter(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const wait = (): void => void setTimeout(() => controller.abort(), LAST_WORDS_MS).unref();
  if (signal.aborted) wait();
  else signal.addEventListener('abort', wait, { once: true });
  return controller.signal;
}
