"""Checks of the configuration: what is wrong, and that the fix is one."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.doctor.conftest import Configure, look


def test_a_good_one(configure: Configure) -> None:
    path = configure()
    found = look("config.file", "perm.config")
    assert found["config.file"].level == "ok"
    assert found["config.file"].title == f"{path} is valid"
    assert found["config.file"].detail == "1 upstream, 1 model"
    assert found["perm.config"].level == "ok"


def test_none() -> None:
    found = look("config.file", "perm.config", "config.key")
    assert found["config.file"].level == "fail"
    assert found["config.file"].fix is not None
    assert found["config.file"].fix.command == "c2o init"
    assert {found[id].level for id in ("perm.config", "config.key")} == {"skip"}, "their cause has failed"


def test_one_with_a_mistake_names_it(configure: Configure) -> None:
    path = configure(upstreams={"up": {"base_url": "http://127.0.0.1:9/v1", "api-key": "x"}})
    finding = look("config.file")["config.file"]
    assert finding.level == "fail"
    assert f"{path}:7: [upstreams.up]" in finding.title
    assert "api-key" in finding.title
    assert finding.fix is not None
    assert str(path) in finding.fix.text


@pytest.mark.parametrize(("mode", "level"), [(0o640, "warn"), (0o604, "warn"), (0o620, "fail"), (0o602, "fail")])
def test_others_may_read_or_change_it(configure: Configure, mode: int, level: str) -> None:
    configure(mode=mode)
    finding = look("perm.config")["perm.config"]
    assert finding.level == level
    assert finding.fix is not None
    assert finding.fix.safe
    subprocess.run(str(finding.fix.command), shell=True, check=True)
    assert look("perm.config")["perm.config"].level == "ok"


def test_a_fix_works_in_a_folder_whose_name_has_a_space(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on macOS: ~/Library/Application Support."""
    place = tmp_path / "Application Support" / "config.toml"
    place.parent.mkdir()
    configure().rename(place)
    place.chmod(0o644)
    monkeypatch.setenv("C2O_CONFIG", str(place))
    fix = look("perm.config")["perm.config"].fix
    assert fix is not None
    assert shlex.split(str(fix.command)) == ["chmod", "600", str(place)]
    subprocess.run(str(fix.command), shell=True, check=True)
    assert look("perm.config")["perm.config"].level == "ok"


def with_key(source: str) -> dict[str, dict[str, str]]:
    return {"up": {"base_url": "http://127.0.0.1:9/v1", "api_key": source}}


def test_a_key_in_a_variable(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(upstreams=with_key("env:UP_KEY"))
    finding = look("config.key")["config.key"]
    assert (finding.level, finding.title) == ("fail", "up is without its key: UP_KEY is not set")
    assert finding.fix is not None
    assert "export UP_KEY=…" in finding.fix.text
    monkeypatch.setenv("UP_KEY", "sk-0123456789")
    finding = look("config.key")["config.key"]
    assert (finding.level, finding.detail) == ("ok", "env:UP_KEY")


def test_a_key_file_that_is_not_there(configure: Configure) -> None:
    configure(upstreams=with_key("file:/nonexistent/key"))
    finding = look("config.key")["config.key"]
    assert finding.level == "fail"
    assert "/nonexistent/key can't be read" in finding.title


def test_a_key_is_never_shown(configure: Configure) -> None:
    configure(upstreams=with_key("sk-literal-0123456789"))
    finding = look("config.key")["config.key"]
    assert finding.level == "ok"
    assert "literal" not in repr(finding)


def test_a_server_without_keys_has_none_to_check(configure: Configure) -> None:
    configure()
    assert "config.key" not in look("config.key")
