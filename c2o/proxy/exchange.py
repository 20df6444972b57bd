"""One request on its way through, and everything it needs."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from aiohttp import web

from c2o.proxy.access import respond
from c2o.proxy.aside import LARGE
from c2o.proxy.client import ClientLeft, ClientStream
from c2o.proxy.journal import Entry
from c2o.proxy.key_ring import KeyInUse
from c2o.proxy.patience import Patience
from c2o.proxy.setup import Setup
from c2o.proxy.state import State
from c2o.routing import Route
from c2o.translate.types import Answer, Job, Translator
from c2o.wire.anthropic import AppliedEdit, MessagesRequest
from c2o.wire.sse import frame


class Asked(NamedTuple):
    """What the client asks, whoever is to answer."""

    request: web.Request
    state: State
    setup: Setup
    entry: Entry
    client: ClientStream
    body: bytes
    message: MessagesRequest
    edits: list[AppliedEdit]

    @property
    def current(self) -> bool:
        """Is the configuration still the one with which the request began?  What fails with another says nothing."""
        return self.setup is self.state.setup

    async def tell(self, answer: Answer) -> web.StreamResponse:
        """A whole answer; after signs of life what is left of it, under a status that has been said."""
        if self.client.quiet:
            told = respond(self.request, answer)
            return told if len(answer.body) < LARGE else await self._written(told, answer.body)
        await self.client.write(frame("error", answer.body) if self.message.stream else answer.body)
        return await self.client.end()

    async def _written(self, told: web.Response, body: bytes) -> web.StreamResponse:
        """A large answer, in pieces: a client that doesn't read is let go, as it is in a stream.  Raises ClientLeft."""
        response = web.StreamResponse(status=told.status, headers=told.headers)
        response.content_length = len(body)
        route = self.entry.route
        seconds = self.setup.upstreams.patience(route).write if route else None
        try:
            await response.prepare(self.request)
            for at in range(0, len(body), LARGE):
                async with asyncio.timeout(seconds):
                    await response.write(body[at : at + LARGE])
            async with asyncio.timeout(seconds):
                await response.write_eof()
        except TimeoutError:
            if self.request.transport is not None:
                self.request.transport.abort()
            raise ClientLeft(f"the client took nothing of the answer for {seconds:g} s") from None
        except ConnectionError as error:
            raise ClientLeft("the client left") from error
        return response

    @property
    def session(self) -> str:
        """What the client says about whose request this is; empty if nothing."""
        metadata = self.message.metadata
        return self.request.headers.get(SESSION, "") or (metadata and metadata.user_id) or ""


class Unseen(Exception):
    """The upstream has just refused an image; another model is there to see it."""


SESSION = "x-claude-code-session-id"


class Exchange(NamedTuple):
    """A request and the upstream that is to answer it."""

    asked: Asked
    route: Route
    key: KeyInUse
    translator: Translator
    job: Job
    several: bool
    """May another upstream answer instead?"""
    stands_in: bool
    """Is it a fallback for the model that the client means?"""

    @property
    def state(self) -> State:
        return self.asked.state

    @property
    def entry(self) -> Entry:
        return self.asked.entry

    @property
    def patience(self) -> Patience:
        return self.asked.setup.upstreams.patience(self.route)
