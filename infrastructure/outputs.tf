output "backup_vault_name" {
  description = "Where recovery points are found"
  value       = aws_backup_vault.id_minter.name
}

output "state_machine_arn" {
  description = "What a manual export starts"
  value       = aws_sfn_state_machine.export.arn
}

output "alert_topic_arn" {
  description = "Where failures of backups and exports are published"
  value       = aws_sns_topic.alerts.arn
}

output "export_key_arn" {
  description = "Key that exports are encrypted with; who reads them needs kms:Decrypt on it"
  value       = aws_kms_key.export.arn
}

output "exports_url" {
  description = "Where exports lie, a folder for each day"
  value       = "s3://${var.bucket_name}/${local.exports_prefix}/"
}

output "cluster_endpoint" {
  description = "Writer endpoint of the cluster that is made here"
  value       = one(aws_rds_cluster.registry[*].endpoint)
}

output "cluster_master_secret_arn" {
  description = "Secret of the user that makes tables and users, of the cluster that is made here"
  value       = try(aws_rds_cluster.registry[0].master_user_secret[0].secret_arn, null)
}

output "functions_security_group_id" {
  description = "Security group that reaches the cluster; a machine from which it is administered needs it too"
  value       = one(aws_security_group.functions[*].id)
}

output "functions_role_arns" {
  description = "Roles of the functions, for policies of keys, topics and secrets of others"
  value       = { for name, role in aws_iam_role.function : name => role.arn }
}

output "pipeline_state_machine_arn" {
  description = "What a run of the pipeline by hand starts"
  value       = one(aws_sfn_state_machine.pipeline[*].arn)
}

output "requests_queue_url" {
  description = "Where requests for single works are sent"
  value       = one(aws_sqs_queue.requests[*].url)
}

output "failed_queue_url" {
  description = "Where messages and nightly fillings lie that failed for good"
  value       = one(aws_sqs_queue.failed[*].url)
}
