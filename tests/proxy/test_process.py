"""The service as a process: what it says, how it ends, and how it can't start."""

from __future__ import annotations

import http.client
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

import c2o as package
from c2o import instance
from c2o.instance import Lock
from c2o.secret import Secret
from c2o.service import processes
from c2o.service.probe import ask
from tests.clients.service import TOKEN, configuration
from tests.command_line import CommandLine, streaming, until
from tests.fake_upstream import FakeUpstream


class Process:
    """``python -m c2o.proxy`` and what it said when it was ready."""

    def __init__(self, running: subprocess.Popen[str], said: dict[str, Any]) -> None:
        self.running = running
        self.said = said

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code and all that it wrote to stderr, after a signal."""
        self.running.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        _, err = self.running.communicate(timeout=30)
        return self.running.returncode, err


@contextmanager
def proxy(c2o: CommandLine, *options: str, **variables: str) -> Iterator[Process]:
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "c2o.proxy", "--ready-fd", str(writer), *options],
        env=c2o.environment(**variables),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=[writer],
        umask=0,
    ) as running:
        os.close(writer)
        try:
            with os.fdopen(reader) as pipe:
                yield Process(running, json.loads(pipe.read() or "{}"))
        finally:
            running.kill()


# ---- it serves


def test_it_says_that_it_is_ready_and_writes_itself_down(configured: CommandLine) -> None:
    with proxy(configured) as process:
        there = configured.service()
        assert process.said == {
            "schema": "c2o.ready/1",
            "ok": True,
            "pid": process.running.pid,
            "host": "127.0.0.1",
            "port": there.port,
            "version": package.__version__,
        }
        written = json.loads(instance.state_file().read_text())
        assert written == {
            "pid": process.running.pid,
            "host": "127.0.0.1",
            "port": there.port,
            "version": package.__version__,
            "started_at": written["started_at"],
            "config_digest": written["config_digest"],
            "config_path": str(configured.folder / "config.toml"),
            "manager": "foreground",
            "draining": None,
            "handover": True,
        }
        report = ask(there, Secret(TOKEN))
        assert report.pid == process.running.pid
        assert len(written["config_digest"]) == 12


def test_it_answers_from_the_first_moment(configured: CommandLine) -> None:
    """Whoever reads the ready line, or the state file, gets an answer at once."""
    for _ in range(3):
        with proxy(configured) as process:
            ask(configured.service(), Secret(TOKEN))
            process.end()


def test_it_is_confined(configured: CommandLine) -> None:
    """Although it was started with umask 000."""
    with proxy(configured) as process:
        running = psutil.Process(process.running.pid)
        if sys.platform == "linux":
            assert running.rlimit(resource.RLIMIT_CORE) == (0, 0)
            assert "Umask:\t0077\n" in Path(f"/proc/{running.pid}/status").read_text()
        for path in (configured.folder / "state").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_only_one_serves_a_home(configured: CommandLine) -> None:
    with proxy(configured) as first, proxy(configured, "--port", "0") as second:
        code, err = second.wait()
        assert code == 1
        assert second.said["error"] in err
        assert err == (
            f"c2o: the service already runs (pid {first.running.pid}, {configured.service().url}). "
            "Use it as it is, or end it first: c2o stop\n"
        )
        assert ask(configured.service(), Secret(TOKEN)).pid == first.running.pid


def test_one_that_looks_does_not_keep_it_from_starting(configured: CommandLine) -> None:
    """Looking whether the lock is held, holds it for a moment."""
    with Lock(instance.lock_file()) as looking:
        assert looking.acquire()
        threading.Thread(target=lambda: until(waits_for_the_lock) and looking.release()).start()
        with proxy(configured) as process:
            assert process.said["ok"] is True


def waits_for_the_lock() -> bool:
    """A child of ours has the lock's file open, and a moment later it still has."""
    children = psutil.Process().children()
    waiting = [child for child in children if processes._has_open(child, instance.lock_file())]
    time.sleep(0.1)
    return any(processes._has_open(child, instance.lock_file()) for child in waiting)


def test_secrets_do_not_reach_the_log(c2o: CommandLine, upstream: FakeUpstream) -> None:
    """Not even if a model is named like one."""
    c2o.configure(configuration(upstream.base_url))
    with proxy(c2o) as process:
        connection = http.client.HTTPConnection(*c2o.service().address, timeout=20)
        for name in ("sk-fake-0123456789", TOKEN, "esc\x1b[2J\nforged"):
            body = {"model": f"nowhere/{name}", "max_tokens": 1, "messages": []}
            connection.request("POST", "/v1/messages", json.dumps(body), {"x-api-key": TOKEN})
            connection.getresponse().read()
        connection.close()
        _, err = process.end()
    assert "nowhere/***" in err
    assert "sk-fake-0123456789" not in err
    assert TOKEN not in err
    assert "\x1b" not in err
    assert "\nforged" not in err


def test_nonsense_on_the_port_is_a_line_without_traceback(configured: CommandLine) -> None:
    with proxy(configured) as process:
        with socket.create_connection(configured.service().address) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nx-api-key: sk-precious" + b"x" * 9000 + b"\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.")
        code, err = process.end()
    assert code == 0
    assert "Traceback" not in err
    assert "sk-precious" not in err


# ---- it ends


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_peace(configured: CommandLine, number: signal.Signals) -> None:
    with proxy(configured) as process:
        code, said = process.end(number)
        assert (code, "Traceback" in said) == (0, False), said
        assert not instance.running()
        assert instance.read() is None


def test_running_streams_finish_and_nothing_new_is_taken(configured: CommandLine, upstream: FakeUpstream) -> None:
    with proxy(configured) as process:
        there = configured.service()
        idle = http.client.HTTPConnection(*there.address, timeout=20)
        idle.request("GET", "/health")
        idle.getresponse().read()
        with streaming(there, upstream) as first, streaming(there, upstream) as second:
            process.running.terminate()
            until(lambda: (instance.read() or there).draining == 2)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(there.address)
            assert idle.sock is not None
            assert idle.sock.recv(1) == b"", "idle connections are closed"
            idle.close()
            assert "message_stop" in first.finish()
            until(lambda: (instance.read() or there).draining == 1)
            assert "message_stop" in second.finish()
        code, err = process.wait()
    assert code == 0
    assert "Traceback" not in err


def test_a_second_signal_ends_it_at_once(configured: CommandLine, upstream: FakeUpstream) -> None:
    with proxy(configured) as process:
        there = configured.service()
        with streaming(there, upstream):
            process.running.terminate()
            until(lambda: (instance.read() or there).draining == 1)
            assert process.end()[0] == 128 + signal.SIGTERM
        assert not instance.running()
        assert instance.read() is None


def test_after_the_drain_limit_it_ends_all_the_same(configured: CommandLine, upstream: FakeUpstream) -> None:
    place = configured.home / "hurry"
    place.mkdir()
    (place / "sitecustomize.py").write_text("from c2o import instance\ninstance.DRAIN_LIMIT = 0.5\n")
    with proxy(configured, PYTHONPATH=str(place)) as process, streaming(configured.service(), upstream) as stream:
        began = time.monotonic()
        code, _ = process.end()
        assert code == 0
        assert 0.4 < time.monotonic() - began < 10
        said = stream.finish()
        assert "overloaded_error" in said
        assert "message_stop" not in said


# ---- it can't start


def test_failures_are_told_on_both_ways(c2o: CommandLine) -> None:
    with proxy(c2o) as process:
        code, err = process.wait()
    assert process.said == {"schema": "c2o.ready/1", "ok": False, "exit_code": 78, "error": process.said["error"]}
    assert code == 78
    assert err == f"c2o: {process.said['error']}\n"
    assert "Run: c2o init" in err


def listening_on(c2o: CommandLine, **server: object) -> None:
    configured = configuration("http://127.0.0.1:9/v1")
    configured["server"].update(server)
    c2o.configure(configured)


def test_a_taken_port(c2o: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listening_on(c2o, port=port)
        with proxy(c2o) as process:
            code, err = process.wait()
    assert code == 6
    assert err.startswith(
        f"c2o: port {port} is taken by another program. Stop it, or take another port: set port under"
    )
    assert not instance.running()


def test_an_address_of_another_machine(c2o: CommandLine) -> None:
    listening_on(c2o, host="192.0.2.7", allow_remote=True)
    with proxy(c2o) as process:
        code, err = process.wait()
    assert code == 1
    assert err == "c2o: [server] host: 192.0.2.7 isn't an address of this machine.\n"


def test_a_missing_key(c2o: CommandLine) -> None:
    c2o.configure(configuration("http://127.0.0.1:9/v1", api_key="env:NO_SUCH_KEY"))
    with proxy(c2o) as process:
        code, err = process.wait()
    assert code == 4
    assert "upstream fake is without its key: NO_SUCH_KEY is not set" in err


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_every_name_of_loopback_works(c2o: CommandLine, host: str) -> None:
    listening_on(c2o, host=host)
    with proxy(c2o) as process:
        there = c2o.service()
        assert there.host == ("::1" if host == "::1" else "127.0.0.1")
        assert ask(there, Secret(TOKEN)).pid == process.running.pid


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_a_port_that_is_none(c2o: CommandLine, port: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "c2o.proxy", "--port", port], env=c2o.environment(), capture_output=True
    )
    assert done.returncode == 2
    assert b"--port" in done.stderr
