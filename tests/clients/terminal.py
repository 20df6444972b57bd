"""A terminal with a program in it: what a person types, and what the screen has shown so far."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROWS, COLUMNS = 40, 110

_CONTROL = re.compile(r"\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b.")


class Terminal:
    """The person's side."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._written = b""

    @property
    def shown(self) -> str:
        """All that was written, without control sequences and spaces (programs move the cursor instead)."""
        return re.sub(r"\s", "", _CONTROL.sub("", self._written.decode(errors="replace")))

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def wait_for(self, text: str, seconds: float = 30) -> None:
        """Read on until ``text`` has been shown, spaces aside.  Raises AssertionError with the screen if it isn't."""
        deadline = time.monotonic() + seconds
        while text.replace(" ", "") not in self.shown:
            assert time.monotonic() < deadline, f"{text!r} is not shown; the last is: {self.shown[-1000:]}"
            if select.select([self._descriptor], [], [], 0.2)[0]:
                self._written += os.read(self._descriptor, 65536)


@contextmanager
def terminal(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Iterator[Terminal]:
    """A program on a terminal of its own; it is ended with the block."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command,
        env={**environment, "TERM": "xterm-256color"},
        cwd=folder,
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one system call
    )
    os.close(its)
    try:
        yield Terminal(ours)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(ours)
