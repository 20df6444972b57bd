"""What is said, and when to give up, while the upstream is silent.

A local model may work on a prompt for half an hour.  Claude Code shows a warning after 20 s without
data, drops a stream after 300 s without a byte, and after 610 s with nothing but pings; it then sends the
whole request again.  So after 10 s the answer is begun and pinged, and from time to time a ping is replaced
by an event that clients parse.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

from c2o.proxy.client import ClientLeft, ClientStream
from c2o.proxy.clock import Clock, Timer
from c2o.translate.types import Translator

PING_AFTER = 10.0
"""Seconds of silence towards the client before the answer is begun and pinged, and between pings."""

PARSED_AFTER = 150.0
"""Seconds without an event that clients parse; well within the 300 that Claude Code's watchdog allows."""


class Watch:
    """Watches over one answer, as a context.  Raises TimeoutError inside it when the upstream is given up on.

    ``heard`` is told of every piece from upstream; ``client`` and ``translator`` are given for streams only.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        first_byte: float,
        idle: float,
        client: ClientStream | None = None,
        translator: Translator | None = None,
    ) -> None:
        self._clock = clock
        self._limit, self._idle = first_byte, idle
        self._client, self._translator = client, translator
        self._heard_at = self._parsed_at = clock.now()
        self._timeout = asyncio.timeout(None)
        self._timer: Timer | None = None
        self._flushing: asyncio.Task[None] | None = None

    def heard(self) -> None:
        """A piece came from the upstream."""
        self._heard_at, self._limit = self._clock.now(), self._idle

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._arm()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def _arm(self) -> None:
        """Wake up at the next moment at which something may be due."""
        due = [self._heard_at + self._limit]
        if self._client is not None:
            due.append(self._client.spoke_at + PING_AFTER)
        self._timer = self._clock.call_later(max(0.01, min(due) - self._clock.now()), self._wake)

    def _wake(self) -> None:
        now = self._clock.now()
        if now >= self._heard_at + self._limit:
            self._timeout.reschedule(asyncio.get_running_loop().time())
            return
        if self._client is not None and now >= self._client.spoke_at + PING_AFTER:
            self._speak(self._client, now)
        self._arm()

    def _speak(self, client: ClientStream, now: float) -> None:
        """One sign of life, unless the client is so slow that the last words haven't gone out."""
        assert self._translator is not None
        if client.busy:
            client.spoke_at = now
            return
        parsed = now >= max(self._parsed_at, client.meant_at) + PARSED_AFTER
        if parsed or client.quiet:
            self._parsed_at = now
        client.push(self._translator.keep_alive(parsed=parsed))
        self._flushing = asyncio.get_running_loop().create_task(_flush(client))


async def _flush(client: ClientStream) -> None:
    with suppress(ClientLeft):  # the client has left: the request's own task learns of it
        await client.flush()
