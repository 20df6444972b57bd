"""Write a file whole or not at all, for its owner's eyes only."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from c2o import paths
from c2o.errors import RefusedFile

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)  # absent on Windows

_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}


def write(path: Path, text: str | bytes, *, shared: bool = False) -> None:
    """Beside its place first, then into it; a ``shared`` one may be written by several processes at once.

    Raises RefusedFile if that can't be done.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new" if shared else f".{path.name}.new")
    try:
        paths.private_dir(path.parent)
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        raise unwritable(path, error) from None
    except KeyboardInterrupt:
        fresh.unlink(missing_ok=True)
        raise


def unwritable(path: Path, error: OSError) -> RefusedFile:
    """Why, and what to do about it."""
    remedy = "Make room on its disk." if error.errno in _FULL else "Make its folder writable."
    return RefusedFile(f"{path} can't be written: {error.strerror}. {remedy}")


def check(path: Path) -> None:
    """Raises RefusedFile where ``write`` would for want of a permission: before a person is asked anything, say."""
    folder = next(each for each in path.absolute().parents if each.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        raise unwritable(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


Signature = tuple[int, ...]


def signature(path: Path) -> Signature | None:
    """Another one whenever the file has changed, been replaced or become readable; None where there is none.

    What isn't a plain file has always the same: to read a pipe would be a change.
    """
    try:
        there = path.stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(there.st_mode):
        return stat.S_IFMT(there.st_mode), there.st_ino
    return there.st_mtime_ns, there.st_ctime_ns, there.st_ino, there.st_size
