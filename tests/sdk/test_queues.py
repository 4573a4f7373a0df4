"""The life of a job's queues as the SDK's users see it: read at once, later, too late, or never.

The jobs are applied with kubectl. Their queues are made by the operator, by the client, or by both.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

import broker
from client import Client, Heard, JobResult
from cluster import WAIT_FOR_GO, Space, Status, pod_spec

PROGRAM = f"""
echo '{{"progress": 0.25, "message": "a quarter"}}' >> /omotes/progress
{WAIT_FOR_GO}
echo '{{"progress": 0.75, "message": "three quarters"}}' >> /omotes/progress
sleep 2
printf '<esdl/>' > /omotes/output/output.esdl
"""

SOON = 8
"""Seconds to live of queues that are to expire in a test."""

LONG = 120
"""Seconds to live of queues that are not."""

AFTERWARDS = 2.0
"""Long enough for a second result to arrive, if one were sent, in seconds."""

ORDER = ["REGISTERED", "ENQUEUED", "RUNNING"]

NewClient = Callable[[], Client]


@dataclass
class Started:
    """A job whose program waits for `Space.go`, and what its client has heard."""

    space: Space
    name: str
    job_id: str
    heard: Heard

    def go(self) -> None:
        """Lets the program end."""
        self.space.go(self.name)

    def only_result(self) -> JobResult:
        """The one result, with the program's output."""
        result = self.heard.result()
        time.sleep(AFTERWARDS)
        assert len(self.heard.results) == 1
        assert (result.uuid, JobResult.ResultType.Name(result.result_type)) == (self.job_id, "SUCCEEDED")
        assert result.output_esdl == "<esdl/>"
        return result

    def is_over(self, state: str) -> Status:
        """Waits until the resource says what became of the queues, and nothing is left of them."""
        status = self.space.queues_are(self.name, state)
        assert status["result"]["type"] == "SUCCEEDED"
        assert status["result"]["routed"] is True
        broker.none_left(self.job_id)
        return status


@dataclass
class Declared:
    """Who makes the queues of a test's jobs."""

    by: str
    space: Space
    job_ids: list[str]

    def start(
        self, client: Client, seconds_to_live: int, name: str = "job", *, auto_disconnect: bool = True
    ) -> Started:
        """Starts a job with a client that listens, and waits until the client has heard that it runs."""
        begin = self._by_the_operator if self.by == "operator" else self._by_the_client
        job_id, heard = begin(client, seconds_to_live, name, auto_disconnect)
        heard.wait("a quarter of the progress", lambda heard: heard.progress == [0.25])
        heard.wait("that the job runs", lambda heard: heard.statuses == ORDER)
        assert broker.time_to_live(f"jobs.{job_id}.result") == seconds_to_live * 1000
        return Started(self.space, name, job_id, heard)

    def _by_the_operator(self, client: Client, seconds: int, name: str, auto: bool) -> tuple[str, Heard]:
        job_id = self.space.apply(name, job({"expireAfterSeconds": seconds}))
        self.job_ids.append(job_id)
        assert self.space.running(name)["jobId"] == job_id
        return job_id, client.follow(job_id, seconds, reconnect=True, auto_disconnect=auto)

    def _by_the_client(self, client: Client, seconds: int, name: str, auto: bool) -> tuple[str, Heard]:
        job_id = str(uuid.uuid4())
        self.job_ids.append(job_id)
        heard = client.follow(job_id, seconds, reconnect=False, auto_disconnect=auto)
        declare = "Never" if self.by == "client" else "Ensure"
        self.space.apply(name, job({"declare": declare, "expireAfterSeconds": seconds}) | {"jobId": job_id})
        return job_id, heard


def job(queues: dict[str, Any]) -> dict[str, Any]:
    """The spec of a job with these queues."""
    return {"queues": queues, "template": {"spec": pod_spec(PROGRAM)}}


@pytest.fixture(params=["operator", "client"])
def declared(request: pytest.FixtureRequest, space: Space, jobs: list[str]) -> Declared:
    """Who makes the queues."""
    return Declared(request.param, space, jobs)


@pytest.mark.parametrize("declared", ["operator", "client", "both"], indirect=True)
def test_a_result_is_consumed_at_once(declared: Declared, new_client: NewClient) -> None:
    started = declared.start(new_client(), LONG)
    started.go()
    started.only_result()
    assert started.heard.progress == [0.25, 0.75]
    assert started.heard.messages == ["a quarter", "three quarters"]
    assert started.heard.statuses == ORDER
    started.is_over("Consumed")


def test_queues_of_a_client_that_stays_are_left_to_it(declared: Declared, new_client: NewClient) -> None:
    client = new_client()
    started = declared.start(client, LONG, auto_disconnect=False)
    started.go()
    started.only_result()
    broker.left(started.job_id, {"progress", "status"})
    client.disconnect(started.job_id)
    started.is_over("Consumed")


def test_a_client_reconnects_while_the_job_runs(declared: Declared, new_client: NewClient) -> None:
    client = new_client()
    started = declared.start(client, SOON)
    client.stop()
    time.sleep(2 * SOON)  # the queues outlive this, because the job lives
    started.heard = new_client().follow(started.job_id, SOON, reconnect=True)
    started.go()
    started.only_result()
    assert started.heard.progress == [0.75]
    assert started.heard.statuses == []
    started.is_over("Consumed")


@pytest.mark.alone  # the clients of other tests are the same user's
def test_a_client_whose_connection_breaks_gets_its_result(declared: Declared, new_client: NewClient) -> None:
    client = new_client()
    started = declared.start(client, LONG)
    broker.disconnect(client.user)
    started.go()
    started.only_result()
    started.is_over("Consumed")


def test_a_client_reconnects_after_the_job_has_finished(declared: Declared, new_client: NewClient) -> None:
    client = new_client()
    started = declared.start(client, LONG)
    client.stop()
    started.go()
    assert started.space.ended(started.name)["phase"] == "Succeeded"
    started.heard = new_client().follow(started.job_id, LONG, reconnect=True)
    started.only_result()
    started.is_over("Consumed")


def test_a_client_never_comes_back(declared: Declared, new_client: NewClient) -> None:
    client = new_client()
    started = declared.start(client, SOON)
    client.stop()
    started.go()
    status = started.space.ended(started.name)
    assert seconds_between(status["result"]["publishedTime"], status["queues"]["expireTime"]) == SOON
    status = started.is_over("Expired")
    assert "nobody read the result" in status["queues"]["reason"]
    assert status["phase"] == "Succeeded"
    assert started.heard.results == []


def test_a_client_comes_back_too_late(declared: Declared, new_client: NewClient) -> None:
    client = new_client()
    started = declared.start(client, SOON)
    client.stop()
    started.go()
    started.is_over("Expired")
    late = new_client()
    missing = re.escape(f"The jobs.{started.job_id}.result queue does not exist or is removed.")
    with pytest.raises(RuntimeError, match=missing):
        late.follow(started.job_id, SOON, reconnect=True)
    assert broker.queues_of(started.job_id) == set()
    # The same client goes on with another job.
    another = declared.start(late, LONG, "another")
    another.go()
    another.only_result()
    another.is_over("Consumed")


def seconds_between(first: str, second: str) -> float:
    """The seconds between two times of Kubernetes."""
    return (datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds()
