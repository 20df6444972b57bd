"""The official Python SDK as the judge: strict, without retries, in every way in which it takes an answer.

Strict means that an answer which isn't what the API documents raises, instead of being guessed at.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import anthropic
import httpx2
from anthropic import Anthropic, AsyncAnthropic

from tests.conformance.proxy import TOKEN, Json

T = TypeVar("T")

TIMEOUT = 30.0


class Judges:
    """The connections of both clients.  ``sync`` and ``asynchronous`` give clients for one service."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="async SDK", daemon=True)
        self._thread.start()
        self._http = anthropic.DefaultHttpxClient()
        self._async_http = anthropic.DefaultAsyncHttpxClient()

    def close(self) -> None:
        self._http.close()
        self.run(self._async_http.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @contextmanager
    def listening(self, hear: Callable[[httpx2.Request], None]) -> Iterator[None]:
        """``hear`` is told of every request of the sync client, retries included."""
        hooks = self._http.event_hooks["request"]
        hooks.append(hear)
        try:
            yield
        finally:
            hooks.remove(hear)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(TIMEOUT)

    def sync(self, url: str, **more: Any) -> Anthropic:
        return Anthropic(http_client=self._http, **_options(url), **more)

    def asynchronous(self, url: str, **more: Any) -> AsyncAnthropic:
        return AsyncAnthropic(http_client=self._async_http, **_options(url), **more)


def _options(url: str) -> Json:
    strict = {"_strict_response_validation": True}
    return {"base_url": url, "api_key": TOKEN, "max_retries": 0, "timeout": TIMEOUT} | strict


class PythonSDK:
    """A message as JSON, in each way to ask for one: ``python.ways["sync"](request)``."""

    def __init__(self, judges: Judges, url: str) -> None:
        self._judges = judges
        self.sync = judges.sync(url)
        self.asynchronous = judges.asynchronous(url)

    @property
    def ways(self) -> dict[str, Callable[[Json], Json]]:
        return {"sync": self.streamed, "async": self.streamed_async, "beta": self.streamed_beta, "whole": self.whole}

    def streamed(self, request: Json) -> Json:
        with self.sync.messages.stream(**request) as stream:
            return plain(stream.get_final_message())

    def streamed_beta(self, request: Json) -> Json:
        """The accumulator that Claude Code's generation of tools uses; it is a class of its own."""
        with self.sync.beta.messages.stream(**request) as stream:
            return plain(stream.get_final_message())

    def streamed_async(self, request: Json) -> Json:
        return self._judges.run(self._streamed_async(request))

    async def _streamed_async(self, request: Json) -> Json:
        async with self.asynchronous.messages.stream(**request) as stream:
            return plain(await stream.get_final_message())

    def whole(self, request: Json) -> Json:
        return plain(self.sync.messages.create(**request))


def plain(message: Any) -> Json:
    """A message as JSON, without what is null or differs from answer to answer."""
    return tidy(message.model_dump(mode="json", warnings="error"))


def tidy(message: Json) -> Json:
    """Without what is null, and without the id."""
    tidied: Json = _without_nulls(message)
    assert str(tidied.pop("id")).startswith("msg_")
    return tidied


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


class Beginning:
    """Equal to every text that begins so."""

    def __init__(self, beginning: str) -> None:
        self._beginning = beginning

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and other.startswith(self._beginning)

    def __hash__(self) -> int:
        return hash(self._beginning)

    def __repr__(self) -> str:
        return f"{self._beginning}…"


SIGNED = Beginning("c2o1.")
"""A signature of ours."""
