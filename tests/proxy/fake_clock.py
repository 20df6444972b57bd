"""A clock that a test turns forward: half an hour of silence takes no time."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

from c2o.proxy.clock import Clock

TURNS = 20
"""Turns of the event loop in which what a timer has caused reaches the other end of a loopback connection."""


class FakeTimer:
    """A call that is due at some time."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class FakeClock(Clock):
    """``c2o.proxy.clock.Clock`` that stands still until ``advance``."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._number = itertools.count()
        self._timers: list[tuple[float, int, FakeTimer]] = []

    def now(self) -> float:
        return self._now

    def call_later(self, delay: float, call: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(call)
        heapq.heappush(self._timers, (self._now + delay, next(self._number), timer))
        return timer

    @property
    def pending(self) -> int:
        """Timers that somebody still waits for."""
        return sum(timer.call is not None for _, _, timer in self._timers)

    async def advance(self, seconds: float) -> None:
        """Let time pass: each timer fires at its own time, and what it causes happens before the next."""
        end = self._now + seconds
        while self._timers and self._timers[0][0] <= end:
            due, _, timer = heapq.heappop(self._timers)
            if timer.call is not None:
                self._now = max(self._now, due)
                timer.call()
                await settle()
        self._now = end
        await settle()


async def settle() -> None:
    """Let everything happen that needs no time."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
