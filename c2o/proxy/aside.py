"""Work on large bodies, in a thread, so that nobody's stream waits for it.

The interpreter's lock changes hands while Python code runs, so a thread of such code holds others up for a moment at a
time.  A call into C keeps the lock until it returns: what calls into C for long does it in slices.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

LARGE = 256 * 1024
"""Bytes from which work on a body leaves the event loop: for what is shorter, it takes some milliseconds at most."""

P = ParamSpec("P")
T = TypeVar("T")


async def aside(size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What ``work`` returns, or raises; ``size`` is that of the body which it is about, in bytes."""
    return work(*args, **kwargs) if size < LARGE else await asyncio.to_thread(work, *args, **kwargs)
