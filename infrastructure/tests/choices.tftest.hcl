# What the variables change, and what they refuse.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  region            = "us-east-2"
  account_id        = "123456789012"
  cluster_arn       = "arn:aws:rds:us-east-2:123456789012:cluster:museum"
  alert_subscribers = [{ protocol = "email", endpoint = "team@example.org" }]
}

run "another_house_names_its_own_things" {
  variables {
    backup_vault_name     = "museum-vault"
    backup_schedule       = "cron(30 1 * * ? *)"
    backup_retention_days = 90
    export_name           = "museum-export"
    bucket_name           = "museum-exports"
    event_bus_name        = "museum"
  }

  assert {
    condition = (
      aws_backup_vault.id_minter.name == "museum-vault" &&
      one(aws_backup_plan.daily.rule).schedule == "cron(30 1 * * ? *)" &&
      one(one(aws_backup_plan.daily.rule).lifecycle).delete_after == 90
    )
    error_message = "The backup does not follow its variables."
  }
  assert {
    condition = (
      aws_sfn_state_machine.export.name == "museum-export" &&
      aws_kms_alias.export.name == "alias/museum-export" &&
      aws_sns_topic.alerts.name == "museum-export-alerts"
    )
    error_message = "The export does not follow its name."
  }
  assert {
    condition     = !strcontains(aws_sfn_state_machine.export.definition, "wellcomecollection") && !strcontains(aws_sfn_state_machine.export.definition, "identifiers-serverless")
    error_message = "Something of the defaults is left in the machine."
  }
  assert {
    condition     = jsondecode(aws_sfn_state_machine.export.definition).States.PlanManualExport.Parameters.event.cluster_name == "museum"
    error_message = "A manual export names another cluster in its event."
  }
  assert {
    condition = alltrue([
      for policy in [aws_iam_role_policy.state_machine.policy, aws_iam_role_policy.export.policy, aws_sns_topic_policy.alerts.policy, aws_kms_key.alerts.policy] :
      !strcontains(policy, "760097843905") && !strcontains(policy, "eu-west-1")
    ])
    error_message = "A policy speaks of another account or region."
  }
}

run "makes_a_bucket_that_nobody_else_reads" {
  variables {
    create_bucket = true
    bucket_name   = "museum-exports"
  }

  assert {
    condition = (
      aws_s3_bucket_public_access_block.exports[0].block_public_acls &&
      aws_s3_bucket_public_access_block.exports[0].block_public_policy &&
      aws_s3_bucket_public_access_block.exports[0].ignore_public_acls &&
      aws_s3_bucket_public_access_block.exports[0].restrict_public_buckets
    )
    error_message = "The bucket may be made public."
  }
  assert {
    condition     = aws_s3_bucket_versioning.exports[0].versioning_configuration[0].status == "Enabled"
    error_message = "What is overwritten is lost."
  }
  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.exports[0].rule).apply_server_side_encryption_by_default).kms_master_key_id == aws_kms_key.export.arn
    error_message = "The bucket is not encrypted with the key of the exports."
  }
  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.exports[0].rule[0].expiration).days == 30
    error_message = "Exports are kept for another time."
  }
}

run "makes_a_bus" {
  variables {
    create_event_bus = true
  }

  assert {
    condition     = aws_cloudwatch_event_bus.completed[0].name == "catalogue-pipeline-id-minter"
    error_message = "The bus has another name."
  }
}

run "tries_restores_out" {
  variables {
    restore_testing_schedule = "cron(0 6 ? * SUN *)"
  }

  assert {
    condition     = aws_backup_restore_testing_selection.cluster[0].protected_resource_arns == toset([var.cluster_arn])
    error_message = "Something else is restored."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.restore_failed[0].event_pattern).detail.status == ["FAILED", "ABORTED"]
    error_message = "A restore that fails is not told."
  }
}

run "refuses_alerts_to_nobody" {
  command = plan

  variables {
    alert_subscribers = []
  }

  expect_failures = [var.alert_subscribers]
}

run "refuses_a_cluster_of_another_account" {
  command = plan

  variables {
    cluster_arn = "arn:aws:rds:us-east-2:999999999999:cluster:museum"
  }

  expect_failures = [var.cluster_arn]
}

run "refuses_an_account_that_is_none" {
  command = plan

  variables {
    account_id  = "catalogue"
    cluster_arn = "arn:aws:rds:us-east-2:catalogue:cluster:museum"
  }

  expect_failures = [var.account_id]
}
