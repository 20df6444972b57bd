"""An upstream that can't be reached isn't knocked at by every request: after some failures one may try now and then.

Only failed connections count: whoever answers, with whatever status, is there.  A new configuration
doesn't forget who is down, unless there is another way to it.
"""

from __future__ import annotations

from collections import deque
from copy import copy
from math import ceil
from typing import Literal, NamedTuple

from c2o.errors import RequestError
from c2o.proxy.clock import Clock

FAILURES, WITHIN = 5, 30.0
"""So many failed connections in a row, in so many seconds, open the breaker."""

FIRST_REST, LONGEST_REST = 5.0, 60.0
"""Seconds until one request may try; doubled by each that fails."""

Stand = Literal["closed", "open", "half_open"]


class Unreachable(RequestError):
    """No connection came about: the upstream has heard nothing of the request."""


class Trouble(NamedTuple):
    """An upstream that isn't asked."""

    why: str
    seconds: float
    """Until it is asked again."""


class Breaker:
    """Stands before one upstream.  ``admit`` each request, and say what became of its connection."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=FAILURES)
        self._rest = 0.0
        self._until = 0.0
        self._probing = False
        self._last: RequestError | None = None

    @property
    def stand(self) -> Stand:
        if not self._rest:
            return "closed"
        return "open" if self._clock.now() < self._until else "half_open"

    @property
    def trouble(self) -> Trouble | None:
        """None where requests are let through."""
        if self._last is None or not self._rest or (self.stand == "half_open" and not self._probing):
            return None
        return Trouble(str(self._last), max(1.0, self._until - self._clock.now()))

    def admit(self) -> bool:
        """May the request go?  Raises RequestError (503) with the time to wait if not.

        True: it is the one that tries, and ``left`` must be called when it ends.
        """
        if self.trouble is not None:
            raise self._refusal()
        self._probing = bool(self._rest)
        return self._probing

    def reached(self) -> None:
        """It is there, whatever it says, and when."""
        self._failures.clear()
        self._rest, self._probing, self._last = 0.0, False, None

    def failed(self, failure: RequestError) -> None:
        """No connection came about, for the reason that ``failure`` tells."""
        now = self._clock.now()
        self._failures.append(now)
        self._last = copy(failure)  # one that is raised keeps everything alive that was on its way
        often = len(self._failures) == FAILURES and now - self._failures[0] <= WITHIN
        if self._probing or (often and not self._rest):
            self._rest = min(LONGEST_REST, self._rest * 2 or FIRST_REST)
            self._until = now + self._rest
        self._probing = False

    def left(self) -> None:
        """The request ended before it was known what becomes of its connection: another may try."""
        self._probing = False

    def _refusal(self) -> RequestError:
        assert self._last is not None
        assert self.trouble is not None
        wait = ceil(self.trouble.seconds)
        return Unreachable(
            f"{self._last} It failed {FAILURES} times in a row, so c2o asks it again only in {wait} s.",
            status=503,
            type="api_error",
            retry=self._last.retry,
            retry_after=wait,
        )
