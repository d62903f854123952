import type { MetricDatum } from '@aws-sdk/client-cloudwatch';
import { AWS_TIMEOUTS, readAwsFailure } from '../aws/aws-failure.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { RunFigures, RunMetrics } from '../domain/notices.ts';
import { remedyFor } from './remedies.ts';

/** That of the pipeline: its alarms and dashboards know it. */
const NAMESPACE = 'catalogue_graph_pipeline';

export interface MetricDimensions {
  readonly pipelineDate: string;
  readonly pipelineStep: string;
}

/** The figures of runs as metrics of CloudWatch, in one call a run. */
export function cloudWatchMetrics({ pipelineDate, pipelineStep }: MetricDimensions): RunMetrics {
  const about = {
    Dimensions: [
      { Name: 'pipeline_date', Value: pipelineDate },
      { Name: 'pipeline_step', Value: pipelineStep },
    ],
  };
  return {
    async put(figures, signal) {
      const cloudWatch = await import('@aws-sdk/client-cloudwatch');
      const client = new cloudWatch.CloudWatchClient({ requestHandler: AWS_TIMEOUTS });
      const at = { ...about, Timestamp: new Date() };
      try {
        await client.send(
          new cloudWatch.PutMetricDataCommand({
            Namespace: NAMESPACE,
            MetricData: dataOf(figures).map(datum => ({ ...at, ...datum })),
          }),
          { abortSignal: signal }
        );
      } catch (cause) {
        throw metricsFailed(cause);
      } finally {
        client.destroy();
      }
    },
  };
}

function dataOf(figures: RunFigures): MetricDatum[] {
  const { batchLatency: latency, poolFree } = figures;
  const counts = {
    success_count: figures.succeeded,
    failure_count: figures.failed,
    minted: figures.minted,
    inherited: figures.inherited,
    conflicts: figures.conflicts,
    warnings: figures.warnings,
    retries: figures.retries,
    ...(poolFree !== undefined && { pool_free: poolFree }),
  };
  const data: MetricDatum[] = Object.entries(counts).map(([MetricName, Value]) => ({
    MetricName,
    Value,
    Unit: 'Count',
  }));
  // A statistic set of nothing is refused.
  if (latency.count === 0) return data;
  const { count: SampleCount, sum: Sum, least: Minimum, most: Maximum } = latency;
  const StatisticValues = { SampleCount, Sum, Minimum, Maximum };
  return [...data, { MetricName: 'batch_latency', StatisticValues, Unit: 'Milliseconds' }];
}

function metricsFailed(cause: unknown): IdMinterError {
  const { kind, reason } = readAwsFailure(cause);
  const remedy = remedyFor(kind, {
    service: 'CloudWatch',
    right: 'cloudwatch:PutMetricData',
    name: 'AWS_REGION',
  });
  return new IdMinterError(
    'METRICS_FAILED',
    `The metrics of the run did not reach CloudWatch (${reason}). All else of the run is done. ${remedy}; nothing has to be ` +
      'run again for it.',
    { reason, cause }
  );
}
