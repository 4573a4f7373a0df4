"""The heat network's program: its results, its errors, its progress and its soft stop."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from typing import Any

import pytest
from conftest import NETWORK_ESDL, JobFolder

import model


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"scenario_temperature_shift_kelvin": -3.5, "ground_temperature_celsius": 8.0},
        {"years": 20.0, "savings_percent_per_year": 2.5, "scenario_temperature_shift_kelvin": 1.5},
    ],
)
def test_results_agree_with_the_independent_computation(job: JobFolder, parameters: dict[str, float]) -> None:
    job.prepare(parameters)
    run = job.run()
    assert run.returncode == 0, run.stderr
    check = job.check()
    assert check.returncode == 0, check.stdout
    assert "54 of 54 results agree" in check.stdout
    assert job.left_behind() == ["messages.json", "output.esdl"]


def test_check_finds_a_wrong_result_and_a_changed_network(job: JobFolder) -> None:
    job.prepare({})
    job.run()
    output = job.output / "output.esdl"
    right = output.read_text()

    output.write_text(re.sub(r'(name="Peak heat supply" value=")', r"\g<1>1", right))
    assert "53 of 54 results agree" in job.check().stdout
    output.write_text(right.replace('length="260.0"', 'length="261.0"', 1))
    assert job.check().returncode == 1
    output.write_text(re.sub(r'<asset [^>]*id="booster-pump".*?</asset>', "", right, flags=re.DOTALL))
    assert "279 assets instead of 280" in job.check().stdout


def test_messages_sum_up_and_name_the_overloaded_pipes(job: JobFolder) -> None:
    job.prepare({})
    job.run()
    first, *warnings = job.messages()
    assert first["severity"] == "INFO"
    assert {warning["severity"] for warning in warnings} == {"WARNING"}
    assert [warning["esdlObjectId"] for warning in warnings] == [
        "esdoornlaan-pipe-1-supply",
        "esdoornlaan-pipe-1-return",
    ]


def test_progress_rises_to_one_and_is_not_too_frequent(job: JobFolder) -> None:
    job.prepare({"minimum_seconds": 2.0})
    started = time.monotonic()
    assert job.run().returncode == 0
    assert time.monotonic() - started >= 2.0
    shares = [line["progress"] for line in job.progress()]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert job.progress()[-1] == {"progress": 1.0, "message": "hour 8760 of 8760"}
    assert 4 <= len(shares) <= 8


def test_runs_where_nobody_reads_progress(job: JobFolder) -> None:
    job.prepare({})
    (job.root / "progress").unlink()
    (job.root / "progress").mkdir()
    run = job.run()
    assert run.returncode == 0
    assert run.stderr.count("progress is not reported") == 1


def test_stops_softly(job: JobFolder) -> None:
    job.prepare({"minimum_seconds": 60.0})
    (job.output / ".output.esdl.partial").touch()
    with subprocess.Popen(job.command, stderr=subprocess.PIPE, text=True) as process:
        wait_for_progress(job)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 10
    assert job.left_behind() == []


def wait_for_progress(job: JobFolder) -> None:
    """Waits until the program is computing."""
    end = time.monotonic() + 20
    while not job.progress():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"minimum_seconds": -1.0}, ['"minimum_seconds"', "-1.0", "from 0 to 86400"]),
        (
            {"scenario_temperature_shift_kelvin": 40.0},
            ['"scenario_temperature_shift_kelvin"', "40.0", "kelvin from -10 to 10"],
        ),
        ({"years": 2.5}, ['"years"', "2.5", "a whole number of years from 0 to 50"]),
        ({"years": float("nan")}, ['"years"', "nan", "whole number"]),
        ({"years": "10"}, ['"years"', "'10'", "whole number"]),
        ({"savings_percent_per_year": True}, ['"savings_percent_per_year"', "True", "a number of percent"]),
        ({"horizon": 10.0}, ['"horizon"', "unknown", "years"]),
        ([], ["[]", "give a JSON object"]),
    ],
)
def test_bad_parameters_are_refused_with_a_remedy(parameters: Any, words: list[str]) -> None:
    with pytest.raises(model.ParameterError) as refused:
        model.read_parameters(parameters)
    for word in words:
        assert word in str(refused.value)


def test_bad_parameters_end_the_job_with_code_2(job: JobFolder) -> None:
    job.prepare({"years": 51.0})
    run = job.run()
    assert run.returncode == 2
    assert run.stderr == 'error: parameter "years" is 51.0: give a whole number of years from 0 to 50\n'
    assert [message["severity"] for message in job.messages()] == ["ERROR"]
    assert job.left_behind() == ["messages.json"]


@pytest.mark.parametrize(
    ("pattern", "replacement", "asset_id"),
    [
        (r"</esdl:EnergySystem>", "", None),
        (r'sector="sector-residential"', "", "elzenlaan-1"),
        (r'innerDiameter="[0-9.]+"', "", "trunk-pipe-1-supply"),
        (r'<material [^>]*id="trunk-pipe-1-supply.wall"[^>]*/>', "", "trunk-pipe-1-supply"),
    ],
)
def test_unusable_esdl_ends_the_job_with_code_3(
    job: JobFolder, pattern: str, replacement: str, asset_id: str | None
) -> None:
    broken, count = re.subn(pattern, replacement, NETWORK_ESDL.read_text(), count=1)
    assert count == 1
    job.prepare({}, broken)
    run = job.run()
    assert run.returncode == 3, run.stderr
    assert run.stderr.startswith("error: ")
    assert [message.get("esdlObjectId") for message in job.messages()] == [asset_id]


def test_an_area_without_a_network_ends_the_job_with_code_3(job: JobFolder) -> None:
    whole = NETWORK_ESDL.read_text()
    job.prepare({}, whole[: whole.index("<asset ")] + "</area></instance></esdl:EnergySystem>")
    run = job.run()
    assert run.returncode == 3
    assert "has 0 assets HeatingDemand and 0 Pipe: give at least one of each" in run.stderr
