"""The command in a unit: paths that an upgrade doesn't take away."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from c2o import paths
from c2o.config import Config, parse
from c2o.service import launcher


def config(**key: Any) -> Config:
    tables = {
        "server": {"auth_token": "c2o-x", "host": "localhost"},
        "upstreams": {"one": {"base_url": "http://127.0.0.1:9/v1", **key}},
        "models": {"default": "one/m"},
    }
    return parse(tomli_w.dumps(tables).encode(), Path("config.toml"))


def environment(monkeypatch: pytest.MonkeyPatch, prefix: Path, *, own: bool = True) -> None:
    """We run in this folder, whose ``python3.11`` other names lead to."""
    (prefix / "bin").mkdir(parents=True, exist_ok=True)
    (prefix / "bin/python3.11").touch()
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr(sys, "base_prefix", "/usr" if own else str(prefix))
    monkeypatch.setattr(sys, "executable", str(prefix / "bin/python3.11"))


def test_an_environment_is_named_without_pythons_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, tmp_path)
    (tmp_path / "bin/python").symlink_to("python3.11")
    assert launcher.interpreter() == str(tmp_path / "bin/python")


def test_homebrews_link_beats_the_folder_of_one_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cellar = tmp_path / "Cellar/c2o/0.1.0/libexec"
    environment(monkeypatch, cellar)
    (cellar / "bin/python").symlink_to("python3.11")
    assert launcher.interpreter() == str(cellar / "bin/python")
    (tmp_path / "opt").mkdir()
    (tmp_path / "opt/c2o").symlink_to("../Cellar/c2o/0.1.0")
    assert launcher.interpreter() == str(tmp_path / "opt/c2o/libexec/bin/python")


def test_the_systems_python_is_python3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, tmp_path, own=False)
    (tmp_path / "bin/python3").symlink_to("python3.11")
    assert launcher.interpreter() == str(tmp_path / "bin/python3")


def test_a_name_that_leads_to_another_python_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, tmp_path)
    (tmp_path / "bin/python").touch()
    assert launcher.interpreter() == str(tmp_path / "bin/python3.11")


def test_the_places_of_this_shell_go_along(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("C2O_HOME", "here")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    there = launcher.program(config(), "systemd")
    assert there.variables == {
        "C2O_HOME": str(tmp_path / "here"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "C2O_MANAGER": "systemd",
    }
    assert (there.host, there.port) == ("127.0.0.1", 8226)
    assert there.writes == (paths.state_dir(), paths.log_file().parent)


def test_a_key_never_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-very-secret")
    assert "sk-very-secret" not in str(launcher.program(config(api_key="env:SOME_KEY"), "systemd"))
    assert "sk-very-secret" not in str(launcher.program(config(api_key="sk-very-secret"), "systemd"))


def test_a_key_command_is_found_where_this_shell_finds_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "op").touch(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    there = launcher.program(config(api_key="command:op read secret"), "launchd")
    assert there.variables["PATH"].split(":") == [str(tmp_path), *launcher.DEFAULT_PATH.split(":")]
    assert there.runs_commands
    assert "PATH" not in launcher.program(config(api_key="env:X"), "launchd").variables
