"""The files that tell a service manager of the service.  Others' are left alone, and so is what a person changed.

A file of ours has a line that says for which configuration it was written, and a digest of all the rest.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Literal

from c2o import paths, private_file
from c2o.errors import C2oError, RefusedFile

State = Literal["missing", "current", "outdated", "edited", "foreign"]

_COMMENTS = {".plist": (2, "<!-- {} -->\n")}
"""Suffix → after how many lines the mark stands (XML has a preamble), and how a comment looks."""


def _mark() -> str:
    """Another configuration's service is a stranger's."""
    return f"Written by c2o for {paths.config_file()}; "


def signed(path: Path, text: str) -> str:
    """The text with our mark."""
    after, comment = _COMMENTS.get(path.suffix, (0, "# {}\n"))
    lines = text.splitlines(keepends=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    mark = comment.format(f"{_mark()}digest {digest}")
    return "".join([*lines[:after], mark, *lines[after:]])


def state(path: Path, text: str) -> State:
    """How the file is, compared to the one we would write."""
    there = _read(path)
    if there is None:
        return "missing"
    if there == signed(path, text):
        return "current"
    lines = there.splitlines(keepends=True)
    marks = [line for line in lines[:3] if _mark() in line]
    if not marks:
        return "foreign"
    rest = "".join(line for line in lines if line != marks[0])
    return "outdated" if signed(path, rest) == there else "edited"


def current(files: dict[Path, str]) -> bool:
    return all(state(path, text) == "current" for path, text in files.items())


def check(files: dict[Path, str]) -> None:
    """Raises RefusedFile for a file that isn't ours, or that a person has changed."""
    for path, text in files.items():
        if (how := state(path, text)) in _REFUSED:
            raise RefusedFile(_REFUSED[how].format(path))


def put(files: dict[Path, str]) -> bool:
    """Write those that aren't current.  Returns whether there were any.  Raises RefusedFile before any is written."""
    check(files)
    if current(files):
        return False
    for path, text in files.items():
        private_file.write(path, signed(path, text))
    return True


_REFUSED: dict[State, str] = {
    "foreign": "{0} was not written by this c2o, so it is left as it is. Move it away and try again: mv {0} {0}.old",
    "edited": "{0} has been changed since c2o wrote it, so it is left as it is. "
    "Keep your changes elsewhere (under systemd: systemctl --user edit c2o), then remove it and try again: rm {0}",
}


def ours(path: Path) -> bool:
    """Is there a file that we have written, changed since or not?"""
    return _mark() in (_read(path) or "")


def take_away(*files: Path) -> None:
    """Remove those that are ours, changed or not."""
    for path in files:
        if ours(path):
            with suppress(OSError):
                path.unlink()
                remove_empty(path.parent, path.parent.parent)


def remove_empty(*folders: Path) -> None:
    """What was made for a file of ours, and has nothing else in it."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise C2oError(f"{path} can't be read: {error.strerror}. Move it away and try again.") from None
