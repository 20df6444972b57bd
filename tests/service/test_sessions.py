"""Which clients hang on the service."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from c2o.service.sessions import Session, attached
from tests.command_line import until

PORT = 59321
"""Nobody's; nothing listens there."""


@contextmanager
def running(name: str, folder: Path, **variables: str) -> Iterator[int]:
    """A process that goes by this name."""
    sleep = shutil.which("sleep")
    process = subprocess.Popen([name, "60"], executable=sleep, cwd=folder, env={"HOME": str(folder), **variables})
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text("{}")
    return path


def named(*files: Path, port: int = PORT) -> list[Session]:
    return attached(port, list(files))


def test_a_claude_that_its_environment_leads_here(tmp_path: Path) -> None:
    with running("claude", tmp_path, ANTHROPIC_BASE_URL=f"http://127.0.0.1:{PORT}") as pid:
        until(lambda: named() == [Session(pid, "claude", str(tmp_path))])
        assert str(named()[0]) == f"claude (pid {pid}, in {tmp_path})"
        assert named(port=PORT + 1) == []


def test_a_claude_that_reads_settings_of_ours(tmp_path: Path, settings: Path) -> None:
    with running("/usr/local/bin/claude", tmp_path) as pid:
        until(lambda: [each.pid for each in named(settings)] == [pid])
        assert named() == []
        assert named(tmp_path / "other.json") == []


def test_one_with_a_folder_of_its_own(tmp_path: Path, settings: Path) -> None:
    with running("claude", tmp_path, CLAUDE_CONFIG_DIR=str(tmp_path / "own")) as pid:
        until(lambda: [each.pid for each in named(tmp_path / "own" / "settings.json")] == [pid])
        assert named(settings) == []


def test_another_program_is_no_session(tmp_path: Path, settings: Path) -> None:
    """An editor with notes on claude-code, started in the same home."""
    with running("vi", tmp_path, ANTHROPIC_BASE_URL=f"http://127.0.0.1:{PORT}"):
        assert named(settings) == []


def test_whoever_is_connected_is_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = "import socket, sys; held = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); input()"
        with subprocess.Popen([sys.executable, "-c", script, str(port)], stdin=subprocess.PIPE, cwd=tmp_path) as client:
            until(lambda: [each.pid for each in named(port=port)] == [client.pid])
            assert os.getpid() not in [each.pid for each in named(port=port)], "the one who listens is no client"
            client.communicate(b"\n")
