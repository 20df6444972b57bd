"""Checks of Claude Code's settings and environment."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from c2o import paths
from c2o.doctor import CHECKS, Finding, Machine, diagnose
from c2o.variables import PROVIDERS
from tests.doctor.conftest import Configure, look

Settings = Callable[..., Path]


def test_missing_settings_are_fine() -> None:
    assert look("claude.settings.jsonc", "claude.settings.env") == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{\n  // mine\n  "env": {}\n}', "has a comment (line 2)"),
        ('{\n  "env": {}, /* mine */\n  "a": 1\n}', "has a comment (line 2)"),
        ('{\n  "env": {}\n}\n// the end', "has a comment (line 4)"),
        ('{\n  "env": {},\n}', "has a comma after the last entry"),
        ('{"list": [1, 2,\n]}', "has a comma after the last entry"),
        ('{"env": {', "ends in the middle"),
        ("", "is empty"),
        ("{'env': {}}", "is not valid JSON (line 1, column 2)"),
        ('["env"]', "is not a JSON object"),
        ('{"env": {}}'.encode("utf-16"), "is not UTF-8 text"),
    ],
    ids=str,
)
def test_a_file_that_claude_code_ignores(settings: Settings, text: str, words: str) -> None:
    path = settings(text)
    found = look("claude.settings.jsonc", "claude.settings.env")
    assert found["claude.settings.jsonc"].level == "fail"
    assert f"{path} {words}" in found["claude.settings.jsonc"].title
    assert "Claude Code ignores the whole file" in found["claude.settings.jsonc"].title
    assert found["claude.settings.env"].level == "skip"


@pytest.mark.parametrize("text", ['{"env": {}}', '{"env": null}', "{}", b'\xef\xbb\xbf{"env": {}}'], ids=str)
def test_a_valid_file(settings: Settings, text: str | bytes) -> None:
    """A byte order mark is no harm: Claude Code reads such a file."""
    settings(text)
    assert look("claude.settings.jsonc")["claude.settings.jsonc"].level == "ok"


def test_settings_that_lead_elsewhere(settings: Settings, configure: Configure) -> None:
    configure()
    path = settings('{"env": {"ANTHROPIC_BASE_URL": "https://elsewhere.example.com"}}')
    finding = look("claude.settings.env")["claude.settings.env"]
    assert finding.level == "warn"
    assert finding.title == f"{path} leads plain claude to https://elsewhere.example.com"
    assert finding.fix is not None
    assert "c2o run claude" in finding.fix.text


def test_settings_that_lead_here(settings: Settings, configure: Configure) -> None:
    configure(server={"auth_token": "c2o-x", "port": 8299})
    settings('{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8299"}}')
    assert "claude.settings.env" not in look("claude.settings.env")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8226/v1", "http://127.0.0.1:8226/v1/"])
def test_a_base_url_with_v1(settings: Settings, url: str) -> None:
    finding = look("claude.base_url.v1", ANTHROPIC_BASE_URL=url)["claude.base_url.v1"]
    assert (finding.level, "in the shell" in finding.title) == ("warn", True)
    assert finding.fix is not None
    assert finding.fix.text.endswith("http://127.0.0.1:8226")
    path = settings('{"env": {"ANTHROPIC_BASE_URL": "http://x/v1"}}')
    assert str(path) in look("claude.base_url.v1")["claude.base_url.v1"].title
    assert look("claude.base_url.v1", ANTHROPIC_BASE_URL="http://127.0.0.1:8226/v1x").keys() == {"claude.base_url.v1"}


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_that_would_catch_local_requests(name: str) -> None:
    check = "claude.env.http_proxy"
    assert look(check, **{name: "http://proxy:3128"})[check].level == "warn"
    assert check in look(check, **{name: "http://proxy:3128", "NO_PROXY": "intranet"})
    assert check not in look(check, **{name: "http://proxy:3128", "NO_PROXY": "intranet, 127.0.0.1"})
    assert check not in look(check, **{name: "http://proxy:3128", "no_proxy": "*"})
    assert check not in look(check, **{name: ""})


def test_a_proxy_of_the_settings_counts_too(settings: Settings) -> None:
    settings('{"env": {"HTTP_PROXY": "http://proxy:3128"}}')
    assert "claude.env.http_proxy" in look("claude.env.http_proxy")


@pytest.mark.parametrize("name", PROVIDERS)
def test_another_provider_is_chosen(name: str) -> None:
    check = "claude.env.bedrock"
    assert name in look(check, **{name: "1"})[check].title
    assert check not in look(check, **{name: "0"})


def test_a_key_in_the_shell() -> None:
    finding = look("claude.env.api_key", ANTHROPIC_API_KEY="sk-ant-0123")["claude.env.api_key"]
    assert finding.level == "warn"
    assert "0123" not in repr(finding)


def test_settings_can_blank_what_the_shell_sets(settings: Settings) -> None:
    settings('{"env": {"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_USE_BEDROCK": ""}}')
    found = look("claude.env.api_key", "claude.env.bedrock", ANTHROPIC_API_KEY="x", CLAUDE_CODE_USE_BEDROCK="1")
    assert found == {}


def executable(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_claude_is_found_and_tells_its_version(tmp_path: Path) -> None:
    there = executable(tmp_path / "bin" / "claude", "echo '2.1.329 (Claude Code)'")
    finding = look("claude.binary", PATH=str(tmp_path / "bin"))["claude.binary"]
    assert (finding.level, finding.title, finding.detail) == ("ok", "claude 2.1.329", str(there))


def test_claude_that_does_not_start(tmp_path: Path) -> None:
    executable(tmp_path / "bin" / "claude", "exit 1")
    assert look("claude.binary", PATH=str(tmp_path / "bin"))["claude.binary"].level == "warn"


# ---- more than one settings file


OURS = "http://127.0.0.1:8299"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a settings file of the folder in which the doctor is asked."""
    folder = tmp_path / "project"
    (folder / ".claude").mkdir(parents=True)
    monkeypatch.chdir(folder)

    def write(url: str, name: str = "settings.local.json") -> Path:
        path = folder / ".claude" / name
        path.write_text(json.dumps({"env": {"ANTHROPIC_BASE_URL": url}}))
        return path

    return write


@pytest.fixture
def ours(configure: Configure) -> None:
    configure(server={"auth_token": "c2o-x", "port": 8299})


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize("name", ["settings.json", "settings.local.json"])
def test_a_project_s_settings_beat_the_person_s(settings: Settings, project: Callable[..., Path], name: str) -> None:
    user = settings(json.dumps({"env": {"ANTHROPIC_BASE_URL": OURS}}))
    path = project("https://elsewhere.example.com", name)
    found = look("claude.settings.shadowed", "claude.settings.env")
    assert f"{path} sets ANTHROPIC_BASE_URL and so beats {user}" in found["claude.settings.shadowed"].title
    assert "claude.settings.env" not in found, "one cause, one finding"

    path.unlink()
    assert "claude.settings.shadowed" not in look("claude.settings.shadowed")


@pytest.mark.usefixtures("ours")
def test_a_project_s_settings_alone(project: Callable[..., Path]) -> None:
    path = project("https://user:secret@elsewhere.example.com/x?key=secret")
    finding = look("claude.settings.env")["claude.settings.env"]
    assert finding.title == f"{path} leads plain claude to https://elsewhere.example.com/x"
    assert finding.fix is not None
    assert finding.fix.command == "c2o claude on --scope project"


@pytest.mark.usefixtures("ours")
def test_managed_settings_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "managed-settings.json"
    monkeypatch.setattr(paths, "claude_managed_settings", lambda: [path])
    path.write_text('{"env": {"CLAUDE_CODE_USE_BEDROCK": "1"}}')
    finding = look("claude.managed")["claude.managed"]
    assert (finding.level, "CLAUDE_CODE_USE_BEDROCK" in finding.title) == ("fail", True)

    path.write_text(json.dumps({"env": {"ANTHROPIC_BASE_URL": OURS, "OTHER": "1"}}))
    assert "claude.managed" not in look("claude.managed")


def test_settings_that_lead_to_nobody(settings: Settings, configure: Configure) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        configure(server={"auth_token": "c2o-x", "port": port})
        settings(json.dumps({"env": {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}"}}))
        assert "settings.points_to_dead" not in look_only("settings.points_to_dead")
    finding = look_only("settings.points_to_dead")["settings.points_to_dead"]
    assert (finding.level, finding.fix and finding.fix.command) == ("fail", "c2o start")

    configure(server={"auth_token": "c2o-x", "port": port - 1})
    finding = look_only("settings.points_to_dead")["settings.points_to_dead"]
    assert finding.fix is not None
    assert "c2o run claude" in finding.fix.text


def look_only(id: str) -> dict[str, Finding]:
    """This check alone, whatever it needs."""
    checks = tuple(check._replace(needs=()) for check in CHECKS if check.id == id)
    return {finding.id: finding for finding in diagnose(Machine({}), checks=checks)}


def test_another_config_dir_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "settings.json").write_text("{,}")
    (tmp_path / "elsewhere" / ".claude.json").write_text('{"primaryApiKey": "sk-ant-0123456789"}')
    found = look("claude.settings.jsonc", "claude.primary_key")
    assert str(tmp_path / "elsewhere" / "settings.json") in found["claude.settings.jsonc"].title
    assert "0123456789" not in repr(found["claude.primary_key"])
