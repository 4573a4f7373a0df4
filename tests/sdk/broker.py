"""The broker as its administrator sees it, through the management API: no look here renews a queue's lease."""

from __future__ import annotations

import base64
import json
import os
import re
import urllib.error
import urllib.request
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from waiting import NotYet, until

EXCHANGE = "omotes_exchange"
REFUSALS = re.compile(r"precondition_failed|resource_locked")
"""What the broker's log calls 406 and 405."""


class NotThere(Exception):
    """The management API knows no such thing."""


def variable(name: str) -> str:
    """A variable that the test bed's `env` exports."""
    if name not in os.environ:
        raise RuntimeError(f"{name} is not set: run `make up` and `. target/testbed/env` first")
    return os.environ[name]


def ask(method: str, path: str, body: Any = None) -> Any:
    """One request to the management API; its answer."""
    parts = urlsplit(variable("OMOTES_ADMIN_MANAGEMENT_URI"))
    user = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    headers = {"Authorization": f"Basic {user}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    url = f"{parts.scheme}://{parts.hostname}:{parts.port}/api/{path}"
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise NotThere(path) from None
        raise RuntimeError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from None


def queues() -> set[str]:
    """The names of all queues."""
    return {queue["name"] for queue in ask("GET", "queues/omotes?disable_stats=true&columns=name")}


def queues_of(job_id: str) -> set[str]:
    """The kinds of queue (progress, status, result) that there are of a job."""
    prefix = f"jobs.{job_id}."
    return {queue.removeprefix(prefix) for queue in queues() if queue.startswith(prefix)}


def none_left(job_id: str) -> None:
    """Waits until there is no queue of a job."""
    left(job_id, set())


def left(job_id: str, kinds: set[str]) -> None:
    """Waits until the queues of a job are exactly these kinds."""

    def look() -> None:
        if (there := queues_of(job_id)) != kinds:
            raise NotYet(f"{sorted(there)}")

    until(f"of the queues of job {job_id} {sorted(kinds) or 'none'} are left", look)


def time_to_live(queue: str) -> int | None:
    """The argument x-expires of a queue, in milliseconds."""
    return ask("GET", f"queues/omotes/{queue}")["arguments"].get("x-expires")


def delete_queue(queue: str) -> None:
    """Deletes a queue, whatever is in it."""
    try:
        ask("DELETE", f"queues/omotes/{queue}")
    except NotThere:
        return


def gateway_listens() -> bool:
    """Whether somebody answers clients that ask for the available workflows."""
    return "request_available_workflows" in queues()


def broadcast_no_workflows() -> bool:
    """Tells all clients that there are no workflows; whether anybody heard it."""
    message = {"properties": {}, "routing_key": "available_workflows", "payload": "", "payload_encoding": "string"}
    try:
        return bool(ask("POST", f"exchanges/omotes/{EXCHANGE}/publish", message)["routed"])
    except NotThere:
        return False


def bound(queue: str) -> None:
    """Waits until messages to the exchange that clients know reach a queue."""

    def look() -> None:
        bindings = ask("GET", f"queues/omotes/{queue}/bindings")
        if EXCHANGE not in {binding["source"] for binding in bindings}:
            raise NotYet(f"{bindings}")

    until(f"queue {queue} is bound to {EXCHANGE}", look)


def disconnect(user: str) -> None:
    """Breaks all connections of a user."""
    ask("DELETE", f"connections/username/{user}")


class Log:
    """The broker's log from now on."""

    def __init__(self) -> None:
        self._path = Path(variable("OMOTES_AUDIT_LOG")).parent / "rabbitmq.log"
        self._from = self._path.stat().st_size

    def refusals(self, user: str) -> list[str]:
        """The channel errors 405 and 406 that connections of a user got: the line after the one that names the user."""
        with self._path.open("rb") as file:
            file.seek(self._from)
            lines = file.read().decode(errors="replace").splitlines()
        errors = [after for line, after in pairwise(lines) if "Channel error" in line and f"user: '{user}'" in line]
        return [error for error in errors if REFUSALS.search(error)]
