"""Proxies as companies have them, small and real: HTTP (CONNECT and whole addresses), the same in TLS, SOCKS5."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import struct
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

USER, PASSWORD = "someone", "the-proxy-password-4711"


class Proxy:
    """A proxy on a port of its own.  A context."""

    def __init__(self, *, wants: bool = False, tls: ssl.SSLContext | None = None) -> None:
        """``wants`` USER and PASSWORD."""
        self.wants = wants
        self.asked: list[str] = []
        """Where to, as the client named it."""
        self.tls = tls
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self.tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._served(reader, writer))
        self._tasks.add(task)

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self.serve(reader, writer)
        finally:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


class HttpProxy(Proxy):
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        self.asked.append(target)
        given = base64.b64encode(f"{USER}:{PASSWORD}".encode())
        if self.wants and b"Basic " + given not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            there = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            parts = urlsplit(target)
            there = await asyncio.open_connection(parts.hostname, parts.port)
            lines = head.replace(target.encode(), parts.path.encode(), 1).split(b"\r\n")
            there[1].write(b"\r\n".join(line for line in lines if not line.startswith(b"Proxy-Authorization")))
        await both_ways((reader, writer), there)


class SocksProxy(Proxy):
    """SOCKS5 with names, addresses, and a user (RFC 1928, RFC 1929).  Names lead to this machine."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        offered = await reader.readexactly(count)
        method = 2 if self.wants else 0
        if method not in offered:
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, method]))
        if self.wants and not await self._let_in(reader, writer):
            return
        *_, kind = await reader.readexactly(4)
        host = await self._host(reader, kind)
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        self.asked.append(f"{host}:{port}")
        there = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        await both_ways((reader, writer), there)

    async def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        _, length = await reader.readexactly(2)
        user = await reader.readexactly(length)
        password = await reader.readexactly((await reader.readexactly(1))[0])
        right = (user, password) == (USER.encode(), PASSWORD.encode())
        writer.write(b"\x01\x00" if right else b"\x01\x01")
        await writer.drain()
        return right

    async def _host(self, reader: asyncio.StreamReader, kind: int) -> str:
        if kind == 1:
            return socket.inet_ntoa(await reader.readexactly(4))
        return (await reader.readexactly((await reader.readexactly(1))[0])).decode()


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def both_ways(here: Stream, there: Stream) -> None:
    try:
        await asyncio.gather(_copied(here[0], there[1]), _copied(there[0], here[1]))
    finally:
        there[1].transport.abort()


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.transport.abort()
