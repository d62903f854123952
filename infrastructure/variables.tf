variable "region" {
  description = "Region of the cluster, its backups and its exports"
  type        = string
  default     = "eu-west-1"
}

variable "account_id" {
  description = "Account of the cluster; a plan against any other is refused"
  type        = string
  default     = "760097843905"

  validation {
    condition     = can(regex("^\\d{12}$", var.account_id))
    error_message = "account_id has to be 12 digits."
  }
}

variable "cluster_arn" {
  description = "The Aurora cluster that is backed up; its name stands in the event of a manual export"
  type        = string
  default     = "arn:aws:rds:eu-west-1:760097843905:cluster:identifiers-serverless"

  validation {
    condition     = startswith(var.cluster_arn, "arn:aws:rds:${var.region}:${var.account_id}:cluster:")
    error_message = "cluster_arn has to be a cluster of this region and account: arn:aws:rds:REGION:ACCOUNT:cluster:NAME."
  }
}

variable "alert_subscribers" {
  description = "Who is told of failures: at least one, since alerts that nobody gets are silence"
  type        = list(object({ protocol = string, endpoint = string }))

  validation {
    condition     = length(var.alert_subscribers) > 0
    error_message = "alert_subscribers has to name at least one, as { protocol = \"email\", endpoint = \"team@example.org\" }."
  }
}

variable "backup_vault_name" {
  description = "Name of the vault that the recovery points lie in"
  type        = string
  default     = "id-minter-backup-vault"
}

variable "backup_schedule" {
  description = "When the backup starts, in UTC"
  type        = string
  default     = "cron(0 3 * * ? *)"
}

variable "backup_retention_days" {
  description = "Days after which a recovery point is deleted"
  type        = number
  default     = 30
}

variable "restore_testing_schedule" {
  description = "When AWS Backup restores the newest recovery point into a cluster of its own and deletes it again, as `cron(0 6 ? * SUN *)`; never without it"
  type        = string
  default     = null
}

variable "export_name" {
  description = "Name of the state machine, its key's alias and, with `-alerts` behind it, the topic of its alerts"
  type        = string
  default     = "id-minter-rds-export"
}

variable "bucket_name" {
  description = "Bucket that the exports are written to"
  type        = string
  default     = "wellcomecollection-platform-id-minter"
}

variable "create_bucket" {
  description = "Whether the bucket is made here; otherwise it has to exist"
  type        = bool
  default     = false
}

variable "export_retention_days" {
  description = "Days after which exports are deleted from a bucket that is made here"
  type        = number
  default     = 30
}

variable "event_bus_name" {
  description = "Bus that hears of each completed export"
  type        = string
  default     = "catalogue-pipeline-id-minter"
}

variable "create_event_bus" {
  description = "Whether the bus is made here; otherwise it has to exist"
  type        = bool
  default     = false
}
