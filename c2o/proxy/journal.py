"""One line per request in the log, and the counters that ``c2o status`` shows.

Names, counts and times; never content, keys or headers.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import Self

from msgspec import Struct

from c2o.printable import printable
from c2o.proxy.clock import Clock
from c2o.routing import Route
from c2o.translate.types import Outcome

log = logging.getLogger("c2o.journal")


class Counters(Struct):
    total: int = 0
    failed: int = 0
    active: int = 0


class Entry:
    """One request, from its arrival to its line in the log.  A context."""

    def __init__(self, journal: Journal, request_id: str) -> None:
        self._journal = journal
        self.id = request_id
        self.asked = "-"
        self.route: Route | None = None
        self.stream = False
        self.outcome = Outcome()
        self._began_at = journal.clock.now()
        self._first_byte_at: float | None = None

    def heard(self) -> None:
        """The upstream's answer has begun."""
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
        if self.outcome.error is not None:
            self._journal.counters.failed += 1
        self._journal.write(self)

    def line(self) -> str:
        """``req_… claude-sonnet-5 → nim/qwen3 stream in=812+90 out=40 first=0.31s took=2.04s end_turn``"""
        target = _shown(self.route.target) if self.route else "-"
        parts = [self.id, _shown(self.asked), "→", target, "stream" if self.stream else "whole"]
        if usage := self.outcome.usage:
            parts += [f"in={usage.input_tokens}+{usage.cache_read_input_tokens}", f"out={usage.output_tokens}"]
        if self._first_byte_at is not None:
            parts.append(f"first={self._first_byte_at - self._began_at:.2f}s")
        parts.append(f"took={self._journal.clock.now() - self._began_at:.2f}s")
        parts.append(self.outcome.stop_reason or "-")
        parts += _counted(self.outcome.warnings)
        parts += [f"error={self.outcome.error[:LONGEST_TEXT]!r}"] if self.outcome.error else []
        return " ".join(parts)


LONGEST_NAME, LONGEST_TEXT = 120, 700
"""Characters of a model's name, and of a sentence; the client chooses the one and the upstream the other."""


MOST_WARNINGS = 10


def _shown(name: str) -> str:
    return printable(name[:LONGEST_NAME])


def _counted(warnings: list[str]) -> list[str]:
    """``warning='a line that is no JSON skipped' ×3``"""
    counts = Counter(warnings).most_common(MOST_WARNINGS) if warnings else []
    return [f"warning={text[:LONGEST_TEXT]!r}" + (f" ×{count}" if count > 1 else "") for text, count in counts]


class Journal:
    """All requests of one service."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.counters = Counters()

    def entry(self, request_id: str) -> Entry:
        return Entry(self, request_id)

    def write(self, entry: Entry) -> None:
        level = logging.WARNING if entry.outcome.error else logging.INFO
        if log.isEnabledFor(level):
            log.log(level, "%s", entry.line())
