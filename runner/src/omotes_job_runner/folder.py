"""The job's folder: what the operator put there, and what it looks for in the end."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS_BETWEEN_LOOKS = 0.05
"""While waiting for the input. Short, because a client waits, and cheap, because it is one look at one file."""


class InputError(Exception):
    """The input cannot be used; the text says what to do."""


@dataclass(frozen=True)
class JobInput:
    """What the operator says of the job."""

    esdl: str
    params: dict[str, Any]
    reference: str | None
    workflow: str | None


class JobFolder:
    """A job's folder, which is /omotes in its pod."""

    def __init__(self, root: Path) -> None:
        self.progress = root / "progress"
        self._input = root / "input"
        self._esdl = root / "output" / "output.esdl"
        self._messages = root / "output" / "messages.json"

    def wait_for_input(self, seconds: float) -> None:
        """Waits until the ESDL is there: it comes last, and complete."""
        end = time.monotonic() + seconds
        while not (self._input / "input.esdl").exists():
            if time.monotonic() >= end:
                raise InputError(f"there was no {self._input / 'input.esdl'} within {seconds:g} s (--wait-for-input)")
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def read(self) -> JobInput:
        """The whole input. Numbers in the parameters are doubles, as they are on the wire."""
        about = self._json("job.json")
        return JobInput(
            esdl=self._text("input.esdl"),
            params=self._json("parameters.json"),
            reference=about.get("reference"),
            workflow=about.get("workflow"),
        )

    def clear_output(self) -> None:
        """Removes what an earlier run left, complete or not."""
        for path in (self._esdl, self._messages):
            path.unlink(missing_ok=True)
            _partial(path).unlink(missing_ok=True)

    def write_messages(self, messages: list[dict[str, str]]) -> None:
        """Leaves messages for the client."""
        _write(self._messages, json.dumps(messages, indent=1) + "\n")

    def write_esdl(self, esdl: str) -> None:
        """Leaves the result."""
        _write(self._esdl, esdl)

    def _text(self, name: str) -> str:
        path = self._input / name
        try:
            # Not by read_text: it would change the ends of lines.
            return path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            raise InputError(f"{path} is not there: give the job {_SOURCES[name]}") from None
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8: {error}") from None

    def _json(self, name: str) -> dict[str, Any]:
        try:
            value = json.loads(self._text(name), parse_int=float)
        except ValueError as error:
            raise InputError(f"{self._input / name} is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise InputError(f"{self._input / name} is not a JSON object but {value!r:.100}")
        return value


_SOURCES = {
    "job.json": "to an operator: it makes this file",
    "parameters.json": "to an operator: it makes this file",
    "input.esdl": "an ESDL in spec.input.esdl",
}


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def _write(path: Path, text: str) -> None:
    """The file is there complete, or not at all."""
    partial = _partial(path)
    with partial.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
