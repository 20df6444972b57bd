"""A package index on loopback: c2o in any version, made of this checkout, and what it depends on, as it is here."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

from c2o import __version__
from tests.system_tools import missing

ROOT = Path(__file__).parent.parent.parent

DEPENDENCIES = "c2o-dependencies"
"""A package that leads to those of the Python that runs these tests: nothing is downloaded for each installation."""

BROKEN = b"\nraise RuntimeError('this version is of no use')\n"


class Index:
    """A folder in which each package has a folder: https://peps.python.org/pep-0503/, by listings of a web server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._wheel = _built(folder / "build")
        _write(self.place(DEPENDENCIES, "1.0"), DEPENDENCIES, "1.0", {
            "c2o_dependencies.pth": sysconfig.get_path("purelib").encode(),
            "c2o_dependencies-1.0.dist-info/METADATA":
                f"Metadata-Version: 2.1\nName: {DEPENDENCIES}\nVersion: 1.0\n".encode(),
            "c2o_dependencies-1.0.dist-info/WHEEL":
                b"Wheel-Version: 1.0\nGenerator: c2o\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        })  # fmt: skip
        self.publish(__version__)

    def publish(self, version: str, *, needs: str = DEPENDENCIES, broken: bool = False) -> None:
        """c2o under this version."""
        with ZipFile(self._wheel) as wheel:
            files = {name: wheel.read(name) for name in wheel.namelist() if not name.endswith("/RECORD")}
        init, own = "c2o/__init__.py", f"c2o-{__version__}.dist-info"
        files[init] = files[init].replace(__version__.encode(), version.encode()) + (BROKEN if broken else b"")
        files[f"{own}/METADATA"] = _metadata(files[f"{own}/METADATA"].decode().splitlines(), version, needs).encode()
        renamed = {name.replace(own, f"c2o-{version}.dist-info"): data for name, data in files.items()}
        _write(self.place("c2o", version), "c2o", version, renamed)

    def spoil(self, version: str) -> None:
        """Let it be found, and fail when it is unpacked: not all bytes are as their sum says."""
        place = self.place("c2o", version)
        place.write_bytes(place.read_bytes().replace(b"from __future__", b"from __FUTURE__"))

    def withdraw(self, *versions: str) -> None:
        for version in versions:
            self.place("c2o", version).unlink(missing_ok=True)

    def add(self, *wheels: Path) -> None:
        """Others' packages."""
        for wheel in wheels:
            folder = self.folder / "simple" / wheel.name.partition("-")[0]
            folder.mkdir(exist_ok=True)
            shutil.copy(wheel, folder)

    def place(self, package: str, version: str) -> Path:
        """Of a wheel."""
        folder = self.folder / "simple" / package
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{package.replace('-', '_')}-{version}-py3-none-any.whl"


def _built(folder: Path) -> Path:
    """A wheel of this checkout; not in the checkout, where it would be another test's to find."""
    source = folder / "source"
    for name in ("c2o", "completions", "packaging"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "ARCHITECTURE.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, source)
    if subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source]).returncode:
        missing("no wheel of c2o can be built, for which pip takes hatchling from PyPI")
    [wheel] = folder.glob("*.whl")
    return wheel


def _metadata(lines: Iterable[str], version: str, needs: str) -> str:
    kept = [line for line in lines if not line.startswith(("Version:", "Requires-Dist:", "Provides-Extra:"))]
    return "\n".join([kept[0], f"Version: {version}", f"Requires-Dist: {needs}", *kept[1:]])


def _write(place: Path, package: str, version: str, files: dict[str, bytes]) -> None:
    """https://packaging.python.org/en/latest/specifications/binary-distribution-format/"""
    record = f"{package.replace('-', '_')}-{version}.dist-info/RECORD"
    rows = [*(f"{name},{_digest(data)},{len(data)}" for name, data in files.items()), f"{record},,", ""]
    with ZipFile(place, "w") as wheel:
        for name, data in (files | {record: "\n".join(rows).encode()}).items():
            wheel.writestr(name, data)


def _digest(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(index: Index) -> Iterator[str]:
    """Its address, while it answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(index.folder))) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/simple/"
        server.shutdown()
