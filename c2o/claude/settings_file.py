"""Changing a settings file where it really is, whole or not at all, with whoever else writes it at the same time.

Links are followed, so that they stay.  Mode and owner stay.  What can't be changed safely is refused, each
for its own reason, before anything is written.
"""

from __future__ import annotations

import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from c2o import paths
from c2o.claude import patch
from c2o.claude.swap import swap
from c2o.errors import RefusedFile

Change = Callable[[bytes | None], bytes | None]
"""The file's content → the new content; None is no file.  Raises ValueError, in words that read after its name."""

TRIES = 100
"""How often a change is tried while somebody else keeps writing."""

PATIENCE = 1.0
"""Seconds for somebody else to finish what he writes in place."""

SETTLING = 0.05
"""Seconds in which somebody who read the file while his last write was displaced will have written it again without
that: it is carried over once more then."""

NO_FILE_NEEDED = "c2o run claude needs no file."


class Lost(NamedTuple):
    """What somebody wrote between our reading and our writing, and so was displaced."""

    before: bytes | None
    theirs: bytes
    put: bytes | None
    """What we wrote."""


class _Busy(Exception):
    """Somebody was there first, and nothing was displaced."""


def rewrite(path: Path, change: Change) -> bytes | None:
    """Put ``change`` into effect, and return the new content.

    Raises RefusedFile; then the file is as somebody else has left it.
    """
    real = resolved(path)
    lost: list[Lost] = []
    for _ in range(TRIES):
        found = read(real)
        try:
            new = change(_with_lost(found, lost))
        except ValueError as error:
            time.sleep(PATIENCE / 20)
            if read(real) == found:
                raise unreadable(path, error) from None
            continue
        if new == found:
            return new
        with suppress(_Busy):
            displaced = _put(path, real, found, new)
            if displaced is not None and displaced != found:
                lost.append(Lost(found, displaced, new))
            elif lost:
                time.sleep(SETTLING)
            else:
                return new
    raise RefusedFile(f"{path} is being changed again and again by another program. Try again when it is done.")


def _with_lost(found: bytes | None, lost: list[Lost]) -> bytes | None:
    """With what others wrote in the moment in which we did."""
    for before, theirs, put in lost:
        found = patch.carried(before, theirs, put, found)
    return found


def unreadable(path: Path, error: ValueError) -> RefusedFile:
    return RefusedFile(f"{path} {error}. It was left as it is: correct it, and try again. Or: {NO_FILE_NEEDED}")


def read(real: Path) -> bytes | None:
    """None if there is no file.  Raises RefusedFile."""
    try:
        return real.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RefusedFile(f"{real} can't be read: {error.strerror}. {NO_FILE_NEEDED.capitalize()}") from None


def resolved(path: Path) -> Path:
    """The file that ``path`` leads to, which need not exist.  Raises RefusedFile if it can't be changed."""
    real = _followed(path)
    try:
        status = real.stat()
    except (FileNotFoundError, NotADirectoryError):
        status = None
    except OSError as error:
        raise RefusedFile(f"{path} can't be looked at: {error.strerror}. {_otherwise()}") from None
    reason = (_of_file(status) if status else None) or _of_folder(real.parent)
    if reason:
        where = f"{path} (a link to {real})" if path.is_symlink() else str(path)
        raise RefusedFile(f"{where} {reason}. Nothing was changed. {_otherwise()}")
    return real


def _otherwise() -> str:
    return f"Change that, or do without: {NO_FILE_NEEDED}"


def _followed(path: Path) -> Path:
    for place in (*reversed(path.parents), path):
        if place.is_symlink() and not place.exists():
            kind = (
                "is a link that leads in a circle"
                if _circle(place)
                else f"is a link to {place.readlink()}, which doesn't exist"
            )
            raise RefusedFile(f"{place} {kind}. Nothing was changed. {_otherwise()}")
    return paths.real(path)


def _circle(place: Path) -> bool:
    try:
        place.resolve(strict=True)
    except FileNotFoundError:
        return False
    except (OSError, RuntimeError):
        return True
    return False


def _of_file(status: os.stat_result) -> str | None:
    if stat.S_ISDIR(status.st_mode):
        return "is a folder"
    if not stat.S_ISREG(status.st_mode):
        return "is no regular file"
    if os.geteuid() not in (0, status.st_uid):
        return f"belongs to another user (uid {status.st_uid})"
    if not status.st_mode & stat.S_IWUSR:
        return "is read-only"
    if status.st_nlink > 1:
        return "is a hard link: it has another name, which would keep the old content"
    return None


def _of_folder(folder: Path) -> str | None:
    """Of the folder itself, or of the first one above it that exists."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        return f"can't be made, because {there} is no folder"
    if not os.access(there, os.W_OK | os.X_OK) or not there.stat().st_mode & 0o222:
        return f"is in a folder that is read-only: {there}"
    return None


def _put(path: Path, real: Path, found: bytes | None, new: bytes | None) -> bytes | None:
    """Replace the file.  Returns what was there in that moment: ``found``, unless somebody has just written.

    Raises _Busy, RefusedFile.
    """
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        with _beside(real, found, new) as fresh:
            displaced = _displace(real, fresh, found, new)
            if displaced != found:
                displaced = _whole(path, real, fresh)
            _sync(real.parent)
            return displaced
    except FileNotFoundError:
        raise _Busy from None
    except OSError as error:
        raise RefusedFile(f"{path} can't be written: {error.strerror}. {NO_FILE_NEEDED.capitalize()}") from None


def _displace(real: Path, fresh: Path, found: bytes | None, new: bytes | None) -> bytes | None:
    """``fresh`` holds ``new``, and afterwards what was displaced."""
    if new is None:
        real.replace(fresh)
        return fresh.read_bytes()
    if found is None:
        try:
            os.link(fresh, real)
        except FileExistsError:
            raise _Busy from None
        return None
    if read(real) != found:
        raise _Busy
    if swap(fresh, real):
        return fresh.read_bytes()
    fresh.replace(real)
    return found


def _whole(path: Path, real: Path, displaced: Path) -> bytes:
    """What somebody wrote, once it is complete: some programs write in place."""
    deadline = time.monotonic() + PATIENCE
    while True:
        data = displaced.read_bytes()
        try:
            patch.Document.of(data)
        except ValueError as error:
            if time.monotonic() < deadline:
                time.sleep(PATIENCE / 50)
                continue
            swap(displaced, real)
            raise unreadable(path, error) from None
        return data


@contextmanager
def _beside(real: Path, found: bytes | None, new: bytes | None) -> Iterator[Path]:
    """A file with the new content and the old one's mode and owner, on the disk; gone after the block."""
    fresh = real.with_name(f".{real.name}.c2o-{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(new or b"")
            if found is not None:
                _look_like(real.stat(), descriptor)
            file.flush()
            os.fsync(descriptor)
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)


def _look_like(status: os.stat_result, descriptor: int) -> None:
    if os.geteuid() == 0:
        os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(status.st_mode))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
