"""A worker function as the program of a pod: what it gets, what it leaves, and how it ends."""

from __future__ import annotations

import signal
import time

import pytest
from conftest import INPUT, Job
from workers import OUTPUT


def test_a_function_runs_unchanged(job: Job) -> None:
    job.prepare(parameters='{"start": 1577836800, "share": 0.25, "steps": [3], "name": "a", "deep": {"on": true}}')
    ended = job.run("workers:grow")
    assert ended.returncode == 0, ended.stderr
    assert (
        "params {'start': 1577836800.0, 'share': 0.25, 'steps': [3.0], 'name': 'a', 'deep': {'on': True}}"
        in ended.stdout
    )
    assert "from a child process" in ended.stdout
    assert f"workflow grow, input of {len(INPUT)} characters" in ended.stderr
    assert "INFO solver: solving" in ended.stderr
    assert job.esdl() == OUTPUT.replace("raw", "Delft_grow")
    assert job.progress_lines()[0] == {"progress": 0.25, "message": "reading"}
    assert job.progress_lines()[-1] == {"progress": 1.0, "message": "Calculation finished."}
    assert job.output() == ["messages.json", "output.esdl"]


def test_a_function_of_three_parameters_runs_unchanged(job: Job) -> None:
    job.prepare(parameters='{"share": 0.25}')
    ended = job.run("workers:simulate")
    assert ended.returncode == 0, ended.stderr
    assert f"params {{'share': 0.25}}, input of {len(INPUT)} characters" in ended.stdout
    assert job.esdl() == OUTPUT.replace("raw", "Delft_grow")
    assert job.progress_lines()[0] == {"progress": 0.5, "message": "half way"}


def test_each_line_is_logged_once(job: Job) -> None:
    job.prepare()
    ended = job.run("workers:log_by_itself")
    assert ended.returncode == 0, ended.stderr
    lines = (ended.stdout + ended.stderr).splitlines()
    assert [line for line in lines if "solving" in line] == ["[INFO]: solving"]
    assert len([line for line in lines if line.endswith("DEBUG solver: iteration 1")]) == 1
    assert [line for line in lines if "no sources" in line] == ["no sources"]


def test_messages_of_all_forms_are_passed_on(job: Job) -> None:
    job.prepare()
    job.run("workers:grow")
    *known, unknown = job.messages()
    assert known == [
        {"technicalMessage": "pipe 7 is overloaded", "severity": "WARNING", "esdlObjectId": "pipe-7"},
        {"technicalMessage": "all is well", "severity": "INFO"},
        {"technicalMessage": "in our own form", "severity": "DEBUG", "esdlObjectId": "node-1"},
    ]
    assert unknown["severity"] == "WARNING"
    assert unknown["technicalMessage"].startswith("a message that cannot be understood: <object")


def test_what_was_printed_is_the_termination_message(job: Job) -> None:
    job.prepare()
    ended = job.run("workers:grow")
    words = job.termination_log.read_text()
    assert sorted(words.splitlines()) == sorted((ended.stdout + ended.stderr).splitlines())


def test_no_output_is_a_failure_with_messages(job: Job) -> None:
    job.prepare()
    ended = job.run("workers:give_up")
    assert ended.returncode == 1
    assert "workers:give_up returned no output ESDL" in ended.stderr
    assert job.messages() == [{"technicalMessage": "no solution", "severity": "ERROR"}]
    assert job.output() == ["messages.json"]


def test_an_exception_leaves_the_end_of_its_traceback(job: Job) -> None:
    job.prepare()
    ended = job.run("workers:fail")
    assert ended.returncode == 1
    assert len(ended.stdout) == 10_001
    words = job.termination_log.read_bytes()
    assert len(words) <= 4096
    assert words.endswith(b"ValueError: the network has no source\n")
    assert words.startswith(b"Traceback")
    assert job.output() == []


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("leave", "SystemExit: 0"),
        ("answer_nonsense", "error: the function returned 'no pair', and not (output ESDL, messages)"),
        ("answer_bytes", "error: the function returned bytes as its ESDL"),
        ("answer_no_esdl", "error: the output is no ESDL: its first element is html"),
        ("take_two", "error: the function takes (_input_esdl, _params), and not (input_esdl, params, update,"),
        ("missing", "error: the module workers has no function 'missing'"),
    ],
)
def test_whatever_is_no_result_is_a_failure(job: Job, function: str, words: str) -> None:
    job.prepare()
    ended = job.run(f"workers:{function}")
    assert ended.returncode == 1
    assert words in ended.stderr
    assert "output.esdl" not in job.output()


@pytest.mark.parametrize(("function", "number"), [("crash", signal.SIGSEGV), ("die", signal.SIGKILL)])
def test_a_crash_is_told_and_keeps_its_last_words(job: Job, function: str, number: signal.Signals) -> None:
    job.prepare()
    ended = job.run(f"workers:{function}")
    assert ended.returncode == 128 + number
    assert f"killed by signal {number.value} " in ended.stderr
    words = job.termination_log.read_text()
    assert words == ended.stdout + ended.stderr
    assert ("last words" in words) == (function == "crash")


def test_no_termination_message_is_written_where_there_is_no_file_for_it(job: Job) -> None:
    job.prepare()
    job.termination_log.unlink()
    assert job.run("workers:grow").returncode == 0
    assert not job.termination_log.exists()


def test_sigterm_is_an_exception_in_the_function(job: Job) -> None:
    job.prepare()
    process = job.start("workers:wait", OMOTES_EXIT_CODE_SOFT_ABORTED="42")
    job.wait_for_progress("waiting")
    process.terminate()
    stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 42
    assert stdout == "cleaned up\n"
    assert "stopped on request" in stderr
    assert job.output() == []


def test_the_code_of_a_soft_stop_is_the_operators_default(job: Job) -> None:
    job.prepare()
    process = job.start("workers:wait")
    job.wait_for_progress("waiting")
    process.terminate()
    assert process.wait(timeout=20) == 10


def test_a_function_may_save_what_it_has(job: Job) -> None:
    job.prepare()
    process = job.start("workers:save_when_stopped")
    job.wait_for_progress("waiting")
    process.terminate()
    assert process.wait(timeout=20) == 0
    assert job.output() == ["messages.json", "output.esdl"]


def test_a_job_can_be_stopped_before_its_function_runs(job: Job) -> None:
    job.prepare(esdl=None)
    process = job.start("workers:grow", "--wait-for-input", "60")
    time.sleep(0.5)
    process.terminate()
    assert process.wait(timeout=20) == 10


def test_a_process_that_was_left_behind_holds_up_nothing(job: Job) -> None:
    job.prepare()
    began = time.monotonic()
    process = job.start("workers:leave_a_process_behind")
    assert process.wait(timeout=20) == 0
    assert time.monotonic() - began < 20


def test_a_solver_that_prints_much_while_it_holds_the_lock_goes_on(job: Job) -> None:
    job.prepare()
    ended = job.run("workers:print_while_the_lock_is_held")
    assert ended.returncode == 0
    assert len(ended.stdout) == 5_000 * 101
    assert job.termination_log.stat().st_size <= 4096


def test_progress_that_is_reported_often_fills_no_disk(job: Job) -> None:
    job.prepare()
    assert job.run("workers:report_often").returncode == 0
    assert len(job.progress()) < 50
    assert job.progress()[-2:] == ["step 99999", "Calculation finished."]


def test_the_newest_progress_is_written_before_a_long_silence(job: Job) -> None:
    job.prepare()
    job.start("workers:report_and_fall_silent")
    job.wait_for_progress("two")
    assert job.progress() == ["one", "two"]


def test_a_job_without_a_progress_file_runs(job: Job) -> None:
    job.prepare()
    (job.root / "progress").unlink()
    (job.root / "progress").mkdir()
    ended = job.run("workers:grow")
    assert ended.returncode == 0
    assert ended.stderr.count("progress is not reported any more") == 1


def test_a_pod_may_be_started_before_its_input(job: Job) -> None:
    job.prepare(esdl=None)
    process = job.start("workers:grow", "--wait-for-input", "60")
    time.sleep(0.5)
    assert process.poll() is None
    job.prepare(reference="variant B")
    assert process.wait(timeout=20) == 0
    assert 'name="Delft_variant B"' in job.esdl()


def test_waiting_for_input_has_an_end(job: Job) -> None:
    job.prepare(esdl=None)
    ended = job.run("workers:grow", "--wait-for-input", "0.2")
    assert ended.returncode == 1
    assert "input.esdl within 0.2 s" in ended.stderr


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"esdl": None}, "input.esdl is not there: give the job an ESDL in spec.input.esdl"),
        ({"parameters": "{"}, "parameters.json is not JSON"),
        ({"parameters": "[1]"}, "parameters.json is not a JSON object but [1.0]"),
        ({"workflow": None}, "the job has no workflow type: give its name with --workflow"),
        ({"esdl": "<a>"}, "the input is not XML"),
    ],
)
def test_input_that_cannot_be_used_is_named(job: Job, files: dict[str, str | None], words: str) -> None:
    job.prepare(**files)
    ended = job.run("workers:grow")
    assert ended.returncode == 1
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("options", "environment", "name"),
    [
        ([], {}, "of the job"),
        ([], {"OMOTES_WORKFLOW": "of the environment"}, "of the job"),
        (["--workflow", "of the command"], {"OMOTES_WORKFLOW": "of the environment"}, "of the command"),
    ],
)
def test_the_workflow_is_the_command_lines_or_the_jobs(
    job: Job, options: list[str], environment: dict[str, str], name: str
) -> None:
    job.prepare(workflow="of the job")
    assert f"workflow {name}," in job.run("workers:grow", *options, **environment).stderr


def test_the_workflow_may_come_from_the_environment(job: Job) -> None:
    job.prepare(workflow=None)
    assert "workflow simulate," in job.run("workers:grow", OMOTES_WORKFLOW="simulate").stderr


@pytest.mark.parametrize(
    ("function", "options", "words"),
    [
        ("workers", [], "'workers' is not of the form module:function"),
        ("workers:", [], "'workers:' is not of the form module:function"),
        (":grow", [], "':grow' is not of the form module:function"),
        ("workers:grow", ["--wait-for-input", "0"], "'0' is no number of seconds"),
        ("workers:grow", ["--log-level", "loud"], "invalid choice: 'LOUD'"),
    ],
)
def test_a_wrong_command_line_is_refused(job: Job, function: str, options: list[str], words: str) -> None:
    job.prepare()
    ended = job.run(function, *options)
    assert ended.returncode == 2
    assert words in ended.stderr
