# Each completed backup is exported to S3 as Parquet. The states of the machine are in export_states.tf.

locals {
  exports_prefix = "exports/identifiers"
  bucket_arn     = "arn:aws:s3:::${var.bucket_name}"
  bus_arn        = "arn:aws:events:${var.region}:${var.account_id}:event-bus/${var.event_bus_name}"

  # Built rather than read from the machine: the machine cannot exist before the role that names it.
  state_machine_arn = "arn:aws:states:${var.region}:${var.account_id}:stateMachine:${var.export_name}"
  log_group_name    = "/aws/vendedlogs/states/${var.export_name}"

  # In a key's policy "*" means this key. The account's own policies say who may use it.
  key_policy_of_account = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Account"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  }

  logs_may_encrypt = {
    Sid       = "Logs"
    Effect    = "Allow"
    Principal = { Service = "logs.${var.region}.amazonaws.com" }
    Action    = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
    Resource  = "*"
  }

  may_deliver_logs = [
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
  ]
}

resource "aws_sfn_state_machine" "export" {
  #checkov:skip=CKV_AWS_284:A machine that waits five minutes between calls has no latency to trace
  name       = var.export_name
  role_arn   = aws_iam_role.state_machine.arn
  definition = jsonencode(local.export_definition)

  logging_configuration {
    level                  = "ERROR"
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.state_machine.arn}:*"
  }

  depends_on = [aws_iam_role_policy.state_machine]
}

resource "aws_cloudwatch_log_group" "state_machine" {
  name              = local.log_group_name
  retention_in_days = 365
  kms_key_id        = aws_kms_key.alerts.arn
}

resource "aws_iam_role" "state_machine" {
  name = "${var.export_name}-state-machine"
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

resource "aws_iam_role_policy" "state_machine" {
  name = "export"
  role = aws_iam_role.state_machine.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # RDS knows no resource for the two, so the region is what can be named.
        Sid       = "Export"
        Effect    = "Allow"
        Action    = ["rds:StartExportTask", "rds:DescribeExportTasks"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:RequestedRegion" = var.region } }
      },
      {
        Sid       = "HandOverRole"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = aws_iam_role.export.arn
        Condition = { StringEquals = { "iam:PassedToService" = "export.rds.amazonaws.com" } }
      },
      {
        Sid      = "EncryptExports"
        Effect   = "Allow"
        Action   = ["kms:DescribeKey", "kms:CreateGrant"]
        Resource = aws_kms_key.export.arn
      },
      {
        Sid      = "Announce"
        Effect   = "Allow"
        Action   = "events:PutEvents"
        Resource = local.bus_arn
      },
      {
        Sid      = "Alert"
        Effect   = "Allow"
        Action   = "sns:Publish"
        Resource = aws_sns_topic.alerts.arn
      },
      {
        Sid      = "EncryptAlerts"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource = aws_kms_key.alerts.arn
      },
      {
        # Deliveries of logs have no resource either.
        Sid       = "Log"
        Effect    = "Allow"
        Action    = local.may_deliver_logs
        Resource  = "*"
        Condition = { StringEquals = { "aws:RequestedRegion" = var.region } }
      },
    ]
  })
}

# What RDS writes the export with

resource "aws_kms_key" "export" {
  description             = "Exports of the ID Minter's registry"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = jsonencode(local.key_policy_of_account)
}

resource "aws_kms_alias" "export" {
  name          = "alias/${var.export_name}"
  target_key_id = aws_kms_key.export.key_id
}

resource "aws_iam_role" "export" {
  name = "id-minter-rds-s3-export"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "export.rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "export" {
  name = "write-exports"
  role = aws_iam_role.export.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Bucket"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:GetBucketLocation"]
        Resource = local.bucket_arn
      },
      {
        # as RDS asks for them: it tries the bucket out before it begins
        Sid      = "Objects"
        Effect   = "Allow"
        Action   = ["s3:PutObject*", "s3:GetObject*", "s3:DeleteObject*", "s3:AbortMultipartUpload"]
        Resource = "${local.bucket_arn}/*"
      },
      {
        Sid    = "Key"
        Effect = "Allow"
        Action = [
          "kms:Encrypt",
          "kms:Decrypt",
          "kms:GenerateDataKey",
          "kms:GenerateDataKeyWithoutPlaintext",
          "kms:ReEncryptFrom",
          "kms:ReEncryptTo",
          "kms:CreateGrant",
          "kms:DescribeKey",
          "kms:RetireGrant",
        ]
        Resource = aws_kms_key.export.arn
      },
    ]
  })
}

# Every completed backup starts an export

resource "aws_cloudwatch_event_rule" "backup_completed" {
  name        = "id-minter-backup-completed"
  description = "A backup of the ID Minter's registry completed: its recovery point is exported"
  event_pattern = jsonencode({
    source      = ["aws.backup"]
    detail-type = ["Backup Job State Change"]
    detail = {
      state           = ["COMPLETED"]
      backupVaultName = [aws_backup_vault.id_minter.name]
    }
  })
}

resource "aws_cloudwatch_event_target" "start_export" {
  rule     = aws_cloudwatch_event_rule.backup_completed.name
  arn      = aws_sfn_state_machine.export.arn
  role_arn = aws_iam_role.start_export.arn
}

resource "aws_iam_role" "start_export" {
  name = "${var.export_name}-eventbridge"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "start_export" {
  name = "start-export"
  role = aws_iam_role.start_export.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "states:StartExecution"
      Resource = local.state_machine_arn
    }]
  })
}

resource "aws_cloudwatch_event_bus" "completed" {
  count = var.create_event_bus ? 1 : 0

  name = var.event_bus_name
}

# Alerts

resource "aws_sns_topic" "alerts" {
  name              = "${var.export_name}-alerts"
  kms_master_key_id = aws_kms_key.alerts.arn
}

resource "aws_sns_topic_subscription" "alerts" {
  for_each = { for subscriber in var.alert_subscribers : "${subscriber.protocol}:${subscriber.endpoint}" => subscriber }

  topic_arn = aws_sns_topic.alerts.arn
  protocol  = each.value.protocol
  endpoint  = each.value.endpoint
}

resource "aws_sns_topic_policy" "alerts" {
  arn = aws_sns_topic.alerts.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # AWS promises no SourceAccount from EventBridge to topics, and a condition that is not met is silence.
        Sid       = "Rules"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alerts.arn
      },
      {
        Sid       = "Alarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alerts.arn
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
    ]
  })
}

# A key of its own: AWS's own key for SNS lets neither rules nor alarms publish.
resource "aws_kms_key" "alerts" {
  description             = "Alerts and logs of the ID Minter's exports"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode(merge(local.key_policy_of_account, {
    Statement = concat(local.key_policy_of_account.Statement, [
      {
        Sid       = "RulesAndAlarms"
        Effect    = "Allow"
        Principal = { Service = ["events.amazonaws.com", "cloudwatch.amazonaws.com"] }
        Action    = ["kms:GenerateDataKey*", "kms:Decrypt"]
        Resource  = "*"
      },
      merge(local.logs_may_encrypt, {
        Condition = {
          ArnEquals = {
            "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:${var.region}:${var.account_id}:log-group:${local.log_group_name}"
          }
        }
      }),
    ])
  }))
}

resource "aws_kms_alias" "alerts" {
  name          = "alias/${var.export_name}-alerts"
  target_key_id = aws_kms_key.alerts.key_id
}

# What the machine cannot say itself: that it was stopped, broke at a place where nothing is caught, or could not
# publish. An execution that ends as ExportFailed has published its alert.
resource "aws_cloudwatch_event_rule" "ended_untold" {
  name        = "${var.export_name}-ended-untold"
  description = "An export of the ID Minter's registry ended without an alert of its own"
  event_pattern = jsonencode({
    source      = ["aws.states"]
    detail-type = ["Step Functions Execution Status Change"]
    detail = {
      stateMachineArn = [local.state_machine_arn]
      "$or" = [
        { status = ["ABORTED", "TIMED_OUT"] },
        { status = ["FAILED"], error = [{ anything-but = [local.export_failed] }] },
      ]
    }
  })
}

resource "aws_cloudwatch_event_target" "ended_untold" {
  rule = aws_cloudwatch_event_rule.ended_untold.name
  arn  = aws_sns_topic.alerts.arn

  input_transformer {
    input_paths = {
      execution = "$.detail.executionArn"
      status    = "$.detail.status"
      error     = "$.detail.error"
      cause     = "$.detail.cause"
    }
    input_template = "\"The export of the ID Minter's registry ended <status>: <error> <cause>. Execution: <execution>.\""
  }
}

# Nothing above rings where no backup was ever asked for: a cluster that was replaced, a rule that was switched off.
resource "aws_cloudwatch_metric_alarm" "no_export" {
  alarm_name        = "${var.export_name}-missing"
  alarm_description = "No export of the ID Minter's registry has completed for 26 hours"

  namespace   = "AWS/States"
  metric_name = "ExecutionsSucceeded"
  dimensions  = { StateMachineArn = local.state_machine_arn }
  statistic   = "Sum"

  period              = 3600
  evaluation_periods  = 26
  datapoints_to_alarm = 26
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"

  alarm_actions = [aws_sns_topic.alerts.arn]
}

# The bucket, where it is made here

resource "aws_s3_bucket" "exports" {
  #checkov:skip=CKV_AWS_18:CloudTrail tells who read an object; a log bucket would need all of this again
  #checkov:skip=CKV_AWS_144:Exports are copies; what they are copies of, the recovery points, is what would be replicated
  count = local.own_bucket

  bucket = var.bucket_name
}

resource "aws_s3_bucket_public_access_block" "exports" {
  count = local.own_bucket

  bucket                  = aws_s3_bucket.exports[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "exports" {
  count = local.own_bucket

  bucket = aws_s3_bucket.exports[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "exports" {
  count = local.own_bucket

  bucket = aws_s3_bucket.exports[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.export.arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "exports" {
  count = local.own_bucket

  bucket = aws_s3_bucket.exports[0].id

  rule {
    id     = "expire-exports"
    status = "Enabled"

    filter {
      prefix = "exports/"
    }

    expiration {
      days = var.export_retention_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 7
    }
  }

  rule {
    id     = "abort-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # rules over versions need versioning to be on
  depends_on = [aws_s3_bucket_versioning.exports]
}

resource "aws_s3_bucket_notification" "exports" {
  count = local.own_bucket

  bucket      = aws_s3_bucket.exports[0].id
  eventbridge = true
}

resource "aws_s3_bucket_policy" "exports" {
  count = local.own_bucket

  bucket = aws_s3_bucket.exports[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyEncryptedConnections"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [local.bucket_arn, "${local.bucket_arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

locals {
  own_bucket = var.create_bucket ? 1 : 0
}
