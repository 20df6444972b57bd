"""The service in this process, the fake upstream behind it, and the official Python SDK in front of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from c2o.proxy.clock import Clock
from tests.conformance.judges import Judges, PythonSDK
from tests.conformance.proxy import Json, Proxy, configuration
from tests.fake_upstream import FakeUpstream, Reply


@pytest.fixture
def start(upstream: FakeUpstream) -> Iterator[Callable[..., Proxy]]:
    """Starts services: ``start()``, ``start(tables)``, ``start(clock=clock)``.  They end with the test."""
    running: list[Proxy] = []

    def start(tables: Json | None = None, clock: Clock | None = None) -> Proxy:
        running.append(Proxy(tables or configuration(upstream.url), clock))
        return running[-1]

    yield start
    for proxy in running:
        proxy.close()


@pytest.fixture
def proxy(start: Callable[..., Proxy]) -> Proxy:
    """A service in front of the fake upstream, which is many upstreams to it."""
    return start()


@pytest.fixture(scope="session")
def judges() -> Iterator[Judges]:
    """The Python SDK; its connections are shared by all tests, because a TLS context is slow to make."""
    judges = Judges()
    yield judges
    judges.close()


@pytest.fixture
def sdk(judges: Judges, proxy: Proxy) -> Anthropic:
    """The sync SDK: strict, without retries."""
    return judges.sync(proxy.url)


@pytest.fixture
def python(judges: Judges, proxy: Proxy) -> PythonSDK:
    """Messages in four ways: streamed and whole, sync and async."""
    return PythonSDK(judges, proxy.url)


HELLO: Json = {"max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def sent(proxy: Proxy, upstream: FakeUpstream) -> Callable[..., Json]:
    """``sent("openai", tools=…)``: what an upstream of that dialect gets for a request with these fields."""

    def send(dialect: str = "generic", *, model: str = "model", headers: Json | None = None, **fields: Any) -> Json:
        upstream.play(Reply("ok"))
        body = {"model": f"{dialect}/{model}"} | HELLO | fields
        answer = proxy.post(body, **(headers or {}))
        assert answer.status == 200, answer.body
        got: Json = upstream.requests[-1].json
        return got

    return send


@pytest.fixture
def refused(sdk: Anthropic, upstream: FakeUpstream) -> Callable[..., anthropic.BadRequestError]:
    """``refused(messages=…)``: the 400 that the SDK raises for a request with these fields.  Nothing goes upstream."""

    def refuse(dialect: str = "generic", **fields: Any) -> anthropic.BadRequestError:
        with pytest.raises(anthropic.BadRequestError) as raised:
            sdk.post("/v1/messages", body={"model": f"{dialect}/model"} | HELLO | fields, cast_to=object)
        assert upstream.requests == []
        assert raised.value.type == "invalid_request_error"
        return raised.value

    return refuse


@pytest.fixture(autouse=True)
def no_bugs_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test may leave an error in the log."""
    caplog.set_level(logging.INFO)
    yield
    for record in caplog.get_records("call"):
        assert record.levelno < logging.ERROR, record.getMessage()
