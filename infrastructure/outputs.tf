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
