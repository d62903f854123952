# The registry's cluster, where it is made here: it gets the name that ends cluster_arn, so that its backup and its
# exports are those of any other cluster. Tables and users are a step of their own (README.md, “Tables and users”).

locals {
  own_cluster   = var.create_cluster ? 1 : 0
  database_port = 3306
}

resource "aws_rds_cluster" "registry" {
  #checkov:skip=CKV_AWS_326:A registry that is turned back in place would give IDs out twice; restores go into a new cluster
  count = local.own_cluster

  cluster_identifier = local.cluster_name
  engine             = "aurora-mysql"
  engine_version     = "8.0" # the newest default of Aurora MySQL 3; minor versions follow by themselves
  database_name      = var.database_name
  port               = local.database_port

  serverlessv2_scaling_configuration {
    min_capacity = var.cluster_capacity.min
    max_capacity = var.cluster_capacity.max
  }

  db_subnet_group_name            = aws_db_subnet_group.registry[0].name
  vpc_security_group_ids          = [aws_security_group.registry[0].id]
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.registry[0].name

  # The master is for the step that makes tables and users. RDS makes its password and changes it.
  master_username                     = "id_minter_master"
  manage_master_user_password         = true
  master_user_secret_kms_key_id       = aws_kms_key.registry[0].key_id
  iam_database_authentication_enabled = true

  storage_encrypted = true
  kms_key_id        = aws_kms_key.registry[0].arn

  # Besides the daily recovery points of AWS Backup: any second of the last days, restored into a new cluster.
  backup_retention_period      = 7
  preferred_backup_window      = "01:00-01:30"
  preferred_maintenance_window = "sun:22:00-sun:23:00"
  copy_tags_to_snapshot        = true
  deletion_protection          = true
  skip_final_snapshot          = false
  final_snapshot_identifier    = "${local.cluster_name}-final"

  enabled_cloudwatch_logs_exports = ["audit", "error", "slowquery"]
}

resource "aws_rds_cluster_instance" "registry" {
  count = var.create_cluster ? var.cluster_instances : 0

  identifier         = "${local.cluster_name}-${count.index}"
  cluster_identifier = aws_rds_cluster.registry[0].id
  engine             = aws_rds_cluster.registry[0].engine
  engine_version     = aws_rds_cluster.registry[0].engine_version
  instance_class     = "db.serverless"

  auto_minor_version_upgrade      = true
  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.registry_monitoring[0].arn
  performance_insights_enabled    = true
  performance_insights_kms_key_id = aws_kms_key.registry[0].arn
}

resource "aws_rds_cluster_parameter_group" "registry" {
  count = local.own_cluster

  name        = local.cluster_name
  description = "The ID Minter's registry: no connection without TLS, and a log of who came and what changed"
  family      = "aurora-mysql8.0"

  dynamic "parameter" {
    for_each = {
      require_secure_transport = "ON"
      tls_version              = "TLSv1.2,TLSv1.3"
      server_audit_logging     = "1"
      server_audit_events      = "CONNECT,QUERY_DCL,QUERY_DDL"
      slow_query_log           = "1"
    }

    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = "pending-reboot"
    }
  }
}

resource "aws_db_subnet_group" "registry" {
  count = local.own_cluster

  name        = local.cluster_name
  description = "Private subnets of the ID Minter's registry"
  subnet_ids  = var.subnet_ids
}

resource "aws_security_group" "registry" {
  count = local.own_cluster

  name        = "${local.cluster_name}-registry"
  description = "The ID Minter's registry: its functions come in, nothing goes out"
  vpc_id      = var.vpc_id
}

# The cluster that is made here, or one that names its group, lets the functions in. Others have their own rules.
resource "aws_vpc_security_group_ingress_rule" "functions" {
  count = var.create_pipeline && (var.create_cluster || var.database_security_group_id != null) ? 1 : 0

  description                  = "MySQL from the ID Minter's functions"
  security_group_id            = one(concat(aws_security_group.registry[*].id, compact([var.database_security_group_id])))
  referenced_security_group_id = aws_security_group.functions[0].id
  ip_protocol                  = "tcp"
  from_port                    = local.database_port
  to_port                      = local.database_port
}

resource "aws_cloudwatch_log_group" "registry" {
  for_each = var.create_cluster ? toset(["audit", "error", "slowquery"]) : []

  name              = "/aws/rds/cluster/${local.cluster_name}/${each.key}"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.registry[0].arn
}

resource "aws_kms_key" "registry" {
  count = local.own_cluster

  description             = "The ID Minter's registry, the password of its master and its logs"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode(merge(local.key_policy_of_account, {
    Statement = concat(local.key_policy_of_account.Statement, [
      merge(local.logs_may_encrypt, {
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:${var.region}:${var.account_id}:log-group:/aws/rds/cluster/${local.cluster_name}/*"
          }
        }
      }),
    ])
  }))
}

resource "aws_kms_alias" "registry" {
  count = local.own_cluster

  name          = "alias/${local.cluster_name}-registry"
  target_key_id = aws_kms_key.registry[0].key_id
}

resource "aws_iam_role" "registry_monitoring" {
  count = local.own_cluster

  name = "${local.cluster_name}-monitoring"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "registry_monitoring" {
  count = local.own_cluster

  role       = aws_iam_role.registry_monitoring[0].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}
