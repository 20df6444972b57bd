"""How a process of ours says that it is ready, to whoever starts it: one JSON line.

With ``--ready-fd`` it comes through an inherited pipe, with ``--ready-file`` in a file, for where nothing is inherited.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from pathlib import Path

from c2o.errors import C2oError


def ready_line(reader: int, wait: float) -> bytes | None:
    """What the process writes when it is ready; None if it is silent, empty if it ended without a word."""
    with selectors.DefaultSelector() as selector, os.fdopen(reader, "rb") as pipe:
        selector.register(pipe, selectors.EVENT_READ)
        return pipe.readline() if selector.select(wait) else None


POLL = 0.03
"""Seconds between two looks for the file."""


def ready_file(path: Path, process: subprocess.Popen[bytes], wait: float) -> bytes | None:
    """The same, from a file that is there when it is whole; it is taken away."""
    deadline = time.monotonic() + wait
    while True:
        ended = process.poll() is not None  # asked first: its last act may be to write
        try:
            said = path.read_bytes()
        except OSError:
            if ended or time.monotonic() >= deadline:
                return b"" if ended else None
            time.sleep(POLL)
        else:
            path.unlink()
            return said


def as_raised(exit_code: int, message: str) -> C2oError:
    """The process's own error, as if it had been raised here."""
    kinds = {kind.exit_code: kind for kind in C2oError.__subclasses__() if kind.exit_code != C2oError.exit_code}
    return kinds.get(exit_code, C2oError)(message)
