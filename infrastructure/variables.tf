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
  description = "The Aurora cluster of the registry, which is backed up; its name stands in the event of a manual export"
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
  description = "Bucket that exports are written to, and the lists of works and the reports of the pipeline"
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

variable "create_cluster" {
  description = "Whether the cluster is made here, under the name that ends `cluster_arn`; otherwise it has to exist"
  type        = bool
  default     = false
}

variable "cluster_capacity" {
  description = "Least and most capacity of each instance of a cluster that is made here, in ACUs of about 2 GiB"
  type        = object({ min = number, max = number })
  default     = { min = 0.5, max = 16 }
}

variable "cluster_instances" {
  description = "Instances of a cluster that is made here: one writes, the others stand by in other zones"
  type        = number
  default     = 2
}

variable "vpc_id" {
  description = "Network of the functions and of a cluster that is made here"
  type        = string
  default     = null

  validation {
    condition     = !(var.create_cluster || var.create_pipeline) || var.vpc_id != null
    error_message = "vpc_id has to be given with create_cluster and create_pipeline."
  }
}

variable "subnet_ids" {
  description = "Its private subnets, in at least two zones, from which AWS's services and Elasticsearch can be reached"
  type        = list(string)
  default     = []

  validation {
    condition     = !(var.create_cluster || var.create_pipeline) || length(var.subnet_ids) >= 2
    error_message = "subnet_ids has to name at least two with create_cluster and create_pipeline."
  }
}

variable "create_pipeline" {
  description = "Whether functions, state machine, queue and their alarms are made; otherwise there is only backup and export"
  type        = bool
  default     = false
}

variable "pipeline_name" {
  description = "Name of the pipeline's state machine, and what the names of its functions, queues and alarms begin with"
  type        = string
  default     = "id-minter-pipeline"
}

variable "pipeline_date" {
  description = "Names the pipeline in indexes, secrets, reports and metrics, as `2026-02-09`"
  type        = string
  default     = null

  validation {
    condition     = !var.create_pipeline || var.pipeline_date != null
    error_message = "pipeline_date has to be given with create_pipeline."
  }
}

variable "lambda_packages" {
  description = "Folder of `id_minter.zip`, `id_generator.zip` and `find_work.zip`, which `npm run build:lambda` makes; without it `dist/lambda` beside `infrastructure`"
  type        = string
  default     = null
}

variable "lambda_runtime" {
  description = "What the functions run on: Node 22 or later"
  type        = string
  default     = "nodejs22.x"
}

variable "lambda_environment" {
  description = "More variables of all functions, such as `LOG_LEVEL` and where Elasticsearch is; docs/configuration.md has them all"
  type        = map(string)
  default     = {}
}

variable "reserve_concurrency" {
  description = "Whether the number of functions that run at once is bounded, which protects the database; an account whose own limit is 10 does not allow it"
  type        = bool
  default     = true
}

variable "minters_at_once" {
  description = "How many parts the state machine mints at once"
  type        = number
  default     = 6
}

variable "enable_schedules" {
  description = "Whether the pipeline runs by itself, and an alarm rings where it does not; false until tables, users and pool are there"
  type        = bool
  default     = true
}

variable "pipeline_schedule" {
  description = "When the pipeline runs, in UTC; each run takes the quarter of an hour that ended five minutes before"
  type        = string
  default     = "cron(5,20,35,50 * * * ? *)"
}

variable "generator_schedule" {
  description = "When the pool is filled, in UTC"
  type        = string
  default     = "cron(0 3 * * ? *)"
}

variable "pool_target" {
  description = "How many free IDs there are after it"
  type        = number
  default     = 100000
}

variable "pool_free_min" {
  description = "Fewer free IDs than this ring the alarm"
  type        = number
  default     = 20000

  validation {
    condition     = var.pool_free_min < var.pool_target
    error_message = "pool_free_min has to be less than pool_target: the alarm would ring after each filling."
  }
}

variable "database_host" {
  description = "Writer endpoint of a cluster that is not made here"
  type        = string
  default     = null

  validation {
    condition     = !var.create_pipeline || var.create_cluster != (var.database_host != null)
    error_message = "database_host has to be given with create_pipeline where the cluster is not made here, and only there."
  }
}

variable "database_name" {
  description = "Name of the registry's database"
  type        = string
  default     = "identifiers"
}

variable "database_secret_name" {
  description = "Secret of a database user with the rights of the minter; without it the functions log in by IAM, as `id_minter` and `id_minter_pool_filler`"
  type        = string
  default     = null
}

variable "database_resource_id" {
  description = "Resource ID (`cluster-…`) of a cluster that is not made here, for logins by IAM"
  type        = string
  default     = null

  validation {
    condition     = !var.create_pipeline || var.create_cluster || var.database_secret_name != null || var.database_resource_id != null
    error_message = "database_resource_id, or database_secret_name, has to be given with create_pipeline where the cluster is not made here."
  }
}

variable "database_security_group_id" {
  description = "Security group of a cluster that is not made here, which then lets the functions in; without it you do that yourself"
  type        = string
  default     = null
}

variable "egress_ports" {
  description = "Ports that the functions may reach besides MySQL's: AWS's services and Elasticsearch"
  type        = list(number)
  default     = [443, 9243]
}

variable "downstream_topic_arn" {
  description = "Topic that hears of each canonical ID whose work was written; none without it"
  type        = string
  default     = null
}
