"""Where c2o's files are, as ``c2o.paths`` has it, wherever that is beyond doubt; and reading them."""

from __future__ import annotations

import json
import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LARGEST = 1024 * 1024
"""Bytes of a file that may be one of ours, or Claude's."""


class Unsure(Exception):
    """The Typer command has to answer."""


def config_file() -> str:
    if value := os.environ.get("C2O_CONFIG"):
        return plain(value)
    return f"{_folder('config')}/config.toml"


def state_file(name: str) -> str:
    return f"{_folder('state')}/{name}"


def log_file() -> str:
    return f"{_folder('log')}/c2o.log"


_IN_ONE = {"config": "", "state": "/state", "log": "/log"}

_LINUX = {
    "config": ("XDG_CONFIG_HOME", ".config", "c2o"),
    "state": ("XDG_STATE_HOME", ".local/state", "c2o"),
    "log": ("XDG_STATE_HOME", ".local/state", "c2o/log"),
}
"""https://specifications.freedesktop.org/basedir-spec/latest/"""

_MACOS = {
    "config": "Library/Application Support/c2o",
    "state": "Library/Application Support/c2o",
    "log": "Library/Logs/c2o",
}


def _folder(kind: str) -> str:
    if value := os.environ.get("C2O_HOME"):
        return plain(value) + _IN_ONE[kind]
    if sys.platform == "linux" and "ANDROID_DATA" not in os.environ:
        variable, usual, rest = _LINUX[kind]
        value = os.environ.get(variable)
        return f"{plain(value) if value else f'{user()}/{usual}'}/{rest}"
    if sys.platform == "darwin" and not any(name.startswith("XDG_") for name in os.environ):
        return f"{user()}/{_MACOS[kind]}"
    raise Unsure


def user() -> str:
    """The person's home folder.  Without ``HOME`` the system's list of users would know."""
    return plain(os.environ.get("HOME", ""))


def plain(path: str) -> str:
    """A path that is written in one way only.  Raises Unsure."""
    if len(path) < 2 or path[0] != "/" or path[1] == "/" or os.path.normpath(path) != path:
        raise Unsure
    return path


def read(path: str) -> bytes:
    """A file that anybody may have written.  Raises OSError; Unsure if it is none, or huge."""
    return _read(path, os.O_RDONLY | os.O_NONBLOCK, ours=False)


def read_own(path: str) -> dict[str, Any]:
    """The object in a file of ours: a person's own, for no one else to read.  Raises OSError, ValueError, Unsure."""
    found = json.loads(_read(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW, ours=True))
    if not isinstance(found, dict):
        raise Unsure
    return found


def _read(path: str, flags: int, *, ours: bool) -> bytes:
    descriptor = os.open(path, flags)
    try:
        there = os.fstat(descriptor)
        if not stat.S_ISREG(there.st_mode) or there.st_size > LARGEST:
            raise Unsure
        if ours and (there.st_uid != os.geteuid() or there.st_mode & 0o077):
            raise Unsure
        return os.read(descriptor, LARGEST)
    finally:
        os.close(descriptor)
