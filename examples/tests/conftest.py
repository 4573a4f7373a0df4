"""What several tests of the examples need."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[1]
HEAT_NETWORK = EXAMPLES / "heat-network"
NETWORK_ESDL = HEAT_NETWORK / "network.esdl"


@dataclass(frozen=True)
class JobFolder:
    """A job's folder, as its program finds it under /omotes."""

    root: Path

    @property
    def output(self) -> Path:
        return self.root / "output"

    @property
    def command(self) -> list[str]:
        return [sys.executable, str(HEAT_NETWORK / "workload" / "compute.py"), "--root", str(self.root)]

    def prepare(self, parameters: Any, esdl: str | None = None) -> None:
        (self.root / "input").mkdir()
        self.output.mkdir()
        (self.root / "input" / "parameters.json").write_text(json.dumps(parameters))
        (self.root / "input" / "input.esdl").write_text(NETWORK_ESDL.read_text() if esdl is None else esdl)
        (self.root / "progress").touch()

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command, capture_output=True, text=True, timeout=60, check=False)

    def check(self) -> subprocess.CompletedProcess[str]:
        checker = [sys.executable, str(HEAT_NETWORK / "check_result.py")]
        files = [self.output / "output.esdl", NETWORK_ESDL, self.root / "input" / "parameters.json"]
        return subprocess.run([*checker, *map(str, files)], capture_output=True, text=True, timeout=60, check=False)

    def progress(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.root / "progress").read_text().splitlines()]

    def messages(self) -> list[dict[str, str]]:
        return json.loads((self.output / "messages.json").read_text())

    def left_behind(self) -> list[str]:
        return sorted(path.name for path in self.output.iterdir())


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path)
