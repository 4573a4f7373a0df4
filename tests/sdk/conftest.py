"""What the tests with the unmodified OMOTES SDK need: namespaces, clients, and a broker that is left as it was found.

They run against the test bed:

    . target/testbed/env
    python -m pytest tests/sdk
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from client import Client
from cluster import Space

import broker


@pytest.fixture
def no_refusals() -> Iterator[None]:
    """No client's channel is closed with 405 or 406 while a test runs."""
    log = broker.Log()
    yield
    user = broker.urlsplit(broker.variable("OMOTES_AMQP_URI")).username or ""
    assert log.refusals(user) == []


@pytest.fixture
def space(request: pytest.FixtureRequest) -> Iterator[Space]:
    """A namespace of the test's own."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    space = Space.create(name)
    yield space
    space.remove()


@pytest.fixture
def new_client(no_refusals: None) -> Iterator[Callable[[], Client]]:
    """Makes clients, which are stopped in the end."""
    clients: list[Client] = []

    def make() -> Client:
        clients.append(Client())
        return clients[-1]

    yield make
    for client in clients:
        client.stop()


@pytest.fixture
def jobs() -> Iterator[list[str]]:
    """The ids of the test's jobs: in the end no queue of theirs is left."""
    ids: list[str] = []
    yield ids
    try:
        for job_id in ids:
            broker.none_left(job_id)
    finally:
        for job_id in ids:
            for kind in broker.queues_of(job_id):
                broker.delete_queue(f"jobs.{job_id}.{kind}")
