#!/usr/bin/env python3
"""Waits for one OMOTES job: prints its progress and status as they come, and fetches its result.

    OMOTES_AMQP_URI=amqp://user:password@host:5672/omotes python receive.py JOB_ID --output output.esdl

It only consumes: the job's queues are made by the operator (or by the client that submitted the job). The result is
acknowledged, and so removed from the broker, once it is written. Exit codes: 0 the job succeeded, 1 anything else.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pika
from google.protobuf.message import DecodeError
from omotes_sdk_protocol.job_pb2 import EsdlMessage, JobProgressUpdate, JobResult, JobStatusUpdate
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import (
    AMQPConnectionError,
    AuthenticationError,
    ChannelClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

NOT_FOUND = 404

REFUSALS = (AuthenticationError, ProbableAuthenticationError, ProbableAccessDeniedError)
"""What the broker answers to a wrong user, password or virtual host: trying again does not help."""

SECONDS_BETWEEN_ATTEMPTS = 0.5
"""For a queue that is not there yet. Not shorter: each attempt opens a channel on the broker."""

SECONDS_BETWEEN_CONNECTIONS = 2.0

SECONDS_FOR_LAST_NEWS = 0.5
"""How long to print progress that is already on its way when the result is there."""


class ReceiveError(Exception):
    """The result cannot be had; the text says why."""


class Clock:
    """The time that is left."""

    def __init__(self, timeout_seconds: float) -> None:
        self._end = time.monotonic() + timeout_seconds

    def left(self) -> float:
        """The seconds that are left, never fewer than none."""
        return max(0.0, self._end - time.monotonic())

    def sleep(self, seconds: float, waiting_for: str) -> None:
        """Sleeps; gives up if the time is over."""
        if self.left() == 0.0:
            raise ReceiveError(f"timed out waiting for {waiting_for}")
        time.sleep(min(seconds, self.left()))


def progress_line(body: bytes) -> str:
    """A JobProgressUpdate as a line to print."""
    update = JobProgressUpdate.FromString(body)
    return f"progress  {100 * update.progress:3.0f} %  {update.message}"


def status_line(body: bytes) -> str:
    """A JobStatusUpdate as a line to print."""
    return f"status    {name_of(JobStatusUpdate.JobStatus, JobStatusUpdate.FromString(body).status)}"


def result_lines(result: JobResult) -> list[str]:
    """A JobResult as lines to print."""
    size = len(result.output_esdl.encode())
    output = f"output ESDL of {size} bytes" if result.HasField("output_esdl") else "no output ESDL"
    lines = [f"result    {name_of(JobResult.ResultType, result.result_type)}, {output}"]
    lines += map(message_line, result.esdl_messages)
    lines += [f"log       {line}" for line in result.logs.splitlines()]
    return lines


def message_line(message: EsdlMessage) -> str:
    """A message about the ESDL as a line to print."""
    about = f"{message.esdl_object_id}: " if message.HasField("esdl_object_id") else ""
    return f"message   {name_of(EsdlMessage.Severity, message.severity)}  {about}{message.technical_message}"


def name_of(enum: Any, number: int) -> str:
    """A value's name, or its number where a newer protocol sent one that this one does not know."""
    return enum.Name(number) if number in enum.values() else str(number)


class Receiver:
    """Consumes one job's three queues on one connection."""

    def __init__(self, connection: pika.BlockingConnection, job_id: str, clock: Clock) -> None:
        self._connection = connection
        self._job_id = job_id
        self._clock = clock
        self._result: tuple[int, bytes] | None = None
        # The result queue is made last: when it is there, so are the others, or they never will be.
        self._results = self._wait_for_result_queue()
        self._consume("status", self._printer(status_line), auto_ack=True)
        self._consume("progress", self._printer(progress_line), auto_ack=True)

    def result(self) -> JobResult:
        """Waits for the result, printing the news meanwhile."""
        while self._result is None:
            if self._clock.left() == 0.0:
                raise ReceiveError("timed out waiting for the result")
            if not self._results.consumer_tags:
                raise ReceiveError("the result queue was deleted before a result came")
            self._connection.process_data_events(time_limit=min(1.0, self._clock.left()))
        self._print_last_news()
        try:
            return JobResult.FromString(self._result[1])
        except DecodeError as error:
            raise ReceiveError("the result is not OMOTES protobuf; it is left in its queue") from error

    def acknowledge(self) -> None:
        """Removes the result from the broker."""
        if self._result is not None:
            self._results.basic_ack(self._result[0])

    def _print_last_news(self) -> None:
        end = time.monotonic() + SECONDS_FOR_LAST_NEWS
        while (left := end - time.monotonic()) > 0:
            self._connection.process_data_events(time_limit=left)

    def _wait_for_result_queue(self) -> BlockingChannel:
        while True:
            channel = self._consume("result", self._keep_result, auto_ack=False)
            if channel is not None:
                return channel
            self._clock.sleep(SECONDS_BETWEEN_ATTEMPTS, f"the queue {self._queue('result')}")

    def _consume(self, news: str, callback: Callable[..., None], *, auto_ack: bool) -> BlockingChannel | None:
        """Consumes a queue on a channel of its own, because a missing queue closes the channel; then gives nothing."""
        channel = self._connection.channel()
        try:
            channel.basic_consume(self._queue(news), callback, auto_ack=auto_ack)
        except ChannelClosedByBroker as error:
            if error.reply_code != NOT_FOUND:
                raise ReceiveError(f"the broker refuses {self._queue(news)}: {error.reply_text}") from error
            return None
        return channel

    def _queue(self, news: str) -> str:
        return f"jobs.{self._job_id}.{news}"

    def _keep_result(self, _channel: object, method: pika.spec.Basic.Deliver, _properties: object, body: bytes) -> None:
        self._result = self._result or (method.delivery_tag, body)

    @staticmethod
    def _printer(line_of: Callable[[bytes], str]) -> Callable[..., None]:
        def show(_channel: object, method: pika.spec.Basic.Deliver, _properties: object, body: bytes) -> None:
            try:
                print(line_of(body), flush=True)
            except DecodeError:
                print(f"warning: a message of {method.routing_key} is not OMOTES protobuf", file=sys.stderr)

        return show


def receive(uri: pika.URLParameters, job_id: str, output: Path | None, clock: Clock) -> bool:
    """Waits for the result, writes its ESDL and acknowledges it; whether the job succeeded."""
    while True:
        try:
            with pika.BlockingConnection(uri) as connection:
                receiver = Receiver(connection, job_id, clock)
                result = receiver.result()
                print(*result_lines(result), sep="\n", flush=True)
                if output is not None and result.HasField("output_esdl"):
                    output.write_text(result.output_esdl, encoding="utf-8")
                    print(f"written   {output}")
                receiver.acknowledge()
                return result.result_type == JobResult.SUCCEEDED
        except REFUSALS as error:
            raise ReceiveError("the broker refuses user, password or virtual host of OMOTES_AMQP_URI") from error
        except AMQPConnectionError as error:
            print(f"no connection to {uri.host}:{uri.port} ({type(error).__name__}), trying again", file=sys.stderr)
            clock.sleep(SECONDS_BETWEEN_CONNECTIONS, f"a connection to {uri.host}:{uri.port}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Wait for the result of an OMOTES job.")
    parser.add_argument("job_id", type=UUID, metavar="JOB_ID", help="the job's id: .status.jobId of its OmotesJob")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where to write the output ESDL")
    parser.add_argument("--timeout-seconds", type=float, default=3600.0, metavar="SECONDS", help="default: 3600")
    parsed = parser.parse_args()
    if "OMOTES_AMQP_URI" not in os.environ:
        parser.error("set OMOTES_AMQP_URI, such as amqp://user:password@host:5672/omotes")
    return parsed


def main() -> int:
    """Waits for the job that the command line names."""
    given = arguments()
    uri = pika.URLParameters(os.environ["OMOTES_AMQP_URI"])
    try:
        succeeded = receive(uri, str(given.job_id), given.output, Clock(given.timeout_seconds))
    except ReceiveError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
