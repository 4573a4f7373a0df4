"""omotes-job-runner as the program of a job's pod: a worker function written for OMOTES runs unchanged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import broker
from client import Client, EsdlMessage, JobResult
from cluster import Space, pod_spec

REPOSITORY = Path(__file__).parents[2]
SECONDS_TO_LIVE = 120

WORKER = """
import time

def calculate(input_esdl, params, update, workflow_type_name):
    update(0.5, f"half of {workflow_type_name}")
    print("params", params)
    if params["case"] == 1.0 and type(params["case"]) is float:
        time.sleep(600)
    if params["case"] == 2.0:
        raise ValueError("the network has no source")
    if params["case"] == 3.0:
        bytearray(1_000_000_000)
    return input_esdl.replace("Delft", "raw"), [
        {"technical_message": "pipe 7 is overloaded", "severity": "WARNING", "esdl_object_id": "pipe-7"}
    ]
"""

ESDL = '<esdl:EnergySystem xmlns:esdl="http://www.tno.nl/esdl" name="Delft"/>'


def job(case: int) -> dict[str, Any]:
    """A job whose image has Python, and whose worker and runner come from ConfigMaps."""
    pod = pod_spec("")
    pod["containers"][0] |= {
        "image": "localhost/debian-python:bookworm",
        "command": ["python3", "-m", "omotes_job_runner", "worker:calculate", "--workflow", "grow"],
        "workingDir": "/app",
        "resources": {"limits": {"memory": "128Mi"}},
        "env": [{"name": "PYTHONDONTWRITEBYTECODE", "value": "1"}],
        "volumeMounts": [
            {"name": "runner", "mountPath": "/app/omotes_job_runner"},
            {"name": "worker", "mountPath": "/app/worker.py", "subPath": "worker.py"},
        ],
    }
    pod["volumes"] = [{"name": name, "configMap": {"name": name}} for name in ("runner", "worker")]
    return {
        "jobReference": "variant B",
        "input": {"parameters": {"case": case}, "esdl": {"inline": ESDL}},
        "queues": {"expireAfterSeconds": SECONDS_TO_LIVE},
        "template": {"spec": pod},
    }


@pytest.fixture
def start(space: Space, jobs: list[str], new_client: Callable[[], Client]) -> Callable[[int], Any]:
    """Starts a job with a client that follows it."""
    package = REPOSITORY / "runner" / "src" / "omotes_job_runner"
    space.kubectl("create", "configmap", "runner", *(f"--from-file={path}" for path in sorted(package.glob("*.py"))))
    space.kubectl("create", "configmap", "worker", f"--from-literal=worker.py={WORKER}")

    def begin(case: int) -> Any:
        job_id = space.apply("job", job(case))
        jobs.append(job_id)
        space.wait("job", "its queues are there", lambda _: len(broker.queues_of(job_id)) == 3)
        return new_client().follow(job_id, SECONDS_TO_LIVE, reconnect=True)

    return begin


def test_a_function_runs_unchanged(start: Callable[[int], Any]) -> None:
    heard = start(0)
    result = heard.result()
    assert result.result_type == JobResult.SUCCEEDED, result
    assert result.output_esdl == ESDL.replace("Delft", "Delft_variant B")
    assert result.logs == "params {'case': 0.0}\n"
    expected = EsdlMessage(technical_message="pipe 7 is overloaded", severity=EsdlMessage.WARNING)
    expected.esdl_object_id = "pipe-7"
    assert list(result.esdl_messages) == [expected]
    # Progress comes by another queue than the result.
    heard.wait("the end of the progress", lambda heard: heard.messages[-1:] == ["Calculation finished."])
    assert heard.progress[-1] == 1.0


def test_an_exception_is_told(start: Callable[[int], Any]) -> None:
    result = start(2).result()
    assert result.result_type == JobResult.ERROR
    assert result.logs.rstrip().endswith("ValueError: the network has no source")


def test_a_soft_stop_is_one(space: Space, start: Callable[[int], Any]) -> None:
    heard = start(1)
    heard.wait("half of the progress", lambda heard: heard.messages == ["half of grow"])
    space.kubectl("patch", "omotesjob", "job", "--type=merge", "-p", json.dumps({"spec": {"abort": {}}}))
    assert heard.result().result_type == JobResult.CANCELLED
    status = space.ended("job")
    assert (status["phase"], status["termination"]["cause"], status["termination"]["exitCode"]) == (
        "Aborted",
        "SoftAborted",
        10,
    )


def test_too_much_memory_is_told_as_such(space: Space, start: Callable[[int], Any]) -> None:
    assert start(3).result().result_type == JobResult.ERROR
    assert space.ended("job")["termination"]["cause"] == "OOMKilled"
