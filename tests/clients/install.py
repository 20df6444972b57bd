"""The real clients and servers that the tests use, installed once per version into a cache folder.

The folder is ``C2O_TEST_CACHE``, else ``~/.cache/c2o-tests``.  ``python -m tests.clients.install`` installs everything
in ``versions.toml`` but the heavy servers, which ``python -m tests.clients.install servers`` adds.  A test asks for
what it needs and, where that can't be had, skips with the reason.  With ``C2O_TEST_CLIENTS=required`` it fails
instead: nothing passes silently.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

VERSIONS: dict[str, dict[str, Any]] = tomllib.loads((Path(__file__).parent / "versions.toml").read_text())

CLAUDE_CODE = "@anthropic-ai/claude-code"
TYPESCRIPT_SDK = "@anthropic-ai/sdk"

PATIENCE, LONG_PATIENCE = 280, 1800
"""Seconds; Claude Code is 120 MB to download, torch a gigabyte."""


class InstallError(Exception):
    """Something can't be installed here; the message says why."""


def cache() -> Path:
    return Path(os.environ.get("C2O_TEST_CACHE") or Path.home() / ".cache" / "c2o-tests").absolute()


def npm(package: str, version: str) -> Path:
    """The ``node_modules`` folder with one npm package in it.  Raises InstallError."""
    name = f"{package.rpartition('/')[2]}-{version}"
    return _once(name, lambda folder: _npm_install(f"{package}@{version}", folder)) / "node_modules"


def newest(package: str) -> str:
    """The newest version of an npm package.  Raises InstallError."""
    return _run([_npm(), "view", package, "version"], Path.cwd()).strip()


def _npm() -> str:
    found = shutil.which("npm")
    if not found:
        raise InstallError("npm is missing: install Node.js 20 or newer with npm.")
    return found


def _npm_install(package: str, folder: Path) -> None:
    # --prefix alone would still look for a package.json in the folders above.
    (folder / "package.json").write_text('{"private": true}')
    quiet = ["--no-audit", "--no-fund", "--no-save", "--fetch-retries=1"]
    _run([_npm(), "install", "--prefix", str(folder), *quiet, package], folder)


def llama_python() -> Path:
    """The Python of an environment with llama.cpp in it.  Raises InstallError."""
    return _python("llama", VERSIONS["pip"]["llama"], VERSIONS["pip"]["llama"]["xllamacpp"])


def installers() -> Path:
    """The Python of an environment with uv and pipx in it.  Raises InstallError."""
    return _python("installers", VERSIONS["pip"]["installers"], VERSIONS["pip"]["installers"]["uv"])


def server_python(name: str) -> Path:
    """The Python of an environment with one of the heavy servers in it.  Raises InstallError."""
    pins = VERSIONS["servers"][name]
    return _python(name, pins, next(reversed(pins.values())), patience=LONG_PATIENCE)


def server_modules() -> Path:
    """The ``node_modules`` folder with the heavy server from npm.  Raises InstallError."""
    [(package, version)] = VERSIONS["servers"]["llms"].items()
    return npm(package, version)


def _python(name: str, pins: dict[str, str], version: str, *, patience: int = PATIENCE) -> Path:
    wanted = [f"{package}=={pinned}" for package, pinned in pins.items()]
    folder = f"{name}-{version}-py{sys.version_info.major}{sys.version_info.minor}"
    return _once(folder, lambda fresh: _pip_install(wanted, fresh, patience)) / "venv" / "bin" / "python"


def _pip_install(pins: list[str], folder: Path, patience: int) -> None:
    """Into ``folder/venv``, which can be moved as long as only its ``bin/python`` is used."""
    try:
        venv.create(folder / "venv", with_pip=True, symlinks=True)
    except subprocess.CalledProcessError:
        raise InstallError("this Python can't make environments: install python3-venv.") from None
    pip = [str(folder / "venv/bin/python"), "-m", "pip", "install", "-q", "--only-binary=:all:"]
    _run([*pip, *pins], folder, patience)


def _run(command: list[str], folder: Path, patience: int = PATIENCE) -> str:
    """What a command prints.  Raises InstallError."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            check=True,
            timeout=patience,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        raise InstallError(f"{' '.join(command)}: {_last_line(error.stderr)}") from None
    except subprocess.TimeoutExpired:
        raise InstallError(f"{' '.join(command)}: no end after {patience} s") from None
    return done.stdout


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "failed")


def _once(name: str, fill: Callable[[Path], None]) -> Path:
    """The folder ``name`` of the cache, filled by whoever comes first; half a folder is never seen."""
    with _locked(name):
        folder = cache() / name
        if not folder.exists():
            fresh = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache()))
            try:
                fill(fresh)
                fresh.rename(folder)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
        return folder


@contextmanager
def _locked(name: str) -> Iterator[None]:
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(wanted: list[str]) -> int:
    """Install everything that is pinned; the heavy servers only where they are ``wanted``."""
    for package, versions in VERSIONS["npm"].items():
        for version in versions:
            print(f"{package}@{version}: {npm(package, version)}", flush=True)
    print(f"llama.cpp: {llama_python()}", flush=True)
    print(f"uv and pipx: {installers()}", flush=True)
    if "servers" in wanted:
        for name in ("transformers", "litellm"):
            print(f"{name}: {server_python(name)}", flush=True)
        print(f"llms: {server_modules()}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InstallError as problem:
        sys.exit(f"tests.clients.install: {problem}")
