"""Finding a command: on the PATH, where Claude Code's installers put it, or a sentence."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from c2o.claude import launch


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_command_on_the_path_is_found(tmp_path):
    there = executable(tmp_path / "tool")
    assert launch.find("tool", str(tmp_path)) == str(there)


def test_claude_is_found_where_its_installer_puts_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    there = executable(tmp_path / ".local" / "bin" / "claude")
    assert launch.find("claude", "/nowhere") == str(there)


def test_a_missing_claude_comes_with_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "CLAUDE_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(launch.NotFound, match="npm install -g @anthropic-ai/claude-code") as caught:
        launch.find("claude", str(tmp_path))
    assert caught.value.exit_code == 127


def test_a_file_that_is_not_executable_is_another_matter(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("")
    with pytest.raises(launch.NotExecutable, match="chmod") as caught:
        launch.find(str(path), "")
    assert caught.value.exit_code == 126


@pytest.mark.parametrize("line", ["prefix=~/.global", 'prefix = "${HOME}/.global"', "registry=x\n prefix=~/.global\n"])
def test_claude_is_found_where_npm_is_told_to_put_it(tmp_path, monkeypatch, line):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".npmrc").write_text(line)
    there = executable(tmp_path / ".global" / "bin" / "claude")
    monkeypatch.setattr(launch, "CLAUDE_FOLDERS", ())
    assert launch.find("claude", "/nowhere") == str(there)


def test_npm_s_variable_counts_too(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "CLAUDE_FOLDERS", ())
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("NPM_CONFIG_PREFIX", str(tmp_path))
    there = executable(tmp_path / "bin" / "claude")
    assert launch.find("claude", "/nowhere") == str(there)


def test_a_folder_is_no_program(tmp_path):
    with pytest.raises(launch.NotExecutable, match="is a folder"):
        launch.find(f"{tmp_path}/", "")


def test_a_file_that_is_no_program_is_told(tmp_path):
    path = tmp_path / "odd"
    path.write_text("no first line")
    path.chmod(0o755)
    with pytest.raises(launch.NotExecutable, match="give it a first line"):
        launch.become(str(path), [str(path)], {})
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN, "a broken pipe would now end this process"


@pytest.mark.parametrize("code", [0, 37])
def test_where_there_is_no_exec_the_exit_code_is_passed_on(code):
    """As on Windows."""
    with pytest.raises(SystemExit) as caught:
        launch._stand_in_for(sys.executable, ["python", "-c", f"raise SystemExit({code})"], {})
    assert caught.value.code == code
