"""The files that c2o has made on this machine, and how they are taken away: those, and nothing beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from c2o import paths
from c2o.cli.completions import files as completion_files
from c2o.errors import C2oError

RUNNING = ("*.lock", "service.*", "draining", "handover*", "installed.json", "quick.json", "*.sock")
"""Of the state folder: what one service or command leaves for the next."""

KEPT = {
    "learned.toml": "what upstreams have taught c2o",
    "calibration.json": "what upstreams have taught c2o",
    "models.json": "the lists of models",
    "usage.db*": "what has been used",
    "trace*": "requests that were traced",
    "claude": "copies of Claude's settings, as they were",
}
"""Of the state folder: what would be missed, and what it is."""


class Kept(NamedTuple):
    """A file or folder, and why somebody would miss it."""

    path: Path
    what: str


def runtime() -> list[Path]:
    """What only a c2o that is there has use for."""
    return [*completion_files.installed(), *_in_state(RUNNING), *_logs()]


def belongings() -> list[Kept]:
    """What a new installation could go on with; ``--purge`` takes it away too."""
    configured = [Kept(paths.config_file(), "your configuration"), Kept(paths.key_file(), "your keys")]
    backups = [Kept(path, "copies of your configuration") for path in _backups()]
    found = [Kept(path, what) for pattern, what in KEPT.items() for path in _in_state((pattern,))]
    return [each for each in (*configured, *backups, *found) if _is_there(each.path)]


def _in_state(patterns: Iterable[str]) -> list[Path]:
    folder = paths.state_dir()
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})


def _logs() -> list[Path]:
    log = paths.log_file()
    return sorted(log.parent.glob(f"{log.name}*"))


def _backups() -> list[Path]:
    file = paths.config_file()
    return sorted(file.parent.glob(f"{file.name}.bak*"))


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def remove(found: Iterable[Path]) -> Iterator[C2oError]:
    """Take them away; what can't be is told, and doesn't keep the others from it.  Of a link only the link goes."""
    for path in found:
        try:
            _remove(path)
        except OSError as error:
            yield C2oError(f"{error.filename or path} can't be removed: {error.strerror}.")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for inside in path.iterdir():
            _remove(inside)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def remove_empty_folders() -> None:
    """Ours, if nothing of anybody's is left in them."""
    for folder in (paths.log_file().parent, paths.state_dir(), paths.config_file().parent):
        with suppress(OSError):
            folder.rmdir()
