"""The embedded upstream as a process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def demo(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The process, and what it says when it is ready."""
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "c2o.demo", "--ready-fd", str(writer), *options]
    with subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.PIPE, text=True) as process:
        os.close(writer)
        try:
            with os.fdopen(reader) as pipe:
                yield process, json.loads(pipe.readline())
        finally:
            process.kill()


def test_it_says_where_it_serves() -> None:
    with demo("--port", "0") as (process, ready):
        assert ready["ok"] is True
        assert ready["pid"] == process.pid
        with urllib.request.urlopen(f"http://{ready['host']}:{ready['port']}/v1/models", timeout=10) as models:
            assert json.load(models)["data"][0]["id"] == "c2o-demo"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(number: signal.Signals) -> None:
    with demo("--port", "0") as (process, _):
        process.send_signal(number)
        assert process.wait(10) == 0


def test_a_taken_port_is_told_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with demo("--port", str(port)) as (process, ready):
            _, said = process.communicate(timeout=10)

    assert process.returncode == 6
    assert ready == {"ok": False, "exit_code": 6, "error": ready["error"]}
    assert f"port {port}" in said
    assert "--port 0" in said
