"""Where a request goes: by what kind it is, what it has in it, and what the models can see.

The order: a search of the web; a long prompt, whoever asks; background work and subagents; more thinking than usual;
``[models]``.  If the model that is found can't see an image of the turn, the turn goes to one that can.
"""

from __future__ import annotations

from typing import NamedTuple

from aiohttp import web

from c2o import kinds, routing
from c2o.config import NO_ROUTES, Config
from c2o.kinds import Asker, Kind
from c2o.proxy.setup import SETUP, Setup
from c2o.proxy.state import STATE, State
from c2o.proxy.windows import DENSEST
from c2o.routing import Route
from c2o.translate.media import media_of
from c2o.wire.anthropic import MessagesRequest


class Choice(NamedTuple):
    route: Route
    kind: Kind
    """By which it was chosen; where ``[routes]`` had no say, who asks."""


async def choose(request: web.Request, message: MessagesRequest, size: int) -> Choice:
    """``message`` is what is in the request's body of ``size`` bytes.

    Raises RequestError for a model that nobody serves.
    """
    asked = _Asked(request.app[STATE], request[SETUP], kinds.asker(request.headers, message), message, size)
    config = asked.config
    if config.routes == NO_ROUTES:
        return Choice(routing.resolve(config, message.model), asked.asker)
    kind = await asked.kind()
    route = routing.resolve(config, message.model, kind)
    if config.routes.image and not asked.is_seen_by(route) and kinds.shows_image(message):
        return to_image(config, message)
    return Choice(route, kind)


def to_image(config: Config, message: MessagesRequest) -> Choice:
    """For an image that the model which was asked doesn't see."""
    return Choice(routing.resolve(config, message.model, "image"), "image")


class _Asked(NamedTuple):
    """A request, and what it takes to judge it."""

    state: State
    setup: Setup
    asker: Asker
    message: MessagesRequest
    size: int

    @property
    def config(self) -> Config:
        return self.setup.config

    async def kind(self) -> Kind:
        picked = self.asker == "main" and routing.is_picked(self.config, self.message.model)
        if picked or self.asker == "web_search":
            return self.asker
        if await self._is_long():
            return "long_context"
        return "think" if not self.config.routes.of(self.asker) and self._thinks() else self.asker

    async def _is_long(self) -> bool:
        """Is the prompt longer than the person wants it where it would go?  What is short by its size isn't counted."""
        long = self.config.routes.long_context
        if long is None or self.size / DENSEST <= long.above:
            return False
        usual = routing.resolve(self.config, self.message.model, self.asker)
        return await self.state.counts.estimated(self.setup, usual, self.message, self.size) > long.above

    def _thinks(self) -> bool:
        think = self.config.routes.think
        return think is not None and kinds.thinks(self.message, think.effort)

    def is_seen_by(self, route: Route) -> bool:
        """Does the model see images, as far as is known?"""
        dialect = self.setup.dialects[route.name].of(route.model)
        return media_of(dialect, {}, self.state.learned.of(route)).vision
