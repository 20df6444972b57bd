"""How the tests talk to the service: raw bytes on a socket, and Anthropic's events read back."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple, Self, cast

Json = dict[str, Any]

TOKEN = "c2o-the-token-of-the-tests"
KEY = "sk-the-key-of-the-upstream-0123456789"

HELLO: Json = {"model": "claude-sonnet-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}


def hello(**fields: Any) -> Json:
    """A small Messages request."""
    return HELLO | fields


# ---- events


class Event(NamedTuple):
    name: str
    data: Json


def events(stream: bytes) -> list[Event]:
    """The events of a complete stream; fails on anything that is no event."""
    *frames, rest = stream.split(b"\n\n")
    assert rest == b"", f"a stream ends with an empty line, not with {rest!r}"
    return [_event(frame) for frame in frames]


def _event(frame: bytes) -> Event:
    name, data = frame.split(b"\n")
    assert name.startswith(b"event: ")
    assert data.startswith(b"data: ")
    event = Event(name[7:].decode(), json.loads(data[6:]))
    assert event.data["type"] == event.name
    return event


def told(status: int, body: bytes) -> list[Event]:
    """What a client that asked for a stream was told: events, or a failure with a status of its own."""
    return events(body) if status == 200 else [Event("error", json.loads(body))]


def names(found: list[Event]) -> list[str]:
    return [event.name for event in found]


def text_in(found: list[Event]) -> str:
    return "".join(event.data["delta"].get("text", "") for event in found if event.name == "content_block_delta")


def check_grammar(found: list[Event]) -> None:
    """One start, blocks one after another without a gap, one end; pings and no-op deltas anywhere in between.

    A stream that ends with an error may leave its block open and has neither end nor stop.
    """
    said = [event for event in found if event.name != "ping" and not is_no_op(event)]
    failed = said[-1].name == "error"
    if failed and len(said) == 1:
        return
    assert said[0].name == "message_start", names(found)
    end = 1 if failed else 2
    if not failed:
        assert names(said[-2:]) == ["message_delta", "message_stop"], names(found)
    still_open = _check_blocks(said[1:-end])
    assert failed or still_open is None


def _check_blocks(said: list[Event]) -> int | None:
    """The index of the block that stays open, if one does."""
    current: int | None = None
    following = 0
    for event in said:
        if event.name == "content_block_start":
            assert current is None, "two blocks are open"
            assert event.data["index"] == following, "the indexes have a gap"
            current, following = following, following + 1
        else:
            assert event.name in ("content_block_delta", "content_block_stop"), event
            assert event.data["index"] == current
            current = None if event.name == "content_block_stop" else current
    return current


def is_no_op(event: Event) -> bool:
    """An event that clients parse and that says nothing."""
    return event.name == "message_delta" and event.data["delta"].get("stop_reason") is None


# ---- sockets

Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body, object_pairs_hook=_once)

    @property
    def error(self) -> Json:
        """The error in Anthropic's shape; fails if that isn't what came."""
        body = self.json
        assert body["type"] == "error", body
        assert body["request_id"] == self.headers["request-id"]
        error: Json = body["error"]
        assert error["message"]
        return error | {"message": error["message"].removesuffix(f" (c2o logs --request {body['request_id']})")}


def _once(pairs: list[tuple[str, Any]]) -> Json:
    """An object; fails if a name is in it twice."""
    assert len({name for name, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


def request(
    path: str = "/v1/messages", body: Json | bytes = HELLO, *, host: str = "", method: str = "POST", **headers: str
) -> bytes:
    """A request's bytes.  Underscores in the names of headers become hyphens."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"x-api-key: {TOKEN}", f"Content-Length: {len(data)}"]
    if method == "POST":
        lines.append("Content-Type: application/json")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


class Peer(asyncio.Protocol):
    """A connection that keeps what it hears, and can hang up in every way."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.closed = asyncio.Event()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own isn't one by name

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    @property
    def transport(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    def say(self, data: bytes) -> None:
        self.transport.write(data)

    def leave(self) -> None:
        """Close politely."""
        self.transport.close()

    def slam(self) -> None:
        """Close with RST."""
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    @property
    def events(self) -> list[Event]:
        """What has been heard of a stream that may still run."""
        return events(unchunked(bytes(self.heard).partition(b"\r\n\r\n")[2]))

    @property
    def complete(self) -> bool:
        return self.heard.endswith(b"0\r\n\r\n")

    async def finished(self, within: float = 20.0) -> None:
        """Wait for the end of a stream, whichever it is."""
        await eventually(
            lambda: self.complete or self.closed.is_set(), lambda: f"the end; until now: {self.heard[-500:]!r}", within
        )

    async def answer_to(self, data: bytes) -> bytes:
        """All that is said to ``data``, which is the last request on this connection."""
        head, end, body = data.partition(b"\r\n\r\n")
        self.say(head + (b"" if b"\r\nConnection:" in head else b"\r\nConnection: close") + end + body)
        await eventually(self.closed.is_set, lambda: f"an answer; until now: {self.heard!r}")
        return bytes(self.heard)


def unchunked(data: bytes) -> bytes:
    """The body in chunked framing; fails where the framing is broken.  A stream may still run."""
    pieces = []
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        assert data[length : length + 2] == b"\r\n", "the chunk doesn't end where it says"
        if not length:
            assert data == b"\r\n", f"something was said after the end: {data[2:]!r}"
            break
        pieces.append(data[:length])
        data = data[length + 2 :]
    return b"".join(pieces)


class RawServer:
    """A server of bare connections on a port of its own; ``answer`` speaks on each.  A context.

    At the end all its connections are gone.
    """

    def __init__(self, answer: Answering | None = None, *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.port = port
        self.connections: list[asyncio.StreamWriter] = []
        self._answer = answer or listen
        self._tls = tls
        self._running: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self.connections:
            writer.transport.abort()
        await eventually(lambda: not self._running, "the end of a raw server")

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._running.add(task)
        self.connections.append(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            writer.close()
            self._running.discard(task)


async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing, until the other side has left."""
    while await reader.read(65536):
        pass


# ---- waiting


async def eventually(condition: Callable[[], Any], what: Callable[[], object] | str, within: float = 20.0) -> None:
    """Wait until ``condition`` holds; ``what`` is what was waited for."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"not within {within} s: {what if isinstance(what, str) else what()}"
        await asyncio.sleep(0.002)
