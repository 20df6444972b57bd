"""The service as a process of its own where there is no fork, no signal and no inherited descriptor.

Not on Windows: on a system from which what Windows lacks has been taken away.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from c2o import instance, log_file
from c2o.config import load
from c2o.errors import C2oError, PortTaken
from c2o.secret import Secret
from c2o.service import lifecycle, probe
from c2o.service.detached import Detached
from c2o.service.manager import ServiceSpec
from tests.clients.service import TOKEN
from tests.command_line import CommandLine, streaming, until
from tests.fake_upstream import FakeUpstream

pytestmark = pytest.mark.skipif(os.name != "posix", reason="stands in for Windows")

WITHOUT = """
import asyncio, os, signal, socket, sys
sys.modules["uvloop"] = None
del os.pwrite, os.fchdir, socket.send_fds, socket.recv_fds, signal.SIGHUP

def add_signal_handler(*_):
    raise NotImplementedError

asyncio.SelectorEventLoop.add_signal_handler = add_signal_handler
from c2o import instance, log_file
instance.WITHOUT_SIGNALS = log_file.WINDOWS = True
from c2o.proxy.__main__ import main
sys.exit(main())
"""
"""What takes the place of ``python -P -m c2o.proxy``."""


@pytest.fixture
def windows(configured: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    interpreter, program = tmp_path / "python", tmp_path / "without.py"
    program.write_text(WITHOUT)
    interpreter.write_text(
        f'#!/bin/sh\nshift 3\nexec {shlex.quote(sys.executable)} -P {shlex.quote(str(program))} "$@"\n'
    )
    interpreter.chmod(0o700)
    for name, value in configured.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.executable", str(interpreter))
    monkeypatch.setattr(instance, "WITHOUT_SIGNALS", True)
    monkeypatch.setattr("c2o.service.detached.subprocess.Popen", Popen)
    return configured


class Popen(subprocess.Popen[bytes]):
    """As Windows has it: with flags, and with nothing of POSIX's own."""

    def __init__(self, command: list[str], creationflags: int, **options: Any) -> None:
        assert creationflags == 0x8 | 0x200
        assert not options.keys() & {"pass_fds", "start_new_session", "umask", "preexec_fn"}
        super().__init__(command, start_new_session=True, **options)


def test_it_starts_restarts_and_ends_with_its_streams(windows: CommandLine, upstream: FakeUpstream) -> None:
    config = load(windows.folder / "config.toml")
    started = lifecycle.start(config)
    assert not started.instance.handover
    assert lifecycle.start(config).already

    with streaming(started.instance, upstream) as stream:
        instance.end_file().touch()
        until(lambda: (instance.read() or started.instance).draining == 1)
        assert "message_stop" in stream.finish()
    until(lambda: not instance.running())

    again = lifecycle.start(config)
    stopped, after = lifecycle.restart(config)
    assert stopped.before == again.instance
    assert not stopped.killed
    assert not stopped.handed_over
    assert after.instance.pid != again.instance.pid
    assert probe.ask(after.instance, Secret(TOKEN)).pid == after.instance.pid

    assert not lifecycle.stop(Secret(TOKEN)).killed
    assert not instance.running()
    assert {path.name for path in (windows.folder / "state").iterdir() if path.name.startswith("service.")} == {
        "service.lock"
    }


def test_a_wish_of_yesterday_ends_nobody(windows: CommandLine) -> None:
    """Somebody asked a service to end that was killed before it could."""
    config = load(windows.folder / "config.toml")
    lifecycle.start(config)
    windows.end()
    instance.end_file().touch()
    lifecycle.start(config)
    assert not instance.end_file().exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it(windows: CommandLine, number: int) -> None:
    """In the foreground, where there is a console."""
    there = lifecycle.start(load(windows.folder / "config.toml")).instance
    os.kill(there.pid, number)
    until(lambda: not instance.running())
    assert "c2o.proxy" in windows.log
    assert "ended" in windows.log


def test_the_services_own_error_is_raised(windows: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortTaken):
        lifecycle.start(load(windows.folder / "config.toml"), port=taken.getsockname()[1])


def test_the_last_words_of_one_that_dies(windows: CommandLine) -> None:
    Path(sys.executable).write_text("#!/bin/sh\necho last words >&2\nexit 3\n")
    output = windows.folder / "log" / "c2o.out"
    with pytest.raises(C2oError) as died:
        Detached().start(ServiceSpec())
    assert str(died.value) == f"the service ended with exit code 3 before it was ready. See {output}\n  last words"


def test_an_open_log_is_closed_before_it_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows renames no open file: neither ours, nor one that somebody reads; then it grows."""
    path, read = tmp_path / "c2o.log", True

    def rotate(path: Path) -> None:
        assert str(path) not in [file.path for file in psutil.Process().open_files()]
        if read:
            raise PermissionError
        path.replace(path.with_name("c2o.log.1"))

    monkeypatch.setattr(log_file, "WINDOWS", True)
    monkeypatch.setattr(log_file, "TOO_LARGE", 10)
    monkeypatch.setattr(log_file, "rotate", rotate)
    writer = log_file.Writer(path)
    for line in (b"a line\n", b"another\n"):
        writer.write(line)
    assert path.read_bytes() == b"a line\nanother\n"
    read = False
    writer.write(b"a third\n")
    assert path.read_bytes() == b"a third\n"
    assert writer.problem is None
