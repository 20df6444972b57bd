"""Whose process is it?"""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import psutil
import pytest

from c2o import instance
from c2o.service import processes
from c2o.service.processes import Holder
from tests.command_line import CommandLine


def test_without_a_service_there_is_no_process() -> None:
    assert processes.of_the_service() is None


def test_the_services_process_is_found(configured: CommandLine) -> None:
    configured("start")
    there = configured.service()
    found = processes.of_the_service()
    assert found is not None
    assert found.pid == there.pid


@pytest.mark.parametrize("pid", [os.getpid(), 2**22 + 1], ids=["a stranger's", "nobody's"])
def test_a_wrong_pid_in_the_state_file_is_seen_through(configured: CommandLine, pid: int) -> None:
    configured("start")
    there = configured.service()
    instance.write(there._replace(pid=pid))
    found = processes.of_the_service()
    assert found is not None
    assert found.pid == there.pid


def test_a_home_behind_a_link_is_the_same_home(configured: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    link = configured.home / "link"
    link.symlink_to(configured.folder)
    configured("start")
    monkeypatch.setenv("C2O_HOME", str(link))
    found = processes.of_the_service()
    assert found is not None
    assert found.pid == configured.service().pid


def test_who_listens_on_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert processes.holder(port) == Holder(os.getpid(), psutil.Process().name(), None)
    assert processes.holder(port) is None


@pytest.mark.parametrize(
    ("command", "known_as"),
    [
        ("/usr/lib/node_modules/@musistudio/claude-code-router/dist/cli.js", "claude-code-router"),
        ("/usr/local/bin/ollama", "Ollama"),
        ("/somewhere/server.py", None),
    ],
)
def test_programs_that_people_run_beside_c2o_are_named(command: str, known_as: str | None) -> None:
    listen = "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); "
    with subprocess.Popen(
        [sys.executable, "-c", listen + "sys.stdin.read()", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        found = processes.holder(int(process.stdout.readline()))
        assert found is not None
        assert (found.pid, found.known_as) == (process.pid, known_as)
        process.communicate()


def test_a_holder_in_words() -> None:
    assert str(Holder(991, "node", "claude-code-router")) == "node (pid 991, claude-code-router)"
    assert str(Holder(991, "node", None)) == "node (pid 991)"


def test_where_the_system_shows_one_process_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As macOS does."""

    def refuse(kind: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = processes.holder(server.getsockname()[1])
    assert found is not None
    assert found.pid == os.getpid()
