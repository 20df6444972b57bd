"""The service's log: one file and five old ones, of 5 MB each; written by the service, read by ``c2o logs``."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from c2o import paths
from c2o.errors import C2oError

TOO_LARGE = 5 * 1024 * 1024
"""Bytes beyond which a log doesn't grow: it is put aside first."""

KEPT = 5
"""Old logs: ``c2o.log.1``, the youngest, to ``c2o.log.5``."""

WINDOWS = os.name == "nt"

_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
"""A pipe in the log's place must not stop us until somebody reads it."""

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def opened(path: Path) -> int:
    """A descriptor that appends to the log, for the owner's eyes only.  Raises C2oError if it can't be written."""
    try:
        return _opened(path)
    except OSError as error:
        raise C2oError(unwritable(path, error)) from None


def _opened(path: Path) -> int:
    paths.private_dir(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NO_FOLLOW | _NO_WAIT, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no file")
    return descriptor


def unwritable(path: Path, error: OSError) -> str:
    return (
        f"the log {path} can't be written: {error.strerror}. "
        "Make room, make its folder writable, or set C2O_HOME to a folder that is."
    )


def all_of(path: Path) -> list[Path]:
    """The log and its old ones, the youngest first; they need not be there."""
    return [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, KEPT + 1))]


def output_beside(path: Path) -> Path:
    """``c2o.out``: what a service writes that could not log yet, where its log can't be its output: an open file can't
    be put aside on Windows."""
    return path.with_suffix(".out")


def rotate(path: Path) -> None:
    """``c2o.log`` becomes ``c2o.log.1``, that one ``c2o.log.2``, and so on; the last is dropped."""
    files = all_of(path)
    for older, younger in zip(files[:0:-1], files[-2::-1], strict=True):
        if younger.exists():
            younger.replace(older)


def tail(path: Path, *, since: int = 0, lines: int = 10) -> list[str]:
    """The last lines that were written after the first ``since`` bytes."""
    if not path.is_file():
        return []
    try:
        with path.open("rb") as file:
            file.seek(max(since, path.stat().st_size - 64 * 1024))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return text.splitlines()[-lines:]


class Writer:
    """Appends lines, and rotates.  A full disk or a folder that can't be written loses lines, and nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._torn = False
        """The last line was cut in the middle."""
        self.problem: str | None = None
        """Why the last line wasn't written, as a sentence."""
        self.lost = 0
        """Lines since then."""

    def write(self, line: bytes) -> None:
        """Append ``line``, which has its line end."""
        data = b"\n" + line if self._torn else line
        try:
            written = os.write(self._current(len(data)), data)
        except OSError as error:
            self._failed(error)
            return
        self._torn = written < len(data)
        if self._torn:  # the disk has become full: the next try says so
            self._failed(OSError(0, "No space left on device"))
        else:
            self.problem = None

    def _failed(self, error: OSError) -> None:
        self.problem = unwritable(self._path, error)
        self.lost += 1

    def _current(self, more: int) -> int:
        """The file that is at our path now: another process may have rotated it, a person deleted it."""
        here = self._descriptor
        there = self._stat()
        if here is None or there is None or not os.path.samestat(there, os.fstat(here)):
            here = self._open()
        elif there.st_size + more > TOO_LARGE:
            self._put_aside()
            here = self._open()
        return here

    def _put_aside(self) -> None:
        if WINDOWS and self._descriptor is not None:  # it renames no open file
            os.close(self._descriptor)
            self._descriptor = None
        try:
            rotate(self._path)
        except PermissionError:
            if not WINDOWS:
                raise
            # somebody reads it, so it grows until he has done

    def _stat(self) -> os.stat_result | None:
        try:
            return self._path.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _open(self) -> int:
        """Open the file.  If our output goes to the one of before, it goes to the new one from now on."""
        before, self._descriptor = self._descriptor, None
        self._descriptor = new = _opened(self._path)
        if before is not None:
            for output in (1, 2):
                with suppress(OSError):
                    if os.path.samestat(os.fstat(output), os.fstat(before)):
                        os.dup2(new, output)
            os.close(before)
        return new
