"""The service in this process, on a port of its own, in front of a fake upstream."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import tomli_w
from aiohttp import web

from c2o import config
from c2o.proxy.app import create_app, runner
from c2o.proxy.clock import Clock
from c2o.proxy.journal import Counters
from c2o.proxy.log import quieten
from c2o.proxy.prepared import prepared
from c2o.proxy.state import STATE
from tests.fake_upstream import FakeUpstream
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import HELLO, KEY, TOKEN, Answer, Json, Peer, hello, request


class Service:
    """A running service, and a client for it."""

    def __init__(self, app: web.Application, port: int, session: aiohttp.ClientSession) -> None:
        self.app = app
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.session = session
        self.peers: list[Peer] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def counters(self) -> Counters:
        return self.app[STATE].journal.counters

    async def ask(self, method: str, path: str, *, token: str | None = TOKEN, **more: Any) -> Answer:
        headers = {"x-api-key": token} if token else {}
        headers |= more.pop("headers", {})
        async with self.session.request(method, self.url + path, headers=headers, allow_redirects=False, **more) as got:
            return Answer(got.status, {name.lower(): value for name, value in got.headers.items()}, await got.read())

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def post(self, path: str = "/v1/messages", body: Json = HELLO, **more: Any) -> Answer:
        headers = {"Content-Type": "application/json"} | more.pop("headers", {})
        return await self.ask("POST", path, data=BytesIO(json.dumps(body).encode()), headers=headers, **more)

    async def stream(self, **fields: Any) -> Answer:
        return await self.post(body=hello(stream=True, **fields))

    async def connect(self) -> Peer:
        """A connection on which nothing has been said yet."""
        _, peer = await asyncio.get_running_loop().create_connection(Peer, "127.0.0.1", self.port)
        self.peers.append(peer)
        return peer

    async def hang_up(self) -> None:
        """Close what a test has left open."""
        for peer in self.peers:
            if not peer.closed.is_set():  # asyncio's own transports can't be aborted after their end
                peer.transport.abort()
                await peer.closed.wait()

    async def call(self, path: str = "/v1/messages", **fields: Any) -> Peer:
        """A connection on which a Messages request has been sent."""
        peer = await self.connect()
        peer.say(request(path, hello(**fields), host=self.host))
        return peer


Serve = Callable[..., Awaitable[Service]]


def configuration(base_url: str, **more: Any) -> Json:
    """A configuration with one upstream; ``more`` adds to the upstream's table."""
    return {
        "server": {"auth_token": TOKEN},
        "upstreams": {"fake": {"base_url": base_url, "api_key": KEY} | more},
        "models": {"default": "fake/fake-model"},
        "limits": {"fake/fake-model": {"context_window": 10**9}},  # known, so that nobody is asked for it
    }


def loaded(tables: Json) -> config.Config:
    return config.parse(tomli_w.dumps(tables).encode(), Path("config.toml"))


def with_fallback(first: str, second: str, *others: str, **more: Any) -> Json:
    """A configuration whose default falls back."""
    tables = configuration(first, **more)
    tables["upstreams"]["spare"] = {"base_url": second, "dialect": "deepseek"}
    names = ["fake/fake-model", "spare/other-model"]
    for number, address in enumerate(others):
        tables["upstreams"][f"more{number}"] = {"base_url": address}
        names.append(f"more{number}/m")
    tables["models"] = {"default": names}
    tables["limits"] |= {name: {"context_window": 10**9} for name in names}
    return tables


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts services as the process does: ``await serve(tables, clock)``."""
    async with AsyncExitStack() as stack:

        async def start(tables: Json, clock: Clock | None = None, folder: Path | None = None) -> Service:
            app = create_app(prepared(loaded(tables)), clock, folder)
            server = runner(app, keepalive_timeout=75, shutdown_timeout=1)
            await server.setup()
            stack.push_async_callback(server.cleanup)
            site = web.TCPSite(server, "127.0.0.1", 0)
            await site.start()
            # The client sends what it is told and takes what it gets.
            session = aiohttp.ClientSession(skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"))
            await stack.enter_async_context(session)
            service = Service(app, server.addresses[0][1], session)
            stack.push_async_callback(service.hang_up)
            return service

        yield start


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def service(serve: Serve, upstream: FakeUpstream) -> Service:
    """A service whose only upstream is the fake one."""
    return await serve(configuration(upstream.base_url))


@pytest.fixture
async def timed(serve: Serve, upstream: FakeUpstream, clock: FakeClock) -> Service:
    """The same, with a clock that the test turns."""
    return await serve(configuration(upstream.base_url), clock)


@pytest.fixture(autouse=True)
def no_bugs_logged(caplog: pytest.LogCaptureFixture) -> Any:
    """No test may leave an error or a traceback in the log, unless it takes them out itself."""
    caplog.set_level(logging.INFO)
    server = logging.getLogger("aiohttp.server")
    server.addFilter(quieten)
    yield
    server.removeFilter(quieten)
    for record in caplog.get_records("call"):
        assert record.levelno < logging.ERROR, record.getMessage()
        assert record.exc_info is None, record.getMessage()
