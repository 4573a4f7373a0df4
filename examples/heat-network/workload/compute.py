#!/usr/bin/env python3
"""Computes a heat network's year: the program of an OMOTES job.

Reads `input/input.esdl` and `input/parameters.json`, appends to `progress`, and leaves `output/output.esdl` and
`output/messages.json`, all under /omotes (or --root).

Exit codes:
    0   the results are written
    1   something unforeseen; the log has the traceback
    2   the parameters cannot be used
    3   the ESDL cannot be used
    10  stopped on request (SIGTERM); nothing is left behind in the output folder
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import model
from model import Kpi

EXIT_PARAMETERS, EXIT_ESDL, EXIT_STOPPED = 2, 3, 10

SECONDS_BETWEEN_PROGRESS = 0.5

Message = dict[str, str]


class StoppedError(Exception):
    """The job was asked to stop."""


def stop(_signal: int, _frame: object) -> NoReturn:
    """Answers SIGTERM: ends the computation wherever it is."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise StoppedError


class Progress:
    """Appends progress lines, not more often than every half second; the last one is always written.

    A job may run without anybody who reads them: then they are left out.
    """

    def __init__(self, path: Path) -> None:
        self._path: Path | None = path
        self._next = 0.0

    def report(self, fraction: float, message: str) -> None:
        """Says how far the computation is, from 0 to 1."""
        now = time.monotonic()
        if self._path is None or (now < self._next and fraction < 1):
            return
        self._next = now + SECONDS_BETWEEN_PROGRESS
        try:
            with self._path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"progress": fraction, "message": message}) + "\n")
        except OSError as error:
            print(f"progress is not reported: {error}", file=sys.stderr)
            self._path = None


class Output:
    """The output folder: files appear in it complete or not at all."""

    def __init__(self, folder: Path) -> None:
        self.esdl = folder / "output.esdl"
        self.messages = folder / "messages.json"

    @staticmethod
    def partial(path: Path) -> Path:
        """Where a file is written before it gets its name."""
        return path.with_name(f".{path.name}.partial")

    @contextlib.contextmanager
    def completed(self, path: Path) -> Iterator[Path]:
        """Gives the partial file to write to, and its final name once it is written."""
        partial = self.partial(path)
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.rename(path)

    def write_messages(self, messages: list[Message]) -> None:
        """Writes what the client is told beside the result."""
        with self.completed(self.messages) as partial:
            partial.write_text(json.dumps(messages, indent=1) + "\n", encoding="utf-8")

    def clear(self) -> None:
        """Removes whatever was written, complete or not."""
        for path in (self.esdl, self.messages):
            path.unlink(missing_ok=True)
            self.partial(path).unlink(missing_ok=True)


def run(root: Path, output: Output) -> None:
    """The whole job: read, compute, write."""
    # Imported late: whoever stops the job while pyESDL loads is answered as well (PID 1 has no default SIGTERM action).
    import network

    try:
        parameters = model.read_parameters(read_json(root / "input" / "parameters.json"))
        file = network.read(root / "input" / "input.esdl")
        totals = model.new_totals(file.network)
        compute(file.network, parameters, totals, Progress(root / "progress"))
        results = kpis(file.network, totals)
        output.write_messages([summary(results), *overloads(file.network, totals)])
        with output.completed(output.esdl) as partial:
            network.write(file, results, partial)
    except model.InputError as error:
        output.write_messages([message("ERROR", str(error), error.asset_id)])
        raise


def read_json(path: Path) -> Any:
    """What a JSON file holds."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise model.ParameterError(f"{path.name} is not JSON ({error}): give a JSON object") from error


def compute(net: model.Network, parameters: model.Parameters, totals: model.Totals, progress: Progress) -> None:
    """Simulates the year, in at least the time that the parameters ask for."""
    started = time.monotonic()
    progress.report(0.0, f"hour 0 of {model.HOURS_PER_YEAR}")
    for hours in model.simulate(net, parameters, totals):
        fraction = hours / model.HOURS_PER_YEAR
        time.sleep(max(0.0, started + parameters.minimum_seconds * fraction - time.monotonic()))
        progress.report(fraction, f"hour {hours} of {model.HOURS_PER_YEAR}")


def kpis(net: model.Network, totals: model.Totals) -> list[Kpi]:
    """The year's results, the network's first and then each consumer's."""
    supply = totals.demand + totals.loss
    return [
        Kpi("kpi-yearly-heat-demand", "Yearly heat demand", totals.demand / 1e6, "MWh"),
        Kpi("kpi-yearly-pipe-losses", "Yearly pipe losses", totals.loss / 1e6, "MWh"),
        Kpi("kpi-pipe-loss-share", "Pipe losses' share of the heat supply", 100 * totals.loss / supply, "%"),
        Kpi("kpi-yearly-heat-supply", "Yearly heat supply", supply / 1e6, "MWh"),
        Kpi("kpi-yearly-peak-load-heat", "Yearly heat beyond the base load", totals.beyond_base_load / 1e6, "MWh"),
        Kpi("kpi-peak-heat-supply", "Peak heat supply", totals.supply_peak.watt / 1e6, "MW"),
        *(
            Kpi(f"kpi-yearly-heat-demand.{consumer.id}", f"Yearly heat demand of {consumer.name}", energy / 1e6, "MWh")
            for consumer, energy in zip(net.consumers, totals.consumers, strict=True)
        ),
    ]


def summary(results: list[Kpi]) -> Message:
    """The results in one sentence."""
    value = {kpi.id: kpi.value for kpi in results}
    return message(
        "INFO",
        f"heat supply {value['kpi-yearly-heat-supply']:.0f} MWh a year,"
        f" of which {value['kpi-pipe-loss-share']:.1f} % is lost in the pipes;"
        f" at most {value['kpi-peak-heat-supply']:.2f} MW",
    )


def overloads(net: model.Network, totals: model.Totals) -> Iterator[Message]:
    """A warning for each pipe that should carry more than it can."""
    for pipe in net.pipes:
        peak = totals.load_peaks[pipe.served]
        if peak.watt > pipe.capacity_watt:
            text = (
                f"{pipe.name} is overloaded: {peak.watt / 1e3:.0f} kW in hour {peak.hour},"
                f" its capacity is {pipe.capacity_watt / 1e3:.0f} kW"
            )
            yield message("WARNING", text, pipe.id)


def message(severity: str, text: str, asset_id: str | None = None) -> Message:
    """An entry of messages.json."""
    about = {} if asset_id is None else {"esdlObjectId": asset_id}
    return {"technicalMessage": text, "severity": severity, **about}


def main() -> int:
    """Runs the job and turns what happened into an exit code."""
    parser = argparse.ArgumentParser(description="Compute a heat network's year.")
    parser.add_argument("--root", type=Path, default=Path("/omotes"), help="the job's folder")
    root = parser.parse_args().root
    output = Output(root / "output")
    try:
        signal.signal(signal.SIGTERM, stop)
        run(root, output)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Whoever stops it now is too late: the results are complete.
    except StoppedError:
        output.clear()
        print("stopped on request; the output folder is left empty", file=sys.stderr)
        return EXIT_STOPPED
    except model.InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_PARAMETERS if isinstance(error, model.ParameterError) else EXIT_ESDL
    return 0


if __name__ == "__main__":
    sys.exit(main())
