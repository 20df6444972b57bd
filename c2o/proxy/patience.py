"""How long an upstream is waited for, and what is said when that was too long."""

from __future__ import annotations

from typing import NamedTuple

import aiohttp

from c2o import urls
from c2o.config import Upstream
from c2o.errors import RequestError

DEFAULTS = {  # seconds: in the cloud, on this machine
    "connect": (10.0, 3.0),
    "first_byte": (600.0, 3600.0),
    "idle": (300.0, 900.0),
    "total": (3600.0, 14400.0),
    "write": (60.0, 60.0),
}
"""A local model may read its prompt for an hour; a service in the cloud that says nothing for ten minutes is gone."""


class Patience:
    """The time limits for an upstream, in seconds; what each means is written at ``config.Timeouts``."""

    def __init__(self, upstream: Upstream) -> None:
        self.local = urls.is_loopback(upstream.base_url)
        given = upstream.timeouts
        self.first_byte = given.first_byte or self._usual("first_byte")
        self.idle = given.idle or self._usual("idle")
        self.total = given.total or self._usual("total")
        self.write = given.write or self._usual("write")
        self.no_data = max(self.first_byte, self.idle)
        """Comments keep a connection alive, but not for ever: an event must come as often as a first byte must."""
        connect = given.connect or self._usual("connect")
        self.timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect)

    def _usual(self, name: str) -> float:
        cloud, local = DEFAULTS[name]
        return local if self.local else cloud


class Limit(NamedTuple):
    """A moment at which an upstream is given up on."""

    at: float
    seconds: float
    name: str
    """In ``GIVEN_UP``."""


_RAISE = "If it may take that long, raise %s in [upstreams.{upstream}.timeouts] of c2o's configuration."

GIVEN_UP = {
    "first_byte": "sent nothing for {seconds:g} s. " + _RAISE % "first_byte",
    "idle": "fell silent for {seconds:g} s in the middle of its answer. " + _RAISE % "idle",
    "no_data": "sent nothing but signs of life for {seconds:g} s. " + _RAISE % "first_byte",
    "total": "was not done after {seconds:g} s. " + _RAISE % "total",
    "write": "couldn't go on: the client took nothing of the answer for {seconds:g} s. " + _RAISE % "write",
    "queue": "had no place for this request for {seconds:g} s. Raise max_concurrency or requests_per_minute in "
    "[upstreams.{upstream}] of c2o's configuration, or send fewer requests at a time.",
    "client": "was not done after {seconds:g} s, and the client waits no longer for a whole answer. "
    "Give the client more time (API_TIMEOUT_MS), or let it ask for a stream.",
}
"""What is said of an upstream, by the name of the limit that it exceeded."""


class GaveUp(RequestError):
    """An upstream was given up on: it may still be at work on the request, so nobody else is asked."""


def gave_up(upstream: str, limit: Limit) -> GaveUp:
    said = GIVEN_UP[limit.name].format(seconds=limit.seconds, upstream=upstream)
    return GaveUp(f"upstream {upstream} {said}", status=504, type="timeout_error", retry=False)
