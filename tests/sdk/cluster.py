"""The cluster, by kubectl: namespaces of a test's own, jobs in them, and waiting for what becomes of them."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from broker import variable
from waiting import PATIENCE, NotYet, until

Status = dict[str, Any]

TERMINAL = {"Succeeded", "Failed", "Aborted"}

GO = "/omotes/output/go"
"""The file that lets a program go on that runs `WAIT_FOR_GO`."""

WAIT_FOR_GO = f"until [ -e {GO} ]; do sleep 0.2; done"


def kubectl(*arguments: str, stdin: str | None = None, seconds: float = PATIENCE) -> str:
    """Runs kubectl; what it printed."""
    variable("KUBECONFIG")
    done = subprocess.run(
        ["kubectl", *arguments], input=stdin, capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def pod_spec(script: str) -> dict[str, Any]:
    """A pod whose main container runs a shell script as user 10001, admitted where `restricted` is enforced."""
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": 5,
        "containers": [
            {
                "name": "main",
                "image": "localhost/busybox:1",
                "imagePullPolicy": "IfNotPresent",
                "command": ["sh", "-c", script],
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
            }
        ],
    }


def restricted_namespace(name: str) -> dict[str, Any]:
    """A namespace that enforces `restricted`."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def condition(status: Status, kind: str) -> str:
    """Status and reason of a condition, such as `False Unroutable`; empty while it is not there."""
    for found in status.get("conditions", []):
        if found["type"] == kind:
            return f"{found['status']} {found['reason']}"
    return ""


@dataclass(frozen=True)
class Space:
    """A namespace."""

    name: str

    @staticmethod
    def create(test: str) -> Space:
        """A fresh namespace called after the test."""
        space = Space(f"sdk-{test[:40].strip('-')}-{secrets.token_hex(3)}")
        kubectl("create", "-f", "-", stdin=json.dumps(restricted_namespace(space.name)))
        return space

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Runs kubectl in this namespace."""
        return kubectl("--namespace", self.name, *arguments, stdin=stdin)

    def apply(self, job: str, spec: dict[str, Any]) -> str:
        """Applies a job; its UID."""
        manifest = {"apiVersion": "omotes.io/v1alpha1", "kind": "OmotesJob", "metadata": {"name": job}, "spec": spec}
        applied = self.kubectl("apply", "--output", "json", "-f", "-", stdin=json.dumps(manifest))
        return json.loads(applied)["metadata"]["uid"]

    def status(self, job: str) -> Status:
        """The status of a job."""
        return json.loads(self.kubectl("get", "omotesjob", job, "--output", "json")).get("status", {})

    def wait(self, job: str, what: str, wanted: Callable[[Status], bool], seconds: float = PATIENCE) -> Status:
        """Waits until `wanted` holds of a job's status."""

        def look() -> Status:
            if not wanted(status := self.status(job)):
                raise NotYet(json.dumps(status))
            return status

        return until(f"job {self.name}/{job}: {what}", look, seconds)

    def running(self, job: str) -> Status:
        """Waits until the program of a job runs."""
        return self.wait(job, "it runs", lambda status: status.get("phase") == "Running")

    def ended(self, job: str) -> Status:
        """Waits until a job has ended."""
        return self.wait(job, "it has ended", lambda status: status.get("phase") in TERMINAL)

    def queues_are(self, job: str, state: str) -> Status:
        """Waits until the status of a job says this of its queues, and that nothing of them is left."""

        def wanted(status: Status) -> bool:
            return status.get("queues", {}).get("state") == state and condition(status, "CleanedUp").startswith("True")

        return self.wait(job, f"its queues are {state} and gone", wanted)

    def go(self, job: str) -> None:
        """Lets the program of a job go on."""
        pod = self.status(job)["podName"]
        self.kubectl("exec", pod, "--container", "main", "--", "touch", GO)

    def remove(self) -> None:
        """Removes the namespace; nothing in it may hold it back."""
        kubectl("delete", "namespace", self.name, f"--timeout={PATIENCE:.0f}s", seconds=PATIENCE + 10)
