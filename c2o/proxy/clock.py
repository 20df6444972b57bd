"""Time, so that half an hour of silence can be tested in no time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock:
    """The monotonic clock of the event loop."""

    def now(self) -> float:
        """Seconds; only differences mean something."""
        return time.monotonic()

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """``call`` after ``delay`` seconds, on the event loop."""
        return asyncio.get_running_loop().call_later(delay, call)
