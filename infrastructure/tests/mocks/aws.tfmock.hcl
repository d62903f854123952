# Resources that others name by ARN need one of the right form.

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:us-east-2:123456789012:key/00000000-0000-0000-0000-000000000000" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::123456789012:role/made-up" }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:us-east-2:123456789012:made-up" }
}

mock_resource "aws_sfn_state_machine" {
  defaults = { arn = "arn:aws:states:us-east-2:123456789012:stateMachine:made-up" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:us-east-2:123456789012:log-group:made-up" }
}

mock_resource "aws_backup_vault" {
  defaults = { arn = "arn:aws:backup:us-east-2:123456789012:backup-vault:made-up" }
}

mock_resource "aws_rds_cluster" {
  defaults = {
    arn                 = "arn:aws:rds:us-east-2:123456789012:cluster:made-up"
    endpoint            = "made-up.cluster-xyz.us-east-2.rds.amazonaws.com"
    cluster_resource_id = "cluster-MADEUP"
    engine              = "aurora-mysql"
  }
}

mock_resource "aws_lambda_function" {
  defaults = { arn = "arn:aws:lambda:us-east-2:123456789012:function:made-up" }
}

mock_resource "aws_sqs_queue" {
  defaults = { arn = "arn:aws:sqs:us-east-2:123456789012:made-up" }
}
