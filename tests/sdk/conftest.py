"""What the tests with the unmodified OMOTES SDK need: namespaces, clients, and a broker that is left as it was found.

They run against the test bed:

    . target/testbed/env
    python -m pytest tests/sdk               # jobs that kubectl applies
    python -m pytest tests/sdk --gateway     # and those that the SDK submits (to OMOTES_JOB_NAMESPACE)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import broker
from client import Client
from cluster import Space
from workflows import Offer


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that says that a gateway is there."""
    parser.addoption("--gateway", action="store_true", help="submit jobs, too: the operator's gateway is enabled")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without a gateway nothing can be submitted."""
    return True if collection_path.name == "test_gateway.py" and not config.getoption("--gateway") else None


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


@pytest.fixture
def new_offer() -> Iterator[Callable[..., Offer]]:
    """Makes workflows that clients are offered; they and their jobs are removed in the end."""
    offers: list[Offer] = []

    def make(script: str, **spec: Any) -> Offer:
        offers.append(Offer.create(script, spec))
        return offers[-1]

    yield make
    for offer in offers:
        offer.remove()
