"""Keeps the file of known models fresh, for completions and ``c2o models``: lists cost nothing, and nobody waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from c2o import known_models
from c2o.errors import RequestError
from c2o.known_models import Catalogue
from c2o.proxy import model_list
from c2o.proxy.setup import Setup
from c2o.routing import Route, route_to
from c2o.translate.types import UpstreamRequest
from c2o.wire.probe import ListedModel

log = logging.getLogger("c2o.proxy")

AFTER_START = 60.0
"""Seconds from the start to the first look: whoever starts the service has something else to do."""

LOOK_EVERY = 600.0
"""Seconds between two looks whether a list is old."""

WITHIN = 15.0
"""Seconds for an upstream to list its models."""

LIST = UpstreamRequest("/models", b"", "GET")


class KnownModels:
    """What upstreams list.  Without a ``path`` nobody is asked."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._looked_at = float("-inf")
        self._noted: dict[str, list[ListedModel]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, setup: Callable[[], Setup]) -> None:
        """The service has started; ``setup`` is its present one."""
        if self._path is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(AFTER_START, lambda: self.refresh(setup()))

    def refresh(self, setup: Setup) -> None:
        """Ask whoever hasn't been for a day, meanwhile."""
        now = asyncio.get_running_loop().time()
        if self._path is not None and now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            self._run(self._refreshed(setup, self._path))

    def heard(self, route: Route, body: bytes) -> None:
        """An upstream's list was asked for by somebody else; what is new in it is kept."""
        if self._path is None:
            return
        with suppress(ValueError):
            models = model_list.parse(body)
            if models != self._noted.get(route.name):
                self._noted[route.name] = models
                fresh = known_models.listed(route.upstream.base_url, models, known_models.now())
                self._run(_remember(self._path, {route.name: fresh}))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _refreshed(self, setup: Setup, path: Path) -> None:
        with setup.used():
            known, now = await asyncio.to_thread(known_models.read, path), known_models.now()
            for name, upstream in setup.config.upstreams.items():
                before = known.get(name)
                if (before is None or not before.is_fresh(upstream.base_url, now)) and (
                    new := await _asked(setup, name)
                ):
                    await _remember(path, {name: new})

    async def close(self) -> None:
        """Ask no more."""
        if self._timer is not None:
            self._timer.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _asked(setup: Setup, name: str) -> Catalogue | None:
    """None where there is no list now: it is asked for again another time."""
    route = route_to(setup.config, f"{name}/-")
    try:
        async with asyncio.timeout(WITHIN):
            body = await setup.upstreams.ask(route, LIST)
        return known_models.listed(route.upstream.base_url, model_list.parse(body), known_models.now())
    except (RequestError, TimeoutError, ValueError):
        return None


async def _remember(path: Path, fresh: dict[str, Catalogue]) -> None:
    if problem := await asyncio.to_thread(known_models.try_to_remember, path, fresh):
        log.warning("%s", problem)
