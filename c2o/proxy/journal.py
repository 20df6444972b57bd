"""A line when a request begins and one when it ends in the log, and the counters that ``c2o status`` shows.

Names, counts and times; never content, keys or headers: ``wire.log`` has the line's fields.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Self

import msgspec
from msgspec import Struct

from c2o.errors import RequestError
from c2o.printable import printable
from c2o.proxy.clock import Clock
from c2o.proxy.tracing import Trace
from c2o.proxy.usage import Usage
from c2o.redaction import without_what_looks_like_a_key
from c2o.routing import Route
from c2o.translate.types import Outcome
from c2o.wire.log import Attempt, Begun, Finished, Warned

log = logging.getLogger("c2o.journal")


class Counters(Struct):
    total: int = 0
    failed: int = 0
    active: int = 0


class Entry:
    """One request, from its arrival to its last line in the log.  A context."""

    def __init__(self, journal: Journal, request_id: str, client: str | None) -> None:
        self._journal = journal
        self.id = request_id
        self.client = client
        self.asked = "-"
        self.kind: str | None = None
        self.session = ""
        """Claude Code's own id of it."""
        self.route: Route | None = None
        self.attempts: list[Attempt] = []
        self.stream = False
        self.outcome = Outcome()
        self.trace: Trace | None = None
        """What goes over the wire, if that is wanted."""
        self.began_at = journal.clock.now()
        """When it arrived."""
        self._first_byte_at: float | None = None

    def begins(self, route: Route) -> None:
        """It is known where it goes."""
        self.route = route
        if log.isEnabledFor(logging.DEBUG):
            log.debug(
                Begun(
                    id=self.id,
                    pid=os.getpid(),
                    asked=_shown(self.asked),
                    target=_shown(route.target),
                    kind=self.kind,
                    client=self.client,
                    stream=self.stream,
                )
            )

    def attempt(self, route: Route, why: str) -> None:
        """``route`` was tried in vain, as ``why`` says in a sentence; another attempt follows."""
        self._first_byte_at = None
        if len(self.attempts) < MOST_ATTEMPTS:
            self.attempts.append(Attempt(target=_shown(route.target), why=why[:LONGEST_TEXT], seconds=self.seconds))

    def heard(self, data: bytes = b"") -> None:
        """The upstream's answer has begun; ``data`` is the next piece of it."""
        if self.trace:
            self.trace.data("heard", data)
        if self._first_byte_at is None:
            self._first_byte_at = self._journal.clock.now()

    def __enter__(self) -> Self:
        self._journal.counters.total += 1
        self._journal.counters.active += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._journal.counters.active -= 1
        if error is not None and self.outcome.error is None:
            self.outcome.error = str(error) if isinstance(error, Exception) else "the client left"
            self.outcome.failure = error if isinstance(error, RequestError) else None
        if self.outcome.error is not None:
            self._journal.counters.failed += 1
        self._journal.write(self)
        if self.trace:
            self.trace.end(msgspec.to_builtins(self.finished()))

    @property
    def seconds(self) -> float:
        """Since its arrival."""
        return round(self._journal.clock.now() - self.began_at, 3)

    def finished(self) -> Finished:
        """What the log says of it."""
        usage = self.outcome.usage
        began = self.began_at
        return Finished(
            id=self.id,
            asked=_shown(self.asked),
            target=_shown(self.route.target) if self.route else None,
            kind=self.kind,
            client=self.client,
            stream=self.stream,
            input_tokens=usage.input_tokens if usage else None,
            cached_tokens=usage.cache_read_input_tokens if usage else None,
            output_tokens=usage.output_tokens if usage else None,
            first_byte=None if self._first_byte_at is None else round(self._first_byte_at - began, 3),
            seconds=self.seconds,
            stop_reason=self.outcome.stop_reason,
            attempts=self.attempts,
            repairs=_counted(self.outcome.repairs),
            warnings=_counted(self.outcome.warnings),
            status=self.outcome.failure.status if self.outcome.failure else None,
            error=self.outcome.error[:LONGEST_TEXT] if self.outcome.error else None,
        )


LONGEST_NAME, LONGEST_TEXT, LONGEST_CLIENT = 120, 700, 60
"""Characters of a model's name, of a sentence, and of a client's name; the client and the upstream choose them."""

REFUSALS = 60
"""Lines in a minute for what is refused at the door."""

MOST_WARNINGS = MOST_ATTEMPTS = 10


def _shown(name: str) -> str:
    return printable(name[:LONGEST_NAME])


def _counted(notes: list[str]) -> list[Warned]:
    counts = Counter(notes).most_common(MOST_WARNINGS) if notes else []
    return [Warned(text[:LONGEST_TEXT], count) for text, count in counts]


def client_of(headers: Mapping[str, str]) -> str | None:
    """The program that asks, and its version: ``claude-cli/2.1.329``, ``Anthropic/Python 0.75.0``.

    >>> client_of({"User-Agent": "claude-cli/2.1.329 (external, cli)"})
    'claude-cli/2.1.329'
    """
    return _named(headers.get("User-Agent", ""), headers.get("x-app", ""))


@lru_cache(maxsize=64)
def _named(agent: str, app: str) -> str | None:
    return printable((agent.partition("(")[0].strip() or app)[:LONGEST_CLIENT]) or None


class Journal:
    """All requests of one service."""

    def __init__(self, clock: Clock, usage: Usage | None = None) -> None:
        self.clock = clock
        self.usage = usage or Usage(None)
        self.counters = Counters()
        self._minute, self._refusals = -1, 0

    def entry(self, request_id: str, client: str | None = None) -> Entry:
        return Entry(self, request_id, client)

    def refused(self, request_id: str, asked: str, client: str | None, failure: RequestError) -> None:
        """A line for what was refused before it was a message; no more than REFUSALS in a minute, so that nobody who
        is refused can drive the others out of the log."""
        minute = int(self.clock.now() // 60)
        if minute != self._minute:
            self._minute, self._refusals, unsaid = minute, 0, max(0, self._refusals - REFUSALS)
        else:
            unsaid = 0
        self._refusals += 1
        if self._refusals > REFUSALS:
            return
        more = [Warned("requests refused before this one that have no line", unsaid)] if unsaid else []
        path = _shown(without_what_looks_like_a_key(asked))  # whoever asks for anything may have put his own there
        said = without_what_looks_like_a_key(str(failure))[:LONGEST_TEXT]
        log.warning(Finished(id=request_id, path=path, client=client, warnings=more, status=failure.status, error=said))

    def write(self, entry: Entry) -> None:
        self.usage.note(entry)
        level = logging.WARNING if entry.outcome.error else logging.INFO
        if log.isEnabledFor(level):
            log.log(level, entry.finished())
