"""Checks of c2o's own installation."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from c2o import __version__
from tests.doctor.conftest import look


def test_the_version_is_told() -> None:
    finding = look("install.version")["install.version"]
    assert (finding.level, finding.title) == ("ok", f"c2o {__version__}")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    real = sysconfig.get_path
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(folder) if name == "purelib" else real(name))
    return folder


def test_code_that_nobody_owns(packages: Path) -> None:
    (packages / "paths_only.pth").write_text("/some/where\n")
    (packages / "distutils-precedence.pth").write_text("import os; os.getpid()\n")
    assert look("install.pth") == {}

    (packages / "zz_stealer.pth").write_text("import os; os.getpid()\n")
    finding = look("install.pth")["install.pth"]
    assert (finding.level, "zz_stealer.pth" in finding.title) == ("warn", True)


def test_this_installation_is_well() -> None:
    assert look("install.pth") == {}
