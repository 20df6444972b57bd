"""After a handover: requests that still come in, on connections that clients have kept, go on to the successor.

A connection that is closed while its client sends is a failed request, so none is closed that may be in use: an answer
says that it is the last one of its connection, and what stays silent for a second is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import web
from multidict import CIMultiDictProxy
from yarl import URL

from c2o.proxy.access import REQUEST_ID, new_id, refusal
from c2o.proxy.streams import ENDING

QUIET = 1.0
"""Seconds without a request after which a kept connection is closed."""

POLL = 0.05
"""Seconds between two looks at the connections."""

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "expect", "upgrade", "te", "trailer"}
"""Headers that mean one connection: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Relay:
    """Knows which connections are in use, and where requests go once there is a successor."""

    def __init__(self) -> None:
        self.successor: str | None = None
        """Its URL."""
        self._busy: set[object] = set()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Around all others: the successor has its own rules."""
        self._busy.add(request.protocol)
        try:
            return await (handler(request) if self.successor is None else relayed(request, self.successor))
        finally:
            self._busy.discard(request.protocol)

    async def close(self, request: web.Request, response: web.StreamResponse) -> None:
        """For ``on_response_prepare``: once there is a successor, an answer is the last of its connection."""
        del request
        if self.successor is not None:
            response.headers["Connection"] = "close"
            response.force_close()

    async def emptied(self, server: web.Server) -> None:
        """Close each connection that has become quiet.  Returns when none is left."""
        now = asyncio.get_running_loop().time
        quiet: dict[object, float] = {}
        while connections := server.connections:
            quiet = {each: quiet.get(each, now()) for each in connections if each not in self._busy}
            for each in connections:
                if now() - quiet.get(each, now()) >= QUIET:
                    each.force_close()  # ``close`` leaves it open, and deaf to what comes, until the server shuts down
            await asyncio.sleep(POLL)


RELAY: web.AppKey[Relay] = web.AppKey("relay", Relay)


async def relayed(request: web.Request, successor: str) -> web.StreamResponse:
    """The successor's answer.  If it has gone, what a client is told by a service that ends."""
    try:
        async with (
            aiohttp.ClientSession(
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
            ) as session,
            session.request(
                request.method,
                URL(successor + _path(request), encoded=True),
                headers=_end_to_end(request.headers),
                data=request.content if request.body_exists else None,
                allow_redirects=False,
            ) as answer,
        ):
            return await _passed_on(request, answer)
    except aiohttp.ClientError:
        request[REQUEST_ID] = new_id("req_")
        return refusal(request, ENDING)


def _path(request: web.Request) -> str:
    """Path and query as they came.  An address in their place can't be ours, and must not become another host's."""
    return request.raw_path if request.raw_path.startswith("/") else "/"


async def _passed_on(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=_end_to_end(answer.headers))
    await response.prepare(request)
    async for data in answer.content.iter_any():
        await response.write(data)
    await response.write_eof()
    return response


def _end_to_end(headers: CIMultiDictProxy[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP]
