"""The keys of one upstream: each session keeps to one, and a key that is limited or refused rests."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from copy import copy
from math import ceil
from typing import NamedTuple
from zlib import crc32

from c2o import secret
from c2o.errors import RequestError
from c2o.proxy.breaker import Trouble
from c2o.proxy.clock import Clock
from c2o.proxy.memory import REPEATED_WITHIN
from c2o.proxy.prepared import key_of
from c2o.secret import Missing, Secret

RESTS = {"rate_limit_error": 30.0, "billing_error": 600.0, "authentication_error": 600.0}
"""Seconds that a key rests after a failure that is its own, where the upstream doesn't say how long."""

LONGEST_REST = 3600.0

NO_KEY = "nowhere (no api_key is configured)"


class Key(NamedTuple):
    number: int
    place: str
    """Where it comes from, safe to print: ``env:NAME``, and which of several it is."""
    value: Secret | None
    """None for an upstream without keys."""


NO_KEY_AT_ALL = Key(0, NO_KEY, None)


class Rest(NamedTuple):
    began: float
    until: float
    why: RequestError


class KeyRing:
    """Picks the key for a request.  An upstream that wants none has a ring with nothing on it."""

    def __init__(self, clock: Clock, sources: Sequence[str], values: Sequence[Secret | Missing]) -> None:
        """Those that are missing take no turns."""
        self._clock = clock
        places = [secret.place(source, number, len(sources)) for number, source in enumerate(sources)]
        found = [(place, key) for place, value in zip(places, values, strict=True) if (key := key_of(value))]
        self._keys = [Key(number, place, key) for number, (place, key) in enumerate(found)]
        if not sources:
            self._keys = [NO_KEY_AT_ALL]
        self._rests: dict[int, Rest] = {}
        self._turn = itertools.count()

    def now(self) -> float:
        return self._clock.now()

    def pick(self, session: str = "", tried: Collection[int] = ()) -> Key | None:
        """A key that doesn't rest, or the one whose rest ends first; None if all have been tried.

        A session keeps its key as long as it can, for the upstream's prompt cache; requests without one take turns.
        """
        keys = [key for key in self._keys if key.number not in tried]
        if not keys:
            return None
        rested = [key for key in keys if not self.rests(key)]
        if not rested:
            return None if tried else min(keys, key=lambda key: self._rests[key.number].until)
        start = (crc32(session.encode()) if session else next(self._turn)) % len(self._keys)
        return min(rested, key=lambda key: (key.number - start) % len(self._keys))

    def rest(self, key: Key, failure: RequestError, wait: float | None) -> None:
        """The upstream said no to a key.  A single one never rests: there is no other."""
        if len(self._keys) > 1 and (usual := RESTS.get(failure.type)):
            now = self._clock.now()
            seconds = min(LONGEST_REST, usual if wait is None else max(1.0, wait))
            self._rests[key.number] = Rest(now, now + seconds, copy(failure))

    def worked(self, key: Key, asked_at: float) -> None:
        """An answer to what went out before the key was refused says nothing of now."""
        if key.number in self._rests and self._rests[key.number].began < asked_at:
            del self._rests[key.number]

    def rests(self, key: Key) -> bool:
        return key.number in self._rests and self._clock.now() < self._rests[key.number].until

    def refused(self) -> RequestError | None:
        """The failure with which all keys have just been refused for good, if they were."""
        rests = [self._rests[key.number] for key in self._keys if self.rests(key)]
        lately = self._clock.now() - max((rest.began for rest in rests), default=0.0) < REPEATED_WITHIN
        if len(rests) == len(self._keys) and lately and all(rest.why.retry is False for rest in rests):
            return copy(rests[-1].why)
        return None

    def hope(self) -> RequestError | None:
        """The failure of the key that is the next to work again by itself, if there is one; with the time to wait."""
        passing = [
            rest for key in self._keys if self.rests(key) and (rest := self._rests[key.number]).why.retry is None
        ]
        if not passing:
            return None
        rest = min(passing, key=lambda rest: rest.until)
        failure = copy(rest.why)
        failure.retry_after = ceil(rest.until - self._clock.now())
        return failure

    def troubles(self) -> Iterator[Trouble]:
        """The keys that rest."""
        for key in self._keys:
            if self.rests(key):
                rest = self._rests[key.number]
                yield Trouble(f"{key.place}: {rest.why}", rest.until - self._clock.now())


class KeyInUse:
    """The key with which one request goes out.  As text: where it comes from."""

    def __init__(self, ring: KeyRing, session: str) -> None:
        self._ring, self._session = ring, session
        self._tried: set[int] = set()
        self._asked_at = 0.0
        self.key = ring.pick(session) or NO_KEY_AT_ALL

    def __str__(self) -> str:
        return self.key.place

    def check(self) -> None:
        """Raises RequestError where all keys have just been refused for good."""
        if (failure := self._ring.refused()) is not None:
            raise failure

    def taken(self) -> Key:
        """The key, now that the request goes out: another, if this one was refused to others meanwhile."""
        if self._ring.rests(self.key):
            self.key = self._ring.pick(self._session, self._tried) or self.key
        self._asked_at = self._ring.now()
        return self.key

    def hope(self) -> RequestError | None:
        """What is said of a key that wasn't asked with, and works again in a while."""
        return self._ring.hope()

    def worked(self) -> None:
        self._ring.worked(self.key, self._asked_at)

    def refused(self, failure: RequestError, wait: float | None) -> bool:
        """The upstream said no.  Is there another key to ask with instead?"""
        if failure.type not in RESTS:
            return False
        self._ring.rest(self.key, failure, wait)
        self._tried.add(self.key.number)
        other = self._ring.pick(self._session, self._tried)
        self.key = other or self.key
        return other is not None
