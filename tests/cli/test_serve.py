"""``c2o serve``: the service in the foreground."""

from __future__ import annotations

import json
import os
import signal
import sys

import pytest

import c2o as package
from c2o import instance
from c2o.secret import Secret
from c2o.service.probe import ask
from tests.cli.test_start import stranger, with_port
from tests.clients.service import TOKEN, configuration
from tests.command_line import CommandLine, until


def test_it_serves_until_ctrl_c(configured: CommandLine) -> None:
    serving = configured.begin("serve")
    there = until(instance.read)

    assert there.pid == serving.pid, "the command has become the service"
    assert there.manager == "foreground"
    assert ask(there, Secret(TOKEN)).pid == there.pid

    serving.send_signal(signal.SIGINT)
    out, err = serving.communicate(timeout=20)
    assert serving.returncode == 0
    assert out == ""
    assert f"c2o {package.__version__} serves at {there.url}" in err
    assert not instance.running()
    assert instance.read() is None


def test_json_tells_when_it_is_ready(configured: CommandLine) -> None:
    serving = configured.begin("serve", "--json", "--port", "0")
    assert serving.stdout is not None
    said = json.loads(serving.stdout.readline())
    serving.terminate()
    serving.communicate(timeout=20)

    assert said == {
        "schema": "c2o.ready/1",
        "ok": True,
        "pid": serving.pid,
        "host": "127.0.0.1",
        "port": said["port"],
        "version": package.__version__,
    }


def test_a_second_one_is_refused(configured: CommandLine) -> None:
    configured("start")
    done = configured("serve")
    assert done.exit_code == 1
    assert done.err == "c2o: the service already runs; see c2o status. To have it here instead, first: c2o stop\n"


def test_a_taken_port_is_told_with_the_one_who_has_it(c2o: CommandLine) -> None:
    with stranger() as port:
        with_port(c2o, port)
        done = c2o("serve")
    assert done.exit_code == 6
    assert f"port {port} is taken by " in done.err
    assert "python" in done.err


@pytest.mark.parametrize(("api_key", "exit_code"), [("env:NO_SUCH_KEY", 4), ("command:false", 4)])
def test_a_missing_key(c2o: CommandLine, api_key: str, exit_code: int) -> None:
    c2o.configure(configuration("http://127.0.0.1:9/v1", api_key=api_key))
    done = c2o("serve")
    assert done.exit_code == exit_code
    assert "upstream fake is without its key: " in done.err
    assert "Traceback" not in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_it_ends_with_its_terminal(configured: CommandLine) -> None:
    import pty  # noqa: PLC0415 - not on Windows

    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-m", "c2o", "serve"], configured.environment(TERM="xterm"))
    until(instance.read)
    os.close(terminal)
    ended = until(lambda: [code for pid, code in [os.waitpid(child, os.WNOHANG)] if pid])
    assert os.WIFEXITED(ended[0]), (
        "by itself; its exit code is Python's own, which can't flush to the terminal any more"
    )
    assert not instance.running()
