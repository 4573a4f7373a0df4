"""A program that uses the unmodified OMOTES SDK: it follows jobs, goes away, and comes back."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from omotes_sdk.config import RabbitMQConfig
from omotes_sdk.job import Job
from omotes_sdk.omotes_interface import OmotesInterface
from omotes_sdk.types import ParamsDict
from omotes_sdk.workflow_type import WorkflowType
from omotes_sdk_protocol.job_pb2 import EsdlMessage, JobProgressUpdate, JobResult, JobStatusUpdate

import broker
from waiting import NotYet, until, within

__all__ = ["Client", "EsdlMessage", "Heard", "JobResult", "JobStatusUpdate", "Submitted", "WorkflowType"]

ANY_WORKFLOW = WorkflowType(workflow_type_name="any", workflow_type_description_name="any")
"""The SDK wants one in each handle of a job, and does not look at it."""


def rabbitmq_config(uri: str) -> RabbitMQConfig:
    """The SDK's configuration for an AMQP URI."""
    parts = urlsplit(uri)
    return RabbitMQConfig(
        host=parts.hostname or "localhost",
        port=parts.port or 5672,
        username=unquote(parts.username or "guest"),
        password=unquote(parts.password or "guest"),
        virtual_host=unquote(parts.path.removeprefix("/")),
    )


@dataclass
class Heard:
    """What a client heard of one job, in order of arrival."""

    statuses: list[str] = field(default_factory=list)
    progress: list[float] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    results: list[JobResult] = field(default_factory=list)

    def on_status(self, _job: Job, update: JobStatusUpdate) -> None:
        """The SDK's callback for a status."""
        self.statuses.append(JobStatusUpdate.JobStatus.Name(update.status))

    def on_progress(self, _job: Job, update: JobProgressUpdate) -> None:
        """The SDK's callback for progress."""
        self.progress.append(update.progress)
        self.messages.append(update.message)

    def on_result(self, _job: Job, result: JobResult) -> None:
        """The SDK's callback for the result."""
        self.results.append(result)

    def wait(self, what: str, wanted: Callable[[Heard], bool]) -> None:
        """Waits until `wanted` holds."""

        def look() -> None:
            if not wanted(self):
                raise NotYet(f"{self}")

        until(f"the client hears {what}", look)

    def result(self) -> JobResult:
        """Waits for the result."""
        self.wait("a result", lambda heard: bool(heard.results))
        return self.results[0]


@dataclass(frozen=True)
class Submitted:
    """A job that a client submitted."""

    job_id: str
    heard: Heard


class Client:
    """One process that uses the SDK, connected."""

    def __init__(self) -> None:
        config = rabbitmq_config(broker.variable("OMOTES_AMQP_URI"))
        self.user = config.username
        self.interface = OmotesInterface(config, client_id=f"sdk-test-{uuid.uuid4()}")
        # The SDK's thread outlives a test that fails; it shall not outlive the tests.
        self.interface.broker_if.daemon = True
        self._start()

    def _start(self) -> None:
        started = threading.Event()
        gateway = threading.Thread(target=stand_in_for_the_gateway, args=(started,), daemon=True)
        gateway.start()
        try:
            within("the SDK starts", self.interface.start)
        finally:
            started.set()
            gateway.join()

    def follow(
        self,
        job_id: str,
        seconds_to_live: int,
        *,
        reconnect: bool,
        auto_disconnect: bool = True,
        heard: Heard | None = None,
    ) -> Heard:
        """Connects to a job that was submitted, and records all that it says."""
        heard = heard or Heard()
        within(
            f"the SDK connects to job {job_id}",
            lambda: self.interface.connect_to_submitted_job(
                Job(uuid.UUID(job_id), ANY_WORKFLOW),
                heard.on_result,
                heard.on_progress,
                heard.on_status,
                auto_disconnect_on_result=auto_disconnect,
                auto_cleanup_after_ttl=timedelta(seconds=seconds_to_live),
                reconnect=reconnect,
            ),
        )
        return heard

    def offered(self, type_name: str) -> WorkflowType:
        """Waits until the SDK knows a workflow."""

        def look() -> WorkflowType:
            manager = self.interface.get_workflow_type_manager()
            if (found := manager.get_workflow_by_name(type_name)) is None:
                raise NotYet(f"{[known.workflow_type_name for known in manager.get_all_workflows()]}")
            return found

        return until(f"the client is offered workflow {type_name}", look)

    def no_longer_offered(self, type_name: str) -> None:
        """Waits until the SDK does not know a workflow any more."""

        def look() -> None:
            if self.interface.get_workflow_type_manager().get_workflow_by_name(type_name) is not None:
                raise NotYet("it is still offered")

        until(f"the client is not offered workflow {type_name} any more", look)

    def submit(
        self,
        workflow: WorkflowType,
        params: ParamsDict | None = None,
        *,
        esdl: str = "<esdl/>",
        timeout_seconds: float | None = None,
        reference: str | None = None,
        seconds_to_live: int = 600,
    ) -> Submitted:
        """Submits a job, and records all that is said of it."""
        heard = Heard()
        job = within(
            f"the SDK submits a job of {workflow.workflow_type_name}",
            lambda: self.interface.submit_job(
                esdl=esdl,
                params_dict=params or {},
                workflow_type=workflow,
                job_timeout=None if timeout_seconds is None else timedelta(seconds=timeout_seconds),
                callback_on_finished=heard.on_result,
                callback_on_progress_update=heard.on_progress,
                callback_on_status_update=heard.on_status,
                # So that a last status is heard before the SDK leaves the queue.
                auto_disconnect_on_result=False,
                job_reference=reference,
                auto_cleanup_after_ttl=timedelta(seconds=seconds_to_live),
            ),
        )
        return Submitted(str(job.id), heard)

    def delete(self, job_id: str) -> None:
        """Asks for the deletion of a job."""
        job = Job(uuid.UUID(job_id), ANY_WORKFLOW)
        within(f"the SDK deletes job {job_id}", lambda: self.interface.delete_job(job))

    def disconnect(self, job_id: str) -> None:
        """Says that a job is of no interest any more."""
        job = Job(uuid.UUID(job_id), ANY_WORKFLOW)
        within(f"the SDK leaves job {job_id}", lambda: self.interface.disconnect_from_submitted_job(job))

    def stop(self) -> None:
        """Ends the process' connection; the jobs go on without it."""
        within("the SDK stops", self.interface.stop)


def stand_in_for_the_gateway(started: threading.Event) -> None:
    """Answers a client that asks for the workflows where nobody else does, until it has started."""
    while not started.wait(0.3):
        if not broker.gateway_listens():
            broker.broadcast_no_workflows()
