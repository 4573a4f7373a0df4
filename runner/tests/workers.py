"""Worker functions as they are written for OMOTES, for the tests."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from enum import Enum

OUTPUT = '<?xml version=\'1.0\'?>\n<esdl:EnergySystem xmlns:esdl="http://www.tno.nl/esdl" id="7" name="raw"/>'


class MessageSeverity(Enum):
    """As in omotes-sdk-python."""

    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass
class EsdlMessage:
    """As in omotes-sdk-python."""

    technical_message: str
    severity: MessageSeverity
    esdl_object_id: str | None = None


def grow(input_esdl, params, update, workflow_type_name):
    """Does all that a worker may do."""
    update(0.25, "reading")
    print(f"params {params!r}")
    print(f"workflow {workflow_type_name}, input of {len(input_esdl)} characters", file=sys.stderr)
    logging.getLogger("solver").info("solving")
    os.system("echo from a child process")
    update(0.5, "solved")
    return OUTPUT, [
        EsdlMessage("pipe 7 is overloaded", MessageSeverity.WARNING, "pipe-7"),
        {"technical_message": "all is well", "severity": "INFO"},
        {"technicalMessage": "in our own form", "severity": "debug", "esdlObjectId": "node-1"},
        object(),
    ]


def simulate(input_esdl, params, update):
    """As functions were up to version 4.2.1 of the SDK."""
    update(0.5, "half way")
    print(f"params {params!r}, input of {len(input_esdl)} characters")
    return OUTPUT, []


def log_by_itself(input_esdl, params, update, workflow_type_name):
    """Logs as a worker does that sets its logs up with the SDK, which adds a handler to the root logger."""
    root = logging.getLogger()
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("[%(levelname)s]: %(message)s"))
    handler.setLevel(logging.INFO)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("solver").info("solving")
    logging.getLogger("solver").debug("iteration 1")
    quiet = logging.getLogger("quiet")
    quiet.propagate = False
    quiet.addHandler(logging.StreamHandler(sys.stderr))
    quiet.warning("no sources")
    return OUTPUT, []


def take_two(_input_esdl, _params):
    return OUTPUT, []


def give_up(_input_esdl, _params, _update, _workflow):
    return None, [EsdlMessage("no solution", MessageSeverity.ERROR)]


def fail(_input_esdl, _params, update, _workflow):
    update(0.1, "about to fail")
    print("x" * 10_000)
    raise ValueError("the network has no source")


def leave(*_):
    sys.exit(0)


def answer_nonsense(*_):
    return "no pair"


def answer_bytes(*_):
    return b"<esdl/>", []


def answer_no_esdl(*_):
    return "<html/>", []


def crash(*_):
    print("last words")
    ctypes.string_at(0)


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def report_often(_input_esdl, _params, update, _workflow):
    for step in range(100_000):
        update(step / 100_000, f"step {step}")
    return OUTPUT, []


def report_and_fall_silent(_input_esdl, _params, update, _workflow):
    update(0.1, "one")
    update(0.2, "two")
    time.sleep(60)
    return OUTPUT, []


def wait(_input_esdl, _params, update, _workflow):
    update(0.5, "waiting")
    try:
        time.sleep(60)
    finally:
        print("cleaned up")
    return OUTPUT, []


def save_when_stopped(_input_esdl, _params, update, _workflow):
    update(0.5, "waiting")
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        print("saving what there is")
    return OUTPUT, []


def leave_a_process_behind(*_):
    subprocess.Popen(["sleep", "60"])
    return OUTPUT, []


def print_while_the_lock_is_held(*_):
    """As native solvers do that do not let go of Python's lock."""
    libc = ctypes.PyDLL(None)
    for _ in range(5_000):
        libc.puts(b"x" * 100)
    libc.fflush(None)
    return OUTPUT, []
