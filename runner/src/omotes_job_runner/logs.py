"""The log on stderr: what the function and its libraries log, each line once."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to_stderr(level: str) -> None:
    """Logs what no other handler prints: workers bring handlers of their own, as the SDK's `setup_logging` adds one."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(FORMAT))

    def is_unprinted(record: logging.LogRecord) -> bool:
        return not any(_prints(other, record) for other in _handlers(record) if other is not handler)

    handler.addFilter(is_unprinted)
    logging.basicConfig(level=level, handlers=[handler])


def _handlers(record: logging.LogRecord) -> Iterator[logging.Handler]:
    """The handlers that get `record`."""
    logger: logging.Logger | None = logging.getLogger(record.name)
    while logger is not None:
        yield from logger.handlers
        logger = logger.parent if logger.propagate else None


def _prints(handler: logging.Handler, record: logging.LogRecord) -> bool:
    """Whether `handler` prints `record` to stdout or stderr."""
    stream = getattr(handler, "stream", None)
    printed = stream is not None and stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    return printed and record.levelno >= handler.level
