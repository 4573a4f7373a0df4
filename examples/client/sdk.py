#!/usr/bin/env python3
"""Submits an ESDL with the unmodified OMOTES SDK: shows progress and status as they come, and fetches the result.

    OMOTES_AMQP_URI=amqp://user:password@host:5672/omotes python sdk.py WORKFLOW network.esdl --output output.esdl

Parameters that are not given have the workflow's defaults. Exit codes: 0 the job succeeded, 1 anything else.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import unquote, urlsplit

from omotes_sdk.config import RabbitMQConfig
from omotes_sdk.job import Job
from omotes_sdk.omotes_interface import OmotesInterface
from omotes_sdk.queue_names import OmotesQueueNames
from omotes_sdk.workflow_type import (
    BooleanParameter,
    DateTimeParameter,
    DurationParameter,
    FloatParameter,
    IntegerParameter,
    StringParameter,
    WorkflowParameter,
    WorkflowType,
)
from omotes_sdk_protocol.job_pb2 import EsdlMessage, JobProgressUpdate, JobResult, JobStatusUpdate

READ: dict[type[WorkflowParameter], Callable[[str], Any]] = {
    StringParameter: str,
    BooleanParameter: {"true": True, "false": False}.__getitem__,
    IntegerParameter: int,
    FloatParameter: float,
    DateTimeParameter: datetime.fromisoformat,
    DurationParameter: lambda text: timedelta(seconds=float(text)),
}
"""From the command line's text to the Python values that the SDK wants."""

SECONDS_TO_START = 75.0
"""Longer than the minute for which the SDK waits for the available workflows."""

SECONDS_TO_SETTLE = 10.0
"""Longer than the SDK takes to acknowledge a result and to remove a queue."""


class ClientError(Exception):
    """The job cannot be submitted, or its result cannot be had; the text says why."""


def connected(uri: str) -> OmotesInterface:
    """The SDK, connected, with the workflows that there are."""
    parts = urlsplit(uri)
    config = RabbitMQConfig(
        host=parts.hostname or "localhost",
        port=parts.port or 5672,
        username=unquote(parts.username or "guest"),
        password=unquote(parts.password or "guest"),
        virtual_host=unquote(parts.path.removeprefix("/")) or "/",
    )
    interface = OmotesInterface(config, client_id=f"example-{os.getpid()}-{time.time_ns()}")
    # Its thread shall not keep this program from ending.
    interface.broker_if.daemon = True
    start(interface)
    return interface


def start(interface: OmotesInterface) -> None:
    """Starts the SDK, which itself would wait for ever for a broker that refuses it."""
    outcomes: SimpleQueue[RuntimeError | None] = SimpleQueue()

    def run() -> None:
        try:
            interface.start()
            outcomes.put(None)
        except RuntimeError as error:
            outcomes.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        error = outcomes.get(timeout=SECONDS_TO_START)
    except Empty:
        raise ClientError("no connection: look at host, user, password and virtual host in OMOTES_AMQP_URI") from None
    if error is not None:
        raise ClientError("nobody told the available workflows: is the operator's gateway enabled?") from error


def workflow(interface: OmotesInterface, name: str) -> WorkflowType:
    """The workflow of this name."""
    manager = interface.get_workflow_type_manager()
    found = manager.get_workflow_by_name(name)
    if found is None:
        known = ", ".join(sorted(known.workflow_type_name for known in manager.get_all_workflows())) or "none"
        raise ClientError(f"there is no workflow {name!r}; there are: {known}")
    return found


def parameters(kind: WorkflowType, given: list[str]) -> dict[str, Any]:
    """All parameters of a job: the given ones, and the workflow's defaults."""
    texts = dict(text.partition("=")[::2] for text in given)
    known = {parameter.key_name: parameter for parameter in kind.workflow_parameters or []}
    if unknown := texts.keys() - known.keys():
        raise ClientError(
            f"{kind.workflow_type_name} has no parameter {', '.join(sorted(unknown))}: {', '.join(known)}"
        )
    values = {name: parameter.default for name, parameter in known.items()}
    for name, text in texts.items():
        try:
            values[name] = READ[type(known[name])](text)
        except (KeyError, ValueError):
            raise ClientError(f"parameter {name} is {text!r}: give a {known[name].type_name}") from None
    return values


def show_progress(_job: Job, update: JobProgressUpdate) -> None:
    """Prints progress."""
    print(f"progress  {100 * update.progress:3.0f} %  {update.message}", flush=True)


def show_status(_job: Job, update: JobStatusUpdate) -> None:
    """Prints a status."""
    print(f"status    {JobStatusUpdate.JobStatus.Name(update.status)}", flush=True)


def show_result(result: JobResult, output: Path | None) -> None:
    """Prints the result, and writes its ESDL."""
    size = len(result.output_esdl.encode())
    print(f"result    {JobResult.ResultType.Name(result.result_type)}, output ESDL of {size} bytes")
    for message in result.esdl_messages:
        print(f"message   {EsdlMessage.Severity.Name(message.severity)}  {message.technical_message}")
    for line in result.logs.splitlines():
        print(f"log       {line}")
    if output is not None and result.output_esdl:
        output.write_text(result.output_esdl, encoding="utf-8")
        print(f"written   {output}")


def submit(interface: OmotesInterface, given: argparse.Namespace) -> JobResult:
    """Submits the job and waits for its result."""
    kind = workflow(interface, given.workflow)
    results: SimpleQueue[JobResult] = SimpleQueue()
    job = interface.submit_job(
        esdl=given.esdl.read_text(encoding="utf-8"),
        params_dict=parameters(kind, given.parameter),
        workflow_type=kind,
        job_timeout=timedelta(seconds=given.timeout_seconds),
        callback_on_finished=lambda _job, result: results.put(result),
        callback_on_progress_update=show_progress,
        callback_on_status_update=show_status,
        auto_disconnect_on_result=True,
        job_reference=given.reference,
    )
    print(f"submitted {job.id}", flush=True)
    try:
        result = results.get(timeout=given.timeout_seconds + given.patience_seconds)
    except Empty:
        raise ClientError(f"no result of job {job.id}; it may still come, and waits in its queue") from None
    settle(interface, job)
    return result


def settle(interface: OmotesInterface, job: Job) -> None:
    """Waits until the SDK, which acknowledges the result after its callback, has removed the job's queues.

    Stopped at once it would leave the result in its queue; told to disconnect at once it may cut itself off.
    """
    logging.disable(logging.WARNING)  # it warns that the queue is gone
    end = time.monotonic() + SECONDS_TO_SETTLE
    while interface.broker_if.queue_exists(OmotesQueueNames.job_results_queue_name(job.id)):
        if time.monotonic() > end:
            return
        time.sleep(0.1)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Submit an ESDL with the OMOTES SDK, and wait for the result.")
    parser.add_argument("workflow", metavar="WORKFLOW", help="the workflow's type name")
    parser.add_argument("esdl", type=Path, metavar="ESDL", help="the file with the ESDL")
    parser.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", help="may be given repeatedly"
    )
    parser.add_argument("--reference", metavar="TEXT", help="what the job is called")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where to write the output ESDL")
    parser.add_argument("--timeout-seconds", type=float, default=3600.0, help="how long the job may run; default: 3600")
    parser.add_argument(
        "--patience-seconds", type=float, default=600.0, help="how long it may wait beside; default: 600"
    )
    parsed = parser.parse_args()
    if "OMOTES_AMQP_URI" not in os.environ:
        parser.error("set OMOTES_AMQP_URI, such as amqp://user:password@host:5672/omotes")
    return parsed


def main() -> int:
    """Runs the job that the command line describes."""
    given = arguments()
    logging.disable(logging.INFO)  # the SDK tells each step
    began = time.monotonic()
    try:
        interface = connected(os.environ["OMOTES_AMQP_URI"])
        try:
            result = submit(interface, given)
        finally:
            interface.stop()
    except ClientError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    show_result(result, given.output)
    verdict = JobResult.ResultType.Name(result.result_type)
    print(f"sdk-demo: {verdict} in {time.monotonic() - began:.0f} s")
    return 0 if result.result_type == JobResult.SUCCEEDED else 1


if __name__ == "__main__":
    sys.exit(main())
