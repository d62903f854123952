# The definition of the state machine, as it is deployed. What its executions do is tried in test/infrastructure.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  alert_subscribers = [{ protocol = "email", endpoint = "team@example.org" }]
}

run "calls_services_itself_and_no_function" {
  assert {
    condition = toset([
      for name, state in jsondecode(aws_sfn_state_machine.export.definition).States : state.Resource
      if state.Type == "Task"
      ]) == toset([
      "arn:aws:states:::aws-sdk:rds:startExportTask",
      "arn:aws:states:::aws-sdk:rds:describeExportTasks",
      "arn:aws:states:::aws-sdk:eventbridge:putEvents",
      "arn:aws:states:::aws-sdk:sns:publish",
    ])
    error_message = "The machine calls something else."
  }
}

run "tries_every_call_again_and_catches_every_error" {
  assert {
    condition = alltrue([
      for name, state in jsondecode(aws_sfn_state_machine.export.definition).States : (
        state.Retry[length(state.Retry) - 1].ErrorEquals == ["States.ALL"] &&
        state.Retry[length(state.Retry) - 1].MaxAttempts > 0 &&
        state.Catch[length(state.Catch) - 1].ErrorEquals == ["States.ALL"] &&
        state.TimeoutSeconds > 0
      )
      if state.Type == "Task"
    ])
    error_message = "A call ends the execution without an alert."
  }
}

run "polls_every_five_minutes_for_half_a_day" {
  assert {
    condition = (
      jsondecode(aws_sfn_state_machine.export.definition).States.WaitForExport.Seconds == 300 &&
      local.poll_seconds * local.polls_max == 12 * 3600
    )
    error_message = "The export is polled at another pace or for another time."
  }
  assert {
    condition     = strcontains(jsonencode(jsondecode(aws_sfn_state_machine.export.definition).States.JudgeExport), "\"NumericLessThan\":144")
    error_message = "Polling has no end."
  }
}

run "ends_in_two_ways_and_tells_of_the_third" {
  assert {
    condition = toset([
      for name, state in jsondecode(aws_sfn_state_machine.export.definition).States : name
      if contains(["Succeed", "Fail"], state.Type)
    ]) == toset(["Exported", "ExportFailed", "AlertFailed"])
    error_message = "An execution may end in a way that nobody planned."
  }
  # The rule takes any end but the one that follows an alert.
  assert {
    condition = (
      jsondecode(aws_cloudwatch_event_rule.ended_untold.event_pattern).detail["$or"][1].error[0].anything-but ==
      [jsondecode(aws_sfn_state_machine.export.definition).States.ExportFailed.Error]
    )
    error_message = "An end without an alert is not told, or one with an alert is told twice."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.ended_untold.event_pattern).detail.stateMachineArn == ["arn:aws:states:eu-west-1:760097843905:stateMachine:id-minter-rds-export"]
    error_message = "The rule watches another machine."
  }
}

run "announces_as_consumers_read_it" {
  assert {
    condition = (
      jsondecode(aws_sfn_state_machine.export.definition).States.Announce.Parameters.Entries[0].Source == "catalogue-pipeline.id-minter" &&
      jsondecode(aws_sfn_state_machine.export.definition).States.Announce.Parameters.Entries[0].DetailType == "Export Completed" &&
      jsondecode(aws_sfn_state_machine.export.definition).States.Announce.Parameters.Entries[0].EventBusName == "catalogue-pipeline-id-minter"
    )
    error_message = "Consumers of the event do not get it."
  }
}
