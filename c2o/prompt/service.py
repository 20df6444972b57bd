"""The running service: is it ours, and how is it?

As ``c2o.service.probe`` does it: the token goes only to whoever has proved to know it, on the same connection.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time

import c2o
from c2o.prompt import digest, home
from c2o.prompt.home import Unsure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from c2o.prompt.memory import Memory

PATIENCE = 1.0
"""Seconds for all that is asked.  After it, a Typer command waits longer."""

LARGEST = 1024 * 1024
"""Bytes of an answer."""

_REACHED_AT = {"127.0.0.1": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::1": "::1", "::": "::1"}  # noqa: S104 - looked up, never bound


class Service:
    """As it wrote itself down, with the configuration of now.  Raises Unsure, or anything else, if it isn't so."""

    def __init__(self, memory: Memory) -> None:
        if not _held(home.state_file("service.lock")):
            raise Unsure
        said = home.read_own(home.state_file("service.json"))
        if said.get("draining") is not None or said["version"] != c2o.__version__:
            raise Unsure
        if said["config_digest"] != memory.config_digest:
            raise Unsure
        self.said = said
        self.host = _REACHED_AT[said["host"]]
        self.port: int = said["port"]
        self.url = f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"
        self._token = memory.token

    def report(self) -> dict[str, Any]:
        """What it says on ``GET /c2o/status``, when it has answered a challenge.  Raises Unsure."""
        with Talk(self) as talk:
            talk.challenge(self._token)
            return talk.get("/c2o/status", f"x-api-key: {self._token}\r\n")


def _held(path: str) -> bool:
    """Is the file locked?"""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


class Talk:
    """One connection to the service, and as much HTTP as it takes."""

    def __init__(self, service: Service) -> None:
        self._authority = service.url.removeprefix("http://")
        self._deadline = time.monotonic() + PATIENCE
        self._socket = socket.socket(socket.AF_INET6 if ":" in service.host else socket.AF_INET)
        self._address = service.host, service.port

    def __enter__(self) -> Self:
        self._socket.settimeout(PATIENCE)
        try:
            self._socket.connect(self._address)  # create_connection would load a codec for names
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def challenge(self, token: str) -> None:
        """Raises Unsure for a stranger."""
        nonce = os.urandom(16).hex()
        said = self.get(f"/health?challenge={nonce}")
        if said.get("answer") != digest.keyed(token.encode(), f"c2o/health/{nonce}".encode()):
            raise Unsure

    def get(self, path: str, header: str = "") -> dict[str, Any]:
        """Raises OSError, ValueError; Unsure for what is no answer with an object."""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nhost: {self._authority}\r\n{header}\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data and len(data) < LARGEST:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        length = _length(head.lower().split(b"\r\n"))
        while len(body) < length:
            body += self._more()
        found = json.loads(body)
        if not isinstance(found, dict):
            raise Unsure
        return found

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        if not data or time.monotonic() > self._deadline:
            raise Unsure
        return data


def _length(head: list[bytes]) -> int:
    """Of a good answer's body."""
    sizes = [line.partition(b":")[2] for line in head if line.startswith(b"content-length:")]
    if not head[0].startswith(b"http/1.1 200") or len(sizes) != 1 or int(sizes[0]) > LARGEST:
        raise Unsure
    return int(sizes[0])
