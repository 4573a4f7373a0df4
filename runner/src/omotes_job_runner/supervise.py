"""Runs the job in a process of its own, passes its output and its signals on, and keeps the end of what it printed.

Two processes, because a solver that prints while it holds Python's lock would wait for ever for a thread that reads;
and because one that crashes shall leave its last words.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

TAIL_BYTES = 4096
"""What a kubelet keeps of a termination message."""

CHUNK = 64 * 1024
SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


def supervise(job: Callable[[], int], termination_log: Path) -> int:
    """Runs `job` in a child process and returns its exit code, or 128 and the signal that killed it. The end of what it
    printed is left in `termination_log`, where there is such a file."""
    tail = Tail()
    with Wakeups() as wakeups:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        child = Child(job)
        wakeups.pass_on_to(child)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        code = child.wait(wakeups, tail)
    if code < 0:
        words = f"the job's process was killed by signal {-code} ({signal.strsignal(-code)})\n".encode()
        tail.add(words)
        os.write(2, words)
    if tail.text() and termination_log.exists():
        termination_log.write_bytes(tail.text())
    return code if code >= 0 else 128 - code


class Tail:
    """The end of a text of any length."""

    def __init__(self) -> None:
        self._kept = b""
        self._cut = False

    def add(self, more: bytes) -> None:
        """Adds to the text."""
        longer = self._kept + more
        self._cut = self._cut or len(longer) > TAIL_BYTES
        self._kept = longer[-TAIL_BYTES:]

    def text(self) -> bytes:
        """The end of the text, from the first full line on where it was cut, or from the first full character."""
        if not self._cut:
            return self._kept
        _, _, lines = self._kept.partition(b"\n")
        return lines or self._kept.decode("utf-8", errors="ignore").encode("utf-8")


class Wakeups:
    """Signals as something to wait for beside pipes."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)

    def __enter__(self) -> Wakeups:
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        self.reader.close()
        self._writer.close()

    def pass_on_to(self, child: Child) -> None:
        """From now on whoever asks this process to stop asks the child."""
        signal.signal(signal.SIGTERM, lambda *_: child.stop())
        signal.signal(signal.SIGINT, lambda *_: child.stop())
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def drain(self) -> None:
        """Forgets the signals that came."""
        while True:
            try:
                self.reader.recv(CHUNK)
            except BlockingIOError:
                return


class Child:
    """The process that runs the job."""

    def __init__(self, job: Callable[[], int]) -> None:
        pipes = {1: os.pipe(), 2: os.pipe()}
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid: int | None = os.fork()
        if self._pid == 0:
            _become(job, {number: writer for number, (_, writer) in pipes.items()})
        for _, writer in pipes.values():
            os.close(writer)
        self._pipes = {reader: number for number, (reader, _) in pipes.items()}
        for reader in self._pipes:
            os.set_blocking(reader, False)

    def stop(self) -> None:
        """Asks it to stop; once it has ended, nobody is asked."""
        if self._pid is not None:
            os.kill(self._pid, signal.SIGTERM)

    def wait(self, wakeups: Wakeups, tail: Tail) -> int:
        """Passes on what it prints until it has ended; its exit code, or the signal that killed it as a negative one.

        Processes that it left behind do not hold this up: they end with the container.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(wakeups.reader, selectors.EVENT_READ)
            for reader in self._pipes:
                selector.register(reader, selectors.EVENT_READ)
            while (code := self._ended()) is None:
                for key, _ in selector.select():
                    if key.fileobj is wakeups.reader:
                        wakeups.drain()
                    elif not self._pass_on(key.fd, tail):
                        selector.unregister(key.fd)
        for reader in self._pipes:
            while self._pass_on(reader, tail):
                pass
            os.close(reader)
        return code

    def _ended(self) -> int | None:
        """The exit code, once there is one. Whatever else ended was left behind by it."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return None
            if pid == 0:
                return None
            if pid == self._pid:
                self._pid = None
                return os.waitstatus_to_exitcode(status)

    def _pass_on(self, reader: int, tail: Tail) -> bool:
        """Passes on one piece of what it printed; whether there may be more."""
        try:
            piece = os.read(reader, CHUNK)
        except BlockingIOError:
            return False
        tail.add(piece)
        rest = piece
        while rest:
            rest = rest[os.write(self._pipes[reader], rest) :]
        return bool(piece)


def _become(job: Callable[[], int], writers: dict[int, int]) -> NoReturn:
    """Runs the job in the child process, and ends it without what the parent process has registered for its end."""
    code = 1
    try:
        for number, writer in writers.items():
            os.dup2(writer, number)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        code = job()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
