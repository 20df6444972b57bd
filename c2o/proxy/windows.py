"""Context windows: how many tokens a model takes, where that is known, and what is said before an upstream hears of it.

Some servers cut a prompt that is too long without a word (Ollama drops its beginning), and the answer is then to
something else than was asked.  So a prompt that doesn't fit is refused here, in the words on which Claude Code
compacts the conversation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple

from c2o.errors import RequestError
from c2o.proxy import model_list
from c2o.proxy.clock import Clock
from c2o.proxy.counting import TokenCounts
from c2o.proxy.learned import Learned
from c2o.proxy.setup import Setup
from c2o.routing import Route
from c2o.translate.types import UpstreamRequest
from c2o.wire.anthropic import MessagesRequest

DENSEST = 1.4
"""Bytes of a request to a token in the densest text there is, random base64 (measured: 1.48)."""

SHORTEST_ANSWER = 1024
"""Tokens below which an answer's limit isn't cut: too short to be of use, and the upstream may see room for more."""

MARGIN = 64
"""Tokens to stay below a window: for what the estimate doesn't know of a chat template."""

FRESH = 60.0
"""Seconds for which a server's word about its window holds: it may be started anew with another."""

ASK_WITHIN = 2.0

MODELS = UpstreamRequest("/models", b"", "GET")
LOADED = UpstreamRequest("/api/ps", b"", "GET", at_server=True)


_Model = tuple[str, str]
"""The address of a server, and the id that a model has there."""


def _model(route: Route) -> _Model:
    return route.upstream.base_url, route.model


class _Known(NamedTuple):
    window: int | None
    at: float


class Windows:
    """The windows of all models: configured, as a server on this machine says, as was learned, or as documented."""

    def __init__(
        self,
        counts: TokenCounts,
        learned: Learned,
        clock: Clock,
        listed: Callable[[Route, bytes], None] = lambda *_: None,
    ) -> None:
        """``listed`` is told what an upstream lists."""
        self._listed = listed
        self._counts = counts
        self._learned = learned
        self._clock = clock
        self._known: dict[_Model, _Known] = {}
        self._asking: dict[_Model, asyncio.Task[None]] = {}

    def of(self, setup: Setup, route: Route) -> int | None:
        """The window in tokens, as far as known by now.  A server is asked meanwhile, for the requests to come."""
        if route.limits.context_window is None and setup.upstreams.is_local(route):
            known = self._known.get(_model(route))
            if known is None or self._clock.now() - known.at >= FRESH:
                self._ask(setup, route)
        return self.known(route)

    def known(self, route: Route) -> int | None:
        """The window as far as known by now: configured, told here, learned, or documented.  Nobody is asked."""
        if route.limits.context_window is not None:
            return route.limits.context_window
        told = self._known.get(_model(route))
        return (told.window if told else None) or route.known_limits(self._learned.of(route)).context_window

    def longest_answer(self, route: Route) -> int | None:
        """The tokens that an answer may have: configured, learned, or documented."""
        return route.known_limits(self._learned.of(route)).max_output_tokens

    async def room(self, setup: Setup, route: Route, message: MessagesRequest, body: bytes) -> int | None:
        """The tokens that a prompt leaves for its answer, where they are known and may be too few.

        Raises RequestError (400) where they are none.  For a prompt that fits by its size alone, nothing is counted.
        """
        window = self.of(setup, route)
        asked = min(message.max_tokens or 0, self.longest_answer(route) or message.max_tokens or 0)
        if window is None or len(body) / DENSEST + asked + MARGIN <= window:
            return None
        prompt = await self._counts.estimated(setup, route, message, len(body))
        if prompt > window:  # before that is said, whoever can tell better is asked
            prompt = await self._counts.count(setup, route, message, body)
            window = await self._now(setup, route)
        if window is None:
            return None
        if prompt > window:
            raise RequestError(f"prompt is too long: {prompt} tokens > {window} maximum")
        room = window - prompt - MARGIN
        return room if SHORTEST_ANSWER <= room < asked else None

    async def _now(self, setup: Setup, route: Route) -> int | None:
        """The window at this moment: a person who read that it's too small may have started the server anew."""
        if route.limits.context_window is None and setup.upstreams.is_local(route):
            await self._learn(setup, route)
        return self.known(route)

    def _ask(self, setup: Setup, route: Route) -> None:
        model = _model(route)
        if model not in self._asking:
            left = ExitStack()
            left.enter_context(setup.used())
            left.callback(self._asking.pop, model, None)
            task = self._asking[model] = asyncio.create_task(self._learn(setup, route))
            task.add_done_callback(lambda _: left.close())

    async def _learn(self, setup: Setup, route: Route) -> None:
        try:
            async with asyncio.timeout(ASK_WITHIN):
                window = await self._told(setup, route)
        except (RequestError, TimeoutError, ValueError):
            window = None  # it will be asked again; until then the server itself must refuse what is too long
        self._known[_model(route)] = _Known(window, self._clock.now())

    async def _told(self, setup: Setup, route: Route) -> int | None:
        """What the server says.  Raises RequestError and ValueError."""
        if setup.dialects[route.name].windows == "models":
            models = await setup.upstreams.ask(route, MODELS)
            self._listed(route, models)
            return window_in(models, route.model)
        told = loaded_window_in(await setup.upstreams.ask(route, LOADED), route.model)
        known = self._known.get(_model(route))
        return told or (known.window if known else None)  # unloaded after some idle minutes, it comes back as it was

    async def close(self) -> None:
        """Ask no more."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


def window_in(models: bytes, model: str) -> int | None:
    """A model's window in a server's list of models; the only model there is goes by any name.

    Raises ValueError where it is no such list.
    """
    listed = model_list.parse(models)
    found = next((each for each in listed if each.id == model), listed[0] if len(listed) == 1 else None)
    return found.context_window if found else None


def loaded_window_in(models: bytes, model: str) -> int | None:
    """A model's window in Ollama's list of loaded models.  Raises ValueError where it is no such list."""
    names = (model, f"{model}:latest")
    return next((each.context_window for each in model_list.parse(models) if each.id in names), None)
