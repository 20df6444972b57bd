"""``c2o doctor --fix``: what it names it really puts right, and nothing without consent."""

from __future__ import annotations

import json
import shlex
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from c2o import __version__, instance
from tests.cli.doctor.test_command import by_id
from tests.cli.init.test_command import works
from tests.cli.on_a_terminal import on_a_terminal
from tests.clients.service import configuration
from tests.command_line import CommandLine
from tests.fake_upstream import FakeUpstream
from tests.ports import free_port

ONLY = {
    "claude.settings.jsonc": ["--only", "claude.settings.jsonc"],
    "claude.base_url.v1": ["--only", "claude.base_url.v1"],
    "perm.config": ["--only", "perm.config"],
}


def settings(c2o: CommandLine, text: str) -> Path:
    path = c2o.home / ".claude" / "settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def level(c2o: CommandLine, id: str) -> str | None:
    found: Any = by_id(c2o("doctor", "--only", id, "--json").json).get(id)
    return found["level"] if found else None


def test_settings_that_claude_ignores_are_made_readable(configured: CommandLine) -> None:
    path = settings(configured, '{\n  // mine\n  "env": {"A": "1",},\n}\n')
    assert level(configured, "claude.settings.jsonc") == "fail"

    done = configured("doctor", "--fix", "--yes", *ONLY["claude.settings.jsonc"])

    assert (done.exit_code, json.loads(path.read_text())) == (0, {"env": {"A": "1"}})
    assert "-  // mine" in done.err
    assert "✓ ~/.claude/settings.json is valid" in done.out
    assert level(configured, "claude.settings.jsonc") == "ok"


def test_without_consent_it_is_only_shown(configured: CommandLine) -> None:
    path = settings(configured, "{/**/}")
    done = configured("doctor", "--fix", "--json", *ONLY["claude.settings.jsonc"])
    assert path.read_text() == "{/**/}"
    assert done.exit_code == 1
    assert done.json["fixed"] == [{"id": "claude.settings.jsonc", "what": str(path), "done": False, "problem": ""}]


@pytest.mark.parametrize("answer", ["y", "n", ""])
def test_a_person_is_asked(configured: CommandLine, answer: str) -> None:
    path = settings(configured, '{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8226/v1/"}}')
    with on_a_terminal(configured, "doctor", "--fix", *ONLY["claude.base_url.v1"]) as terminal:
        terminal.see('+{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8226"}}')
        terminal.answer("Write this to ~/.claude/settings.json?", answer)
        assert terminal.end() == 0
    assert ("/v1" in path.read_text()) == (answer != "y")


def test_a_key_in_the_settings_is_not_shown(configured: CommandLine) -> None:
    settings(configured, '{"env": {"ANTHROPIC_API_KEY": "sk-ant-0123456789abcdef0123",}}')
    done = configured("doctor", "--fix", *ONLY["claude.settings.jsonc"])
    assert "0123456789abcdef" not in done.out + done.err


def test_a_command_is_run(configured: CommandLine) -> None:
    path = configured.folder / "config.toml"
    path.chmod(0o644)
    done = configured("doctor", "--fix", "--yes", *ONLY["perm.config"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert f"$ chmod 600 {path}" in done.err
    assert level(configured, "perm.config") == "ok"


def test_the_service_is_started(configured: CommandLine) -> None:
    done = configured("doctor", "--fix", "--yes", "--only", "service.running")
    assert done.exit_code == 0
    assert configured.service().pid
    assert level(configured, "service.running") == "ok"


def test_open_folders_are_closed(configured: CommandLine) -> None:
    state = configured.folder / "state"
    state.mkdir(exist_ok=True)
    state.chmod(0o755)
    found = by_id(configured("doctor", "--only", "perm.state", "--json").json)["perm.state"]
    assert shlex.split(found["fix"]["command"]) == ["chmod", "-R", "go-rwx", str(state)]
    configured("doctor", "--fix", "--yes", "--only", "perm.state")
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert level(configured, "perm.state") is None


def test_nothing_to_do_is_said(configured: CommandLine) -> None:
    done = configured("doctor", "--fix", "--yes", "--only", "install.version")
    assert (done.exit_code, "nothing here that c2o can put right" in done.err) == (0, True)


def test_a_command_that_fails_is_told(configured: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    (configured.folder / "config.toml").chmod(0o644)
    done = configured("doctor", "--fix", "--yes", "--json", *ONLY["perm.config"], PATH=str(Path(sys.executable).parent))
    assert done.json["fixed"][0]["problem"]


def test_an_unknown_check_is_refused(configured: CommandLine) -> None:
    done = configured("doctor", "--only", "config.fil")
    assert (done.exit_code, "there is no check config.fil" in done.err) == (2, True)


def fixed(c2o: CommandLine, id: str) -> None:
    done = c2o("doctor", "--fix", "--yes", "--only", id, "--json").json["fixed"]
    assert id in [each["id"] for each in done if each["done"] and not each["problem"]]


def test_a_service_of_another_version_gives_way(configured: CommandLine) -> None:
    configured("start")
    instance.write(configured.service()._replace(version="0.0.1"))
    assert level(configured, "daemon.version_skew") == "warn"
    fixed(configured, "daemon.version_skew")
    assert level(configured, "daemon.version_skew") is None
    assert configured.service().version == __version__


def test_a_changed_configuration_is_applied(configured: CommandLine) -> None:
    configured("start")
    instance.write(configured.service()._replace(config_digest="another"))
    assert level(configured, "config.changed") == "warn"
    fixed(configured, "config.changed")
    assert level(configured, "config.changed") is None


def test_settings_that_lead_to_nobody_lead_to_the_service_again(configured: CommandLine) -> None:
    tables = configuration("http://127.0.0.1:9/v1")
    configured.configure(tables | {"server": tables["server"] | {"port": free_port()}})
    configured("claude", "on", "--force")
    configured("stop", "--keep-settings")
    assert level(configured, "settings.points_to_dead") == "fail"
    done = configured("doctor", "--fix", "--yes", "--only", "settings.points_to_dead", "--json").json
    assert [(each["what"], each["done"]) for each in done["fixed"]] == [("c2o start", True)], "one cause, one fix"
    assert level(configured, "settings.points_to_dead") is None


def advised(c2o: CommandLine, id: str) -> list[str]:
    """A command that a person is told to think about first."""
    fix = by_id(c2o("doctor", "--only", id, "--json").json)[id]["fix"]
    assert fix["safe"] is False
    program, *words = shlex.split(fix["command"])
    assert program == "c2o"
    return words


def test_settings_that_lead_elsewhere_lead_here(configured: CommandLine) -> None:
    settings(configured, '{"env": {"ANTHROPIC_BASE_URL": "https://elsewhere.example"}}')
    configured(*advised(configured, "claude.settings.env"), "--force")
    assert level(configured, "claude.settings.env") is None


def test_a_configuration_is_made(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    given = ["--upstream", upstream.base_url, "--model", "fake-model", "--yes"]
    assert c2o(*advised(c2o, "config.file"), *given).exit_code == 0
    assert level(c2o, "config.file") == "ok"
