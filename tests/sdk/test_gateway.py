"""What programs do with the unmodified SDK: they list workflows, submit jobs, follow and delete them, go and come back.

Only with `--gateway`: nothing else answers them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from omotes_sdk.workflow_type import WorkflowTypeManager

import broker
from client import Client, JobResult, Submitted, WorkflowType
from cluster import WAIT_FOR_GO
from workflows import Offer

REPOSITORY = Path(__file__).parents[2]

ECHO = """
echo '{"progress": 0.5, "message": "half"}' >> /omotes/progress
sleep 1
cat /omotes/input/parameters.json /omotes/input/input.esdl > /omotes/output/output.esdl
"""
GATED = f"""
echo '{{"progress": 0.5, "message": "half"}}' >> /omotes/progress
{WAIT_FOR_GO}
cp /omotes/input/input.esdl /omotes/output/output.esdl
"""
WAITS = "sleep 3600 & while :; do wait; done"

AFTERWARDS = 2.0
"""Long enough for a second result to arrive, if one were sent, in seconds."""

ORDER = ["REGISTERED", "ENQUEUED", "RUNNING"]

NewClient = Callable[[], Client]
NewOffer = Callable[..., Offer]


@pytest.fixture(autouse=True)
def nothing_left(jobs: list[str], new_offer: NewOffer, new_client: NewClient) -> None:
    """Clients stop first, then workflows and their jobs go, then no queue of theirs is left."""


def only_result(submitted: Submitted, kind: str, output: str = "") -> JobResult:
    """The one result of a job."""
    result = submitted.heard.result()
    time.sleep(AFTERWARDS)
    assert len(submitted.heard.results) == 1
    assert (result.uuid, JobResult.ResultType.Name(result.result_type)) == (submitted.job_id, kind), result
    assert result.output_esdl == output
    return result


def leave(client: Client, *submitted: Submitted) -> None:
    """A client that has its results is done with the other queues."""
    for one in submitted:
        client.disconnect(one.job_id)


def enqueued(submitted: Submitted) -> None:
    """Waits until the client has heard that its job was taken on."""
    submitted.heard.wait("that the job is enqueued", lambda heard: "ENQUEUED" in heard.statuses)


def running(offer: Offer, submitted: Submitted) -> None:
    """Waits until the client has heard that its job runs."""
    submitted.heard.wait("that the job runs", lambda heard: heard.statuses == ORDER)
    offer.space.running(submitted.job_id)


def submit(client: Client, workflow: WorkflowType, jobs: list[str], **options: object) -> Submitted:
    """Submits a job of which no queue may be left."""
    submitted = client.submit(workflow, **options)  # type: ignore[arg-type]
    jobs.append(submitted.job_id)
    return submitted


PARAMETERS = [
    {"keyName": "number", "float": {"default": 0.5, "minimum": 0, "maximum": 100}},
    {"keyName": "count", "integer": {"default": 1}},
    {"keyName": "start", "dateTime": {"default": "2020-01-01T00:00:00+00:00"}},
    {"keyName": "step", "duration": {"defaultSeconds": 3600}},
    {"keyName": "cold", "boolean": {"default": False}},
    {"keyName": "solver", "string": {"enumOptions": [{"keyName": "highs", "displayName": "HiGHS"}]}},
]


def test_a_job_is_submitted_followed_and_answered(new_client: NewClient, new_offer: NewOffer, jobs: list[str]) -> None:
    offer, client = new_offer(ECHO, description="echoes", parameters=PARAMETERS), new_client()
    workflow = client.offered(offer.type_name)
    assert workflow.workflow_type_description_name == "echoes"
    known = {parameter.key_name: parameter for parameter in workflow.workflow_parameters or []}
    assert (known["number"].default, known["number"].maximum) == (0.5, 100.0)
    assert known["step"].default == timedelta(hours=1)
    start = datetime(2020, 1, 1, tzinfo=timezone.utc)
    given = {"number": 3.0, "count": 7, "start": start, "step": timedelta(hours=2), "cold": True, "solver": "highs"}
    submitted = submit(client, workflow, jobs, params=given, esdl="<esdl>ä</esdl>", reference="variant B")
    submitted.heard.result()
    arrived = {"number": "3.0", "count": "7.0", "start": "1577836800.0", "step": "7200.0", "cold": "true"}
    output = submitted.heard.results[0].output_esdl
    for name, text in arrived.items():
        assert f'"{name}":{text}' in output.replace(" ", ""), "numbers arrive as floats"
    assert output.endswith("<esdl>ä</esdl>")
    only_result(submitted, "SUCCEEDED", output)
    assert submitted.heard.statuses == ORDER
    assert submitted.heard.messages == ["half"]
    spec = offer.jobs()[submitted.job_id]
    assert (spec["jobReference"], spec["priority"]) == ("variant B", "Medium")
    assert spec["input"]["parameters"]["start"] == 1577836800
    leave(client, submitted)


def test_a_failure_is_told(new_client: NewClient, new_offer: NewOffer, jobs: list[str]) -> None:
    offer, client = new_offer("echo it is broken >&2; exit 3"), new_client()
    submitted = submit(client, client.offered(offer.type_name), jobs)
    result = only_result(submitted, "ERROR")
    assert "it is broken" in result.logs
    assert submitted.heard.statuses == ORDER
    leave(client, submitted)


def test_a_job_that_takes_too_long_is_cancelled(new_client: NewClient, new_offer: NewOffer, jobs: list[str]) -> None:
    offer, client = new_offer(WAITS), new_client()
    submitted = submit(client, client.offered(offer.type_name), jobs, timeout_seconds=3)
    only_result(submitted, "CANCELLED")
    assert submitted.heard.statuses[:3] == ORDER
    assert offer.space.status(submitted.job_id)["abort"]["cause"] == "DeadlineExceeded"
    leave(client, submitted)


def test_a_job_is_deleted_while_it_waits(new_client: NewClient, new_offer: NewOffer, jobs: list[str]) -> None:
    offer, client = new_offer(GATED, maxConcurrentJobs=1), new_client()
    workflow = client.offered(offer.type_name)
    first = submit(client, workflow, jobs)
    running(offer, first)
    second = submit(client, workflow, jobs)
    enqueued(second)
    offer.space.wait(second.job_id, "it waits for a seat", lambda status: status.get("phase") == "Queued")
    client.delete(second.job_id)
    only_result(second, "CANCELLED")
    assert second.heard.statuses[-1] == "CANCELLED"
    assert "RUNNING" not in second.heard.statuses
    offer.gone(second.job_id)
    offer.space.go(first.job_id)
    only_result(first, "SUCCEEDED", "<esdl/>")
    leave(client, first, second)


def test_a_job_is_deleted_while_it_runs(new_client: NewClient, new_offer: NewOffer, jobs: list[str]) -> None:
    offer, client = new_offer(WAITS), new_client()
    submitted = submit(client, client.offered(offer.type_name), jobs)
    running(offer, submitted)
    client.delete(submitted.job_id)
    only_result(submitted, "CANCELLED")
    assert submitted.heard.statuses == [*ORDER, "CANCELLED"]
    offer.gone(submitted.job_id)
    leave(client, submitted)


def test_a_client_comes_back_while_its_job_runs(new_client: NewClient, new_offer: NewOffer, jobs: list[str]) -> None:
    offer, client = new_offer(GATED), new_client()
    submitted = submit(client, client.offered(offer.type_name), jobs, seconds_to_live=8)
    running(offer, submitted)
    client.stop()
    time.sleep(16)  # twice the time to live: the operator keeps the queues
    back = new_client()
    again = Submitted(submitted.job_id, back.follow(submitted.job_id, 8, reconnect=True))
    offer.space.go(submitted.job_id)
    only_result(again, "SUCCEEDED", "<esdl/>")


def test_a_client_comes_back_after_its_job_has_finished(
    new_client: NewClient, new_offer: NewOffer, jobs: list[str]
) -> None:
    offer, client = new_offer(GATED), new_client()
    submitted = submit(client, client.offered(offer.type_name), jobs, seconds_to_live=120)
    running(offer, submitted)
    client.stop()
    offer.space.go(submitted.job_id)
    offer.space.ended(submitted.job_id)
    back = new_client()
    only_result(Submitted(submitted.job_id, back.follow(submitted.job_id, 120, reconnect=True)), "SUCCEEDED", "<esdl/>")


def test_a_client_comes_back_too_late(new_client: NewClient, new_offer: NewOffer, jobs: list[str]) -> None:
    offer, client = new_offer(GATED), new_client()
    submitted = submit(client, client.offered(offer.type_name), jobs, seconds_to_live=8)
    running(offer, submitted)
    client.stop()
    offer.space.go(submitted.job_id)
    offer.space.queues_are(submitted.job_id, "Expired")
    missing = re.escape(f"The jobs.{submitted.job_id}.result queue does not exist or is removed.")
    with pytest.raises(RuntimeError, match=missing):
        new_client().follow(submitted.job_id, 8, reconnect=True)


def test_two_clients_hear_of_their_own_jobs(new_client: NewClient, new_offer: NewOffer, jobs: list[str]) -> None:
    offer = new_offer(ECHO)
    clients = {name: new_client() for name in ("one", "two")}
    submissions = [
        (client, submit(client, client.offered(offer.type_name), jobs, esdl=f"<esdl>{name} {number}</esdl>"))
        for number in range(3)
        for name, client in clients.items()
    ]
    expected = [f"{{}}<esdl>{name} {number}</esdl>" for number in range(3) for name in clients]
    for (client, submitted), output in zip(submissions, expected, strict=True):
        only_result(submitted, "SUCCEEDED", output)
        assert submitted.heard.statuses == ORDER
        leave(client, submitted)


@pytest.mark.alone
def test_the_broker_restarts_while_a_job_runs(new_client: NewClient, new_offer: NewOffer, jobs: list[str]) -> None:
    offer, client = new_offer(GATED), new_client()
    workflow = client.offered(offer.type_name)
    submitted = submit(client, workflow, jobs)
    running(offer, submitted)
    subprocess.run([broker.variable("OMOTES_TESTBED"), "broker", "restart"], check=True, timeout=120)
    offer.space.go(submitted.job_id)
    only_result(submitted, "SUCCEEDED", "<esdl/>")
    # The same client goes on; its messages reach the gateway again once that has bound its queues anew.
    broker.bound("job_submissions")
    another = submit(client, workflow, jobs)
    running(offer, another)
    offer.space.go(another.job_id)
    only_result(another, "SUCCEEDED", "<esdl/>")
    leave(client, submitted, another)


def test_workflows_come_and_go_at_runtime(new_client: NewClient, new_offer: NewOffer, jobs: list[str]) -> None:
    client = new_client()
    offer = new_offer(ECHO)
    submitted = submit(client, client.offered(offer.type_name), jobs)
    enqueued(submitted)
    offer.withdraw()
    client.no_longer_offered(offer.type_name)
    only_result(submitted, "SUCCEEDED", "{}<esdl/>")
    leave(client, submitted)


def test_an_unknown_workflow_is_an_error(new_client: NewClient, jobs: list[str]) -> None:
    client = new_client()
    # As if it had been offered a moment ago.
    unknown = WorkflowType(workflow_type_name="nobody-knows-it", workflow_type_description_name="")
    client.interface.workflow_type_manager = WorkflowTypeManager([unknown])
    submitted = submit(client, unknown, jobs)
    result = only_result(submitted, "ERROR")
    assert "nobody-knows-it" in result.logs
    assert "unknown" in result.logs
    assert submitted.heard.statuses == []
    leave(client, submitted)


def test_a_parameter_out_of_bounds_is_an_error(new_client: NewClient, new_offer: NewOffer, jobs: list[str]) -> None:
    offer, client = new_offer(ECHO, parameters=[{"keyName": "number", "float": {"maximum": 100}}]), new_client()
    submitted = submit(client, client.offered(offer.type_name), jobs, params={"number": 101.0})
    result = only_result(submitted, "ERROR")
    for word in ("number", "101", "100"):
        assert word in result.logs
    leave(client, submitted)


def test_the_example_client(new_client: NewClient, new_offer: NewOffer, jobs: list[str], tmp_path: Path) -> None:
    offer = new_offer(ECHO, parameters=[{"keyName": "number", "float": {"default": 0.5}}])
    new_client().offered(offer.type_name)
    esdl, output = tmp_path / "input.esdl", tmp_path / "output.esdl"
    esdl.write_text("<esdl/>")
    program = [sys.executable, str(REPOSITORY / "examples" / "client" / "sdk.py"), offer.type_name, str(esdl)]
    options = ["--parameter", "number=2", "--output", str(output), "--timeout-seconds", "120"]
    ended = subprocess.run([*program, *options], capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert re.fullmatch(r"sdk-demo: SUCCEEDED in \d+ s", lines[-1])
    assert "status    RUNNING" in lines
    assert "progress   50 %  half" in lines
    assert json.loads(output.read_text().removesuffix("<esdl/>")) == {"number": 2.0}
    [job_id] = offer.jobs()
    jobs.append(job_id)
