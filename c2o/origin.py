"""How c2o came onto this machine, and with which command it is renewed or taken away again."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

Command = tuple[str, ...]


class Origin(NamedTuple):
    """Who has installed it."""

    installer: str
    upgrade: tuple[Command, ...]
    """The commands, one after the other."""
    remove: Command
    alone: bool = True
    """Can they be run as they are?  Not where they need another user's rights."""


def of(prefix: Path, python: str) -> Origin:
    """The origin of the c2o in the environment at ``prefix``, whose interpreter is ``python``."""
    return next(found for looks in _ORIGINS if (found := looks(prefix, python)))


def mine(python: str) -> Origin:
    """The origin of the c2o that runs, ``python`` being its interpreter by a name that outlives an upgrade."""
    return of(Path(sys.prefix), python)


def _homebrew(prefix: Path, _: str) -> Origin | None:
    """https://docs.brew.sh/Formula-Cookbook#homebrew-terminology"""
    if "/Cellar/c2o/" not in f"{prefix.as_posix()}/":  # Python has a cellar of its own, into which pip may have put us
        return None
    return Origin("Homebrew", (("brew", "upgrade", "c2o"),), ("brew", "uninstall", "c2o"))


def _debian(prefix: Path, _: str) -> Origin | None:
    """``packaging/debian/rules`` has the place."""
    if prefix != Path("/usr/lib/c2o"):
        return None
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    sudo: Command = () if root else ("sudo",)
    commands: tuple[Command, ...] = (
        (*sudo, "apt-get", "update"),
        (*sudo, "apt-get", "install", "--only-upgrade", "c2o"),
    )
    return Origin("Debian's package", commands, (*sudo, "apt-get", "remove", "c2o"), alone=root)


def _pipx(prefix: Path, _: str) -> Origin | None:
    """https://pipx.pypa.io/stable/how-pipx-works/"""
    if not (prefix / "pipx_metadata.json").exists():
        return None
    return Origin("pipx", (("pipx", "upgrade", prefix.name),), ("pipx", "uninstall", prefix.name))


def _uv_tool(prefix: Path, _: str) -> Origin | None:
    """https://docs.astral.sh/uv/concepts/tools/"""
    if not (prefix / "uv-receipt.toml").exists():
        return None
    return Origin("uv", (("uv", "tool", "upgrade", prefix.name),), ("uv", "tool", "uninstall", prefix.name))


def _pip(prefix: Path, python: str) -> Origin:
    """An environment, filled by pip or uv; from an index, a folder or a repository."""
    pip = _pip_of(prefix, python)
    folder, editable = _source()
    if editable and folder is not None:
        pull: tuple[Command, ...] = (("git", "-C", str(folder), "pull"),) if (folder / ".git").exists() else ()
        return Origin("pip, from a checkout", (*pull, (*pip, "install", "-e", str(folder))), (*pip, "uninstall", "c2o"))
    what = str(folder) if folder is not None else _repository() or "c2o"
    return Origin("pip", ((*pip, "install", "--upgrade", what),), (*pip, "uninstall", "c2o"))


def _pip_of(prefix: Path, python: str) -> Command:
    has_pip = any((prefix / "lib").glob("python*/site-packages/pip")) or prefix == Path(sys.base_prefix)
    if not has_pip and _recorded("INSTALLER").strip() == "uv" and shutil.which("uv"):
        return ("uv", "pip", "--python", python)
    return (python, "-m", "pip")


def _source() -> tuple[Path | None, bool]:
    """The folder or file that it was installed from, and whether it runs from there.

    https://packaging.python.org/en/latest/specifications/direct-url/
    """
    direct = _direct_url()
    parts = urlsplit(str(direct.get("url", "")))
    editable = bool(direct.get("dir_info", {}).get("editable"))
    return (Path(url2pathname(parts.path)) if parts.scheme == "file" else None), editable


def _repository() -> str | None:
    direct = _direct_url()
    return f"c2o @ {direct['vcs_info']['vcs']}+{direct['url']}" if "vcs_info" in direct else None


def _direct_url() -> dict[str, Any]:
    try:
        found = json.loads(_recorded("direct_url.json") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _recorded(name: str) -> str:
    """A file of the installation's own record."""
    try:
        return metadata.distribution("c2o").read_text(name) or ""
    except metadata.PackageNotFoundError:  # run from its sources
        return ""


_ORIGINS: tuple[Callable[[Path, str], Origin | None], ...] = (_homebrew, _debian, _pipx, _uv_tool, _pip)
