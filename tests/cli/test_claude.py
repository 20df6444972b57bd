"""``c2o claude``, from outside: Claude's settings, changed and put back."""

from __future__ import annotations

import json
import stat
from importlib import import_module
from pathlib import Path

import pytest

from c2o import config, service
from c2o.errors import RefusedFile
from tests.clients.service import TOKEN, configuration
from tests.command_line import CommandLine
from tests.fake_upstream import FakeUpstream

SETTINGS = """{
    "permissions": {"allow": ["Bash(ls:*)", "Read"]},
    "env": {
        "EDITOR": "vi",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:3456"
    },
    "model": "opus"
}
"""
"""Of somebody who has used another router before."""


def settings(c2o: CommandLine) -> Path:
    return c2o.home / ".claude" / "settings.json"


def write(path: Path, text: str = SETTINGS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def env(path: Path) -> dict[str, str]:
    return json.loads(path.read_text())["env"]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_on_leads_to_c2o_and_off_puts_everything_back(configured: CommandLine) -> None:
    path = write(settings(configured))

    done = configured("claude", "on", "--force")

    url = configured.service().url
    assert (done.exit_code, done.err) == (0, "")
    assert done.out == f"✓ ~/.claude/settings.json leads plain claude to c2o at {url}   undo: c2o claude off\n"
    written = env(path)
    assert (written["ANTHROPIC_BASE_URL"], written["ANTHROPIC_AUTH_TOKEN"]) == (url, TOKEN)
    assert (written["EDITOR"], written["ANTHROPIC_API_KEY"], written["CLAUDE_CODE_USE_BEDROCK"]) == ("vi", "", "")
    assert written["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "c2o-claude/fake/fake-model"
    assert "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST" not in written, "the client would ignore the file"
    assert path.read_text().startswith('{\n    "permissions": {"allow": ["Bash(ls:*)", "Read"]},\n    "env": {\n')
    assert configured("claude", "status", "--json").json["plain"] == "c2o"

    done = configured("claude", "off")

    assert done.out == "↺ ~/.claude/settings.json put back  (as it was, to the byte)\n"
    assert path.read_text() == SETTINGS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_file_and_folder_are_made_and_taken_away(configured: CommandLine) -> None:
    assert configured("claude", "on", "--force").exit_code == 0
    assert stat.S_IMODE(settings(configured).stat().st_mode) == 0o600
    assert configured("claude", "off").exit_code == 0
    assert not settings(configured).exists()


def test_saying_it_twice_is_harmless(configured: CommandLine) -> None:
    path = write(settings(configured))
    configured("claude", "on", "--force")
    first = path.read_bytes()
    done = configured("claude", "on", "--force")
    assert "already leads plain claude" in done.out
    assert path.read_bytes() == first
    configured("claude", "off")
    done = configured("claude", "off")
    assert (done.exit_code, done.out) == (0, "○ Claude's settings don't lead to c2o\n")
    assert path.read_text() == SETTINGS


def test_what_changed_meanwhile_stays(configured: CommandLine) -> None:
    path = write(settings(configured))
    configured("claude", "on", "--force")
    changed = json.loads(path.read_text())
    changed["theme"] = "dark"
    changed["env"]["ANTHROPIC_BASE_URL"] = "https://somebody.example"
    path.write_text(json.dumps(changed, indent=2))

    done = configured("claude", "off")

    assert "changed by somebody else since, so they stay: ANTHROPIC_BASE_URL" in done.out
    expected = json.loads(SETTINGS) | {"theme": "dark"}
    expected["env"]["ANTHROPIC_BASE_URL"] = "https://somebody.example"
    assert json.loads(path.read_text()) == expected


def test_a_second_on_never_takes_its_own_values_for_the_original(
    configured: CommandLine, upstream: FakeUpstream
) -> None:
    """As happened elsewhere: the router's own placeholder was saved, and restored for ever."""
    path = write(settings(configured))
    configured("claude", "on", "--force")
    configured("stop", "--keep-settings")
    path.write_text(path.read_text().replace('"model": "opus"', '"model": "sonnet"'))
    configured.configure(configuration(upstream.base_url) | {"models": {"default": "fake/another"}})
    configured("claude", "on", "--force")
    assert env(path)["ANTHROPIC_MODEL"] == "c2o-claude/fake/another"
    configured("claude", "off")
    assert path.read_text() == SETTINGS.replace('"model": "opus"', '"model": "sonnet"')


def test_off_works_without_record_configuration_and_service(configured: CommandLine) -> None:
    path = write(settings(configured), '{"env": {"EDITOR": "vi"}}')
    configured("claude", "on", "--force")
    configured("stop", "--keep-settings")
    for lost in configured.folder.rglob("*.json"):
        lost.unlink()
    (configured.folder / "config.toml").unlink()
    assert configured("claude", "off").exit_code == 0
    assert json.loads(path.read_text()) == {"env": {"EDITOR": "vi"}}


def test_a_dry_run_shows_the_change_and_no_secret(configured: CommandLine) -> None:
    path = write(
        settings(configured), '{\n  "env": {\n    "ANTHROPIC_AUTH_TOKEN": "sk-theirs-0123456789abcdef"\n  }\n}\n'
    )
    before = path.read_bytes()
    done = configured("claude", "on", "--force", "--dry-run")
    assert '+    "ANTHROPIC_BASE_URL": "http://127.0.0.1:0",\n' in done.out
    assert configured("status").exit_code == 3, "not even the service was started"
    assert '-    "ANTHROPIC_AUTH_TOKEN": "sk-t…cdef"\n' in done.out
    assert TOKEN not in done.out
    assert "sk-theirs" not in done.out
    assert path.read_bytes() == before
    assert not (configured.folder / "state" / "claude").exists()
    assert configured("claude", "off", "--dry-run").out == "○ Claude's settings don't lead to c2o\n"


def test_a_link_stays_a_link_and_the_home_may_be_one(configured: CommandLine, tmp_path: Path) -> None:
    real = write(tmp_path / "dotfiles" / "claude.json")
    settings(configured).parent.mkdir()
    settings(configured).symlink_to(real)
    home = tmp_path / "link"
    home.symlink_to(configured.home)
    configured("claude", "on", "--force", HOME=str(home))
    assert settings(configured).is_symlink()
    assert env(real)["ANTHROPIC_AUTH_TOKEN"] == TOKEN
    configured("claude", "off")
    assert settings(configured).is_symlink()
    assert real.read_text() == SETTINGS


def test_the_folder_may_be_another(configured: CommandLine, tmp_path: Path) -> None:
    path = write(tmp_path / "elsewhere" / "settings.json")
    configured("claude", "on", "--force", CLAUDE_CONFIG_DIR=str(path.parent))
    assert env(path)["ANTHROPIC_AUTH_TOKEN"] == TOKEN
    assert not settings(configured).exists()
    configured("claude", "off")
    assert path.read_text() == SETTINGS, "found by its record, not by the variable"


def test_a_project_has_its_own(configured: CommandLine, tmp_path: Path) -> None:
    shared = write(tmp_path / "project" / ".claude" / "settings.json", "{}")
    configured("claude", "on", "--force", "--scope", "project", cwd=tmp_path / "project")
    assert shared.read_text() == "{}", "it is committed: no token belongs there"
    own = shared.with_name("settings.local.json")
    assert env(own)["ANTHROPIC_AUTH_TOKEN"] == TOKEN
    assert not settings(configured).exists()
    configured("claude", "off", "--scope", "project", cwd=tmp_path / "project")
    assert not own.exists()


def test_one_scope_can_be_put_back_alone(configured: CommandLine, tmp_path: Path) -> None:
    write(settings(configured))
    configured("claude", "on", "--force")
    configured("claude", "on", "--force", "--scope", "project", cwd=tmp_path)
    configured("claude", "off", "--scope", "user", cwd=tmp_path)
    assert settings(configured).read_text() == SETTINGS
    assert (tmp_path / ".claude" / "settings.local.json").exists()
    configured("claude", "off")
    assert not (tmp_path / ".claude" / "settings.local.json").exists()


def test_a_service_that_nobody_starts_again_is_no_target(configured: CommandLine) -> None:
    path = write(settings(configured))
    done = configured("claude", "on")
    assert (done.exit_code, "c2o service install" in done.err, "--force" in done.err) == (8, True, True)
    assert path.read_text() == SETTINGS
    assert configured("status").exit_code == 3, "it wasn't started either"


def test_stop_puts_the_settings_back_first(configured: CommandLine) -> None:
    path = write(settings(configured))
    configured("claude", "on", "--force")
    done = configured("stop")
    assert done.out.splitlines() == [
        "↺ ~/.claude/settings.json put back  (as it was, to the byte)",
        "✓ c2o stopped",
        "  plain claude is on its own again; to lead it back: c2o claude on",
    ]
    assert path.read_text() == SETTINGS


def test_stop_can_keep_them(configured: CommandLine) -> None:
    path = write(settings(configured))
    configured("claude", "on", "--force")
    assert configured("stop", "--keep-settings").out == "✓ c2o stopped\n"
    assert env(path)["ANTHROPIC_AUTH_TOKEN"] == TOKEN
    told = configured("claude", "status")
    assert "the settings lead to c2o, but the service is stopped. Start it: c2o start. Or: c2o claude off" in told.out


def test_stop_says_which_settings_it_could_not_put_back(configured: CommandLine) -> None:
    path = write(settings(configured))
    configured("claude", "on", "--force")
    path.write_text("{ // mine\n}")
    done = configured("stop")
    assert (done.exit_code, "has a comment (line 1)" in done.err) == (8, True)
    assert configured("status").exit_code == 3, "it is stopped all the same"


def test_one_file_that_can_not_be_put_back_does_not_keep_the_others(configured: CommandLine, tmp_path: Path) -> None:
    write(settings(configured))
    configured("claude", "on", "--force")
    configured("claude", "on", "--force", "--scope", "project", cwd=tmp_path)
    own = tmp_path / ".claude" / "settings.local.json"
    own.write_text("{")
    done = configured("claude", "off")
    assert (done.exit_code, f"{own} ends in the middle" in done.err) == (8, True)
    assert settings(configured).read_text() == SETTINGS


@pytest.mark.parametrize("command", [["claude", "status"], ["claude", "off"], ["stop"]], ids=" ".join)
def test_links_in_a_circle_trouble_nobody(configured: CommandLine, command: list[str]) -> None:
    settings(configured).parent.mkdir()
    settings(configured).symlink_to(settings(configured))
    assert configured(*command).exit_code == 0


def test_restart_keeps_them(configured: CommandLine) -> None:
    path = write(settings(configured))
    configured("claude", "on", "--force")
    configured("restart")
    assert env(path)["ANTHROPIC_BASE_URL"] == configured.service().url


def test_what_can_not_be_understood_is_left_alone(configured: CommandLine) -> None:
    path = write(settings(configured), '// mine\n{"env": {}}')
    configured("start")
    before = files(configured.folder / "state")
    done = configured("claude", "on", "--force")
    assert (done.exit_code, "has a comment (line 1)" in done.err, "c2o run claude" in done.err) == (8, True, True)
    assert path.read_text() == '// mine\n{"env": {}}'
    assert [name for name in files(configured.folder / "state").keys() - before.keys() if "lock" not in name] == []


def test_other_users_who_can_read_the_token_are_mentioned(configured: CommandLine) -> None:
    write(settings(configured)).chmod(0o644)
    assert "chmod 600 ~/.claude/settings.json" in configured("claude", "on", "--force").err
    assert stat.S_IMODE(settings(configured).stat().st_mode) == 0o644


def test_a_stronger_file_is_mentioned(configured: CommandLine, tmp_path: Path) -> None:
    local = write(tmp_path / ".claude" / "settings.local.json", '{"env": {"ANTHROPIC_BASE_URL": "https://x.example"}}')
    done = configured("claude", "on", "--force", cwd=tmp_path)
    assert f"in this folder {local} is stronger: it sets ANTHROPIC_BASE_URL" in done.err
    told = configured("claude", "status", cwd=tmp_path)
    assert "plain claude goes to another place at https://x.example" in told.out


def test_status_without_anything(c2o: CommandLine, tmp_path: Path) -> None:
    told = c2o("claude", "status", "--json", cwd=tmp_path).json
    assert (told["schema"], told["plain"], told["running"]) == ("c2o.claude.status/1", "anthropic", False)
    assert [each["state"] for each in told["files"] if each["scope"] != "managed"] == ["missing"] * 3


def test_status_tells_settings_of_an_older_configuration(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("claude", "on", "--force")
    configured.configure(configuration(upstream.base_url) | {"models": {"default": "fake/another"}})
    assert "Bring them up to date: c2o claude on" in configured("claude", "status").out


def test_status_tells_of_another_provider_in_the_shell(configured: CommandLine) -> None:
    told = configured("claude", "status", "--json", CLAUDE_CODE_USE_BEDROCK="1").json
    assert (told["plain"], told["decided_by"]) == ("elsewhere", "shell")
    configured("claude", "on", "--force")
    assert configured("claude", "status", "--json", CLAUDE_CODE_USE_BEDROCK="1").json["plain"] == "c2o"


def test_five_backups_are_kept_for_the_owner_alone(configured: CommandLine) -> None:
    write(settings(configured))
    configured("start")
    for _ in range(4):
        configured("claude", "on", "--force")
        configured("claude", "off")
    kept = sorted((configured.folder / "state" / "claude").glob("*.bak"))
    assert len(kept) == 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    assert SETTINGS in [path.read_text() for path in kept]


def test_the_record_is_for_the_owner_alone(configured: CommandLine) -> None:
    write(settings(configured))
    configured("claude", "on", "--force")
    (record,) = (configured.folder / "state" / "claude").glob("*.json")
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700
    assert [path.name for path in settings(configured).parent.iterdir()] == ["settings.json"], (
        "nothing is left beside it"
    )


def test_without_a_port_of_its_own_the_service_is_no_target(
    configured: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its next start it would be elsewhere; the configuration of these tests is such a one."""
    monkeypatch.setattr(service, "chosen", lambda: "systemd")
    with pytest.raises(RefusedFile, match=r"port is 0 in .*config\.toml.* Set a port, then: c2o restart"):
        import_module("c2o.cli.claude.command").check_lasting(config.load(configured.folder / "config.toml"), "systemd")


def test_uninstall_puts_the_settings_back_first(configured: CommandLine) -> None:
    path = write(settings(configured))
    configured("service", "install", "--manager", "detached", "--now")
    configured("claude", "on", "--force")
    done = configured("service", "uninstall")
    assert done.out.splitlines() == [
        "↺ ~/.claude/settings.json put back  (as it was, to the byte)",
        "✓ the service is no longer detached's, and stopped",
    ]
    assert path.read_text() == SETTINGS


def test_in_the_home_folder_a_file_is_told_once(configured: CommandLine) -> None:
    """The project's shared settings are the person's own there."""
    write(settings(configured))
    configured("claude", "on", "--force", cwd=configured.home)
    told = configured("claude", "status", "--json", cwd=configured.home).json
    assert [(each["scope"], each["state"]) for each in told["files"] if each["scope"] != "managed"] == [
        ("local", "missing"),
        ("user", "on"),
    ]
    assert told["plain"] == "c2o"
