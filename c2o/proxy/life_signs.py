"""What is said, and when to give up, while the upstream is silent.

A local model may work on a prompt for half an hour.  Claude Code shows a warning after 20 s without
data, drops a stream after 300 s without a byte, and after 610 s with nothing but pings; it then sends the
whole request again.  So after 10 s a stream is begun and pinged, and from time to time a ping is replaced
by an event that clients parse.  A whole answer can only be preceded by white space, and only where the client
waits long enough for that to help.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from c2o.proxy.client import ClientLeft, ClientStream
from c2o.proxy.clock import Clock, Timer
from c2o.proxy.patience import Limit, Patience
from c2o.translate.types import Translator
from c2o.wire.sse import frame

PING_AFTER = 10.0
"""Seconds of silence towards the client before a stream is begun and pinged, and between pings."""

PARSED_AFTER = 150.0
"""Seconds without an event that clients parse; well within the 300 that Claude Code's watchdog allows."""

SPACE_AFTER = 240.0
"""Seconds before white space precedes a whole answer; until then its status can still be an honest one."""


PING = frame("ping", b'{"type":"ping"}')

QUEUE = 600.0
"""Seconds that a request may wait for its turn."""


class Voice(Protocol):
    """What is said towards one client while the upstream is silent."""

    def due(self) -> float:
        """When something must be said next, by the clock."""

    def speak(self, now: float) -> None:
        """Say it."""

    def stuck_since(self) -> float | None:
        """When the write began that the client holds up, if it does."""


class Watch:
    """Watches over one answer, as a context.  Raises TimeoutError inside it when the upstream is given up on;
    ``exceeded`` says then what was too much.

    ``heard`` is to be told of every piece from upstream.
    """

    def __init__(
        self, clock: Clock, patience: Patience, *, client: Limit | None = None, voice: Voice | None = None
    ) -> None:
        """``client``: when the client would have left."""
        self._clock, self._patience, self._voice = clock, patience, voice
        self._began_at = self._heard_at = self._data_at = clock.now()
        self._came_at = self._began_at
        self._client = client
        self._begun = self._queued = False
        self._events = 0
        self._timeout = asyncio.timeout(None)
        self._timer: Timer | None = None

    def heard(self, events: int | None = None) -> None:
        """A piece came from the upstream; ``events`` came by now, None where they aren't counted."""
        self._heard_at, self._begun = self._clock.now(), True
        if events is None or events != self._events:
            self._events, self._data_at = events or 0, self._heard_at

    def queue(self) -> None:
        """The request waits for its turn: the upstream hasn't heard of it."""
        self._queued = True

    def begin(self) -> None:
        """Its turn has come: the upstream's time runs from now on."""
        self._queued = False
        self._began_at = self._heard_at = self._data_at = self._clock.now()
        if self._timer is not None:
            self._timer.cancel()
        self._arm()

    @property
    def exceeded(self) -> Limit:
        """The limit that is reached first, unless something comes."""
        return min(self._limits())

    def _limits(self) -> Iterator[Limit]:
        if self._client is not None:
            yield self._client
        if self._queued:
            yield Limit(self._came_at + QUEUE, QUEUE, "queue")
            return
        patience = self._patience
        if self._voice is not None and (since := self._voice.stuck_since()) is not None:
            yield Limit(since + patience.write, patience.write, "write")
        elif self._begun:
            yield Limit(self._heard_at + patience.idle, patience.idle, "idle")
        else:
            yield Limit(self._heard_at + patience.first_byte, patience.first_byte, "first_byte")
        yield Limit(self._data_at + patience.no_data, patience.no_data, "no_data")
        yield Limit(self._began_at + patience.total, patience.total, "total")

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
        due = self.exceeded.at
        if self._voice is not None:
            due = min(due, self._voice.due())
        self._timer = self._clock.call_later(max(0.01, due - self._clock.now()), self._wake)

    def _wake(self) -> None:
        now = self._clock.now()
        if now >= self.exceeded.at:
            self._timeout.reschedule(asyncio.get_running_loop().time())
            return
        if self._voice is not None and now >= self._voice.due():
            self._voice.speak(now)
        self._arm()


class _Speaker:
    """Says something to a client that may be slow, without waiting for it."""

    def __init__(self, client: ClientStream) -> None:
        self._client = client
        self._flushing: asyncio.Task[None] | None = None

    def stuck_since(self) -> float | None:
        return self._client.stuck_since

    def _say(self, data: bytes, *, bare: bool = False) -> None:
        self._client.push(data, bare=bare)
        self._flushing = asyncio.get_running_loop().create_task(_flush(self._client))


class StreamVoice(_Speaker):
    """Pings, and now and then an event that clients parse.

    ``open``: for the time of the first pings, another upstream may still give the answer, so the message isn't begun.
    """

    def __init__(self, client: ClientStream, translator: Translator, *, open: bool = False) -> None:
        super().__init__(client)
        self._translator = translator
        self._open = open
        self._parsed_at = client.meant_at

    def due(self) -> float:
        return self._client.spoke_at + PING_AFTER

    def speak(self, now: float) -> None:
        client = self._client
        if client.busy:  # the last words haven't gone out: more would only pile up
            client.spoke_at = now
            return
        parsed = now >= max(self._parsed_at, client.meant_at) + PARSED_AFTER
        if self._open and not (parsed or client.committed):
            self._say(PING, bare=True)
            return
        if parsed or client.quiet:
            self._parsed_at = now
        self._say(self._translator.keep_alive(parsed=parsed))


class WholeVoice(_Speaker):
    """White space before a JSON answer: legal there, and the client's connection stays alive."""

    def due(self) -> float:
        return self._client.spoke_at + (SPACE_AFTER if self._client.quiet else PING_AFTER)

    def speak(self, now: float) -> None:  # noqa: ARG002 - a Voice
        self._say(b" ", bare=True)


async def _flush(client: ClientStream) -> None:
    with suppress(ClientLeft):  # the request's own task learns of it
        await client.flush()
