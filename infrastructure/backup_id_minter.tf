# A daily backup of the registry's cluster, and the alerts where it fails.

resource "aws_kms_key" "backup" {
  description             = "Recovery points of the ID Minter's registry"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = jsonencode(local.key_policy_of_account)
}

resource "aws_kms_alias" "backup" {
  name          = "alias/${var.backup_vault_name}"
  target_key_id = aws_kms_key.backup.key_id
}

resource "aws_backup_vault" "id_minter" {
  name        = var.backup_vault_name
  kms_key_arn = aws_kms_key.backup.arn
}

resource "aws_backup_plan" "daily" {
  name = "id-minter-daily-backup"

  rule {
    rule_name         = "daily-snapshot"
    target_vault_name = aws_backup_vault.id_minter.name
    schedule          = var.backup_schedule

    # AWS Backup may begin at any time of the start window, eight hours without a word of ours. Exports follow
    # backups, and the alarm over them allows 26 hours, two more than a day has.
    start_window      = 60
    completion_window = 300

    lifecycle {
      delete_after = var.backup_retention_days
    }
  }
}

resource "aws_backup_selection" "cluster" {
  name         = "id-minter-rds"
  plan_id      = aws_backup_plan.daily.id
  iam_role_arn = aws_iam_role.backup.arn
  resources    = [var.create_cluster ? one(aws_rds_cluster.registry[*].arn) : var.cluster_arn]
}

resource "aws_iam_role" "backup" {
  name = "id-minter-backup-role"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "backup.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "backup" {
  role       = aws_iam_role.backup.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"
}

# Backups that failed

resource "aws_cloudwatch_event_rule" "backup_failed" {
  name        = "id-minter-backup-failed"
  description = "A backup of the ID Minter's registry ended without a recovery point"
  event_pattern = jsonencode({
    source      = ["aws.backup"]
    detail-type = ["Backup Job State Change"]
    detail = {
      state           = ["FAILED", "ABORTED", "EXPIRED"]
      backupVaultName = [aws_backup_vault.id_minter.name]
    }
  })
}

resource "aws_cloudwatch_event_target" "backup_failed" {
  rule = aws_cloudwatch_event_rule.backup_failed.name
  arn  = aws_sns_topic.alerts.arn

  input_transformer {
    input_paths = {
      job      = "$.detail.backupJobId"
      resource = "$.detail.resourceArn"
      state    = "$.detail.state"
      message  = "$.detail.statusMessage"
    }
    input_template = "\"The backup of <resource> ended <state>: <message>. There is no new recovery point, and no export follows. Job: <job>.\""
  }
}

# Restores that are tried out, where they are asked for

resource "aws_backup_restore_testing_plan" "id_minter" {
  count = local.restore_testing

  name                = "id_minter_restore_testing"
  schedule_expression = var.restore_testing_schedule

  recovery_point_selection {
    algorithm             = "LATEST_WITHIN_WINDOW"
    include_vaults        = [aws_backup_vault.id_minter.arn]
    recovery_point_types  = ["SNAPSHOT"]
    selection_window_days = 7
  }
}

resource "aws_backup_restore_testing_selection" "cluster" {
  count = local.restore_testing

  name                      = "id_minter_rds"
  restore_testing_plan_name = aws_backup_restore_testing_plan.id_minter[0].name
  protected_resource_type   = "Aurora"
  protected_resource_arns   = [var.cluster_arn]
  iam_role_arn              = aws_iam_role.backup.arn
}

resource "aws_iam_role_policy_attachment" "restore" {
  count = local.restore_testing

  role       = aws_iam_role.backup.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores"
}

resource "aws_cloudwatch_event_rule" "restore_failed" {
  count = local.restore_testing

  name        = "id-minter-restore-failed"
  description = "A restore of the ID Minter's registry did not complete"
  event_pattern = jsonencode({
    source      = ["aws.backup"]
    detail-type = ["Restore Job State Change"]
    detail = {
      status          = ["FAILED", "ABORTED"]
      backupVaultName = [aws_backup_vault.id_minter.name]
    }
  })
}

resource "aws_cloudwatch_event_target" "restore_failed" {
  count = local.restore_testing

  rule = aws_cloudwatch_event_rule.restore_failed[0].name
  arn  = aws_sns_topic.alerts.arn

  input_transformer {
    input_paths = {
      job     = "$.detail.restoreJobId"
      status  = "$.detail.status"
      message = "$.detail.statusMessage"
    }
    input_template = "\"A restore out of the vault ended <status>: <message>. Job: <job>.\""
  }
}

locals {
  restore_testing = var.restore_testing_schedule == null ? 0 : 1
}
