"""Whose process is it?  Asked before a signal is sent, and when a port is taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

from c2o import instance
from c2o.printable import printable

if TYPE_CHECKING:
    from psutil._ntuples import pconn, sconn


def of_the_service() -> psutil.Process | None:
    """The process that has this home's lock file open, and so is the running service.

    The state file's pid is only the first guess: it may be missing, or be a stranger's by now.
    """
    lock = instance.lock_file().resolve()
    return next((process for process in _guesses() if _has_open(process, lock)), None)


def _guesses() -> Iterator[psutil.Process]:
    if there := instance.read():
        with suppress(psutil.Error):
            yield psutil.Process(there.pid)
    for process in psutil.process_iter():
        if "c2o.proxy" in _command(process):
            yield process


def _has_open(process: psutil.Process, path: Path) -> bool:
    try:
        return any(Path(file.path) == path for file in process.open_files())
    except (psutil.Error, OSError):
        return False


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.Error, OSError):
        return []


def ancestors() -> list[str]:
    """The names of the processes that we were started from, the nearest first."""
    try:
        return [process.name() for process in psutil.Process().parents()]
    except (psutil.Error, OSError):
        return []


class Holder(NamedTuple):
    """A process that listens on a port."""

    pid: int
    name: str
    known_as: str | None
    """A program that people run beside c2o, where it is one."""

    def __str__(self) -> str:
        """``node (pid 991, claude-code-router)``"""
        return f"{self.name} (pid {self.pid}{f', {self.known_as}' if self.known_as else ''})"


KNOWN = {
    "c2o.proxy": "another c2o, of another C2O_HOME or user",
    "claude-code-router": "claude-code-router",
    "ollama": "Ollama",
    "litellm": "LiteLLM",
    "llama-server": "llama.cpp",
    "vllm": "vLLM",
    "cc-switch": "cc-switch",
}
"""Part of a command line → what it is."""


def holder(port: int) -> Holder | None:
    """Who listens on ``port``, as far as the system lets us see: mostly our user's own processes only."""
    for pid in _listeners(port):
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            command = " ".join(_command(process))
            known_as = next((title for part, title in KNOWN.items() if part in command), None)
            return Holder(pid, printable(process.name()), known_as)
    return None


def _listeners(port: int) -> Iterator[int]:
    for pid, connection in connections():
        here = connection.laddr
        if pid and here and here.port == port and connection.status == psutil.CONN_LISTEN:
            yield pid


def connections() -> Iterator[tuple[int | None, sconn | pconn]]:
    """The TCP connections of this machine with their processes, as far as the system lets us see."""
    try:
        for connection in psutil.net_connections("tcp"):
            yield connection.pid, connection
    except psutil.AccessDenied:  # macOS shows our own processes only, and each by itself
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                yield from ((process.pid, connection) for connection in process.net_connections("tcp"))
