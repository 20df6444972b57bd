"""An upstream that plays scripts of bytes on bare connections: it can send, wait, reset, close and fall silent."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Self

from tests.proxy.talk import RawServer


class Reset:
    """End the connection with RST."""


class Close:
    """End it with FIN, in the middle of whatever it is."""


class Silence:
    """Say nothing more until the other side has left."""


RESET, CLOSE, SILENCE = Reset(), Close(), Silence()

Piece = bytes | asyncio.Event | Reset | Close | Silence
Script = tuple[Piece, ...]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def sse(*pieces: Piece, head: bytes = HEAD) -> Script:
    """A good answer's head and these pieces, each in a chunk of its own; the end of the framing isn't added."""
    return (head, *(chunk(piece) if isinstance(piece, bytes) else piece for piece in pieces))


def whole(body: bytes, status: str = "200 OK", *headers: str, type: str = "application/json") -> Script:
    """A whole answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {type}", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines).encode() + b"\r\n\r\n" + body,)


class Scripted(RawServer):
    """Plays one script for each request, in order, the last one again and again.  A context."""

    def __init__(self, *scripts: Script) -> None:
        super().__init__(self._converse)
        self.requests: list[bytes] = []
        self.left = asyncio.Event()
        """The other side has ended a connection."""
        self._scripts = list(scripts)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.requests.append(await _request(reader))
                script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
                for piece in script:
                    if not await self._play(piece, reader, writer):
                        return
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()

    async def _play(self, piece: Piece, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """False: the connection is over."""
        if isinstance(piece, bytes):
            writer.write(piece)
            await writer.drain()
        elif isinstance(piece, asyncio.Event):
            await piece.wait()
        elif isinstance(piece, Silence):
            while await reader.read(65536):
                pass
            self.left.set()
            return False
        else:
            if isinstance(piece, Reset):
                connection = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.close()
            return False
        return True


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(int(lengths[0]) if lengths else 0)


Serving = Callable[..., object]
