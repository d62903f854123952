# The three functions, where the pipeline is asked for. Each has a role of its own, which may do what it needs and no
# more.

locals {
  own_pipeline = var.create_pipeline ? 1 : 0
  # Only read where the pipeline is made; a null would not go into texts.
  pipeline_date = coalesce(var.pipeline_date, "none")
  packages      = coalesce(var.lambda_packages, "${path.module}/../dist/lambda")

  # Users of the database, as the grants name them. With a secret both functions are whom it names.
  iam_authentication = var.database_secret_name == null
  minter_user        = "id_minter"
  pool_filler_user   = "id_minter_pool_filler"

  metrics_namespace = "catalogue_graph_pipeline"
  reports_arn       = "${local.bucket_arn}/pipeline-${local.pipeline_date}/*"
  partitions_arn    = "${local.bucket_arn}/graph-*/pipeline-${local.pipeline_date}/id_minter/find_work/*"

  environment_of_all = merge({ PIPELINE_DATE = local.pipeline_date }, var.lambda_environment)

  environment_of_database = merge(
    {
      RDS_PRIMARY_HOST     = var.create_cluster ? one(aws_rds_cluster.registry[*].endpoint) : var.database_host
      RDS_PORT             = tostring(local.database_port)
      IDENTIFIERS_DATABASE = var.database_name
    },
    local.iam_authentication ? { RDS_IAM_AUTHENTICATION = "true" } : { RDS_SECRET_NAME = var.database_secret_name },
  )

  functions = {
    id_minter = {
      does        = "Mints canonical IDs for works, and writes the works with them"
      memory      = 2048
      concurrency = var.minters_at_once + 2 # those of the state machine, and two for single works
      environment = merge(
        local.environment_of_database,
        local.iam_authentication ? { RDS_USERNAME = local.minter_user } : {},
        var.downstream_topic_arn == null ? {} : { DOWNSTREAM_SNS_TOPIC_ARN = var.downstream_topic_arn },
        { PIPELINE_STEP = "id_minter", S3_BUCKET = var.bucket_name, S3_PREFIX = "prod" },
      )
      statements = concat(
        local.may_log_in[local.minter_user],
        local.may_read_elasticsearch_secrets,
        local.may_put_metrics,
        local.may_use_bucket_key,
        [
          { Sid = "ReadPartitions", Effect = "Allow", Action = "s3:GetObject", Resource = local.partitions_arn },
          { Sid = "WriteReports", Effect = "Allow", Action = ["s3:PutObject", "s3:AbortMultipartUpload"], Resource = local.reports_arn },
        ],
        var.downstream_topic_arn == null ? [] : [
          { Sid = "Announce", Effect = "Allow", Action = "sns:Publish", Resource = var.downstream_topic_arn },
        ],
      )
    }

    id_generator = {
      does        = "Fills the pool of free canonical IDs"
      memory      = 512
      concurrency = 1
      environment = merge(
        local.environment_of_database,
        local.iam_authentication ? { RDS_USERNAME = local.pool_filler_user } : {},
        { PIPELINE_STEP = "id_generator", ID_GENERATOR_DESIRED_FREE_IDS_COUNT = tostring(var.pool_target) },
      )
      statements = concat(local.may_log_in[local.pool_filler_user], local.may_put_metrics)
    }

    find_work = {
      does        = "Finds the works that are to be minted, and lists them in parts"
      memory      = 512
      concurrency = 2
      environment = {
        PIPELINE_STEP             = "id_minter_find_work"
        CATALOGUE_GRAPH_S3_BUCKET = var.bucket_name
      }
      statements = concat(
        local.may_read_elasticsearch_secrets,
        local.may_use_bucket_key,
        [{ Sid = "WritePartitions", Effect = "Allow", Action = ["s3:PutObject", "s3:AbortMultipartUpload"], Resource = local.partitions_arn }],
      )
    }
  }

  function_names = { for name in keys(local.functions) : name => "${var.pipeline_name}-${name}" }
  function_arns = {
    for name, full in local.function_names : name => "arn:aws:lambda:${var.region}:${var.account_id}:function:${full}"
  }
}

# What several of them may do

locals {
  may_log_in = {
    for user in [local.minter_user, local.pool_filler_user] : user => concat(
      local.iam_authentication ? [{
        Sid      = "LogIn"
        Effect   = "Allow"
        Action   = "rds-db:connect"
        Resource = "arn:aws:rds-db:${var.region}:${var.account_id}:dbuser:${local.database_resource_id}/${user}"
      }] : [],
      local.iam_authentication ? [] : [{
        # Secrets Manager puts six characters of its own behind a name
        Sid      = "ReadPassword"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = "arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:${coalesce(var.database_secret_name, "none")}-??????"
      }],
    )
  }

  database_resource_id = var.create_cluster ? one(aws_rds_cluster.registry[*].cluster_resource_id) : coalesce(var.database_resource_id, "none")

  may_read_elasticsearch_secrets = [{
    Sid      = "ReadElasticsearchSecrets"
    Effect   = "Allow"
    Action   = "secretsmanager:GetSecretValue"
    Resource = "arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:elasticsearch/pipeline_storage_${local.pipeline_date}/*"
  }]

  # CloudWatch has no resource for metrics; the namespace is what can be named.
  may_put_metrics = [{
    Sid       = "PutMetrics"
    Effect    = "Allow"
    Action    = "cloudwatch:PutMetricData"
    Resource  = "*"
    Condition = { StringEquals = { "cloudwatch:namespace" = local.metrics_namespace } }
  }]

  # A bucket that is made here is encrypted with the key of the exports.
  may_use_bucket_key = [{
    Sid      = "UseBucketKey"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = aws_kms_key.export.arn
  }]
}

resource "aws_lambda_function" "pipeline" {
  #checkov:skip=CKV_AWS_272:The packages are built from this very checkout and go up in the same apply; nobody else signs them
  for_each = { for name, function in local.functions : name => function if var.create_pipeline }

  function_name = local.function_names[each.key]
  description   = each.value.does
  role          = aws_iam_role.function[each.key].arn

  filename         = "${local.packages}/${each.key}.zip"
  source_code_hash = filebase64sha256("${local.packages}/${each.key}.zip")
  handler          = "index.handler"
  runtime          = var.lambda_runtime
  architectures    = ["arm64"]
  memory_size      = each.value.memory
  timeout          = local.function_seconds

  reserved_concurrent_executions = var.reserve_concurrency ? each.value.concurrency : -1

  kms_key_arn = aws_kms_key.pipeline[0].arn

  environment {
    variables = merge(each.value.environment, local.environment_of_all)
  }

  vpc_config {
    subnet_ids         = var.subnet_ids
    security_group_ids = [aws_security_group.functions[0].id]
  }

  # what was invoked without anybody waiting, and failed for good
  dead_letter_config {
    target_arn = aws_sqs_queue.failed[0].arn
  }

  logging_config {
    log_format = "Text" # the functions write JSON themselves
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  tracing_config {
    mode = "Active"
  }

  depends_on = [aws_iam_role_policy.function, aws_iam_role_policy_attachment.function]
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = { for name, full in local.function_names : name => full if var.create_pipeline }

  name              = "/aws/lambda/${each.value}"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.pipeline[0].arn
}

resource "aws_iam_role" "function" {
  for_each = { for name, full in local.function_names : name => full if var.create_pipeline }

  name = each.value
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  for_each = { for name, function in local.functions : name => function if var.create_pipeline }

  name = each.key
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(each.value.statements, [
      { Sid = "KeepWhatFailed", Effect = "Allow", Action = "sqs:SendMessage", Resource = aws_sqs_queue.failed[0].arn },
      { Sid = "ReadEnvironment", Effect = "Allow", Action = "kms:Decrypt", Resource = aws_kms_key.pipeline[0].arn },
    ])
  })
}

# Interfaces in the VPC, logs and traces: no resource of them can be named, and AWS keeps these policies.
resource "aws_iam_role_policy_attachment" "function" {
  for_each = {
    for pair in setproduct(keys(local.functions), ["service-role/AWSLambdaVPCAccessExecutionRole", "AWSXRayDaemonWriteAccess"]) :
    "${pair[0]}:${basename(pair[1])}" => { function = pair[0], policy = pair[1] } if var.create_pipeline
  }

  role       = aws_iam_role.function[each.value.function].name
  policy_arn = "arn:aws:iam::aws:policy/${each.value.policy}"
}

resource "aws_security_group" "functions" {
  count = local.own_pipeline

  name        = "${var.pipeline_name}-functions"
  description = "The ID Minter's functions: nothing comes in; MySQL, Elasticsearch and AWS's services go out"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "functions" {
  for_each = { for port in concat([local.database_port], var.egress_ports) : tostring(port) => port if var.create_pipeline }

  description       = "To port ${each.key} of MySQL, Elasticsearch or AWS's services"
  security_group_id = aws_security_group.functions[0].id
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_kms_key" "pipeline" {
  count = local.own_pipeline

  description             = "Variables and logs of the ID Minter's pipeline"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode(merge(local.key_policy_of_account, {
    Statement = concat(local.key_policy_of_account.Statement, [
      merge(local.logs_may_encrypt, {
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = [
              for prefix in ["/aws/lambda/${var.pipeline_name}-*", local.pipeline_log_group_name] :
              "arn:aws:logs:${var.region}:${var.account_id}:log-group:${prefix}"
            ]
          }
        }
      }),
    ])
  }))
}

resource "aws_kms_alias" "pipeline" {
  count = local.own_pipeline

  name          = "alias/${var.pipeline_name}"
  target_key_id = aws_kms_key.pipeline[0].key_id
}

# The pool is filled each night

resource "aws_scheduler_schedule" "id_generator" {
  count = local.own_pipeline

  name                = "${var.pipeline_name}-id_generator"
  description         = "Fills the pool of free canonical IDs"
  state               = local.schedules_state
  schedule_expression = var.generator_schedule
  kms_key_arn         = aws_kms_key.pipeline[0].arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.pipeline["id_generator"].arn
    role_arn = aws_iam_role.scheduler[0].arn
    input    = "{}"
  }
}

# Single works: a message is one request, and those of a batch that failed come again by themselves

resource "aws_sqs_queue" "requests" {
  count = local.own_pipeline

  name                       = "${var.pipeline_name}-requests"
  sqs_managed_sse_enabled    = true
  message_retention_seconds  = 14 * 24 * 3600
  visibility_timeout_seconds = 6 * local.function_seconds

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.failed[0].arn
    maxReceiveCount     = 3
  })
}

resource "aws_sqs_queue" "failed" {
  count = local.own_pipeline

  name                      = "${var.pipeline_name}-failed"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 14 * 24 * 3600
}

resource "aws_pipes_pipe" "requests" {
  count = local.own_pipeline

  name        = "${var.pipeline_name}-requests"
  description = "Requests for single works, to the minter"
  role_arn    = aws_iam_role.pipe[0].arn
  source      = aws_sqs_queue.requests[0].arn
  target      = aws_lambda_function.pipeline["id_minter"].arn

  source_parameters {
    sqs_queue_parameters {
      batch_size                         = 10
      maximum_batching_window_in_seconds = 5
    }
  }

  # the pipe waits for the answer, which names the messages that failed
  target_parameters {
    lambda_function_parameters {
      invocation_type = "REQUEST_RESPONSE"
    }
  }

  depends_on = [aws_iam_role_policy.pipe]
}

resource "aws_iam_role" "pipe" {
  count = local.own_pipeline

  name = "${var.pipeline_name}-pipe"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pipes.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "pipe" {
  count = local.own_pipeline

  name = "requests"
  role = aws_iam_role.pipe[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "TakeRequests"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = aws_sqs_queue.requests[0].arn
      },
      {
        Sid      = "Mint"
        Effect   = "Allow"
        Action   = "lambda:InvokeFunction"
        Resource = local.function_arns.id_minter
      },
    ]
  })
}

locals {
  function_seconds = 900
  schedules_state  = var.enable_schedules ? "ENABLED" : "DISABLED"
}
