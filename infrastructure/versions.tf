terraform {
  # validations that read another variable
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

provider "aws" {
  region = var.region

  # a plan against the wrong account would make a second system that nobody looks for
  allowed_account_ids = [var.account_id]
}
