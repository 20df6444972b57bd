"""Checks of c2o's own installation."""

from __future__ import annotations

import platform
import sys
import sysconfig
from collections.abc import Iterator
from functools import partial
from importlib import metadata
from pathlib import Path

from c2o import __version__
from c2o.doctor.finding import Finding, Fix
from c2o.doctor.machine import Machine

_ok = partial(Finding, group="install", level="ok")
_warn = partial(Finding, group="install", level="warn")

KNOWN_PTH = ("distutils-precedence.pth", "_virtualenv.pth")
"""Of setuptools and virtualenv.  An editable installation has one as well, which is known by its own record."""


def version(_: Machine) -> Iterator[Finding]:
    """What a bug report needs first."""
    yield _ok(id="install.version", title=f"c2o {__version__}", detail=f"Python {platform.python_version()}")


def startup_files(_: Machine) -> Iterator[Finding]:
    """A ``.pth`` file can run code whenever Python starts; what steals keys has come that way before.

    https://docs.python.org/3/library/site.html
    """
    folder = Path(sysconfig.get_path("purelib"))
    installed = _files_of_packages()
    for path in sorted(folder.glob("*.pth")):
        if path.name not in installed and path.name not in KNOWN_PTH and _runs_code(path):
            yield _warn(
                id="install.pth",
                title=f"{path} runs code at every start of Python, and no package says that it is its own",
                fix=Fix(f"look at it; if you don't know it, take it away and change your keys: less {path}"),
            )


def _files_of_packages() -> set[str]:
    return {file.name for each in metadata.distributions() for file in each.files or () if file.suffix == ".pth"}


def _runs_code(path: Path) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    return any(line.startswith(("import ", "import\t")) for line in text.splitlines())


def report() -> dict[str, str]:
    """The versions of everything that has a part in it."""
    packages = {each.name: each.version for each in metadata.distributions() if each.name}
    return {"c2o": __version__, "python": sys.version, "platform": platform.platform(), **packages}
