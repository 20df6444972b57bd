"""``c2o service`` where no service manager is: what it shows, refuses and undoes.  The rest is in tests/service."""

from __future__ import annotations

import io
import plistlib

import pytest

from c2o import service
from c2o.cli import terminal
from c2o.cli.service import _consent
from c2o.config import load
from c2o.service import record
from c2o.service.record import Record
from tests.clients.service import configuration
from tests.command_line import CommandLine


@pytest.fixture
def at_8226(c2o: CommandLine) -> CommandLine:
    """Configured for a fixed port, where nothing is ever started."""
    configured = configuration("http://127.0.0.1:9/v1")
    configured["server"]["port"] = 8226
    c2o.configure(configured)
    return c2o


def test_print_shows_the_units_and_writes_nothing(at_8226: CommandLine) -> None:
    done = at_8226("service", "print", "--manager", "systemd")
    assert done.exit_code == 0
    assert "ListenStream=127.0.0.1:8226" in done.out
    assert "ExecStart=" in done.out
    assert f"C2O_HOME={at_8226.folder}" in done.out
    assert "sk-fake" not in done.out
    assert sorted(path.name for path in at_8226.home.iterdir()) == ["c2o"]


def test_print_json_is_what_would_be_in_the_file(at_8226: CommandLine) -> None:
    said = at_8226("service", "print", "--manager", "launchd", "--json").json
    assert (said["schema"], said["manager"]) == ("c2o.service-print/1", "launchd")
    (file,) = said["files"]
    assert file["path"] == str(at_8226.home / "Library/LaunchAgents/c2o.plist")
    assert plistlib.loads(file["text"].encode())["Label"] == "c2o"


def test_a_port_of_ones_own_is_needed(configured: CommandLine) -> None:
    done = configured("service", "print", "--manager", "systemd")
    assert (done.exit_code, done.out) == (2, "")
    assert "set port under [server]" in done.err


def test_a_manager_that_is_not_here_is_told_with_another_way(at_8226: CommandLine) -> None:
    done = at_8226("service", "install", "--manager", "launchd")
    assert done.exit_code == 2
    assert done.err == "c2o: launchd doesn't work here: it needs macOS. Without it: c2o start\n"


def test_detached_needs_nothing_and_can_be_left_again(configured: CommandLine) -> None:
    done = configured("service", "install", "--manager", "detached", "--now", "--json").json
    assert (done["manager"], done["files"], done["started"]["manager"]) == ("detached", [], "detached")
    state = configured("service", "status", "--json").json
    assert (state["schema"], state["installed"], state["runs"]) == ("c2o.service/1", True, "detached")
    assert "detached" in configured("service", "status").out
    gone = configured("service", "uninstall", "--json").json
    assert (gone["manager"], gone["stopped"], gone["lingering_ended"]) == ("detached", True, False)
    assert configured("service", "uninstall").out == "○ nothing is installed\n"
    assert "c2o service install" in configured("service", "status").out


def test_keys_of_this_shell_are_kept_on_request(configured: CommandLine) -> None:
    """Under a manager that sees no shell; this one does, so there is nothing to keep."""
    done = configured("service", "install", "--manager", "detached", "--save-keys", "--json").json
    assert done["saved_keys"] == []
    assert not (configured.folder / "keys.env").exists()


def test_a_key_in_the_key_file_is_found_by_a_service_without_a_shell(configured: CommandLine) -> None:
    (configured.folder / "keys.env").write_text("FAKE_KEY=sk-fake-from-a-file\n")
    done = configured("start", FAKE_KEY="")
    assert done.exit_code == 0, done.err


def test_start_does_not_pretend_where_the_installed_manager_is_gone(at_8226: CommandLine) -> None:
    if service.MANAGERS["launchd"].available():
        pytest.skip("it is here")
    record.write(Record("launchd"))
    done = at_8226("start")
    assert done.exit_code == 1
    assert done.err.startswith("c2o: launchd can't be reached, though the service was installed for it.")


@pytest.mark.parametrize(("answer", "consents"), [("y", True), ("", True), ("n", False)])
def test_a_person_is_asked_about_a_key_that_only_the_shell_has(
    at_8226: CommandLine,
    answer: str,
    consents: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FAKE_KEY", "sk-fake-0123456789")
    monkeypatch.setattr(terminal, "present", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n"))
    assert _consent(load(at_8226.folder / "config.toml"), "launchd") is consents
    shown = capsys.readouterr().err
    assert "FAKE_KEY: only this shell knows" in shown
    assert "sk-fake" not in shown


def test_doctor_finds_it_there_too(configured: CommandLine) -> None:
    (configured.folder / "keys.env").write_text("FAKE_KEY=sk-fake-from-a-file\n")
    checks = configured("doctor", "--json", "--no-probe", FAKE_KEY="").json["checks"]
    assert not [each for each in checks if "FAKE_KEY" in each["title"] and each["level"] == "fail"]
