"""What ``c2o service install`` has done, so that it can be undone, and so that it is known who keeps the service."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from c2o import paths, private_file


class Record(Struct, frozen=True):
    manager: Annotated[str, Meta(pattern="^(systemd|launchd|detached)$")]
    """A name of ``service.MANAGERS``; one of a later version is none."""
    lingers: bool = False
    """We have switched lingering on for the user; it was off before."""


def path() -> Path:
    return paths.state_dir() / "installed.json"


def read() -> Record | None:
    """None if nothing is installed."""
    try:
        return msgspec.json.decode(path().read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        return None


def write(record: Record) -> None:
    private_file.write(path(), msgspec.json.encode(record).decode())


def remove() -> None:
    with suppress(OSError):
        path().unlink()
