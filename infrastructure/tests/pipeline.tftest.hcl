# The pipeline and its cluster, as they are made where they are asked for.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  region            = "us-east-2"
  account_id        = "123456789012"
  cluster_arn       = "arn:aws:rds:us-east-2:123456789012:cluster:museum"
  alert_subscribers = [{ protocol = "email", endpoint = "team@example.org" }]
  bucket_name       = "museum"
  create_cluster    = true
  create_pipeline   = true
  pipeline_date     = "2026-02-09"
  vpc_id            = "vpc-1"
  subnet_ids        = ["subnet-a", "subnet-b"]
  lambda_packages   = "./tests/packages"
}

run "makes_neither_where_neither_is_asked_for" {
  variables {
    create_cluster  = false
    create_pipeline = false
    pipeline_date   = null
    vpc_id          = null
    subnet_ids      = []
  }

  assert {
    condition = 0 == length(concat(
      aws_rds_cluster.registry,
      aws_rds_cluster_instance.registry,
      aws_sfn_state_machine.pipeline,
      aws_pipes_pipe.requests,
      aws_scheduler_schedule.pipeline,
      aws_scheduler_schedule.id_generator,
      aws_kms_key.pipeline,
      aws_kms_key.registry,
      aws_vpc_security_group_ingress_rule.functions,
      values(aws_lambda_function.pipeline),
      values(aws_cloudwatch_metric_alarm.pipeline),
      values(aws_iam_role.function),
      values(aws_vpc_security_group_egress_rule.functions),
    ))
    error_message = "Something of the pipeline is made for those who only want backup and export."
  }
}

run "makes_a_cluster_that_is_encrypted_kept_and_only_spoken_to_over_TLS" {
  assert {
    condition = (
      aws_rds_cluster.registry[0].cluster_identifier == "museum" &&
      aws_rds_cluster.registry[0].engine == "aurora-mysql" &&
      alltrue([for instance in aws_rds_cluster_instance.registry : instance.instance_class == "db.serverless"]) &&
      length(aws_rds_cluster_instance.registry) == 2
    )
    error_message = "The cluster is another one than cluster_arn names, or no Aurora MySQL Serverless v2."
  }
  assert {
    condition = (
      aws_rds_cluster.registry[0].storage_encrypted &&
      aws_rds_cluster.registry[0].kms_key_id == aws_kms_key.registry[0].arn &&
      aws_rds_cluster.registry[0].deletion_protection &&
      !aws_rds_cluster.registry[0].skip_final_snapshot &&
      aws_rds_cluster.registry[0].backup_retention_period >= 7 &&
      aws_rds_cluster.registry[0].iam_database_authentication_enabled &&
      aws_rds_cluster.registry[0].manage_master_user_password
    )
    error_message = "The registry can be read or lost."
  }
  assert {
    condition     = { for parameter in aws_rds_cluster_parameter_group.registry[0].parameter : parameter.name => parameter.value }["require_secure_transport"] == "ON"
    error_message = "Connections without TLS are let in."
  }
  assert {
    condition     = aws_backup_selection.cluster.resources == toset([aws_rds_cluster.registry[0].arn])
    error_message = "The cluster that is made is not the one that is backed up."
  }
}

run "lets_only_the_functions_into_the_cluster" {
  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.functions[0].referenced_security_group_id == aws_security_group.functions[0].id &&
      aws_vpc_security_group_ingress_rule.functions[0].security_group_id == aws_security_group.registry[0].id &&
      aws_vpc_security_group_ingress_rule.functions[0].from_port == 3306 &&
      aws_vpc_security_group_ingress_rule.functions[0].to_port == 3306 &&
      aws_vpc_security_group_ingress_rule.functions[0].cidr_ipv4 == null
    )
    error_message = "Others come in too, or the functions do not."
  }
  assert {
    condition     = alltrue([for function in aws_lambda_function.pipeline : function.vpc_config[0].security_group_ids == toset([aws_security_group.functions[0].id])])
    error_message = "A function is in another group."
  }
}

run "makes_the_three_functions_out_of_their_packages" {
  assert {
    condition = { for name, function in aws_lambda_function.pipeline : name => [function.function_name, function.handler, function.runtime, function.timeout, basename(function.filename)] } == {
      id_minter    = ["id-minter-pipeline-id_minter", "index.handler", "nodejs22.x", 900, "id_minter.zip"]
      id_generator = ["id-minter-pipeline-id_generator", "index.handler", "nodejs22.x", 900, "id_generator.zip"]
      find_work    = ["id-minter-pipeline-find_work", "index.handler", "nodejs22.x", 900, "find_work.zip"]
    }
    error_message = "A function has another name, handler, runtime, timeout or package."
  }
  assert {
    condition = aws_lambda_function.pipeline["id_minter"].environment[0].variables == tomap({
      PIPELINE_DATE          = "2026-02-09"
      PIPELINE_STEP          = "id_minter"
      RDS_PRIMARY_HOST       = "made-up.cluster-xyz.us-east-2.rds.amazonaws.com"
      RDS_PORT               = "3306"
      RDS_USERNAME           = "id_minter"
      RDS_IAM_AUTHENTICATION = "true"
      IDENTIFIERS_DATABASE   = "identifiers"
      S3_BUCKET              = "museum"
      S3_PREFIX              = "prod"
    })
    error_message = "The minter does not find its registry or its bucket."
  }
  assert {
    condition = (
      aws_lambda_function.pipeline["id_generator"].environment[0].variables.RDS_USERNAME == "id_minter_pool_filler" &&
      aws_lambda_function.pipeline["id_generator"].environment[0].variables.ID_GENERATOR_DESIRED_FREE_IDS_COUNT == "100000" &&
      !can(aws_lambda_function.pipeline["find_work"].environment[0].variables.RDS_PRIMARY_HOST)
    )
    error_message = "A function has more than it needs, or less."
  }
  assert {
    condition     = aws_lambda_function.pipeline["id_minter"].reserved_concurrent_executions > 6
    error_message = "The state machine and single works take each other's places."
  }
}

run "lets_each_function_do_what_it_needs" {
  assert {
    condition = { for name, policy in aws_iam_role_policy.function : name => [for statement in jsondecode(policy.policy).Statement : statement.Sid] } == {
      id_minter    = ["LogIn", "ReadElasticsearchSecrets", "PutMetrics", "UseBucketKey", "ReadPartitions", "WriteReports", "KeepWhatFailed", "ReadEnvironment"]
      id_generator = ["LogIn", "PutMetrics", "KeepWhatFailed", "ReadEnvironment"]
      find_work    = ["ReadElasticsearchSecrets", "UseBucketKey", "WritePartitions", "KeepWhatFailed", "ReadEnvironment"]
    }
    error_message = "A function may do something else."
  }
  # CloudWatch has no resource for metrics, and neither deliveries of logs nor traces have one.
  assert {
    condition = toset([
      for statement in flatten([
        for policy in concat(values(aws_iam_role_policy.function), aws_iam_role_policy.pipeline, aws_iam_role_policy.scheduler, aws_iam_role_policy.pipe) :
        jsondecode(policy.policy).Statement
      ]) : statement.Sid if contains(flatten([statement.Resource]), "*") || contains(flatten([statement.Action]), "*")
    ]) == toset(["PutMetrics", "LogAndTrace"])
    error_message = "A statement is wider than it has to be."
  }
  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.function["id_minter"].policy).Statement : statement.Condition.StringEquals
      if statement.Sid == "PutMetrics"
    ] == [{ "cloudwatch:namespace" = "catalogue_graph_pipeline" }]
    error_message = "The minter may write the metrics of others."
  }
  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.function["id_generator"].policy).Statement : statement.Resource
      if statement.Sid == "LogIn"
    ] == ["arn:aws:rds-db:us-east-2:123456789012:dbuser:cluster-MADEUP/id_minter_pool_filler"]
    error_message = "The generator logs in as somebody else."
  }
  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.function["find_work"].policy).Statement : statement.Resource
      if statement.Sid == "ReadElasticsearchSecrets"
    ] == ["arn:aws:secretsmanager:us-east-2:123456789012:secret:elasticsearch/pipeline_storage_2026-02-09/*"]
    error_message = "The secrets of another pipeline can be read, or those of this one cannot."
  }
}

run "starts_a_run_four_times_an_hour_and_says_when" {
  assert {
    condition = (
      aws_scheduler_schedule.pipeline[0].schedule_expression == "cron(5,20,35,50 * * * ? *)" &&
      aws_scheduler_schedule.pipeline[0].state == "ENABLED" &&
      aws_scheduler_schedule.pipeline[0].target[0].arn == aws_sfn_state_machine.pipeline[0].arn &&
      aws_scheduler_schedule.pipeline[0].target[0].input == "{\"scheduled_time\":\"<aws.scheduler.scheduled-time>\"}"
    )
    error_message = "The pipeline runs at another time, or does not hear at which."
  }
  assert {
    condition = (
      aws_scheduler_schedule.id_generator[0].schedule_expression == "cron(0 3 * * ? *)" &&
      aws_scheduler_schedule.id_generator[0].target[0].arn == aws_lambda_function.pipeline["id_generator"].arn
    )
    error_message = "The pool is filled at another time."
  }
}

run "mints_six_parts_at_once_and_fails_where_one_failed" {
  assert {
    condition = alltrue([
      for name in ["MintPartitions", "MintManifest"] : (
        jsondecode(aws_sfn_state_machine.pipeline[0].definition).States[name].MaxConcurrency == 6 &&
        jsondecode(aws_sfn_state_machine.pipeline[0].definition).States[name].ItemProcessor.ProcessorConfig.Mode == "DISTRIBUTED" &&
        jsondecode(aws_sfn_state_machine.pipeline[0].definition).States[name].Next == "JudgePartitions"
      )
    ])
    error_message = "The parts are minted in another way."
  }
  assert {
    condition = toset([
      for name, state in jsondecode(aws_sfn_state_machine.pipeline[0].definition).States : name
      if contains(["Succeed", "Fail"], state.Type)
    ]) == toset(["Minted", "PartitionsFailed"])
    error_message = "A run may end in a way that nobody planned."
  }
}

run "takes_single_works_from_a_queue_and_keeps_what_fails" {
  assert {
    condition = (
      aws_pipes_pipe.requests[0].source == aws_sqs_queue.requests[0].arn &&
      aws_pipes_pipe.requests[0].target == aws_lambda_function.pipeline["id_minter"].arn &&
      aws_pipes_pipe.requests[0].target_parameters[0].lambda_function_parameters[0].invocation_type == "REQUEST_RESPONSE"
    )
    error_message = "Messages do not reach the minter, or nobody waits for which of them failed."
  }
  assert {
    condition = (
      jsondecode(aws_sqs_queue.requests[0].redrive_policy).deadLetterTargetArn == aws_sqs_queue.failed[0].arn &&
      aws_sqs_queue.requests[0].visibility_timeout_seconds >= 6 * 900 &&
      aws_sqs_queue.requests[0].sqs_managed_sse_enabled && aws_sqs_queue.failed[0].sqs_managed_sse_enabled
    )
    error_message = "Messages are lost, come twice, or are not encrypted."
  }
}

run "rings_where_works_failed_an_inheritance_was_lost_the_pool_is_low_or_nothing_runs" {
  assert {
    condition = {
      for name, alarm in aws_cloudwatch_metric_alarm.pipeline :
      name => [alarm.namespace, alarm.metric_name, alarm.comparison_operator, alarm.threshold, alarm.period * alarm.evaluation_periods, alarm.treat_missing_data]
      } == {
      works-failed                 = ["catalogue_graph_pipeline", "failure_count", "GreaterThanThreshold", 0, 900, "notBreaching"]
      inheritance-lost             = ["catalogue_graph_pipeline", "conflicts", "GreaterThanThreshold", 0, 900, "notBreaching"]
      pool-low                     = ["catalogue_graph_pipeline", "pool_free", "LessThanThreshold", 20000, 900, "ignore"]
      no-run                       = ["AWS/States", "ExecutionsSucceeded", "LessThanThreshold", 1, 3600, "breaching"]
      run-failed                   = ["AWS/States", "ExecutionsFailed", "GreaterThanThreshold", 0, 900, "notBreaching"]
      run-timed-out                = ["AWS/States", "ExecutionsTimedOut", "GreaterThanThreshold", 0, 900, "notBreaching"]
      run-aborted                  = ["AWS/States", "ExecutionsAborted", "GreaterThanThreshold", 0, 900, "notBreaching"]
      requests-failed              = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "GreaterThanThreshold", 0, 900, "notBreaching"]
      function-failed-id_minter    = ["AWS/Lambda", "Errors", "GreaterThanThreshold", 0, 900, "notBreaching"]
      function-failed-id_generator = ["AWS/Lambda", "Errors", "GreaterThanThreshold", 0, 900, "notBreaching"]
      function-failed-find_work    = ["AWS/Lambda", "Errors", "GreaterThanThreshold", 0, 900, "notBreaching"]
    }
    error_message = "An alarm is missing, or looks at something else."
  }
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.pipeline :
      alarm.alarm_actions == toset([aws_sns_topic.alerts.arn]) && strcontains(alarm.alarm_description, "docs/operations.md, “")
    ])
    error_message = "Nobody is told, or nobody is told what to do."
  }
  # the entries that test/operations.test.ts runs
  assert {
    condition = toset([for alarm in aws_cloudwatch_metric_alarm.pipeline : regex("“([a-z-]+)”", alarm.alarm_description)[0]]) == toset([
      "works-failed", "inheritance-lost", "pool-low", "no-run", "run-failed", "requests-failed", "function-failed",
    ])
    error_message = "An alarm names an entry that docs/operations.md does not have."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.pipeline["works-failed"].dimensions == tomap({ pipeline_date = "2026-02-09", pipeline_step = "id_minter" })
    error_message = "The alarm watches another pipeline."
  }
}

run "is_quiet_until_it_is_switched_on" {
  variables {
    enable_schedules = false
  }

  assert {
    condition = (
      aws_scheduler_schedule.pipeline[0].state == "DISABLED" &&
      aws_scheduler_schedule.id_generator[0].state == "DISABLED" &&
      !contains(keys(aws_cloudwatch_metric_alarm.pipeline), "no-run")
    )
    error_message = "It runs, or rings because it does not, before its tables are there."
  }
}

run "works_with_a_cluster_that_exists" {
  variables {
    create_cluster             = false
    database_host              = "museum.cluster-abc.us-east-2.rds.amazonaws.com"
    database_secret_name       = "museum/minter"
    database_security_group_id = "sg-1"
    downstream_topic_arn       = "arn:aws:sns:us-east-2:123456789012:works"
    lambda_environment         = { LOG_LEVEL = "debug" }
    reserve_concurrency        = false
  }

  assert {
    condition = (
      length(aws_rds_cluster.registry) == 0 &&
      aws_lambda_function.pipeline["id_minter"].environment[0].variables.RDS_PRIMARY_HOST == "museum.cluster-abc.us-east-2.rds.amazonaws.com" &&
      aws_lambda_function.pipeline["id_generator"].environment[0].variables.RDS_SECRET_NAME == "museum/minter" &&
      !can(aws_lambda_function.pipeline["id_minter"].environment[0].variables.RDS_IAM_AUTHENTICATION)
    )
    error_message = "The functions go to another cluster, or log in in another way."
  }
  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.function["id_minter"].policy).Statement : statement.Resource
      if contains(["LogIn", "ReadPassword", "Announce"], statement.Sid)
    ] == ["arn:aws:secretsmanager:us-east-2:123456789012:secret:museum/minter-??????", "arn:aws:sns:us-east-2:123456789012:works"]
    error_message = "The password cannot be read, or nothing can be announced."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.functions[0].security_group_id == "sg-1"
    error_message = "The cluster does not let the functions in."
  }
  assert {
    condition = alltrue([
      for function in aws_lambda_function.pipeline :
      function.environment[0].variables.LOG_LEVEL == "debug" && function.reserved_concurrent_executions == -1
    ])
    error_message = "A variable for all functions is not theirs, or concurrency is reserved all the same."
  }
}

run "refuses_a_pipeline_without_network_date_or_database" {
  command = plan

  variables {
    create_cluster = false
    pipeline_date  = null
    vpc_id         = null
    subnet_ids     = ["subnet-a"]
  }

  expect_failures = [var.pipeline_date, var.vpc_id, var.subnet_ids, var.database_host, var.database_resource_id]
}

run "refuses_an_alarm_that_always_rings" {
  command = plan

  variables {
    pool_target = 20000
  }

  expect_failures = [var.pool_free_min]
}
