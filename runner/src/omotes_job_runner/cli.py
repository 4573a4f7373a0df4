"""The command `omotes-job-runner module:function`."""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omotes_job_runner import messages
from omotes_job_runner.folder import InputError, JobFolder, JobInput
from omotes_job_runner.logs import log_to_stderr
from omotes_job_runner.naming import EsdlError, named_output
from omotes_job_runner.progress import Progress
from omotes_job_runner.stop import JobStopped, ignore_sigterm, raise_on_sigterm
from omotes_job_runner.supervise import SIGNALS, supervise

Function = Callable[..., tuple[Any, Any]]

FAILED = 1
SOFT_ABORTED = 10
"""The operator's default; it tells its own in OMOTES_EXIT_CODE_SOFT_ABORTED."""

EXIT_CODES = """\
exit codes:
  0   the result is in the output folder
  1   the function raised an exception, returned no ESDL, or its input cannot be used; the log says which
  10  stopped on request (SIGTERM), or what OMOTES_EXIT_CODE_SOFT_ABORTED says instead
"""


class FunctionError(Exception):
    """The function cannot be used, or returned what it should not; the text says why."""


def main() -> int:
    """Runs the job that the command line describes."""
    given = _arguments()
    return supervise(lambda: run(given), given.termination_log)


def run(given: argparse.Namespace) -> int:
    """Runs the job in this process, and turns what happened into an exit code."""
    folder = JobFolder(given.root)
    try:
        raise_on_sigterm()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        _run(given, folder)
    except JobStopped:
        folder.clear_output()
        print("stopped on request; there is no result", file=sys.stderr)
        return int(os.environ.get("OMOTES_EXIT_CODE_SOFT_ABORTED", SOFT_ABORTED))
    except (InputError, EsdlError, FunctionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except BaseException:
        traceback.print_exc()
        return FAILED
    return 0


def _run(given: argparse.Namespace, folder: JobFolder) -> None:
    log_to_stderr(given.log_level)
    # Before the wait for the input: a pod that waits has all loaded.
    function = _load(given.function)
    folder.clear_output()
    if given.wait_for_input is not None:
        folder.wait_for_input(given.wait_for_input)
    job = folder.read()
    workflow = _workflow(given, job)
    progress = Progress(folder.progress)
    output, remarks = _call(function, job, progress, workflow)
    # From here on it is too late to stop: the result is complete in seconds.
    ignore_sigterm()
    folder.write_messages(messages.entries(remarks))
    if not output:
        raise FunctionError(f"{given.function} returned no output ESDL; its messages were passed on")
    folder.write_esdl(named_output(job.esdl, output, workflow, job.reference))
    progress.update(1.0, "Calculation finished.")
    progress.flush()


def _call(function: Function, job: JobInput, progress: Progress, workflow: str) -> tuple[str | None, Any]:
    arguments = (job.esdl, job.params, progress.update, workflow)[: _parameters(function)]
    try:
        returned = function(*arguments)
    finally:
        progress.flush()
    try:
        output, remarks = returned
    except (TypeError, ValueError):
        raise FunctionError(f"the function returned {returned!r:.200}, and not (output ESDL, messages)") from None
    if output is not None and not isinstance(output, str):
        raise FunctionError(f"the function returned {type(output).__name__} as its ESDL, and not str or None")
    return output, remarks


def _parameters(function: Function) -> int:
    """How many arguments the function takes: up to version 4.2.1 of the SDK it was not told its workflow."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # It is not written in Python.
        return 4
    for count in (4, 3):
        try:
            signature.bind(*range(count))
        except TypeError:
            continue
        return count
    wanted = "(input_esdl, params, update, workflow_type_name) or the first three of these"
    raise FunctionError(f"the function takes {signature}, and not {wanted}")


def _workflow(given: argparse.Namespace, job: JobInput) -> str:
    name = given.workflow or job.workflow or os.environ.get("OMOTES_WORKFLOW")
    if not name:
        raise InputError("the job has no workflow type: give its name with --workflow")
    return name


def _load(reference: str) -> Function:
    module, _, name = reference.partition(":")
    sys.path.insert(0, os.getcwd())
    function: Function | None = getattr(importlib.import_module(module), name, None)
    if not callable(function):
        raise FunctionError(f"the module {module} has no function {name!r}")
    _parameters(function)
    return function


def _function(text: str) -> str:
    module, colon, name = text.partition(":")
    if not (module and colon and name.isidentifier()):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form module:function")
    return text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 10 * 365 * 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from above 0 to 315360000")
    return seconds


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="omotes-job-runner",
        description="Runs an OMOTES worker function as the program of an OmotesJob.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("function", type=_function, metavar="module:function")
    parser.add_argument("--workflow", metavar="NAME", help="the workflow type, where the job does not tell it")
    parser.add_argument(
        "--wait-for-input",
        type=_seconds,
        metavar="SECONDS",
        help="wait at most so long for the input of a pod that was started before it",
    )
    parser.add_argument("--root", type=Path, default=Path("/omotes"), metavar="FOLDER", help="default: /omotes")
    parser.add_argument(
        "--termination-log", type=Path, default=Path("/dev/termination-log"), help="default: /dev/termination-log"
    )
    parser.add_argument(
        "--log-level",
        default=os.environ.get("LOG_LEVEL", "INFO"),
        type=str.upper,
        choices=["DEBUG", "INFO", "WARNING", "ERROR"],
        help="default: the environment's LOG_LEVEL, or INFO",
    )
    return parser.parse_args()
