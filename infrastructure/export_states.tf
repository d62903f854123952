# The states of the machine. It calls RDS, EventBridge and SNS itself, without a function of ours between. Whatever
# happens, an execution ends in one of two ways: in Exported, after its event, or in ExportFailed, after its alert.
#
# States.ALL does not catch States.Runtime, which is what a path that is not there ends in. So what comes from outside
# is asked for by a Choice before it is read, and results are picked with [*], which finds nothing rather than failing.

locals {
  poll_seconds = 300

  # Half a day: an export that is still running when the next backup comes is a failure.
  polls_max = 144

  # For as long as others' exports take up the account's five places: two hours.
  refusals_max = 24

  announcements_max = 5

  cluster_name  = element(split(":", var.cluster_arn), 6)
  export_failed = "ExportFailed"

  # Throttling, a service that is unavailable and other refusals that pass come under one name for each service, here
  # Rds.RdsException, and lost connections and answers that never come under others. So all is tried again, for about
  # three minutes, but for what will not pass: see refused_for_good.
  try_again = {
    ErrorEquals     = ["States.ALL"]
    IntervalSeconds = 5
    BackoffRate     = 2
    MaxDelaySeconds = 60
    MaxAttempts     = 6
    JitterStrategy  = "FULL"
  }

  # A call that gets no answer in this time ends as States.Timeout, and is tried again.
  call_seconds = 60

  already_exists = "Rds.ExportTaskAlreadyExistsException"
  not_yet        = "Rds.InvalidExportSourceStateException"

  refused_for_good = [
    local.already_exists,
    local.not_yet,
    "Rds.DbClusterNotFoundException",
    "Rds.DbClusterSnapshotNotFoundException",
    "Rds.DbSnapshotNotFoundException",
    "Rds.IamRoleMissingPermissionsException",
    "Rds.IamRoleNotFoundException",
    "Rds.InvalidExportOnlyException",
    "Rds.InvalidS3BucketException",
    "Rds.KmsKeyNotAccessibleException",
  ]

  # How RDS may say that all places are taken, or that this snapshot is being exported already.
  no_place_yet = ["*imit*", "*uota*", "*aximum*", "*oncurrent*", "*in progress*", "*in-progress*", "*Rate exceeded*"]

  alert_on_any_error = [{
    ErrorEquals = ["States.ALL"]
    ResultPath  = "$.failure"
    Next        = "Alert"
  }]

  snapshot_given = [
    { Variable = "$.resources", IsPresent = true },
    { Variable = "$.resources[0]", IsPresent = true },
    { Variable = "$.resources[0]", IsString = true },
  ]

  # Names of executions are letters, digits, hyphens and underscores; RDS takes no underscore and 60 characters.
  export_as_planned = {
    "snapshot.$" = "$.resources[0]"
    task         = { "name.$" = "States.Format('identifiers-export-{}', $$.Execution.Name)", hashed = false }
    "prefix.$"   = "States.Format('${local.exports_prefix}/{}', States.ArrayGetItem(States.StringSplit($$.Execution.StartTime, 'T'), 0))"
    refusals     = { count = 0 }
    polls        = { count = 0 }
    announced    = { count = 0 }
  }

  event_as_planned = {
    "export_date.$" = "States.ArrayGetItem(States.StringSplit($$.Execution.StartTime, 'T'), 0)"
    truncate        = true
  }

  export_definition = {
    Comment = "Exports a recovery point of the ID Minter's registry to S3 as Parquet"
    StartAt = "ReadInput"
    States  = merge(local.states_of_start, local.states_of_export, local.states_of_end)
  }

  states_of_start = {
    ReadInput = {
      Type = "Choice"
      Choices = [
        {
          And = concat(local.snapshot_given, [
            { Variable = "$.detail.resourceName", IsPresent = true },
            { Variable = "$.detail.resourceName", IsString = true },
          ])
          Next = "PlanAfterBackup"
        },
        { And = local.snapshot_given, Next = "PlanManualExport" },
      ]
      Default = "NoSnapshotGiven"
    }

    PlanAfterBackup = {
      Type = "Pass"
      Parameters = merge(local.export_as_planned, {
        event = merge(local.event_as_planned, { "cluster_name.$" = "$.detail.resourceName" })
      })
      Next = "IsNameFit"
    }

    PlanManualExport = {
      Type = "Pass"
      Parameters = merge(local.export_as_planned, {
        event = merge(local.event_as_planned, { cluster_name = local.cluster_name })
      })
      Next = "IsNameFit"
    }

    IsNameFit = {
      Type    = "Choice"
      Choices = [{ Variable = "$.task.name", StringMatches = "*_*", Next = "HashName" }]
      Default = "StartExport"
    }

    HashName = {
      Type = "Pass"
      Parameters = {
        "name.$" = "States.Format('identifiers-export-{}', States.Hash($$.Execution.Name, 'SHA-1'))"
        hashed   = true
      }
      ResultPath = "$.task"
      Next       = "StartExport"
    }

    StartExport = {
      Type     = "Task"
      Resource = "arn:aws:states:::aws-sdk:rds:startExportTask"
      Parameters = {
        "ExportTaskIdentifier.$" = "$.task.name"
        "SourceArn.$"            = "$.snapshot"
        "S3Prefix.$"             = "$.prefix"
        S3BucketName             = var.bucket_name
        IamRoleArn               = aws_iam_role.export.arn
        KmsKeyId                 = aws_kms_key.export.arn
      }
      TimeoutSeconds = local.call_seconds
      ResultPath     = null
      Retry          = [{ ErrorEquals = local.refused_for_good, MaxAttempts = 0 }, local.try_again]
      Catch = [
        # an earlier attempt was heard, only its answer was lost
        { ErrorEquals = [local.already_exists], ResultPath = "$.failure", Next = "WaitForExport" },
        { ErrorEquals = ["States.ALL"], ResultPath = "$.failure", Next = "JudgeRefusal" },
      ]
      Next = "WaitForExport"
    }

    JudgeRefusal = {
      Type = "Choice"
      Choices = [
        {
          And = [
            { Variable = "$.task.hashed", BooleanEquals = false },
            { Variable = "$.failure.Error", StringEquals = "Rds.RdsException" },
            { Variable = "$.failure.Cause", StringMatches = "*dentifier*" },
          ]
          Next = "HashName"
        },
        {
          And = [
            { Variable = "$.refusals.count", NumericLessThan = local.refusals_max },
            { Variable = "$.failure.Error", StringEquals = "Rds.RdsException" },
            { Or = [for words in local.no_place_yet : { Variable = "$.failure.Cause", StringMatches = words }] },
          ]
          Next = "WaitForPlace"
        },
        {
          # the recovery point is being made or copied
          And = [
            { Variable = "$.refusals.count", NumericLessThan = local.refusals_max },
            { Variable = "$.failure.Error", StringEquals = local.not_yet },
          ]
          Next = "WaitForPlace"
        },
      ]
      Default = "Alert"
    }

    WaitForPlace = {
      Type    = "Wait"
      Seconds = local.poll_seconds
      Next    = "CountRefusal"
    }

    CountRefusal = {
      Type       = "Pass"
      Parameters = { "count.$" = "States.MathAdd($.refusals.count, 1)" }
      ResultPath = "$.refusals"
      Next       = "StartExport"
    }
  }

  states_of_export = {
    WaitForExport = {
      Type    = "Wait"
      Seconds = local.poll_seconds
      Next    = "CountPoll"
    }

    CountPoll = {
      Type       = "Pass"
      Parameters = { "count.$" = "States.MathAdd($.polls.count, 1)" }
      ResultPath = "$.polls"
      Next       = "DescribeExport"
    }

    DescribeExport = {
      Type       = "Task"
      Resource   = "arn:aws:states:::aws-sdk:rds:describeExportTasks"
      Parameters = { "ExportTaskIdentifier.$" = "$.task.name" }
      ResultSelector = {
        "statuses.$"  = "$.ExportTasks[*].Status"
        "snapshots.$" = "$.ExportTasks[*].SourceArn"
        "causes.$"    = "$.ExportTasks[*].FailureCause"
        "warnings.$"  = "$.ExportTasks[*].WarningMessage"
        "percents.$"  = "$.ExportTasks[*].PercentProgress"
      }
      TimeoutSeconds = local.call_seconds
      ResultPath     = "$.described"
      Retry          = [local.try_again]
      Catch          = local.alert_on_any_error
      Next           = "JudgeExport"
    }

    JudgeExport = {
      Type = "Choice"
      Choices = [
        { Variable = "$.described.statuses[0]", IsPresent = false, Next = "StatusUnknown" },
        # the name was taken by an export of long ago, whose files are not those of this snapshot
        {
          And = [
            { Variable = "$.described.snapshots[0]", IsPresent = true },
            { Not = { Variable = "$.described.snapshots[0]", StringEqualsPath = "$.snapshot" } },
          ]
          Next = "NameTaken"
        },
        { Variable = "$.described.statuses[0]", StringEquals = "COMPLETE", Next = "Announce" },
        { Variable = "$.described.statuses[0]", StringEquals = "FAILED", Next = "ExportEnded" },
        { Variable = "$.described.statuses[0]", StringEquals = "CANCELED", Next = "ExportEnded" },
        {
          And = [
            { Variable = "$.polls.count", NumericLessThan = local.polls_max },
            { Or = local.still_running },
          ]
          Next = "WaitForExport"
        },
        { Or = local.still_running, Next = "TooSlow" },
      ]
      Default = "StatusUnknown"
    }

    Announce = {
      Type     = "Task"
      Resource = "arn:aws:states:::aws-sdk:eventbridge:putEvents"
      Parameters = {
        Entries = [{
          EventBusName = var.event_bus_name
          Source       = "catalogue-pipeline.id-minter"
          DetailType   = "Export Completed"
          "Detail.$"   = "States.JsonToString($.event)"
        }]
      }
      ResultSelector = {
        "failed.$"  = "$.FailedEntryCount"
        "answers.$" = "$.Entries"
      }
      TimeoutSeconds = local.call_seconds
      ResultPath     = "$.announcement"
      Retry          = [local.try_again]
      Catch          = local.alert_on_any_error
      Next           = "IsAnnounced"
    }

    # EventBridge answers a call as done although it took none of the events.
    IsAnnounced = {
      Type = "Choice"
      Choices = [
        { Variable = "$.announcement.failed", NumericEquals = 0, Next = "Exported" },
        { Variable = "$.announced.count", NumericLessThan = local.announcements_max, Next = "WaitToAnnounce" },
      ]
      Default = "NotAnnounced"
    }

    WaitToAnnounce = {
      Type    = "Wait"
      Seconds = 30
      Next    = "CountAnnouncement"
    }

    CountAnnouncement = {
      Type       = "Pass"
      Parameters = { "count.$" = "States.MathAdd($.announced.count, 1)" }
      ResultPath = "$.announced"
      Next       = "Announce"
    }

    Exported = { Type = "Succeed" }
  }

  still_running = [
    for status in ["STARTING", "IN_PROGRESS", "CANCELING"] :
    { Variable = "$.described.statuses[0]", StringEquals = status }
  ]

  # Failures that no service reported get the form of those that one did, and all end in one alert.
  states_of_end = merge(
    {
      NoSnapshotGiven = {
        Type = "Pass"
        Parameters = {
          failure = {
            Error = "NoSnapshotGiven"
            Cause = "The input names no snapshot: it has to be {\"resources\": [\"<ARN of a recovery point>\"]}. Nothing was exported."
          }
        }
        Next = "Alert"
      }
    },
    {
      for name, cause in {
        ExportEnded   = "States.Format('RDS ended the export {}: {}', $.task.name, States.JsonToString($.described))"
        StatusUnknown = "States.Format('RDS gives the export {} no status that is known here, so it is not waited for: {}', $.task.name, States.JsonToString($.described))"
        NameTaken     = "States.Format('The name {} belongs to the export of another snapshot: {}. Start again under another name.', $.task.name, States.JsonToString($.described))"
        TooSlow       = "States.Format('The export {} has not ended after {} polls; RDS goes on with it, but nobody waits: {}', $.task.name, $.polls.count, States.JsonToString($.described))"
        NotAnnounced  = "States.Format('The export {} is complete, but EventBridge did not take its event: {}', $.task.name, States.JsonToString($.announcement))"
      } :
      name => {
        Type       = "Pass"
        Parameters = { Error = name, "Cause.$" = cause }
        ResultPath = "$.failure"
        Next       = "Alert"
      }
    },
    {
      Alert = {
        Type     = "Task"
        Resource = "arn:aws:states:::aws-sdk:sns:publish"
        Parameters = {
          TopicArn    = aws_sns_topic.alerts.arn
          Subject     = "Export of the ID Minter's registry failed"
          "Message.$" = "States.Format('The export of the ID Minter registry failed: {} Input: {} Execution: {}', States.JsonToString($.failure), States.JsonToString($$.Execution.Input), $$.Execution.Id)"
        }
        TimeoutSeconds = local.call_seconds
        ResultPath     = null
        Retry          = [local.try_again]
        Catch          = [{ ErrorEquals = ["States.ALL"], ResultPath = "$.untold", Next = "AlertFailed" }]
        Next           = "ExportFailed"
      }

      ExportFailed = {
        Type      = "Fail"
        Error     = local.export_failed
        CausePath = "States.JsonToString($.failure)"
      }

      # a rule of EventBridge tells of this end instead
      AlertFailed = {
        Type      = "Fail"
        Error     = "AlertFailed"
        CausePath = "States.JsonToString($)"
      }
    },
  )
}
