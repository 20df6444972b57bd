"""Becoming another program, so that its exit code, signals and job control are its own; quick to load."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

IGNORED_BY_PYTHON = [getattr(signal, name) for name in ("SIGPIPE", "SIGXFSZ") if hasattr(signal, name)]
"""The command would inherit that: in ``c2o run sh``, ``yes | head -1`` would end with an error."""


def become(file: str, arguments: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Replace this process by ``file``.  Raises OSError where the system refuses it; then nothing has changed."""
    ours = [(number, signal.signal(number, signal.SIG_DFL)) for number in IGNORED_BY_PYTHON]
    try:
        os.execve(file, arguments, environment)  # noqa: S606 - the command that the person gave
    finally:  # where it has failed: what was started doesn't come back
        for number, handler in ours:
            signal.signal(number, handler)
