# Alarms over the pipeline, to those who hear of failed backups and exports too. Each has an entry of its name in
# docs/operations.md, which says what it means and what to do.

locals {
  minter_metric = {
    namespace  = local.metrics_namespace
    dimensions = { pipeline_date = local.pipeline_date, pipeline_step = "id_minter" }
  }
  machine_metric = {
    namespace  = "AWS/States"
    dimensions = { StateMachineArn = local.pipeline_arn }
  }

  # What an alarm does not say is this: one of a quarter of an hour is enough, and no data are a good sign.
  alarm_defaults = {
    statistic  = "Sum"
    minutes    = 15
    periods    = 1
    comparison = "GreaterThanThreshold"
    threshold  = 0
    missing    = "notBreaching"
  }

  alarms = merge(
    {
      works-failed = merge(local.minter_metric, {
        says   = "Works were not minted, or not written"
        metric = "failure_count"
      })
      inheritance-lost = merge(local.minter_metric, {
        says   = "A source had its ID before the predecessor was known whose ID it should have inherited"
        metric = "conflicts"
      })
      pool-low = merge(local.minter_metric, {
        says       = "The pool has fewer than ${var.pool_free_min} free canonical IDs"
        metric     = "pool_free"
        statistic  = "Minimum"
        comparison = "LessThanThreshold"
        threshold  = var.pool_free_min
        missing    = "ignore" # where nothing was minted the pool is as it was
      })
      no-run = merge(local.machine_metric, {
        says       = "No run of the pipeline succeeded for an hour"
        metric     = "ExecutionsSucceeded"
        periods    = 4
        comparison = "LessThanThreshold"
        threshold  = 1
        missing    = "breaching"
      })
      requests-failed = {
        says       = "A message for the minter, or a night's filling of the pool, failed for good"
        namespace  = "AWS/SQS"
        metric     = "ApproximateNumberOfMessagesVisible"
        dimensions = { QueueName = "${var.pipeline_name}-failed" }
        statistic  = "Maximum"
      }
    },
    {
      for metric, end in { ExecutionsFailed = "failed", ExecutionsTimedOut = "timed-out", ExecutionsAborted = "aborted" } :
      "run-${end}" => merge(local.machine_metric, {
        says   = "A run of the pipeline ended without having minted all its parts"
        metric = metric
        entry  = "run-failed"
      })
    },
    {
      for name, full in local.function_names : "function-failed-${name}" => {
        says       = "The function ${full} ended in an error"
        namespace  = "AWS/Lambda"
        metric     = "Errors"
        dimensions = { FunctionName = full }
        entry      = "function-failed"
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "pipeline" {
  # until the pipeline is switched on, there is no run that could be missed
  for_each = {
    for name, alarm in local.alarms : name => merge(local.alarm_defaults, { entry = name }, alarm)
    if var.create_pipeline && (var.enable_schedules || name != "no-run")
  }

  alarm_name        = "${var.pipeline_name}-${each.key}"
  alarm_description = "${each.value.says}. What to do: docs/operations.md, “${each.value.entry}”"

  namespace   = each.value.namespace
  metric_name = each.value.metric
  dimensions  = each.value.dimensions
  statistic   = each.value.statistic

  period              = each.value.minutes * 60
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.periods
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing

  alarm_actions = [aws_sns_topic.alerts.arn]
  ok_actions    = [aws_sns_topic.alerts.arn]
}
