"""SIGTERM as an exception in the worker function."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn


class JobStopped(KeyboardInterrupt):
    """The job is to stop. Not an `Exception`, so that only who means it catches it: to save what there is, say."""


def raise_on_sigterm() -> None:
    """From now on SIGTERM raises `JobStopped` in the main thread, once: the clean-up after it is not interrupted."""
    signal.signal(signal.SIGTERM, _raise)


def ignore_sigterm() -> None:
    """From now on it is too late to stop."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _raise(_number: int, _frame: FrameType | None) -> NoReturn:
    ignore_sigterm()
    raise JobStopped
