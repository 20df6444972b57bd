"""The client's end of a stream: headers go out with the first bytes, not before.

As long as nothing has been said, a failure can still be an honest HTTP status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from c2o.proxy.clock import Clock
from c2o.proxy.tracing import Trace
from c2o.translate.answers import ERROR_EVENT, events_with_id

EVENTS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
JSON = {"Content-Type": "application/json"}


class ClientLeft(Exception):
    """The client closed the connection before its answer had ended."""


class ClientStream:
    """Bytes out to one client, in the order in which they were made."""

    def __init__(
        self,
        request: web.Request,
        clock: Clock,
        request_id: str,
        headers: Mapping[str, str] = EVENTS,
        trace: Trace | None = None,
    ) -> None:
        self.headers = {**headers, "request-id": request_id}
        """Sent with the first bytes."""
        self.limits: Mapping[str, str] = {}
        """More headers: the limits of the upstream that answers, which is settled only with the first bytes."""
        self._id = request_id
        self._request = request
        self._response: web.StreamResponse | None = None
        self._clock = clock
        self._trace = trace
        self._pending: list[bytes] = []
        self._writing = asyncio.Lock()
        self.quiet = True
        """Has nothing been said yet, so that a plain HTTP answer is still possible?"""
        self.committed = False
        """Has anything been said that only one answer can follow?  Bare pings and white space aren't such."""
        self.spoke_at = clock.now()
        """When anything at all was last said."""
        self.meant_at = self.spoke_at
        """When something was last said that is no sign of life."""
        self.stuck_since: float | None = None
        """When the write began that is under way: a client that doesn't read holds it up."""

    @property
    def busy(self) -> bool:
        """Is a write under way?  More would only pile up."""
        return self._writing.locked()

    def push(self, data: bytes, *, bare: bool = False) -> None:
        """Say ``data`` with the next ``flush``: here the order of what is said is decided.

        ``bare``: any answer can follow it.
        """
        self.quiet = False
        self.committed |= not bare
        self._pending.append(data)
        self.spoke_at = self._clock.now()

    async def flush(self) -> None:
        async with self._writing:
            if not self._pending:
                return
            data = b"".join(self._pending)
            self._pending.clear()
            self.stuck_since = self._clock.now()
            try:
                response = await self._prepared()
                if self._trace:
                    self._trace.data("told", data)
                await response.write(data)
            except ConnectionError as error:
                raise ClientLeft("the client left") from error
            finally:
                self.stuck_since = None

    async def _prepared(self) -> web.StreamResponse:
        if self._response is None:
            headers = {**self.headers, **self.limits}
            self._response = web.StreamResponse(headers=headers)
            if self._trace:
                self._trace.answer("told", self._response.status, headers)
            await self._response.prepare(self._request)
        return self._response

    async def write(self, data: bytes) -> None:
        """Say what the upstream's answer became; nothing where it became nothing yet."""
        if data:
            self.push(events_with_id(data, self._id) if ERROR_EVENT in data else data)
            self.meant_at = self.spoke_at
            await self.flush()

    async def end(self) -> web.StreamResponse:
        await self.flush()
        try:
            response = await self._prepared()
            await response.write_eof()
        except ConnectionError as error:
            raise ClientLeft("the client left") from error
        return response
