# A pipeline over a cluster that is there already, such as that of the Python minter, with all that can be chosen.
# What differs from house to house are variables, in a file terraform.tfvars.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
}

variable "account_id" {
  description = "Account of everything"
  type        = string
}

variable "region" {
  description = "Region of everything"
  type        = string
  default     = "eu-west-1"
}

variable "cluster" {
  description = "The cluster: its name, writer endpoint and security group, and the secret of its minter"
  type        = object({ name = string, host = string, security_group_id = string, secret_name = string })
}

variable "network" {
  description = "The cluster's network, and private subnets of it"
  type        = object({ vpc_id = string, subnet_ids = list(string) })
}

module "id_minter" {
  source = "../.."

  account_id  = var.account_id
  region      = var.region
  cluster_arn = "arn:aws:rds:${var.region}:${var.account_id}:cluster:${var.cluster.name}"
  vpc_id      = var.network.vpc_id
  subnet_ids  = var.network.subnet_ids

  # people, and a system that wakes them
  alert_subscribers = [
    { protocol = "email", endpoint = "team@example.org" },
    { protocol = "https", endpoint = "https://alerts.example.org/aws" },
  ]

  # backup and export
  backup_vault_name        = "museum-vault"
  backup_schedule          = "cron(30 1 * * ? *)"
  backup_retention_days    = 90
  restore_testing_schedule = "cron(0 6 ? * SUN *)"
  export_name              = "museum-export"
  export_retention_days    = 90
  bucket_name              = "museum-id-minter"
  create_bucket            = true
  event_bus_name           = "museum"
  create_event_bus         = true

  # the database, as the user that the secret names
  database_host              = var.cluster.host
  database_name              = "identifiers"
  database_secret_name       = var.cluster.secret_name
  database_security_group_id = var.cluster.security_group_id

  # the pipeline: once an hour, with fewer minters than usual, and a pool for a small collection
  create_pipeline      = true
  pipeline_name        = "museum-minter"
  pipeline_date        = "2026-02-09"
  lambda_runtime       = "nodejs22.x"
  lambda_environment   = { LOG_LEVEL = "DEBUG" }
  minters_at_once      = 3
  reserve_concurrency  = true
  generator_schedule   = "cron(0 5 ? * MON-FRI *)"
  pool_target          = 20000
  pool_free_min        = 5000
  egress_ports         = [443]
  downstream_topic_arn = aws_sns_topic.identified.arn
}

# Who hears of each work that was written. The minter has to be let to its key.

resource "aws_sns_topic" "identified" {
  name              = "museum-works-identified"
  kms_master_key_id = aws_kms_key.identified.arn
}

resource "aws_kms_key" "identified" {
  description         = "Canonical IDs of works that were written"
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Account"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        # by its name, since the minter's role cannot be there before the topic that its policy names
        Sid       = "Announce"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = "*"
        Condition = { ArnEquals = { "aws:PrincipalArn" = "arn:aws:iam::${var.account_id}:role/museum-minter-id_minter" } }
      },
    ]
  })
}

output "id_minter" {
  description = "What others need to know"
  value       = module.id_minter
}
