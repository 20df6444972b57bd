"""Each finished request becomes a row in ``usage.db``: gathered here, and written by a thread once a second at most."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from c2o import usage_store
from c2o.usage_store import LONGEST_NAME, Unusable, Used
from c2o.wire.anthropic import Usage as Counted

if TYPE_CHECKING:
    from c2o.proxy.journal import Entry

log = logging.getLogger("c2o.proxy")

EVERY, AGAIN = 1.0, 30.0
"""Seconds that a row waits at most; and after a failure."""

TIDY_EVERY = 6 * 3600.0
"""Seconds between two foldings of what is old; the first comes with the first row."""

MOST_WAITING = 10_000
"""Rows that are kept while they can't be written; then the oldest are lost."""


class Usage:
    """The rows that are still to be written.  Without a ``path`` there are none."""

    def __init__(
        self, path: Path | None, redact: Callable[[str], str] = str, now: Callable[[], float] = time.time
    ) -> None:
        """``redact`` takes secrets out of the names that clients choose."""
        self.problem = ""
        """Why nothing can be written, if so; a sentence."""
        self._path = path
        self._redact = redact
        self._now = now
        self._waiting: list[Used] = []
        self._lost = 0
        self._writing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._tidied_at = float("-inf")

    def note(self, entry: Entry) -> None:
        """A request has come to its end; what never had an upstream used nothing."""
        if self._path is None or (route := entry.route) is None:
            return
        outcome = entry.outcome
        usage = outcome.usage
        self._waiting.append(
            Used(
                self._now(),
                entry.asked[:LONGEST_NAME],
                route.name,
                route.model[:LONGEST_NAME],
                entry.session,
                outcome.error is not None,
                usage is not None and outcome.prompt_tokens is None,
                *((0, 0, 0, 0) if usage is None else _tokens(usage)),
                entry.seconds,
            )
        )
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())

    async def _write_all(self) -> None:
        """Until nothing waits any more."""
        pause = EVERY
        while self._waiting:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._closing.wait()
            last = self._closing.is_set()
            await self._write()
            if self.problem and last:
                break
            pause = AGAIN if self.problem else EVERY
        self._writing = None

    async def _write(self) -> None:
        """All that waits; what comes meanwhile waits for the next time."""
        rows, self._waiting = self._waiting, []
        try:
            await asyncio.to_thread(self._add, rows)
        except Unusable as unusable:
            self._keep(rows, str(unusable))
        except Exception:  # a bug of ours must not end the counting
            log.exception("usage couldn't be written down; requests that are missing in it: %d", len(rows))
        else:
            self._is_well()

    def _add(self, rows: list[Used]) -> None:
        """In a thread.  Raises Unusable for what may pass."""
        assert self._path is not None
        rows = [row._replace(asked=self._redact(row.asked), model=self._redact(row.model)) for row in rows]
        tidy = self._now() - self._tidied_at >= TIDY_EVERY
        try:
            usage_store.add(self._path, rows, tidy=tidy)
        except Unusable as unusable:
            if not unusable.damaged:
                raise
            log.warning("%s", usage_store.set_aside(self._path))
            usage_store.add(self._path, rows)
        if tidy:
            self._tidied_at = self._now()

    def _keep(self, rows: list[Used], problem: str) -> None:
        waiting = [*rows, *self._waiting]
        self._waiting = waiting[-MOST_WAITING:]
        self._lost += len(waiting) - len(self._waiting)
        if not self.problem:
            log.warning("usage isn't written down: %s", problem)
        self.problem = f"usage isn't written down: {problem}"

    def _is_well(self) -> None:
        if self.problem:
            log.warning("usage is written down again; requests that are missing in it: %d", self._lost)
        self.problem, self._lost = "", 0

    async def close(self) -> None:
        """Write what is left."""
        self._closing.set()
        if self._writing is not None:
            await self._writing


def _tokens(usage: Counted) -> tuple[int, int, int, int]:
    cached = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    return usage.input_tokens, *cached, usage.output_tokens
