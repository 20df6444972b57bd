"""What is kept in memory for a short while, and bounded: a second chance, never the only one."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from copy import copy

from c2o.errors import RequestError
from c2o.proxy.clock import Clock

ENTRIES = 1024
BYTES = 16 * 1024 * 1024


class Remembered(Mapping[str, str]):
    """Reasoning by tool-call id, for clients that don't send thinking back.  The oldest goes first."""

    def __init__(self, entries: int = ENTRIES, size: int = BYTES) -> None:
        self._entries: OrderedDict[str, str] = OrderedDict()
        self._most, self._largest = entries, size
        self._size = 0

    def update(self, more: Mapping[str, str]) -> None:
        for key, value in more.items():
            self._size += len(value) - len(self._entries.pop(key, ""))
            self._entries[key] = value
        while self._entries and (len(self._entries) > self._most or self._size > self._largest):
            _, value = self._entries.popitem(last=False)
            self._size -= len(value)

    def __getitem__(self, key: str) -> str:
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


REPEATED_WITHIN = 30.0
"""Seconds in which a client repeats what has just failed."""

MOST_FAILURES = 256

FOR_GOOD = frozenset(
    {"invalid_request_error", "authentication_error", "permission_error", "billing_error", "not_found_error"}
    | {"request_too_large", "rate_limit_error", "overloaded_error", "timeout_error"}
)
"""Errors that a repetition would only meet again.  A broken stream isn't among them: it may go better."""


class Failures:
    """Answers for requests that have just failed, so that a repetition costs the upstream nothing.

    Claude Code sends a failed stream again at once with ``stream: false``, and a 400 up to six times with
    fields left out.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[float, RequestError]] = OrderedDict()

    def note(self, key: str, failure: RequestError) -> None:
        self._failures.pop(key, None)
        self._failures[key] = (self._clock.now(), failure)
        while len(self._failures) > MOST_FAILURES:
            self._failures.popitem(last=False)

    def recall(self, key: str) -> RequestError | None:
        """A copy, because an exception that has been raised keeps everything alive that was on its way."""
        at, failure = self._failures.get(key, (0.0, None))
        return copy(failure) if failure is not None and self._clock.now() - at < REPEATED_WITHIN else None

    def clear(self) -> None:
        """With another configuration a repetition may go better."""
        self._failures.clear()

    def __bool__(self) -> bool:
        """Is there anything that a request need be compared with?"""
        return bool(self._failures)


_STREAM_FIELD = re.compile(rb'"stream"\s*:\s*(?:true|false)\s*,?\s*')


def of_body(body: bytes) -> str:
    """The key of a request, streamed or not."""
    return hashlib.sha256(_STREAM_FIELD.sub(b"", body).rstrip(b", }")).hexdigest()
