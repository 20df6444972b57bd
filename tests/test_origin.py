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


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Somebody whose installers are where they always are."""
    for name in ("XDG_DATA_HOME", "PIPX_HOME", "PIPX_GLOBAL_HOME", "UV_TOOL_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def marked(prefix: Path, mark: str) -> Path:
    prefix.mkdir(parents=True)
    (prefix / mark).touch()
    return prefix


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
    assert shown(tmp_path)[1] == [f"uv pip install --python {PYTHON} --upgrade c2o"]


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}"])
def test_a_record_that_says_nothing(text, prefix, recorded):
    recorded["direct_url.json"] = text
    assert shown(prefix)[1] == [f"{PYTHON} -m pip install --upgrade c2o"]


def test_a_repository_is_pulled_before_it_is_installed_from(prefix, recorded, tmp_path):
    (tmp_path / "src" / ".git").mkdir(parents=True)
    recorded["direct_url.json"] = json.dumps({"url": (tmp_path / "src").as_uri(), "dir_info": {}})
    pull = f"git -C {tmp_path}/src pull"
    assert shown(prefix)[1] == [pull, f"{PYTHON} -m pip install --upgrade {tmp_path}/src"]
    assert shown(marked(tmp_path / "home/.local/share/uv/tools/c2o", "uv-receipt.toml"))[1][0] == pull
    assert shown(marked(tmp_path / "home/.local/share/pipx/venvs/c2o", "pipx_metadata.json"))[1][0] == pull


def test_pipx(home, recorded):
    prefix = marked(home / ".local/share/pipx/venvs/c2o-work", "pipx_metadata.json")
    assert shown(prefix) == ("pipx", ["pipx upgrade c2o-work"], "pipx uninstall c2o-work")
    assert shown(marked(home / ".local/pipx/venvs/c2o", "pipx_metadata.json"))[1] == ["pipx upgrade c2o"]


def test_pipx_for_all_users(tmp_path, monkeypatch):
    prefix = marked(tmp_path / "opt/venvs/c2o", "pipx_metadata.json")
    monkeypatch.setenv("PIPX_GLOBAL_HOME", str(tmp_path / "opt"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert shown(prefix) == ("pipx", ["sudo pipx upgrade --global c2o"], "sudo pipx uninstall --global c2o")
    assert not origin.of(prefix, PYTHON).alone
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert shown(prefix)[1] == ["pipx upgrade --global c2o"]


def test_uv_tool(home, recorded):
    prefix = marked(home / ".local/share/uv/tools/c2o", "uv-receipt.toml")
    assert shown(prefix) == ("uv", ["uv tool upgrade c2o"], "uv tool uninstall c2o")


def test_a_place_that_the_shell_has_no_word_of_is_told(tmp_path, recorded, monkeypatch):
    """And where the link to the command is, if the shell finds it."""
    prefix = marked(tmp_path / "tools/c2o", "uv-receipt.toml")
    assert shown(prefix)[1] == [f"env UV_TOOL_DIR={tmp_path}/tools uv tool upgrade c2o"]
    (prefix / "bin").mkdir()
    (prefix / "bin/c2o").touch(0o755)
    (tmp_path / "links").mkdir()
    (tmp_path / "links/c2o").symlink_to(prefix / "bin/c2o")
    monkeypatch.setenv("PATH", f"/usr/bin:{tmp_path}/links")
    told = f"env UV_TOOL_DIR={tmp_path}/tools UV_TOOL_BIN_DIR={tmp_path}/links"
    assert shown(prefix) == ("uv", [f"{told} uv tool upgrade c2o"], f"{told} uv tool uninstall c2o")
    monkeypatch.setenv("UV_TOOL_DIR", str(tmp_path / "tools"))
    assert shown(prefix)[1] == ["uv tool upgrade c2o"]


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
