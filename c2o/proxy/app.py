"""The aiohttp application: which path leads to which handler."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web

from c2o.proxy import handlers, messages
from c2o.proxy.access import guard
from c2o.proxy.body import LIMIT
from c2o.proxy.clock import Clock
from c2o.proxy.prepared import Prepared
from c2o.proxy.relay import RELAY, Relay
from c2o.proxy.state import STATE, State

PREFIXES = ("/v1", "", "/v1/v1", "/anthropic/v1")
"""People put /v1 into ANTHROPIC_BASE_URL, or leave it out of it; Claude Code then blames the model."""


def create_app(prepared: Prepared, clock: Clock | None = None, folder: Path | None = None) -> web.Application:
    """The service's application.  ``folder`` is where it keeps what it learns; without one that ends with it."""
    relay, state = Relay(), State(prepared, clock or Clock(), os.getpid(), folder)
    app = web.Application(client_max_size=LIMIT, middlewares=[relay.middleware, guard(lambda: state.setup)])
    app[STATE] = state
    app[RELAY] = relay
    app.on_response_prepare.append(relay.close)
    app.cleanup_ctx.append(_state)
    app.on_shutdown.append(_end_streams)
    for prefix in PREFIXES:
        for slash in ("", "/"):
            app.router.add_post(f"{prefix}/messages{slash}", messages.create_message)
            app.router.add_post(f"{prefix}/messages/count_tokens{slash}", handlers.count_tokens)
            app.router.add_get(f"{prefix}/models{slash}", handlers.list_models, allow_head=False)
        app.router.add_get(f"{prefix}/models/{{id:.+}}", handlers.get_model, allow_head=False)
    app.router.add_head("/", handlers.hello)
    app.router.add_head("/api/hello", handlers.hello)
    app.router.add_post("/api/event_logging/batch", handlers.swallow)
    app.router.add_get("/health", handlers.health, allow_head=False)
    app.router.add_get("/c2o/status", handlers.status, allow_head=False)
    return app


def runner(app: web.Application, **options: Any) -> web.AppRunner:
    """What serves the application: a client that leaves ends its request, and packed bodies come to us as they are,
    because aiohttp answers those that it can't unpack in plain text, and logs them as if they were its own fault."""
    return web.AppRunner(app, handler_cancellation=True, auto_decompress=False, access_log=None, **options)


async def _end_streams(app: web.Application) -> None:
    """The drain is over: what still runs is told so, instead of being cut."""
    app[STATE].streams.end()


async def _state(app: web.Application) -> AsyncIterator[None]:
    await app[STATE].open()
    yield
    await app[STATE].close()
