"""The example client: what it prints, and how it waits for a job's queues and result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pika
import pytest
from omotes_sdk_protocol.job_pb2 import EsdlMessage, JobProgressUpdate, JobResult, JobStatusUpdate
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker

import receive

JOB = "0b0f6f3e-2f5f-4b53-9c35-2a2a0a8b8c11"
URI = pika.URLParameters("amqp://user:secret@broker:5672/omotes")


def job_result(**fields: Any) -> JobResult:
    return JobResult(**{"uuid": JOB, "result_type": JobResult.SUCCEEDED, "output_esdl": "<é/>"} | fields)


def test_prints_progress() -> None:
    update = JobProgressUpdate(uuid=JOB, progress=0.4, message="hour 3504 of 8760, 40%")
    assert receive.progress_line(update.SerializeToString()) == "progress   40 %  hour 3504 of 8760, 40%"


def test_prints_status() -> None:
    update = JobStatusUpdate(uuid=JOB, status=JobStatusUpdate.RUNNING)
    assert receive.status_line(update.SerializeToString()) == "status    RUNNING"


def test_prints_the_result_with_its_messages() -> None:
    messages = [
        EsdlMessage(technical_message="done", severity=EsdlMessage.INFO),
        EsdlMessage(technical_message="overloaded", severity=EsdlMessage.WARNING, esdl_object_id="pipe-1"),
    ]
    assert receive.result_lines(job_result(esdl_messages=messages, logs="a\nb")) == [
        "result    SUCCEEDED, output ESDL of 5 bytes",
        "message   INFO  done",
        "message   WARNING  pipe-1: overloaded",
        "log       a",
        "log       b",
    ]
    without = JobResult(uuid=JOB, result_type=JobResult.CANCELLED)
    assert receive.result_lines(without) == ["result    CANCELLED, no output ESDL"]


class FakeBroker:
    """A broker with queues that appear after some attempts; what is in them is delivered at once."""

    def __init__(self, messages: dict[str, list[bytes]], missing_attempts: int = 0) -> None:
        self.messages = {f"jobs.{JOB}.{news}": bodies for news, bodies in messages.items()}
        self.missing_attempts = missing_attempts
        self.acknowledged: list[int] = []
        self.channels = 0
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, _parameters: pika.URLParameters) -> FakeBroker:
        return self

    def __enter__(self) -> FakeBroker:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def channel(self) -> FakeChannel:
        self.channels += 1
        return FakeChannel(self)

    def process_data_events(self, time_limit: float) -> None:
        assert time_limit >= 0
        waiting, self.waiting = self.waiting, []
        for deliver in waiting:
            deliver()


class FakeChannel:
    """A channel that a missing queue closes."""

    def __init__(self, broker: FakeBroker) -> None:
        self._broker = broker
        self.consumer_tags: list[str] = []

    def basic_consume(self, queue: str, callback: Callable[..., None], *, auto_ack: bool) -> None:
        assert auto_ack != queue.endswith("result")
        if self._broker.missing_attempts > 0 or queue not in self._broker.messages:
            self._broker.missing_attempts -= 1
            raise ChannelClosedByBroker(404, f"NOT_FOUND - no queue '{queue}'")
        self.consumer_tags.append(queue)
        for tag, body in enumerate(self._broker.messages[queue], start=1):
            method = SimpleNamespace(delivery_tag=tag, routing_key=queue)
            self._broker.waiting.append(lambda method=method, body=body: callback(self, method, None, body))

    def basic_ack(self, delivery_tag: int) -> None:
        self._broker.acknowledged.append(delivery_tag)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "SECONDS_BETWEEN_ATTEMPTS", 0.01)
    monkeypatch.setattr(receive, "SECONDS_BETWEEN_CONNECTIONS", 0.01)
    monkeypatch.setattr(receive, "SECONDS_FOR_LAST_NEWS", 0.01)


def test_waits_for_the_queues_then_writes_and_acknowledges_the_result(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = JobProgressUpdate(uuid=JOB, progress=1.0, message="hour 8760 of 8760").SerializeToString()
    news = {"progress": [b"\xff", progress], "status": [], "result": [job_result().SerializeToString()]}
    broker = FakeBroker(news, missing_attempts=2)
    monkeypatch.setattr(pika, "BlockingConnection", broker)
    output = tmp_path / "output.esdl"

    assert receive.receive(URI, JOB, output, receive.Clock(5)) is True

    assert output.read_text(encoding="utf-8") == "<é/>"
    assert broker.acknowledged == [1]
    assert broker.channels == 2 + 3
    printed = capsys.readouterr()
    assert printed.out.startswith("progress  100 %  hour 8760 of 8760\nresult    SUCCEEDED")
    assert "not OMOTES protobuf" in printed.err


def test_works_without_progress_and_status_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled = JobResult(uuid=JOB, result_type=JobResult.CANCELLED).SerializeToString()
    monkeypatch.setattr(pika, "BlockingConnection", FakeBroker({"result": [cancelled]}))
    assert receive.receive(URI, JOB, None, receive.Clock(5)) is False


def test_an_undecodable_result_is_left_in_its_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = FakeBroker({"result": [b"\xff"]})
    monkeypatch.setattr(pika, "BlockingConnection", broker)
    with pytest.raises(receive.ReceiveError, match="left in its queue"):
        receive.receive(URI, JOB, None, receive.Clock(5))
    assert broker.acknowledged == []


@pytest.mark.parametrize(
    ("messages", "words"),
    [({}, f"waiting for the queue jobs.{JOB}.result"), ({"result": []}, "waiting for the result")],
)
def test_gives_up_when_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch, messages: dict[str, list[bytes]], words: str
) -> None:
    monkeypatch.setattr(pika, "BlockingConnection", FakeBroker(messages))
    with pytest.raises(receive.ReceiveError, match=words):
        receive.receive(URI, JOB, None, receive.Clock(0.05))


def test_a_lost_connection_is_made_again_without_showing_the_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broker = FakeBroker({"result": [job_result().SerializeToString()]})
    attempts = iter([AMQPConnectionError, AMQPConnectionError])

    def connection(parameters: pika.URLParameters) -> FakeBroker:
        if error := next(attempts, None):
            raise error
        return broker(parameters)

    monkeypatch.setattr(pika, "BlockingConnection", connection)
    assert receive.receive(URI, JOB, None, receive.Clock(5)) is True
    printed = capsys.readouterr().err
    assert printed.count("no connection to broker:5672") == 2
    assert "secret" not in printed
