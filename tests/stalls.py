"""How long a stream is held up while another request is at work: a clock that ticks through a running service.

An upstream of this process says what time it is every TICK seconds, a client of this process hears it through the
service; what each tick took on its way is its delay.  Whatever is heavy is done by other processes (``heavy``), so that
only the service itself can hold the ticks up.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from c2o.proxy.tracing import LOOK
from c2o.trace_file import Switch
from tests.clients.service import TOKEN
from tests.fake_upstream import text

TICK = 0.02
"""Seconds between two ticks."""

_SAID = re.compile(rb"<(\d+)>")


@dataclass
class Ticks:
    """What was heard so far."""

    delays: list[tuple[float, float]] = field(default_factory=list)
    """When each was sent (monotonic seconds), and how long it took."""

    def since(self, moment: float) -> list[float]:
        return [delay for sent, delay in self.delays if sent >= moment]

    def longest_since(self, moment: float) -> float:
        return max(self.since(moment), default=0.0)


@contextmanager
def ticking_upstream() -> Iterator[int]:
    """A port on which every request is answered by ticks, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _accept(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            threading.Thread(target=_tick, args=(server.accept()[0],), daemon=True).start()


def _tick(connection: socket.socket) -> None:
    with connection, suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        while True:
            connection.sendall(text(f"<{time.monotonic_ns()}>"))
            time.sleep(TICK)


@contextmanager
def listening(url: str, model: str) -> Iterator[Ticks]:
    """A client of the service at ``url`` that hears the ticks of ``model``; it has heard some by now."""
    ticks, address = Ticks(), urlsplit(url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(_request(model, address.netloc))
        listener = threading.Thread(target=_listen, args=(connection, ticks), daemon=True)
        listener.start()
        while len(ticks.delays) < 10:
            assert listener.is_alive(), "the service ended the stream of ticks"
            time.sleep(TICK)
        yield ticks
        assert listener.is_alive(), "the service ended the stream of ticks"
        connection.shutdown(socket.SHUT_RDWR)


def _request(model: str, host: str) -> bytes:
    body = json.dumps(question("What time is it?", model=model, stream=True)).encode()
    head = f"POST /v1/messages HTTP/1.1\r\nHost: {host}\r\nx-api-key: {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _listen(connection: socket.socket, ticks: Ticks) -> None:
    rest = b""
    with suppress(OSError):
        while data := connection.recv(65536):
            now, said = time.monotonic_ns(), rest + data
            for found in _SAID.finditer(said):
                ticks.delays.append((int(found[1]) / 1e9, (now - int(found[1])) / 1e9))
            rest = said[said.rfind(b">") + 1 :]


def question(content: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "heavy", "max_tokens": 99, "messages": [{"role": "user", "content": content}]} | fields


def configuration(ticking: int, heavy: int, **tables: Any) -> dict[str, Any]:
    """Two upstreams, by their ports: ``ticking`` and ``heavy`` are the models."""
    return {
        "server": {"auth_token": TOKEN, "port": 0},
        "upstreams": {
            "t": {"base_url": f"http://127.0.0.1:{ticking}/v1", "api_key": "env:FAKE_KEY"},
            "h": {"base_url": f"http://127.0.0.1:{heavy}/v1", "api_key": "env:FAKE_KEY", "quirks": {"vision": True}},
        },
        "models": {"default": "h/fake-model", "ticking": "t/ticking", "heavy": "h/fake-model"},
    } | tables


def trace(home: Path) -> None:
    """Have the service whose ``C2O_HOME`` is ``home`` write down what goes over the wire."""
    folder = home / "state" / "trace"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "on.json").write_bytes(msgspec.json.encode(Switch(until=time.time() + 3600, largest=4_000_000_000)))
    time.sleep(2 * LOOK)


# The other process ---------------------------------------------------------------------------------


@contextmanager
def heavy() -> Iterator[Heavy]:
    """The upstream and the client of what is heavy, in a process of their own."""
    command = [sys.executable, "-m", "tests.heavy"]
    here = Path(__file__).parent.parent
    with subprocess.Popen(command, cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield Heavy(process, int(process.stdout.readline()))
        process.stdin.close()


@dataclass(frozen=True)
class Heavy:
    process: subprocess.Popen[str]
    port: int
    """Of its upstream."""

    def __call__(self, url: str, case: str, **options: Any) -> Mapping[str, Any]:
        """Do it, and wait for the end: ``seconds`` and ``status``."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"url": url, "case": case, **options}) + "\n")
        self.process.stdin.flush()
        done: dict[str, Any] = json.loads(self.process.stdout.readline())
        return done
