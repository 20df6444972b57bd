"""``c2o uninstall``, from outside: what is gone, what stays, and what was never touched."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from c2o import instance
from tests.cli.on_a_terminal import on_a_terminal
from tests.cli.test_claude import SETTINGS, files, settings, write
from tests.command_line import CommandLine


def completions(c2o: CommandLine) -> Path:
    return c2o.home / ".config" / "fish" / "completions" / "c2o.fish"


@pytest.fixture
def lived_in(configured: CommandLine) -> CommandLine:
    """A home where c2o runs, plain Claude is led to it, and somebody keeps things of his own beside it."""
    write(settings(configured))
    assert configured("start").exit_code == 0
    assert configured("claude", "on", "--force").exit_code == 0
    assert configured("completions", "install", "fish").exit_code == 0
    assert completions(configured).exists()
    (configured.folder / "state" / "notes.txt").write_text("mine")
    return configured


def test_everything_that_c2o_made_is_gone_and_nothing_else(lived_in: CommandLine) -> None:
    done = lived_in("uninstall", "--yes", "--json").json

    assert settings(lived_in).read_text() == SETTINGS
    assert not instance.running()
    assert not completions(lived_in).exists()
    left = {str(Path(path).relative_to(lived_in.folder)) for path in files(lived_in.folder)}
    backups = {path for path in left if path.startswith("state/claude/")}
    assert left - backups == {"config.toml", "state/notes.txt"}
    assert done["stopped"] is True
    assert done["problems"] == []
    assert [each["exact"] for each in done["settings"]] == [True]
    assert {each["what"] for each in done["kept"]} == {
        "your configuration",
        "copies of Claude's settings, as they were",
    }
    assert all(not Path(path).exists() for path in done["removed"])
    assert "uninstall c2o" in done["package"]

    assert lived_in("uninstall", "--purge", "--yes").exit_code == 0
    assert list(files(lived_in.folder)) == [str(lived_in.folder / "state" / "notes.txt")]
    assert lived_in("uninstall", "--yes").out.startswith("○ there is nothing to take away\n")


def test_a_dry_run_changes_nothing_and_says_all_that_would_go(lived_in: CommandLine) -> None:
    before = files(lived_in.home)
    said = lived_in("uninstall", "--purge", "--dry-run", "--json").json
    assert files(lived_in.home) == before
    assert lived_in.service()
    done = lived_in("uninstall", "--purge", "--yes", "--json").json
    assert set(said["removed"]) <= set(done["removed"])
    assert (said["kept"], said["stopped"], done["kept"]) == ([], True, [])


def test_without_a_terminal_it_must_be_told_that_it_may(lived_in: CommandLine) -> None:
    before = files(lived_in.home)
    done = lived_in("uninstall")
    assert (done.exit_code, done.err) == (
        2,
        "c2o: c2o uninstall asks before it does anything. Without a terminal: c2o uninstall --yes\n",
    )
    assert files(lived_in.home) == before


def test_on_a_terminal_it_asks_and_enter_is_no(lived_in: CommandLine) -> None:
    with on_a_terminal(lived_in, "uninstall") as person:
        person.answer("Do that?")
        person.see("nothing was changed")
        assert person.end() == 130
    assert lived_in.service()


def test_settings_that_cant_be_put_back_keep_everything_else(lived_in: CommandLine) -> None:
    settings(lived_in).write_text("{ broken")
    done = lived_in("uninstall", "--yes")
    assert done.exit_code == 8
    assert "Nothing else was taken away." in done.err
    assert lived_in.service()


def test_of_a_configuration_that_is_a_link_only_the_link_goes(configured: CommandLine, tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles.toml"
    config = configured.folder / "config.toml"
    config.rename(dotfiles)
    config.symlink_to(dotfiles)
    assert configured("uninstall", "--purge", "--yes").exit_code == 0
    assert not config.is_symlink()
    assert dotfiles.exists()


def kept_by(c2o: CommandLine, manager: str) -> Path:
    """What ``c2o service install`` remembers."""
    there = c2o.folder / "state" / "installed.json"
    there.parent.mkdir(parents=True, exist_ok=True)
    there.write_text(json.dumps({"manager": manager}))
    return there


def test_units_go_with_the_service(configured: CommandLine, tmp_path: Path) -> None:
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text("#!/bin/sh\nexit 0\n")
    systemctl.chmod(0o755)
    units = configured.home / ".config" / "systemd" / "user"
    units.mkdir(parents=True)
    for name in ("c2o.service", "c2o.socket"):
        (units / name).write_text(f"# Written by c2o for {configured.folder}/config.toml; digest 0\n[Unit]\n")
    kept_by(configured, "systemd")

    done = configured("uninstall", "--purge", "--yes", "--json", PATH=f"{systemctl.parent}:{os.environ['PATH']}")
    assert (done.exit_code, done.err) == (0, "")
    assert {str(units / "c2o.service"), str(units / "c2o.socket")} <= set(done.json["removed"])
    assert not units.exists()
    assert not list(files(configured.folder))


def test_nothing_is_changed_where_the_manager_cant_be_reached(configured: CommandLine) -> None:
    assert configured("claude", "on", "--force").exit_code == 0
    other = kept_by(configured, "systemd" if sys.platform == "darwin" else "launchd")
    before = files(configured.home)
    done = configured("uninstall", "--yes")
    assert done.exit_code == 1
    assert f"gone for good, remove {other} first." in done.err
    assert files(configured.home) == before


def test_where_nothing_would_go_nothing_is_announced(c2o: CommandLine) -> None:
    said = c2o("uninstall", "--dry-run").out
    assert said.startswith("○ there is nothing to take away\n")


def test_a_manager_that_nobody_knows_is_none(configured: CommandLine) -> None:
    there = kept_by(configured, "of-next-year")
    assert configured("uninstall", "--yes").exit_code == 0
    assert not there.exists()
