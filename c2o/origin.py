"""How c2o came onto this machine, and with which command it is renewed or taken away again."""

from __future__ import annotations

import json
import os
import shutil
import site
import sys
import sysconfig
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
    sudo = _sudo()
    commands: tuple[Command, ...] = (
        (*sudo, "apt-get", "update"),
        (*sudo, "apt-get", "install", "--only-upgrade", "c2o"),
    )
    return Origin("Debian's package", commands, (*sudo, "apt-get", "remove", "c2o"), alone=not sudo)


def _sudo() -> Command:
    return () if hasattr(os, "geteuid") and os.geteuid() == 0 else ("sudo",)


def _pipx(prefix: Path, _: str) -> Origin | None:
    """https://pipx.pypa.io/stable/how-pipx-works/"""
    if not (prefix / "pipx_metadata.json").exists():
        return None
    home, name = prefix.parent.parent, prefix.name
    if home == Path(os.environ.get("PIPX_GLOBAL_HOME") or "/opt/pipx"):
        return _global_pipx(name)
    usual = (_data() / "pipx", Path.home() / ".local/pipx", Path.home() / "Library/Application Support/pipx")
    pipx = (*_env({"PIPX_HOME": home, "PIPX_BIN_DIR": _links(prefix)}, usual), "pipx")
    return Origin("pipx", (*_pulled(_source()[0]), (*pipx, "upgrade", name)), (*pipx, "uninstall", name))


def _global_pipx(name: str) -> Origin:
    """For all users: https://pipx.pypa.io/stable/installation/#global-installation"""
    sudo = _sudo()
    upgrade, remove = ((*sudo, "pipx", verb, "--global", name) for verb in ("upgrade", "uninstall"))
    return Origin("pipx", (upgrade,), remove, alone=not sudo)


def _uv_tool(prefix: Path, _: str) -> Origin | None:
    """https://docs.astral.sh/uv/concepts/tools/"""
    if not (prefix / "uv-receipt.toml").exists():
        return None
    tool = (
        *_env({"UV_TOOL_DIR": prefix.parent, "UV_TOOL_BIN_DIR": _links(prefix)}, (_data() / "uv/tools",)),
        "uv",
        "tool",
    )
    upgrade, remove = ((*tool, verb, prefix.name) for verb in ("upgrade", "uninstall"))
    return Origin("uv", (*_pulled(_source()[0]), upgrade), remove)


def _data() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")


def _env(places: dict[str, Path | None], usual: tuple[Path, ...]) -> Command:
    """What tells an installer the place of our environment, and of the link to its command.

    Nothing, if the first of ``places`` is where this shell's installer looks: as its variable says, or a ``usual`` one.
    """
    variable, place = next(iter(places.items()))
    looked = (os.environ[variable],) if os.environ.get(variable) else usual
    if os.name != "posix" or os.path.realpath(str(place)) in map(os.path.realpath, looked):
        return ()
    return ("env", *(f"{name}={path}" for name, path in places.items() if path))


def _links(prefix: Path) -> Path | None:
    """The folder of the shell's ``PATH`` in which the environment's command can be found; an installer's link."""
    found = shutil.which("c2o")
    ours = found and Path(found).is_symlink() and Path(found).resolve() == (prefix / "bin/c2o").resolve()
    return Path(found).parent if found and ours else None


def _pip(prefix: Path, python: str) -> Origin:
    """An environment, filled by pip or uv; from an index, a folder or a repository."""
    install, uninstall = (_pip_of(prefix, python, verb) for verb in ("install", "uninstall"))
    folder, editable = _source()
    remove = (*uninstall, "c2o")
    if editable and folder is not None:
        return Origin("pip, from a checkout", (*_pulled(folder), (*install, "-e", str(folder))), remove)
    what = str(folder) if folder is not None else _repository() or "c2o"
    return Origin("pip", (*_pulled(folder), (*install, "--upgrade", what)), remove)


def _pip_of(prefix: Path, python: str, verb: str) -> Command:
    has_pip = any((prefix / "lib").glob("python*/site-packages/pip")) or prefix == Path(sys.base_prefix)
    if not has_pip and _recorded("INSTALLER").strip() == "uv" and shutil.which("uv"):
        return ("uv", "pip", verb, "--python", python)
    return (python, "-m", "pip", verb, *_among_the_systems(prefix, verb))


def _among_the_systems(prefix: Path, verb: str) -> Command:
    """The consent of whoever has put it beside the system's own packages, where pip wants it said again.

    https://packaging.python.org/en/latest/specifications/externally-managed-environments/
    """
    if prefix != Path(sys.base_prefix):
        return ()
    user: Command = ("--user",) if verb == "install" and _is_the_users() else ()
    managed = Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists()
    return (*user, "--break-system-packages") if managed else user


def _is_the_users() -> bool:
    """Did ``pip install --user`` put us where we are?"""
    folder = site.getusersitepackages()
    return bool(site.ENABLE_USER_SITE) and Path(__file__).is_relative_to(folder)


def _pulled(folder: Path | None) -> tuple[Command, ...]:
    """A repository that it was installed from is renewed first."""
    return (("git", "-C", str(folder), "pull"),) if folder is not None and (folder / ".git").exists() else ()


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
