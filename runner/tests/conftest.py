"""A job's folder, and the runner as the program of its pod."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent
INPUT = '<esdl:EnergySystem xmlns:esdl="http://www.tno.nl/esdl" name="Delft"/>'


@dataclass
class Job:
    """A job in a folder of its own."""

    root: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def termination_log(self) -> Path:
        return self.root / "termination-log"

    def prepare(self, esdl: str | None = INPUT, parameters: str = "{}", **about: Any) -> None:
        for folder in ("input", "output"):
            (self.root / folder).mkdir(exist_ok=True)
        (self.root / "progress").touch()
        self.termination_log.touch()
        (self.root / "input" / "parameters.json").write_text(parameters)
        (self.root / "input" / "job.json").write_text(json.dumps({"workflow": "grow", "reference": None} | about))
        if esdl is not None:
            self.give(esdl)

    def give(self, esdl: str) -> None:
        partial = self.root / "input" / ".partial"
        partial.write_text(esdl)
        partial.rename(self.root / "input" / "input.esdl")

    def start(self, function: str, *options: str, **environment: str) -> subprocess.Popen[str]:
        folders = ["--root", str(self.root), "--termination-log", str(self.termination_log)]
        command = [sys.executable, "-m", "omotes_job_runner", function, *folders, *options]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OMOTES_")}
        variables = inherited | {"PYTHONPATH": str(TESTS.parent / "src"), **environment}
        process = subprocess.Popen(
            command, cwd=TESTS, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.started.append(process)
        return process

    def run(self, function: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(function, *options, **environment)
        stdout, stderr = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def wait_for_progress(self, message: str) -> None:
        end = time.monotonic() + 30
        while message not in self.progress():
            assert time.monotonic() < end, f"waited 30 s for the progress {message!r}; there is {self.progress()}"
            time.sleep(0.05)

    def progress(self) -> list[str]:
        return [line["message"] for line in self.progress_lines()]

    def progress_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.root / "progress").read_text().splitlines()]

    def output(self) -> list[str]:
        return sorted(path.name for path in (self.root / "output").iterdir())

    def esdl(self) -> str:
        return (self.root / "output" / "output.esdl").read_text()

    def messages(self) -> list[dict[str, str]]:
        return json.loads((self.root / "output" / "messages.json").read_text())


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    job = Job(tmp_path)
    yield job
    for process in job.started:
        process.kill()
        process.communicate()
