"""The service's log where no journal keeps it: five old files of 5 MB."""

from __future__ import annotations

import os
from pathlib import Path

from c2o import paths
from c2o.errors import C2oError

TOO_LARGE = 5 * 1024 * 1024
"""Bytes from which a log is put aside when the service starts."""

KEPT = 5
"""Old logs: ``c2o.log.1``, the youngest, to ``c2o.log.5``."""

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def opened(path: Path) -> int:
    """A descriptor that appends to the log, for the owner's eyes only; a large log is put aside first.

    Raises C2oError if it can't be written.
    """
    try:
        paths.private_dir(path.parent)
        if path.exists() and path.stat().st_size > TOO_LARGE:
            rotate(path)
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NO_FOLLOW, 0o600)
    except OSError as error:
        raise C2oError(
            f"the log {path} can't be written: {error.strerror}. "
            "Make its folder writable, or set C2O_HOME to a folder that is."
        ) from None


def rotate(path: Path) -> None:
    """``c2o.log`` becomes ``c2o.log.1``, that one ``c2o.log.2``, and so on; the last is dropped."""
    files = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, KEPT + 1))]
    for older, younger in zip(files[:0:-1], files[-2::-1], strict=True):
        if younger.exists():
            younger.replace(older)


def tail(path: Path, *, since: int = 0, lines: int = 10) -> list[str]:
    """The last lines that were written after the first ``since`` bytes."""
    try:
        with path.open("rb") as file:
            file.seek(max(since, path.stat().st_size - 64 * 1024))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return text.splitlines()[-lines:]
