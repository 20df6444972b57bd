"""How a service manager starts the service: by paths that stay the same when c2o or Python is upgraded."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

from c2o import paths
from c2o.config import Config
from c2o.service.manager import Program

PLACES = ("C2O_HOME", "C2O_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
"""Variables of a shell that say where our files are.  A service that didn't know them would look elsewhere."""

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
"""Where programs are, for a service that has no shell's ``PATH``."""

_CELLAR = re.compile(r"/Cellar/([^/]+)/[^/]+/")
"""Homebrew's folder for one version; ``opt/NAME`` beside it is a link to the newest
(https://docs.brew.sh/Formula-Cookbook#homebrew-terminology)."""


def program(config: Config, manager: str) -> Program:
    commands = key_commands(config)
    path = {"PATH": search_path(commands)} if commands else {}
    return Program(
        command=(interpreter(), "-P", "-m", "c2o.proxy"),
        variables={**places(), **path, "C2O_MANAGER": manager},
        host="127.0.0.1" if config.server.host == "localhost" else config.server.host,
        port=config.server.port,
        log=paths.log_file(),
        writes=tuple(dict.fromkeys([paths.state_dir(), paths.log_file().parent])),
        runs_commands=bool(commands),
    )


def interpreter() -> str:
    """Our Python, by a name without a version.

    - pipx, uv, a Debian package and an environment of one's own: ``bin/python`` of the environment.  It stays when
      the environment is upgraded, or made again with another Python; ``sys.executable`` may be its ``python3.11``.
    - Homebrew: the same, by way of ``opt/c2o``, not the ``Cellar`` folder that the next upgrade removes.
    - Python of the system, without an environment: ``/usr/bin/python3``.
    - pyenv and the like, without an environment: a path with a version is all there is, and whoever removes that
      version removes c2o with it.
    """
    own = sys.prefix != sys.base_prefix
    folder = Path(sys.prefix) / "bin" if own else Path(sys.executable).parent
    names = ("python", "python3") if own else ("python3", "python")
    return next((_unversioned(folder / name) for name in names if _is_ours(folder / name)), sys.executable)


def _is_ours(path: Path) -> bool:
    return path.exists() and path.samefile(sys.executable)


def _unversioned(path: Path) -> str:
    stable = Path(_CELLAR.sub(r"/opt/\1/", str(path)))
    return str(stable if stable.exists() else path)


def places() -> dict[str, str]:
    """The variables that say where our files are, where they are set."""
    return {name: str(Path(os.environ[name]).expanduser().absolute()) for name in PLACES if os.environ.get(name)}


def key_commands(config: Config) -> list[str]:
    """The programs that give keys (``command:op read …``)."""
    sources = [source for upstream in config.upstreams.values() for source in upstream.key_sources()]
    lines = [source.removeprefix("command:") for source in sources if source.startswith("command:")]
    return [words[0] for line in lines if (words := _words(line))]


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # told when the key is needed
        return []


def search_path(commands: list[str]) -> str:
    """``PATH`` with the folders in which this shell finds the commands."""
    found = (shutil.which(command) for command in commands)
    folders = [str(Path(path).absolute().parent) for path in found if path]
    return ":".join(dict.fromkeys([*folders, *DEFAULT_PATH.split(":")]))
