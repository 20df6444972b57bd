"""What is made from the configuration.  A request keeps to its end the one with which it began."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from c2o.proxy.clock import Clock
from c2o.proxy.pacing import Pacing
from c2o.proxy.prepared import Prepared
from c2o.proxy.upstream import Upstreams
from c2o.secret import Secret


class Setup:
    """One state of the configuration, and everything made from it."""

    def __init__(self, prepared: Prepared, clock: Clock, before: Setup | None = None) -> None:
        """``before`` is the one that this replaces."""
        config = prepared.config
        self.prepared = prepared
        self.config = config
        self.upstreams: Upstreams = Upstreams(prepared, clock, before.upstreams if before else None)
        self.dialects = {name: upstream.habits() for name, upstream in config.upstreams.items()}
        self.pacing: Pacing = Pacing(config.upstreams, clock, before.pacing if before else None)
        self.former_tokens: tuple[Secret, ...] = _former(before, config.server.auth_token) if before else ()
        """What clients still send that were started before the token was changed."""
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()

    async def open(self) -> None:
        await self.upstreams.open()

    @contextmanager
    def used(self) -> Iterator[Setup]:
        """As long as somebody uses it, its connections stay."""
        self._users += 1
        self._unused.clear()
        try:
            yield self
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    async def left(self) -> None:
        """Returns when nobody uses it."""
        await self._unused.wait()

    async def close(self) -> None:
        await self.upstreams.close()


def _former(before: Setup, token: Secret) -> tuple[Secret, ...]:
    known = (before.config.server.auth_token, *before.former_tokens)
    return tuple(dict.fromkeys(each for each in known if each != token))[:MOST_FORMER]


MOST_FORMER = 16


SETUP: web.RequestKey[Setup] = web.RequestKey("setup", Setup)
"""The one of a request, as it was at its beginning."""
