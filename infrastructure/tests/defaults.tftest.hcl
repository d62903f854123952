# What stands in the plan as it comes, with nothing given but the subscribers.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  alert_subscribers = [{ protocol = "email", endpoint = "team@example.org" }]
}

run "backs_up_daily_at_three_and_keeps_thirty_days" {
  assert {
    condition     = aws_backup_vault.id_minter.name == "id-minter-backup-vault"
    error_message = "The vault has another name."
  }
  assert {
    condition     = aws_backup_vault.id_minter.kms_key_arn == aws_kms_key.backup.arn
    error_message = "The vault is not encrypted with its own key."
  }
  assert {
    condition     = one(aws_backup_plan.daily.rule).schedule == "cron(0 3 * * ? *)"
    error_message = "The backup does not start at 03:00 UTC."
  }
  assert {
    condition     = one(one(aws_backup_plan.daily.rule).lifecycle).delete_after == 30
    error_message = "Recovery points are not kept for 30 days."
  }
  assert {
    condition     = one(aws_backup_plan.daily.rule).target_vault_name == aws_backup_vault.id_minter.name
    error_message = "The plan writes into another vault."
  }
  assert {
    condition     = aws_backup_selection.cluster.resources == toset([var.cluster_arn])
    error_message = "The cluster is not in the selection."
  }
  assert {
    condition     = one(aws_backup_plan.daily.rule).start_window + 24 * 60 < 26 * 60
    error_message = "A backup may start so late that the alarm over missing exports rings without need."
  }
}

run "has_the_names_that_its_users_know" {
  assert {
    condition     = aws_sfn_state_machine.export.name == "id-minter-rds-export"
    error_message = "The state machine has another name."
  }
  assert {
    condition     = local.state_machine_arn == "arn:aws:states:eu-west-1:760097843905:stateMachine:id-minter-rds-export"
    error_message = "The manual trigger would not find the machine."
  }
  assert {
    condition     = aws_kms_alias.export.name == "alias/id-minter-rds-export"
    error_message = "The key of the exports has another alias."
  }
  assert {
    condition     = aws_sns_topic.alerts.name == "id-minter-rds-export-alerts"
    error_message = "The topic has another name."
  }
  assert {
    condition     = output.exports_url == "s3://wellcomecollection-platform-id-minter/exports/identifiers/"
    error_message = "Exports go elsewhere."
  }
}

run "uses_a_bucket_and_a_bus_that_exist_and_tries_no_restore" {
  assert {
    condition     = length(aws_s3_bucket.exports) + length(aws_cloudwatch_event_bus.completed) == 0
    error_message = "A bucket or bus is made that was not asked for."
  }
  assert {
    condition     = length(aws_backup_restore_testing_plan.id_minter) == 0
    error_message = "Restores are tried that were not asked for."
  }
}

run "starts_an_export_after_each_completed_backup_of_the_vault" {
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.backup_completed.event_pattern) == {
      source      = ["aws.backup"]
      detail-type = ["Backup Job State Change"]
      detail      = { state = ["COMPLETED"], backupVaultName = ["id-minter-backup-vault"] }
    }
    error_message = "The rule waits for other events."
  }
  assert {
    condition     = aws_cloudwatch_event_target.start_export.arn == aws_sfn_state_machine.export.arn
    error_message = "The rule starts something else."
  }
}

run "alerts_where_a_backup_fails" {
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.backup_failed.event_pattern) == {
      source      = ["aws.backup"]
      detail-type = ["Backup Job State Change"]
      detail      = { state = ["FAILED", "ABORTED", "EXPIRED"], backupVaultName = ["id-minter-backup-vault"] }
    }
    error_message = "The rule lets failures pass."
  }
  assert {
    condition     = aws_cloudwatch_event_target.backup_failed.arn == aws_sns_topic.alerts.arn
    error_message = "Nobody is told."
  }
}

run "alerts_where_no_export_completed_for_26_hours" {
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.no_export.metric_name == "ExecutionsSucceeded" &&
      aws_cloudwatch_metric_alarm.no_export.period * aws_cloudwatch_metric_alarm.no_export.evaluation_periods == 26 * 3600
    )
    error_message = "The alarm looks at another time."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.no_export.treat_missing_data == "breaching"
    error_message = "An export that never happened leaves no data, and no data would ring nothing."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.no_export.alarm_actions == toset([aws_sns_topic.alerts.arn])
    error_message = "Nobody is told."
  }
}

run "encrypts_the_topic_and_lets_rules_and_alarms_publish" {
  assert {
    condition     = aws_sns_topic.alerts.kms_master_key_id == aws_kms_key.alerts.arn
    error_message = "Alerts are not encrypted."
  }
  assert {
    condition = flatten([
      for statement in jsondecode(aws_kms_key.alerts.policy).Statement : statement.Principal.Service
      if statement.Sid == "RulesAndAlarms"
    ]) == [for statement in jsondecode(aws_sns_topic_policy.alerts.policy).Statement : statement.Principal.Service]
    error_message = "Who may publish may not encrypt, so that nothing arrives."
  }
  assert {
    condition     = keys(aws_sns_topic_subscription.alerts) == ["email:team@example.org"]
    error_message = "The subscriber is not subscribed."
  }
}

run "names_every_resource_that_a_policy_can_name" {
  # RDS has no resource for export tasks and CloudWatch none for deliveries of logs.
  assert {
    condition = flatten([
      for statement in jsondecode(aws_iam_role_policy.state_machine.policy).Statement : statement.Sid
      if contains(flatten([statement.Resource]), "*")
    ]) == ["Export", "Log"]
    error_message = "A statement of the state machine is wider than it has to be."
  }
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.state_machine.policy).Statement :
      try(statement.Condition.StringEquals["aws:RequestedRegion"], null) == "eu-west-1"
      if contains(flatten([statement.Resource]), "*")
    ])
    error_message = "What has no resource is not bound to the region."
  }
  assert {
    condition = alltrue([
      for statement in concat(
        jsondecode(aws_iam_role_policy.export.policy).Statement,
        jsondecode(aws_iam_role_policy.start_export.policy).Statement,
      ) : !contains(flatten([statement.Resource]), "*") && !contains(flatten([statement.Action]), "*")
    ])
    error_message = "A statement of the export or of its trigger names nothing."
  }
}
