"""The service in a thread of this process, on a real socket, in front of a fake upstream of many dialects."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import tomli_w
from aiohttp import web

from c2o import config
from c2o.proxy.app import create_app, runner
from c2o.proxy.clock import Clock
from c2o.proxy.prepared import prepared
from c2o.translate.dialects import DIALECTS

Json = dict[str, Any]
T = TypeVar("T")

TOKEN = "c2o-the-token-of-the-tests"
KEY = "sk-the-key-of-the-upstream-0123456789"

VARIANTS: dict[str, Json] = {
    "anywhere": {"system_messages": "anywhere"},
    "classic": {"reasoning_efforts": ["low", "medium", "high"]},
    "modern": {"reasoning_efforts": ["none", "minimal", "low", "medium", "high", "xhigh", "max"]},
    "unsampled": {"sampling": False},
    "json-object": {"response_format": "json_object"},
    "no-json": {"response_format": "none"},
    "partial": {"prefill": "partial"},
    "tag-less": {"think_tags": False},
    "breakpoints": {"cache_breakpoints": True},
}
"""Upstreams that are like no known family, by their quirks."""

RESPONSES = {"dialect": "openai", "api": "responses"}

CAPPED = {"generic/capped": {"max_output_tokens": 16384}}


def configuration(url: str) -> Json:
    """Each dialect as an upstream of its own name, and the variants.  All of them are the fake one.

    A client chooses by writing ``upstream/model`` out.
    """
    one_list = {"windows": "models"}  # the fake upstream lists its models, but not those that are loaded
    families = {name: {"dialect": name, "quirks": one_list} for name in DIALECTS}
    variants = {name: {"dialect": "generic", "quirks": quirks} for name, quirks in VARIANTS.items()}
    return {
        "server": {"auth_token": TOKEN},
        "upstreams": {
            name: {"base_url": f"{url}/{name}/v1", "api_key": KEY} | how
            for name, how in (families | variants | {"responses": RESPONSES}).items()
        },
        "models": {"default": "generic/model"},
        "limits": CAPPED,
    }


class Answer(NamedTuple):
    """What came over the wire."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Proxy:
    """A running service.  ``run`` does something on its event loop."""

    def __init__(self, tables: Json, clock: Clock | None = None) -> None:
        self.tables = tables
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="c2o", daemon=True)
        self._thread.start()
        self._runner = self.run(self._start(clock))
        self.port: int = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def _start(self, clock: Clock | None) -> web.AppRunner:
        app = create_app(prepared(config.parse(tomli_w.dumps(self.tables).encode(), Path("config.toml"))), clock)
        server = runner(app, shutdown_timeout=1)
        await server.setup()
        await web.TCPSite(server, "127.0.0.1", 0).start()
        return server

    async def _stop(self) -> None:
        await self._runner.cleanup()
        for _ in range(10):  # in which connections that have been closed say so to their owners
            await asyncio.sleep(0)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def close(self) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def ask(self, method: str, path: str, body: Json | bytes | None = None, **headers: str | None) -> Answer:
        """A request as it stands.  Underscores in the names of headers become hyphens; None leaves one out."""
        given = {"x-api-key": TOKEN, "content-type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, data, {name: value for name, value in given.items() if value is not None})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        finally:
            connection.close()

    def post(self, body: Json | bytes, path: str = "/v1/messages", **headers: str | None) -> Answer:
        return self.ask("POST", path, body, **headers)
