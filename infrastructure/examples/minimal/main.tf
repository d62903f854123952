# The least that a house without anything deploys: a registry of its own, its backup and export, and the pipeline.
# Write your account, network, bucket and address in the place of these.

terraform {
  required_version = ">= 1.9"
}

module "id_minter" {
  source = "../.."

  account_id        = "123456789012"
  region            = "eu-west-1"
  cluster_arn       = "arn:aws:rds:eu-west-1:123456789012:cluster:identifiers"
  alert_subscribers = [{ protocol = "email", endpoint = "team@example.org" }]

  bucket_name      = "museum-id-minter"
  create_bucket    = true
  create_event_bus = true

  create_cluster  = true
  create_pipeline = true
  pipeline_date   = "2026-02-09"
  vpc_id          = "vpc-0123456789abcdef0"
  subnet_ids      = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]

  # true once tables, users and pool are there
  enable_schedules = false
}

output "id_minter" {
  description = "What the next steps of the deployment need"
  value       = module.id_minter
}
