"""Who is asked for an answer: the model that the client means, or a fallback where that can't give one.

A failure of the upstream (not there, out of quota, key or model refused, limited, broken) lets the next one try, as
long as the client has heard nothing of an answer.  A failure of the request would be met there again, and one who
is merely slow may still be at work: neither does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from c2o.errors import RequestError
from c2o.proxy.breaker import Trouble, Unreachable
from c2o.proxy.clock import Clock
from c2o.proxy.patience import GaveUp
from c2o.routing import Route
from c2o.translate.answers import TOO_LONG
from c2o.translate.types import Answer
from c2o.translate.upstream_errors import UNKNOWN_MODEL

MOST_TRIED = 2
"""Upstreams that may fail over one request."""

FOR_ALL = {"rate_limit_error": 60.0, "billing_error": 300.0, "authentication_error": 300.0, UNKNOWN_MODEL: 300.0}
"""Seconds for which nobody asks a model that failed so, unless it says how long; by the error's code, else its type."""

UNREACHABLE = 60.0
"""The same where there was no connection, which may have taken ten seconds to find out."""

FOR_ITS_SESSION = 60.0
"""Seconds for which the session that met another failure keeps to its fallback, whose prompt cache is warm by then."""

LONGEST = 600.0

MOST_DETOURS = 1024

EVERYBODY = None


class GiveWay(Exception):
    """An upstream can't give the answer, and another may."""

    def __init__(self, failure: RequestError, answer: Answer | None = None) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.answer = answer
        """What the client is to be told, if nobody can; None: the failure as it is."""

    @property
    def hopeless(self) -> bool:
        return self.failure.retry is False

    @property
    def wait(self) -> float | None:
        """Seconds for which the upstream wants to be left alone."""
        return wait_of(self.answer.headers) if self.answer else self.failure.retry_after


def wait_of(headers: Mapping[str, str]) -> float | None:
    """The seconds that an answer's ``retry-after`` names."""
    text = headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None


def gives_way(failure: RequestError) -> bool:
    """Is it the upstream that failed, and not the request?"""
    if isinstance(failure, GaveUp):
        return False
    return failure.code == UNKNOWN_MODEL or failure.status in (401, 402, 408, 429) or failure.status >= 500


def is_too_long(failure: RequestError) -> bool:
    """Can the model not hold what the request is about?  Told so, clients throw parts of the conversation away."""
    return str(failure).startswith(TOO_LONG)


def _usual(failure: RequestError) -> float | None:
    return UNREACHABLE if isinstance(failure, Unreachable) else FOR_ALL.get(failure.code or failure.type)


class Detour(NamedTuple):
    until: float
    why: str


class Detours:
    """Models that aren't asked for a while, because there is a fallback for them that works."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._detours: OrderedDict[tuple[str, str | None], Detour] = OrderedDict()
        """By model, and whose they are: a session's, or everybody's.  Requests without a session are one together."""

    def ways(self, route: Route, session: str) -> list[Route]:
        """Whom to ask, in order."""
        return sorted((route, *route.fallbacks), key=lambda way: self._avoided(way, session))

    def note(self, route: Route, session: str, missed: GiveWay) -> None:
        usual = _usual(missed.failure)
        seconds = min(LONGEST, FOR_ITS_SESSION if usual is None else missed.wait or usual)
        key = (route.target, session if usual is None else EVERYBODY)
        self._detours.pop(key, None)
        self._detours[key] = Detour(self._clock.now() + seconds, str(missed.failure))
        while len(self._detours) > MOST_DETOURS:
            self._detours.popitem(last=False)

    def troubles(self) -> Iterator[tuple[str, Trouble]]:
        """The models that nobody asks now."""
        now = self._clock.now()
        for (target, session), detour in self._detours.items():
            if session is EVERYBODY and detour.until > now:
                yield target, Trouble(detour.why, detour.until - now)

    def clear(self) -> None:
        """With another configuration it may go better: a key may be the right one now."""
        self._detours.clear()

    def _avoided(self, route: Route, session: str) -> bool:
        found = (self._detours.get((route.target, whose)) for whose in (EVERYBODY, session))
        return any(detour is not None and detour.until > self._clock.now() for detour in found)
