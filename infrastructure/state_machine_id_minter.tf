# Four times an hour: find the works that changed, mint them in parts, fail if a part failed. Start it afresh rather
# than redrive it: finding the work anew costs little, and what is minted already is only looked up.

locals {
  pipeline_arn            = "arn:aws:states:${var.region}:${var.account_id}:stateMachine:${var.pipeline_name}"
  pipeline_log_group_name = "/aws/vendedlogs/states/${var.pipeline_name}"

  # The cause of a failed execution has room for 32,768 characters: a hundred parts are named.
  failed_named_max = 100

  # What passes by itself. What the function itself ends in is not tried again here: it has retried each service.
  lambda_retries = [
    {
      ErrorEquals = [
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
      ]
      IntervalSeconds = 2
      BackoffRate     = 2
      MaxAttempts     = 3
      JitterStrategy  = "FULL"
    },
    { ErrorEquals = ["Lambda.Unknown"], IntervalSeconds = 2, BackoffRate = 2, MaxAttempts = 2, JitterStrategy = "FULL" },
  ]

  # A part ends in what it came to and never in an error: an error would end the others with it. No two states of a
  # machine may have one name, and the parts of a list and of a manifest are minted by one state each.
  mint_partition = {
    for kind in ["Partition", "ListedPartition"] : kind => {
      ProcessorConfig = { Mode = "DISTRIBUTED", ExecutionType = "STANDARD" }
      StartAt         = "Mint${kind}"
      States = {
        "Mint${kind}" = {
          Type     = "Task"
          Resource = "arn:aws:states:::lambda:invoke"
          Parameters = {
            FunctionName = local.function_arns.id_minter
            "Payload.$"  = "$"
          }
          # The answers of many parts would not fit into one result; they stand in the reports.
          ResultSelector = { done = true }
          TimeoutSeconds = local.function_seconds + 60
          Retry          = local.lambda_retries
          Catch          = [{ ErrorEquals = ["States.ALL"], ResultPath = "$.error", Next = "${kind}Failed" }]
          End            = true
        }
        "${kind}Failed" = {
          Type       = "Pass"
          Parameters = { failed = { "s3_uri.$" = "$.s3_uri", "count.$" = "$.count" } }
          End        = true
        }
      }
    }
  }

  mint_partitions = {
    Type           = "Map"
    MaxConcurrency = var.minters_at_once
    ResultSelector = {
      "partitions.$"   = "States.ArrayLength($)"
      "failed_count.$" = "States.ArrayLength($[*].failed)"
      "failed.$"       = "$[*].failed"
    }
    Next = "JudgePartitions"
  }

  pipeline_definition = {
    Comment        = "Mints the works that changed: finds them, mints them in parts, fails if a part failed"
    StartAt        = "FindWork"
    TimeoutSeconds = 24 * 3600
    States = {
      FindWork = {
        Type     = "Task"
        Resource = "arn:aws:states:::lambda:invoke"
        Parameters = {
          FunctionName = local.function_arns.find_work
          "Payload.$"  = "$"
        }
        OutputPath     = "$.Payload"
        TimeoutSeconds = local.function_seconds + 60
        Retry          = local.lambda_retries
        Next           = "HowMuchWork"
      }

      HowMuchWork = {
        Type = "Choice"
        Choices = [
          { Variable = "$.manifest", IsPresent = true, Next = "MintManifest" },
          { Variable = "$.partitions[0]", IsPresent = true, Next = "MintPartitions" },
        ]
        Default = "NothingToDo"
      }

      MintPartitions = merge(local.mint_partitions, {
        Label         = "Partitions"
        ItemsPath     = "$.partitions"
        ItemProcessor = local.mint_partition.Partition
      })

      # too many parts for the answer of a function: they stand in a file
      MintManifest = merge(local.mint_partitions, {
        Label         = "Manifest"
        ItemProcessor = local.mint_partition.ListedPartition
        ItemReader = {
          Resource     = "arn:aws:states:::s3:getObject"
          ReaderConfig = { InputType = "JSON" }
          Parameters   = { "Bucket.$" = "$.manifest.bucket", "Key.$" = "$.manifest.key" }
        }
      })

      JudgePartitions = {
        Type    = "Choice"
        Choices = [{ Variable = "$.failed_count", NumericGreaterThan = 0, Next = "NameFailed" }]
        Default = "Minted"
      }

      NameFailed = {
        Type = "Pass"
        Parameters = {
          "partitions.$"   = "$.partitions"
          "failed_count.$" = "$.failed_count"
          "failed.$"       = "$.failed[0:${local.failed_named_max}]"
        }
        Next = "PartitionsFailed"
      }

      PartitionsFailed = {
        Type      = "Fail"
        Error     = "PartitionsFailed"
        CausePath = "States.JsonToString($)"
      }

      NothingToDo = {
        Type   = "Pass"
        Result = { partitions = 0, failed_count = 0, failed = [] }
        Next   = "Minted"
      }

      Minted = { Type = "Succeed" }
    }
  }
}

resource "aws_sfn_state_machine" "pipeline" {
  count = local.own_pipeline

  name       = var.pipeline_name
  role_arn   = aws_iam_role.pipeline[0].arn
  definition = jsonencode(local.pipeline_definition)

  logging_configuration {
    level                  = "ERROR"
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.pipeline[0].arn}:*"
  }

  tracing_configuration {
    enabled = true
  }

  depends_on = [aws_iam_role_policy.pipeline]
}

resource "aws_cloudwatch_log_group" "pipeline" {
  count = local.own_pipeline

  name              = local.pipeline_log_group_name
  retention_in_days = 365
  kms_key_id        = aws_kms_key.pipeline[0].arn
}

resource "aws_iam_role" "pipeline" {
  count = local.own_pipeline

  name = "${var.pipeline_name}-state-machine"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "states.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "pipeline" {
  count = local.own_pipeline

  name = "mint"
  role = aws_iam_role.pipeline[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Invoke"
        Effect   = "Allow"
        Action   = "lambda:InvokeFunction"
        Resource = [local.function_arns.find_work, local.function_arns.id_minter]
      },
      {
        Sid      = "ReadManifests"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = local.partitions_arn
      },
      {
        Sid      = "DecryptManifests"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = aws_kms_key.export.arn
      },
      {
        # the parts of a distributed Map are executions of the same machine
        Sid      = "StartParts"
        Effect   = "Allow"
        Action   = "states:StartExecution"
        Resource = local.pipeline_arn
      },
      {
        Sid      = "FollowParts"
        Effect   = "Allow"
        Action   = ["states:DescribeExecution", "states:StopExecution"]
        Resource = ["${local.pipeline_executions_arn}:*", "${local.pipeline_executions_arn}/*"]
      },
      {
        # Neither deliveries of logs nor traces have a resource.
        Sid       = "LogAndTrace"
        Effect    = "Allow"
        Action    = concat(local.may_deliver_logs, local.may_trace)
        Resource  = "*"
        Condition = { StringEquals = { "aws:RequestedRegion" = var.region } }
      },
    ]
  })
}

locals {
  pipeline_executions_arn = "arn:aws:states:${var.region}:${var.account_id}:execution:${var.pipeline_name}"

  may_trace = [
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
  ]
}

# Its clock

resource "aws_scheduler_schedule" "pipeline" {
  count = local.own_pipeline

  name                = var.pipeline_name
  description         = "Mints the works that changed"
  state               = local.schedules_state
  schedule_expression = var.pipeline_schedule
  kms_key_arn         = aws_kms_key.pipeline[0].arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.pipeline[0].arn
    role_arn = aws_iam_role.scheduler[0].arn

    # jsonencode would write < and > as escapes, in which the scheduler does not see its own word
    input = "{\"scheduled_time\":\"<aws.scheduler.scheduled-time>\"}"
  }
}

resource "aws_iam_role" "scheduler" {
  count = local.own_pipeline

  name = "${var.pipeline_name}-scheduler"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "scheduler" {
  count = local.own_pipeline

  name = "start"
  role = aws_iam_role.scheduler[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "StartPipeline"
        Effect   = "Allow"
        Action   = "states:StartExecution"
        Resource = local.pipeline_arn
      },
      {
        Sid      = "FillPool"
        Effect   = "Allow"
        Action   = "lambda:InvokeFunction"
        Resource = local.function_arns.id_generator
      },
      {
        Sid      = "ReadInput"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = aws_kms_key.pipeline[0].arn
      },
    ]
  })
}
