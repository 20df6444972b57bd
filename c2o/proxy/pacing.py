"""How many requests an upstream gets at once and in a minute: those beyond wait for their turn, in order.

Some providers refuse what is beyond their limit with a 429 (NVIDIA's free tier: 40 a minute), and a local server slows
everybody down.  A request that waits here costs nothing; the client hears signs of life meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from c2o.config import Upstream
from c2o.errors import RequestError
from c2o.proxy.clock import Clock, Timer
from c2o.proxy.life_signs import Watch

MINUTE = 60.0

MOST_WAITING = 256
"""Requests that may wait for one upstream: with more, something else is wrong."""


class Pace:
    """The pace of one upstream."""

    def __init__(self, clock: Clock, *, at_once: int | None = None, per_minute: int | None = None) -> None:
        self._clock = clock
        self._at_once = at_once
        self._starts: deque[float] = deque(maxlen=per_minute)
        self._running = 0
        self._paused_until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: Timer | None = None

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        return len(self._waiting) >= MOST_WAITING

    def limit(self, *, at_once: int | None, per_minute: int | None) -> None:
        """How many from now on; those who wait hear of it."""
        self._at_once = at_once
        self._starts = deque(self._starts, maxlen=per_minute)
        self._go_on()

    def pause(self, seconds: float) -> None:
        """Nobody starts for so long."""
        self._paused_until = max(self._paused_until, self._clock.now() + seconds)

    def take_now(self) -> bool:
        """Start, if it is possible at once and nobody waits."""
        if self._waiting or self._opens_at() > self._clock.now():
            return False
        self._start()
        return True

    async def take(self) -> None:
        """Start when everybody who came before has, and there is a place."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._go_on()
        try:
            await turn
        except asyncio.CancelledError:  # the client has left, or was given up on
            if turn.cancelled():
                self._waiting.remove(turn)
                self._go_on()
            else:
                self.release()
            raise

    def release(self) -> None:
        """A request has ended."""
        self._running -= 1
        self._go_on()

    def _start(self) -> None:
        self._running += 1
        if self._starts.maxlen is not None:
            self._starts.append(self._clock.now())

    def _opens_at(self) -> float:
        """When the next may start, by the clock; infinity as long as another must end first."""
        if self._at_once is not None and self._running >= self._at_once:
            return float("inf")
        full = len(self._starts) == self._starts.maxlen
        return max(self._paused_until, self._starts[0] + MINUTE if full else 0.0)

    def _go_on(self) -> None:
        """Start those who wait, as far as there are places, and wake up when there is one more."""
        while self._waiting and self._opens_at() <= self._clock.now():
            turn = self._waiting.popleft()
            self._start()
            turn.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and (at := self._opens_at()) < float("inf"):
            self._timer = self._clock.call_later(max(0.01, at - self._clock.now()), self._go_on)


class Pacing:
    """The paces of all upstreams of a configuration."""

    def __init__(self, upstreams: Mapping[str, Upstream], clock: Clock, before: Pacing | None = None) -> None:
        """An upstream keeps its pace: what runs there, and has run in the last minute, counts with new limits too."""
        known = before.paces if before else {}
        self.paces: dict[str, Pace] = {name: known.get(name) or Pace(clock) for name in upstreams}
        for name, upstream in upstreams.items():
            self.paces[name].limit(at_once=upstream.max_concurrency, per_minute=upstream.requests_per_minute)

    def pause(self, name: str, seconds: float) -> None:
        """An upstream said how long it wants to be left alone."""
        self.paces[name].pause(seconds)

    @asynccontextmanager
    async def turn(self, name: str, watch: Watch) -> AsyncIterator[None]:
        """A place among the upstream's requests.  Raises RequestError (529) where too many wait already."""
        pace = self.paces[name]
        if not pace.take_now():
            if pace.full:
                raise _too_many(name)
            watch.queue()
            await pace.take()
            watch.begin()
        try:
            yield
        finally:
            pace.release()


def _too_many(name: str) -> RequestError:
    return RequestError(
        f"{MOST_WAITING} requests wait for upstream {name} already. Raise max_concurrency or requests_per_minute in "
        f"[upstreams.{name}] of c2o's configuration, or send fewer at a time.",
        status=529,
        type="overloaded_error",
    )
