"""omotes-job-runner names the output as the worker in the OMOTES SDK does. Needs no test bed."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import pytest
from esdl.esdl_handler import EnergySystemHandler
from omotes_job_runner.messages import entries
from omotes_job_runner.naming import named_output
from omotes_sdk.internal.common.esdl_util import pyesdl_from_string
from omotes_sdk.internal.orchestrator_worker_events.esdl_messages import EsdlMessage, MessageSeverity
from omotes_sdk.internal.worker import worker

HEAD = '<esdl:EnergySystem xmlns:esdl="http://www.tno.nl/esdl" id="1"'
NAMES = ["", ' name=""', ' name="Delft"', " name='a &amp; b &lt; \"c\" &#10;d é'"]


class Task:
    """As much of a Celery task as the SDK's worker touches."""

    name = "grow_optimizer_default"
    request = SimpleNamespace(id="1")
    broker_if = SimpleNamespace(send_message_to=lambda *_: None)
    output_esdl: str
    esdl_messages: list[EsdlMessage]


def upstream(monkeypatch: pytest.MonkeyPatch, given: str, output: str, reference: str | None) -> str:
    """The output as the SDK's worker sends it."""
    task = Task()
    monkeypatch.setattr(worker, "WORKER_TASK_FUNCTION", lambda *_: (output, []))
    settings = SimpleNamespace(task_progress_queue_name="progress")
    monkeypatch.setattr(worker, "WORKER", SimpleNamespace(config=settings))
    worker.wrapped_worker_task(task, uuid.uuid4(), reference, given, {})
    return task.output_esdl


@pytest.mark.parametrize("reference", [None, "", "variant B", '<"é&\t\n'])
@pytest.mark.parametrize("given", NAMES)
@pytest.mark.parametrize("output", NAMES)
def test_the_name_is_upstreams(monkeypatch: pytest.MonkeyPatch, reference: str | None, given: str, output: str) -> None:
    given, output = (f"{HEAD}{name}><instance id='2'/></esdl:EnergySystem>" for name in (given, output))
    ours = pyesdl_from_string(named_output(given, output, Task.name, reference))
    theirs = pyesdl_from_string(upstream(monkeypatch, given, output, reference))
    assert ours.energy_system.name == theirs.energy_system.name
    assert canonical(ours) == canonical(theirs)


def canonical(handler: EnergySystemHandler) -> str:
    """An ESDL as pyESDL writes it."""
    return handler.to_string()


def test_upstreams_messages_are_understood() -> None:
    for severity in MessageSeverity:
        message = EsdlMessage("text", severity, "pipe-7")
        entry = {"technicalMessage": "text", "severity": severity.value, "esdlObjectId": "pipe-7"}
        assert entries([message]) == [entry]
