"""What ``c2o service install`` has done, so that it can be undone, and so that it is known who keeps the service."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from c2o import paths, private_file


class Record(Struct, frozen=True):
    manager: str
    """A name of ``service.MANAGERS``."""
    lingers: bool = False
    """We have switched lingering on for the user; it was off before."""


def _path() -> Path:
    return paths.state_dir() / "installed.json"


def read() -> Record | None:
    """None if nothing is installed."""
    try:
        return msgspec.json.decode(_path().read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        return None


def write(record: Record) -> None:
    private_file.write(_path(), msgspec.json.encode(record).decode())


def remove() -> None:
    with suppress(OSError):
        _path().unlink()
