"""An upstream that can't be reached is left alone, and asked again from time to time by one request."""

from __future__ import annotations

import asyncio
import socket

import pytest

from c2o.errors import RequestError
from c2o.proxy.breaker import FAILURES, Breaker
from c2o.proxy.prepared import prepared
from c2o.proxy.state import STATE
from tests.fake_upstream import FakeUpstream, Reply, error
from tests.proxy.conftest import Serve, Service, configuration, loaded
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import RawServer, eventually

DOWN = RequestError("it is down.", status=502, type="api_error")


@pytest.fixture
def breaker(clock: FakeClock) -> Breaker:
    return Breaker(clock)


async def fail(breaker: Breaker, clock: FakeClock, times: int, *, every: float = 0.0) -> None:
    for _ in range(times):
        breaker.admit()
        breaker.failed(DOWN)
        await clock.advance(every)


def refused(breaker: Breaker) -> int | None:
    """For how many seconds."""
    with pytest.raises(RequestError) as raised:
        breaker.admit()
    assert raised.value.status == 503
    return raised.value.retry_after


async def test_five_failures_in_a_row_open_it(breaker: Breaker, clock: FakeClock) -> None:
    await fail(breaker, clock, 4)
    assert breaker.stand == "closed"
    await fail(breaker, clock, 1)
    assert (breaker.stand, refused(breaker)) == ("open", 5)


async def test_an_answer_in_between_counts(breaker: Breaker, clock: FakeClock) -> None:
    await fail(breaker, clock, 4)
    breaker.reached()
    await fail(breaker, clock, 4)
    assert breaker.stand == "closed"


async def test_failures_of_long_ago_do_not(breaker: Breaker, clock: FakeClock) -> None:
    await fail(breaker, clock, 20, every=8)
    assert breaker.stand == "closed"


async def test_one_may_try_and_the_rest_doubles(breaker: Breaker, clock: FakeClock) -> None:
    await fail(breaker, clock, 5)
    rests = []
    for _ in range(6):
        rests.append(wait := refused(breaker))
        assert wait
        await clock.advance(wait)
        assert breaker.stand == "half_open"
        assert breaker.admit(), "it is the one that tries"
        assert refused(breaker), "another must wait"
        breaker.failed(DOWN)
    assert rests == [5, 10, 20, 40, 60, 60]
    await clock.advance(60)
    breaker.admit()
    breaker.reached()
    assert (breaker.stand, breaker.admit(), breaker.trouble) == ("closed", False, None)


async def test_one_who_left_while_trying_leaves_it_to_another(breaker: Breaker, clock: FakeClock) -> None:
    await fail(breaker, clock, 5)
    await clock.advance(5)
    assert breaker.admit()
    breaker.left()
    assert breaker.admit()


# ---- in the service


def unused_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


async def opened(serve: Serve, port: int, clock: FakeClock) -> Service:
    """A service whose upstream isn't there, after five requests."""
    service = await serve(configuration(f"http://127.0.0.1:{port}/v1"), clock)
    answers = await asyncio.gather(*(service.post() for _ in range(5)))
    assert [each.status for each in answers] == [502] * 5
    return service


async def test_it_answers_at_once_and_says_when(serve: Serve, clock: FakeClock) -> None:
    service = await opened(serve, unused_port(), clock)

    answer = await service.stream()

    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert "connection refused. Is it running? Its address: http://127.0.0.1:" in answer.error["message"]
    assert "/v1. It failed 5 times in a row" in answer.error["message"]
    assert answer.headers["x-should-retry"] == "false", "it has never answered"
    shown = (await service.get("/c2o/status")).json
    assert shown["upstreams"][0]["breaker"] == "open"
    assert [each["id"] for each in shown["problems"]] == ["upstream.down"]


async def test_it_closes_when_the_upstream_is_back(serve: Serve, upstream: FakeUpstream, clock: FakeClock) -> None:
    upstream.think(lambda _: Reply("Hi"))
    upstream.go_away()
    service = await opened(serve, upstream.port, clock)
    await clock.advance(5)
    upstream.come_back()

    assert [(await service.post()).status for _ in range(2)] == [200, 200]
    shown = (await service.get("/c2o/status")).json
    assert (shown["upstreams"][0]["breaker"], shown["problems"]) == ("closed", [])


async def test_one_that_is_back_and_slow_is_there(serve: Serve, clock: FakeClock) -> None:
    """A local server that has been started anew loads its model for a minute, for the request that tries: the others
    needn't wait until it has said something."""
    port = unused_port()
    service = await opened(serve, port, clock)
    await clock.advance(5)
    async with RawServer(port=port) as silent:
        peers = [await service.call(), await service.call()]
        await eventually(lambda: len(silent.connections) == 2, "both requests")
        shown = (await service.get("/c2o/status")).json
        for peer in peers:
            peer.slam()
        await eventually(lambda: service.counters.active == 0, "the end of the requests")

    assert (shown["upstreams"][0]["breaker"], shown["problems"]) == ("closed", [])


async def test_it_outlives_a_new_configuration(serve: Serve, clock: FakeClock) -> None:
    port = unused_port()
    service = await opened(serve, port, clock)
    tables = configuration(f"http://127.0.0.1:{port}/v1", timeouts={"idle": 5})

    await service.app[STATE].follow(prepared(loaded(tables)))
    assert (await service.post()).status == 503

    tables["upstreams"]["fake"]["base_url"] = f"http://127.0.0.1:{unused_port()}/v1"
    await service.app[STATE].follow(prepared(loaded(tables)))
    assert (await service.post()).status == 502, "that is another place"


async def test_another_way_to_the_upstream_is_tried_at_once(
    serve: Serve, upstream: FakeUpstream, clock: FakeClock
) -> None:
    """Whoever corrects the address of a proxy needn't wait."""
    wrong = configuration(upstream.base_url, proxy=f"http://127.0.0.1:{unused_port()}")
    service = await serve(wrong, clock)
    assert [(await service.post()).status for _ in range(FAILURES + 1)] == [502] * FAILURES + [503]
    upstream.play(Reply("ok"))

    await service.app[STATE].follow(prepared(loaded(configuration(upstream.base_url))))

    assert (await service.post()).status == 200


@pytest.mark.parametrize("status", [400, 401, 429, 500])
async def test_who_answers_is_there(service: Service, upstream: FakeUpstream, status: int) -> None:
    upstream.think(lambda _: error(status, "no"))
    assert [(await service.post()).status for _ in range(8)] == [status] * 8


async def test_a_server_that_hangs_up_is_there_too(serve: Serve) -> None:
    async def hang_up(*_: object) -> None:
        pass

    async with RawServer(hang_up) as server:
        service = await serve(configuration(server.url))
        assert [(await service.post()).status for _ in range(8)] == [502] * 8
