"""Workflows that clients may ask for, in the namespace of the gateway's jobs."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

import broker
from cluster import Space, pod_spec
from waiting import NotYet, until


@dataclass(frozen=True)
class Offer:
    """A workflow of a test's own, and the jobs that were submitted for it."""

    type_name: str
    space: Space

    @staticmethod
    def create(script: str, spec: dict[str, Any]) -> Offer:
        """A workflow whose jobs run a shell script."""
        offer = Offer(f"sdk-{secrets.token_hex(4)}", Space(broker.variable("OMOTES_JOB_NAMESPACE")))
        manifest = {
            "apiVersion": "omotes.io/v1alpha1",
            "kind": "OmotesWorkflow",
            "metadata": {"name": offer.type_name},
            "spec": {"typeName": offer.type_name, "template": {"spec": pod_spec(script)}, **spec},
        }
        offer.space.kubectl("create", "-f", "-", stdin=json.dumps(manifest))
        return offer

    def withdraw(self) -> None:
        """Removes the workflow; its jobs stay."""
        self.space.kubectl("delete", "omotesworkflow", self.type_name, "--ignore-not-found")

    def jobs(self) -> dict[str, dict[str, Any]]:
        """The specs of its jobs."""
        items = json.loads(self.space.kubectl("get", "omotesjobs", "--output", "json"))["items"]
        specs = {item["metadata"]["name"]: item["spec"] for item in items}
        return {name: spec for name, spec in specs.items() if spec.get("workflowRef", {}).get("name") == self.type_name}

    def gone(self, job_id: str) -> None:
        """Waits until there is no such job."""

        def look() -> None:
            if job_id in self.jobs():
                raise NotYet("it is there")

        until(f"job {job_id} is gone", look)

    def remove(self) -> None:
        """Removes the workflow and its jobs."""
        self.withdraw()
        for job_id in self.jobs():
            self.space.kubectl("delete", "omotesjob", job_id, "--ignore-not-found", "--timeout=120s")
