"""Waiting with a limit, and saying in the end what it was for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE = 180.0
"""How long anything that works takes at most on a busy machine, in seconds."""

SECONDS_BETWEEN_LOOKS = 0.3


class NotYet(Exception):
    """It is not as it should become; the text says how it is instead."""


def until(what: str, look: Callable[[], Found], seconds: float = PATIENCE) -> Found:
    """Looks until what `look` wants to see is there, and returns it."""
    end = time.monotonic() + seconds
    while True:
        try:
            return look()
        except NotYet as state:
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds:.0f} s for this: {what}. Instead: {state}") from None
        time.sleep(SECONDS_BETWEEN_LOOKS)


def within(what: str, action: Callable[[], Found], seconds: float = PATIENCE) -> Found:
    """Does something that has no limit of its own, as the SDK's calls have none, and returns what it returns."""
    outcome: list[Found] = []
    trouble: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(action())
        except BaseException as error:
            trouble.append(error)

    thread = threading.Thread(target=run, name=what, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"this did not end within {seconds:.0f} s: {what}")
    if trouble:
        raise trouble[0]
    return outcome[0]
