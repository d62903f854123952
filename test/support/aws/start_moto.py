"""Starts moto as the AWS of the tests: start_moto.py PORT PORT-OF-THE-PROXY

Its state machines differ from AWS's in ways that the definition relies on. They are set right here, so that the
definition is written for AWS and not for moto. Their clock is set forward: waits and pauses before retries take no
time, and a call that should end within a minute ends after CALL_SECONDS. Functions, which have longer, keep it.
"""

import os
import re
import sys
import time
import types

port, proxy_port = sys.argv[1:]
os.environ["MOTO_PORT"] = proxy_port  # where the calls of state machines go
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # those of AWS's own, which the backup's role has

from botocore.exceptions import BotoCoreError
from moto.core.config import default_user_config
from moto.server import main
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
    StateTaskService,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.backend.execution import Execution

CALL_SECONDS = 5

# moto keeps state machines without running them unless it is told to.
default_user_config["stepfunctions"] = {"execute_state_machine": True}

# EventBridge has one name in state machines and another in boto.
StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES["eventbridge"] = "events"

# In moto $$.Execution.StartTime is no text.
start_details = Execution.get_start_execution_details


def start_details_as_text(self):
    details = start_details(self)
    object.__setattr__(details, "start_time", self.start_date.strftime("%Y-%m-%dT%H:%M:%S.000Z"))
    return details


Execution.get_start_execution_details = start_details_as_text

# moto copies a state machine at each start, together with the executions that it has had, which cannot be copied.
Execution.__deepcopy__ = lambda self, memo: self

# AWS's names of errors are those of its SDK for Java: DBClusterSnapshotNotFoundFault of RDS is
# Rds.DbClusterSnapshotNotFoundException, and what RDS has no name for is Rds.RdsException.
SERVICES = {"rds": "Rds", "sns": "Sns", "eventbridge": "EventBridge"}


def error_name(service, error):
    name = type(error).__name__
    if name == "ClientError":
        return f"{service}.{service}Exception"
    name = re.sub(r"(Fault|Exception)$", "", name)
    name = re.sub(r"(?<=[A-Z])[A-Z]+(?=[A-Z][a-z])", lambda run: run[0].lower(), name)
    return f"{service}.{name}Exception"


StateTaskServiceAwsSdk._normalise_service_error_name = staticmethod(SERVICES.__getitem__)
StateTaskServiceAwsSdk._normalise_exception_name = staticmethod(error_name)

# A connection that breaks is an error of the SDK, which is caught like any other; moto makes it States.Runtime.
failure_of = StateTaskServiceAwsSdk._from_error


def failure_of_connections_too(self, env, ex):
    if isinstance(ex, BotoCoreError):
        name = f"{SERVICES[self.resource.api_name]}.SdkClientException"
        return self._get_task_failure_event(env=env, error=name, cause=str(ex))
    return failure_of(self, env, ex)


StateTaskServiceAwsSdk._from_error = failure_of_connections_too

# Retries are counted anew each time that a state is entered; moto counts them over the whole execution.
eval_state = ExecutionState._eval_state


def eval_state_with_fresh_retries(self, env):
    for key in [key for key in env.heap if key.startswith("MaxAttemptsDecl")]:
        del env.heap[key]
    eval_state(self, env)


ExecutionState._eval_state = eval_state_with_fresh_retries

# The clock.
WaitFunction._wait_interval = lambda self, env, wait_seconds: time.sleep(0.001)
retrier_decl.time = types.SimpleNamespace(sleep=lambda seconds: None)
TimeoutSeconds._eval_seconds = lambda self, env: (
    CALL_SECONDS if CALL_SECONDS < self.timeout_seconds <= 60 else self.timeout_seconds
)

main(["--host", "127.0.0.1", "--port", port])
