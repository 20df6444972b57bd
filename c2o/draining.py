"""Services that have handed over to a successor, and only finish what they had begun.

Each keeps a file in a folder, named for its pid and locked while it lives: what a crash leaves behind means nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from c2o import instance, paths
from c2o.errors import C2oError
from c2o.instance import Instance, Lock

WIDTH = 100
"""Bytes of a file: always the same, so that a reader never sees half of an older text."""


@dataclass(frozen=True)
class Draining:
    pid: int
    version: str
    requests: int
    """That still run."""


Record = Callable[[int], None]
"""Told the number of requests that still run."""


@contextmanager
def recorded(myself: Instance) -> Iterator[Record]:
    """The file of this process, which is gone afterwards.  What can't be written is not missed."""
    path = _folder() / f"{myself.pid}.json"

    def record(requests: int) -> None:
        said = json.dumps(asdict(Draining(myself.pid, myself.version, requests)))
        with suppress(OSError):
            os.pwrite(lock.descriptor, said.encode().ljust(WIDTH), 0)

    with Lock(path) as lock:
        try:
            lock.acquire()
        except C2oError:
            yield lambda _: None
            return
        _sweep()
        yield record
        with suppress(OSError):
            path.unlink()


def _sweep() -> None:
    """Take away what services have left behind that were killed."""
    for path in _folder().glob("*.json"):
        if not instance.held(path):
            with suppress(OSError):
                path.unlink()


def services() -> list[Draining]:
    """All that still finish something."""
    found = (_read(path) for path in sorted(_folder().glob("*.json")) if instance.held(path))
    return [each for each in found if each is not None]


def _folder() -> Path:
    return paths.state_dir() / "draining"


def _read(path: Path) -> Draining | None:
    try:
        return Draining(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
