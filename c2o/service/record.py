"""What ``c2o service install`` has done, so that it can be undone, and so that it is known who keeps the service."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from c2o import paths
from c2o.errors import C2oError


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
    path = _path()
    fresh = path.with_name(f".{path.name}.new")
    try:
        paths.private_dir(path.parent)
        fresh.write_bytes(msgspec.json.encode(record))
        os.chmod(fresh, 0o600)  # noqa: PTH101 - beside the rename that follows
        fresh.replace(path)
    except OSError as error:
        raise C2oError(f"{path} can't be written: {error.strerror}. Make its folder writable.") from None


def remove() -> None:
    with suppress(OSError):
        _path().unlink()
