"""By which command c2o is renewed, told by the marks that installers leave in their environments."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from c2o import origin

PYTHON = "/somewhere/bin/python"


@pytest.fixture
def recorded(monkeypatch):
    """What the installer's record says, by the name of its file."""
    files: dict[str, str] = {}
    monkeypatch.setattr(origin, "_recorded", lambda name: files.get(name, ""))
    return files


@pytest.fixture
def prefix(tmp_path):
    (tmp_path / "lib" / "python3.11" / "site-packages" / "pip").mkdir(parents=True)
    return tmp_path


def shown(prefix: Path) -> tuple[str, list[str], str]:
    found = origin.of(prefix, PYTHON)
    return found.installer, [" ".join(each) for each in found.upgrade], " ".join(found.remove)


def test_pip_from_an_index(prefix, recorded):
    assert shown(prefix) == ("pip", [f"{PYTHON} -m pip install --upgrade c2o"], f"{PYTHON} -m pip uninstall c2o")


def test_pip_from_a_folder(prefix, recorded):
    recorded["direct_url.json"] = json.dumps({"url": "file:///home/me/my%20c2o", "dir_info": {}})
    assert shown(prefix)[1] == [f"{PYTHON} -m pip install --upgrade /home/me/my c2o"]


def test_pip_from_a_repository(prefix, recorded):
    recorded["direct_url.json"] = json.dumps(
        {"url": "https://git.example.com/c2o", "vcs_info": {"vcs": "git", "commit_id": "0" * 40}}
    )
    assert shown(prefix)[1] == [f"{PYTHON} -m pip install --upgrade c2o @ git+https://git.example.com/c2o"]


def test_a_checkout_is_pulled_and_installed_again(prefix, recorded, tmp_path):
    (tmp_path / "src" / ".git").mkdir(parents=True)
    url = (tmp_path / "src").as_uri()
    recorded["direct_url.json"] = json.dumps({"url": url, "dir_info": {"editable": True}})
    assert shown(prefix)[:2] == (
        "pip, from a checkout",
        [f"git -C {tmp_path}/src pull", f"{PYTHON} -m pip install -e {tmp_path}/src"],
    )


def test_uv_where_there_is_no_pip(tmp_path, recorded, monkeypatch):
    recorded["INSTALLER"] = "uv\n"
    monkeypatch.setattr(origin.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert shown(tmp_path)[1] == [f"uv pip --python {PYTHON} install --upgrade c2o"]


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}"])
def test_a_record_that_says_nothing(text, prefix, recorded):
    recorded["direct_url.json"] = text
    assert shown(prefix)[1] == [f"{PYTHON} -m pip install --upgrade c2o"]


def test_pipx(tmp_path):
    prefix = tmp_path / "c2o-work"
    prefix.mkdir()
    (prefix / "pipx_metadata.json").touch()
    assert shown(prefix) == ("pipx", ["pipx upgrade c2o-work"], "pipx uninstall c2o-work")


def test_uv_tool(tmp_path):
    (tmp_path / "c2o").mkdir()
    (tmp_path / "c2o" / "uv-receipt.toml").touch()
    assert shown(tmp_path / "c2o") == ("uv", ["uv tool upgrade c2o"], "uv tool uninstall c2o")


def test_homebrew(recorded):
    prefix = Path("/opt/homebrew/Cellar/c2o/0.1.0/libexec")
    assert shown(prefix) == ("Homebrew", ["brew upgrade c2o"], "brew uninstall c2o")
    python = Path("/opt/homebrew/Cellar/python@3.13/3.13.1/Frameworks/Python.framework/Versions/3.13")
    assert shown(python)[0] == "pip"


def test_debian_needs_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = origin.of(Path("/usr/lib/c2o"), PYTHON)
    assert (found.alone, found.upgrade[1][0], found.remove[0]) == (False, "sudo", "sudo")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = origin.of(Path("/usr/lib/c2o"), PYTHON)
    assert (found.alone, found.upgrade[1]) == (True, ("apt-get", "install", "--only-upgrade", "c2o"))
