"""What systemd is told, on a socket like its own."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from c2o.proxy import notify
from tests.command_line import CommandLine, streaming, until
from tests.fake_upstream import FakeUpstream


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(address)
        sock.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield sock


def test_a_service_tells_when_it_is_ready_what_it_waits_for_and_why_it_ends(
    configured: CommandLine, upstream: FakeUpstream, told: socket.socket
) -> None:
    variables = {"NOTIFY_SOCKET": str(told.getsockname()), "WATCHDOG_USEC": "100000"}
    with subprocess.Popen([sys.executable, "-m", "c2o.proxy"], env=configured.environment(**variables)) as service:
        lines = [told.recv(4096).decode() for _ in range(4)]
        there = configured.service()
        assert f"READY=1\nSTATUS=serves at {there.url}" in lines
        assert lines.count("WATCHDOG=1") == 3
        with streaming(there, upstream) as stream:
            service.terminate()
            until(lambda: told.recv(4096) == b"STOPPING=1\nSTATUS=waits for running requests: 1")
            stream.go_on.set()
            stream.answer.read()
        assert service.wait(30) == 0


async def test_one_that_does_not_listen_holds_nobody_up(told: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than so many messages wait for it: whoever sent one more hung until it was read."""
    monkeypatch.setattr(notify, "watchdog_interval", lambda: 0.0001)
    alive = asyncio.create_task(notify.be_alive())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as another, suppress(BlockingIOError):
        another.setblocking(False)
        while True:
            another.sendto(b"from another", told.getsockname())
    for _ in range(100):
        await asyncio.sleep(0.001)
    notify.status("the end")
    alive.cancel()
    assert told.recv(4096) == b"from another"


def test_one_that_cannot_start_says_why(c2o: CommandLine, told: socket.socket) -> None:
    variables = {"NOTIFY_SOCKET": str(told.getsockname())}
    done = subprocess.run([sys.executable, "-m", "c2o.proxy"], env=c2o.environment(**variables), capture_output=True)
    assert done.returncode == 78
    assert told.recv(4096).decode().startswith("STATUS=there is no configuration at ")


def test_an_abstract_socket_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has them")
    name = f"c2o-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        notify.status("two\nlines")
        assert sock.recv(99) == rb"STATUS=two\nlines"


@pytest.mark.parametrize("address", ["", "relative", "/not/there", "vsock:2:1"])
def test_where_nobody_listens_nothing_happens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify.ready("well")


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_how_often_a_sign_of_life_is_due(environ: dict[str, str], interval: float | None) -> None:
    assert notify.watchdog_interval(environ) == interval


async def test_without_a_watchdog_nothing_goes_on() -> None:
    await asyncio.wait_for(notify.be_alive(), 1)
