"""Progress lines for the operator."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

SECONDS_BETWEEN_LINES = 0.5
"""The client hears one a second at most. A function that reports more often fills no disk."""


class Progress:
    """Appends progress lines to a file, at most one every half second; the newest is always written in the end.

    May be called from any thread. A job whose progress nobody reads runs all the same.
    """

    def __init__(self, path: Path) -> None:
        self._path: Path | None = path
        self._lock = threading.RLock()
        self._waiting: str | None = None
        self._timer: threading.Timer | None = None
        self._next = 0.0

    def update(self, fraction: float, message: str) -> None:
        """Says how far the job is, from 0 to 1, and what it does: this is what the worker function gets."""
        line = json.dumps({"progress": float(fraction), "message": str(message)})
        with self._lock:
            self._waiting = line
            if (wait := self._next - time.monotonic()) <= 0:
                self._write()
            elif self._timer is None:
                self._timer = threading.Timer(wait, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Writes what waits."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        line, self._waiting, self._timer = self._waiting, None, None
        if line is None or self._path is None:
            return
        self._next = time.monotonic() + SECONDS_BETWEEN_LINES
        try:
            with self._path.open("a", encoding="utf-8") as lines:
                lines.write(line + "\n")
        except OSError as error:
            print(f"progress is not reported any more: {error}", file=sys.stderr)
            self._path = None
