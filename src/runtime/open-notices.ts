import { openForWriting } from '../documents/files.ts';
import type { Announcer, ReportPlace, RunMetrics, RunRecord } from '../domain/notices.ts';
import { KeptReport } from '../notices/kept-report.ts';
import { namesBucketsInPaths } from './aws-endpoint.ts';
import type { Streams } from './open-documents.ts';
import { openWaitingRoom } from './open-documents.ts';
import type { Environment, Settings } from './settings.ts';

/** The date of a pipeline that is none of the real ones. */
const DEV = 'dev';

/** Opens what a run tells to, in bounded memory. */
export function openRecord(): RunRecord {
  return new KeptReport(openWaitingRoom);
}

/** Those who are told of a run when it has ended. */
export interface Notices extends Disposable {
  readonly bucket?: ReportPlace;
  readonly announcer?: Announcer;
  readonly metrics?: RunMetrics;
}

export interface NoticesOptions {
  readonly environment: Environment;
  readonly settings: Settings;
  readonly jobId: string;
  /** In the place of PIPELINE_DATE. */
  readonly pipelineDate?: string | undefined;
}

/**
 * Finds out whom a run into an index tells: S3_BUCKET gets its report, DOWNSTREAM_SNS_TOPIC_ARN the announcement of its
 * documents. Where either is set, the run is one of a pipeline and has metrics too, if that has a date other than `dev`.
 * Nothing is asked of AWS before there is something to tell.
 */
export async function openNotices(options: NoticesOptions): Promise<Notices> {
  const { settings, pipelineDate = settings.PIPELINE_DATE ?? DEV } = options;
  const { S3_BUCKET: bucket, DOWNSTREAM_SNS_TOPIC_ARN: arn, PIPELINE_STEP: step } = settings;
  const opened: Disposable[] = [];
  const notices: { -readonly [Name in keyof Notices]?: Notices[Name] } = {};
  if (bucket !== undefined) {
    const { s3Report } = await import('../notices/s3-report.ts');
    const key = `pipeline-${pipelineDate}/${step}/${settings.S3_PREFIX}/${options.jobId}.json`;
    const pathStyle = namesBucketsInPaths(options.environment);
    const report = s3Report({ bucket, key, pathStyle });
    notices.bucket = report;
    opened.push(report);
  }
  if (arn !== undefined) {
    const { snsAnnouncer } = await import('../notices/sns-announcer.ts');
    const announcer = snsAnnouncer({ arn });
    notices.announcer = announcer;
    opened.push(announcer);
  }
  if ((bucket ?? arn) !== undefined && pipelineDate !== DEV) {
    const { cloudWatchMetrics } = await import('../notices/cloudwatch-metrics.ts');
    notices.metrics = cloudWatchMetrics({ pipelineDate, pipelineStep: step });
  }
  return {
    ...notices,
    [Symbol.dispose]: () => {
      for (const one of opened) one[Symbol.dispose]();
    },
  };
}

/** A report in a file, which is opened at once: a wrong path is known before anything is minted. */
export async function openReportFile(
  path: string,
  { stdout }: Pick<Streams, 'stdout'>
): Promise<ReportPlace & AsyncDisposable> {
  const target = await openForWriting(path, stdout);
  return {
    name: path,
    async write(texts) {
      for await (const text of texts) await target.write(text);
      await target.complete();
    },
    [Symbol.asyncDispose]: () => target.discard(),
  };
}
