"""Requests of which an upstream can't have heard go out once more; in a storm only some do, or c2o would double it.

The limits are those of a retry budget
(https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/circuit_breaker.proto, ``RetryBudget``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

SHARE, LEAST = 0.2, 3
"""So many of the requests under way may be replays at a time, and so many in any case."""


class Replays:
    """Counts for one upstream what is under way, and what of it goes out a second time."""

    def __init__(self) -> None:
        self._requests = 0
        self._replays = 0

    @property
    def granted(self) -> bool:
        """May one more go out again?"""
        return self._replays < max(LEAST, SHARE * self._requests)

    @contextmanager
    def request(self) -> Iterator[None]:
        """A request, until its answer has ended."""
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    @contextmanager
    def replay(self) -> Iterator[None]:
        """Its second try, until there is an answer or none."""
        self._replays += 1
        try:
            yield
        finally:
            self._replays -= 1
