"""What c2o has changed of Claude's settings, so that it can be taken back: one file for each of them.

Readable by the owner only, because settings can hold keys.  ``c2o claude off`` needs nothing else.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

import c2o
from c2o import instance, paths
from c2o.claude.patch import Record
from c2o.errors import C2oError
from c2o.instance import Lock

BACKUPS = 5
"""Copies that are kept of each settings file, as it was before a change of ours."""

LOCK_PATIENCE = 10.0
"""Seconds for another c2o to finish its change."""


class Entry(Struct, frozen=True, kw_only=True):
    """One settings file that leads to c2o."""

    path: str
    """As it was named; it may be a link."""
    real: str
    scope: str
    record: Record
    version: str = c2o.__version__
    changed_at: str = ""
    """RFC 3339."""


def lock() -> Lock:
    """One change at a time.  Raises C2oError."""
    taken = instance.Lock(paths.state_dir() / "claude.lock")
    if not taken.acquire(LOCK_PATIENCE):
        raise C2oError("another c2o command is changing Claude's settings. Try again when it is done.")
    return taken


def entries() -> list[Entry]:
    """All files that lead to c2o by our doing."""
    found = (_read(path) for path in sorted(_folder().glob("*.json")))
    return [entry for entry in found if entry]


def find(real: Path) -> Entry | None:
    return _read(_file(real))


def put(path: Path, real: Path, scope: str, record: Record) -> None:
    """Written before the settings are, so that a crash in between loses nothing.  Raises C2oError."""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    entry = Entry(path=str(path), real=str(real), scope=scope, record=record, changed_at=now)
    _write(_file(real), msgspec.json.encode(entry))


def drop(real: Path) -> None:
    """Raises C2oError."""
    try:
        _file(real).unlink(missing_ok=True)
    except OSError as error:
        raise C2oError(
            f"{real} is as it was, but the record of it can't be removed: {error.strerror}. "
            f"Remove it: rm -r {_file(real)}"
        ) from None


def back_up(real: Path, data: bytes | None) -> None:
    """Keep a copy of a file as it was.  Raises C2oError."""
    if data is None:
        return
    stem = _file(real).stem
    _write(_folder() / f"{stem}.{time.time_ns()}.bak", data)
    for old in sorted(_folder().glob(f"{stem}.*.bak"))[:-BACKUPS]:
        old.unlink(missing_ok=True)


def _folder() -> Path:
    return paths.state_dir() / "claude"


def _file(real: Path) -> Path:
    return _folder() / f"{hashlib.sha256(os.fsencode(real)).hexdigest()[:16]}.json"


def _read(path: Path) -> Entry | None:
    """None for one that is missing or can't be understood: then what is ours is told by its looks."""
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(path.read_bytes(), type=Entry)
    return None


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        if not path.parent.is_dir():
            paths.private_dir(path.parent)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        fresh.replace(path)
    except OSError as error:
        raise C2oError(
            f"{path} can't be written: {error.strerror}. Without it Claude's settings couldn't be put back, so they "
            "were left alone; make the folder writable, or set C2O_HOME to one that is."
        ) from None
