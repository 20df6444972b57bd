"""``c2o demo``, as a person sees it and a script reads it."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from c2o.cli.demo.view import View, laid_out
from tests.command_line import CommandLine

RESULT = re.compile(r"Python \d+\.\d+\.\d+ on \w+")


@pytest.fixture
def scratch(c2o: CommandLine, tmp_path: Path) -> Path:
    """The folder for temporary files, which the demo must leave as it was."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    c2o.variables["TMPDIR"] = str(folder)
    return folder


def test_it_shows_both_sides_and_leaves_nothing_behind(c2o: CommandLine, scratch: Path) -> None:
    done = c2o("demo")

    assert (done.exit_code, done.err) == (0, "")
    assert "Anthropic Messages" in done.out
    assert "OpenAI chat completions" in done.out
    assert "scripted stand-in" in done.out
    asked, _, answered = done.out.partition("The client runs the tool this_machine itself: ")
    assert '(calls the tool this_machine) {"detail": "all"}' in asked
    assert len(RESULT.findall(answered)) >= 4, "from the tool, to the service, to the upstream, and read back"
    assert list(scratch.iterdir()) == []
    assert list(c2o.home.iterdir()) == []


def test_as_json_it_is_one_object(c2o: CommandLine, scratch: Path) -> None:
    done = c2o("demo", "--json")

    told = done.json
    assert (done.exit_code, told["schema"], told["model"]) == (0, "c2o.demo/1", "c2o-demo")
    first, second = told["turns"]
    assert first["answer"]["stop_reason"] == "tool_use"
    assert [block["type"] for block in first["answer"]["content"]] == ["thinking", "text", "tool_use"]
    assert told["tool"]["result"] in second["answer"]["content"][-1]["text"]
    assert second["request"]["messages"][-1]["content"][0]["content"] == told["tool"]["result"]
    assert second["upstream_request"]["messages"][-1]["role"] == "tool"
    assert list(scratch.iterdir()) == []


def test_a_configuration_of_one_s_own_is_not_touched(configured: CommandLine, scratch: Path) -> None:
    configured.variables["C2O_CONFIG"] = str(configured.folder / "config.toml")
    before = sorted(configured.home.rglob("*"))

    assert configured("demo", "--json").exit_code == 0

    assert sorted(configured.home.rglob("*")) == before


@contextmanager
def showing(c2o: CommandLine) -> Iterator[subprocess.Popen[str]]:
    """A demo in the midst of its first answer."""
    command = [sys.executable, "-m", "c2o", "demo", "--pace", "1"]
    with subprocess.Popen(
        command, env=c2o.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        while "as it streams back" not in process.stdout.readline():
            assert process.poll() is None
        yield process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ended_early_it_still_leaves_nothing_behind(c2o: CommandLine, scratch: Path, number: signal.Signals) -> None:
    with showing(c2o) as process:
        players = psutil.Process(process.pid).children()
        process.send_signal(number)
        _, said = process.communicate(timeout=15)

    assert process.returncode == 130
    assert "ended early" in said
    assert len(players) == 2
    assert not any(player.is_running() for player in players)
    assert list(scratch.iterdir()) == []


def test_on_a_terminal_it_draws_panels(c2o: CommandLine, scratch: Path) -> None:
    exit_code, screen = on_a_terminal(c2o, "demo", "--pace", "0")

    assert exit_code == 0
    assert "╭─ 1. The client asks" in screen
    assert "The upstream gets" in screen
    assert "The answer, as it streams back" in screen
    assert len(RESULT.findall(screen)) >= 4
    assert list(scratch.iterdir()) == []


def on_a_terminal(c2o: CommandLine, *arguments: str) -> tuple[int, str]:
    """A command's exit code, and what it wrote on a terminal, without the control sequences."""
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "c2o", *arguments]
    terminal = c2o.environment(TERM="xterm-256color", COLUMNS="90", LINES="50", LANG="C.UTF-8")
    with subprocess.Popen(command, env=terminal, stdin=its, stdout=its, stderr=its) as process:
        os.close(its)
        written = b"".join(_read(ours))
        os.close(ours)
    return process.returncode, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux says EIO when the other end is closed
            return
        if not data:
            return
        yield data


def test_without_claude_it_says_how_to_install_it(c2o: CommandLine, scratch: Path) -> None:
    with tempfile.TemporaryDirectory() as nothing:
        done = c2o("demo", "claude", PATH=nothing)

    assert done.exit_code == 127
    assert "npm install -g @anthropic-ai/claude-code" in done.err


def test_only_what_is_new_is_shown_again() -> None:
    view = View()
    first: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "1"}]}
    later = first | {"messages": [*first["messages"], {"role": "user", "content": "2"}]}

    assert view.news("client", first) == laid_out(first)
    assert view.news("client", later) == '{"messages": [{"role": "user", "content": "2"}]}'


def test_json_is_laid_out_in_lines_that_fit() -> None:
    long = {"a": ["x" * 40, "y" * 40], "b": {"c": 1}}
    assert laid_out(long) == ('{\n  "a": [\n    "' + "x" * 40 + '",\n    "' + "y" * 40 + '"\n  ],\n  "b": {"c": 1}\n}')
