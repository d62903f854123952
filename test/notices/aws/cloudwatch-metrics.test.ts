import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { describe, expect, test } from 'vitest';
import type { RunFigures } from '../../../src/domain/notices.ts';
import { cloudWatchMetrics } from '../../../src/notices/cloudwatch-metrics.ts';
import { awsAround, NEVER } from './aws-around.ts';

const FIGURES: RunFigures = {
  ...{ succeeded: 90, failed: 10, minted: 7, inherited: 3, conflicts: 1, warnings: 4, retries: 2 },
  batchLatency: { count: 4, sum: 100, least: 10, most: 40 },
  poolFree: 99_993,
};

const aws = awsAround();

async function read(MetricName: string, pipelineDate: string) {
  const cloudWatch = new CloudWatchClient({});
  const minute = 60_000;
  const { Datapoints = [] } = await cloudWatch.send(
    new GetMetricStatisticsCommand({
      ...{ Namespace: 'catalogue_graph_pipeline', MetricName, Period: 3_600 },
      StartTime: new Date(Date.now() - 10 * minute),
      EndTime: new Date(Date.now() + 10 * minute),
      Statistics: ['Sum', 'Minimum', 'Maximum', 'SampleCount'],
      Dimensions: [
        { Name: 'pipeline_date', Value: pipelineDate },
        { Name: 'pipeline_step', Value: 'id_minter' },
      ],
    })
  );
  cloudWatch.destroy();
  return Datapoints;
}

describe('the metrics of a run', () => {
  test('stand in CloudWatch under the names and dimensions that alarms know', async () => {
    const metrics = cloudWatchMetrics({ pipelineDate: '2026-08-20', pipelineStep: 'id_minter' });
    await metrics.put(FIGURES, NEVER);
    const [sent] = aws().proxy.calls;

    const values = {
      ...{ success_count: 90, failure_count: 10, minted: 7, inherited: 3, conflicts: 1 },
      ...{ warnings: 4, retries: 2, pool_free: 99_993 },
    };
    for (const [name, value] of Object.entries(values)) {
      expect([name, await read(name, '2026-08-20')]).toMatchObject([
        name,
        [{ Sum: value, Unit: 'Count' }],
      ]);
    }
    expect(await read('batch_latency', '2026-08-20')).toMatchObject([{ Unit: 'Milliseconds' }]);
    // What CloudWatch keeps of a set, the stand-in does not.
    expect(JSON.parse(sent?.parameters['body'] ?? '').MetricData).toContainEqual(
      expect.objectContaining({
        MetricName: 'batch_latency',
        StatisticValues: { SampleCount: 4, Sum: 100, Minimum: 10, Maximum: 40 },
      })
    );
  });

  test('say nothing of batches where there were none, nor of a pool that nobody could count', async () => {
    const metrics = cloudWatchMetrics({ pipelineDate: '2026-08-21', pipelineStep: 'id_minter' });
    const batchLatency = { count: 0, sum: 0, least: 0, most: 0 };
    await metrics.put({ ...FIGURES, batchLatency, poolFree: undefined }, NEVER);

    expect(await read('success_count', '2026-08-21')).toHaveLength(1);
    expect(await read('batch_latency', '2026-08-21')).toEqual([]);
    expect(await read('pool_free', '2026-08-21')).toEqual([]);
  });

  test('that CloudWatch refuses are an error with a remedy', async () => {
    const metrics = cloudWatchMetrics({ pipelineDate: '2026-08-20', pipelineStep: 'id_minter' });
    aws().proxy.play({
      fault: () => ({ status: 403, code: 'AccessDenied', message: 'planted' }),
    });
    await expect(metrics.put(FIGURES, NEVER)).rejects.toMatchObject({
      code: 'METRICS_FAILED',
      message: expect.stringMatching(/All else of the run is done.*cloudwatch:PutMetricData/),
    });
  });

  test('end on the signal', async () => {
    const metrics = cloudWatchMetrics({ pipelineDate: '2026-08-20', pipelineStep: 'id_minter' });
    await expect(metrics.put(FIGURES, AbortSignal.abort())).rejects.toMatchObject({
      code: 'METRICS_FAILED',
    });
  });
});
