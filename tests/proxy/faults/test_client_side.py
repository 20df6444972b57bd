"""F01 to F11: what clients do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from tests.fake_upstream import DONE, FakeUpstream, Reply, finish, text
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.fake_clock import FakeClock
from tests.proxy.faults.scripted import END, SILENCE, Scripted, sse
from tests.proxy.talk import Peer, events, eventually, hello, request, text_in

SOON = 5.0
"""Seconds; it takes a millisecond, and a busy machine is given time."""


async def left_at_once(service: Service, upstream: Scripted) -> None:
    await asyncio.wait_for(upstream.left.wait(), SOON)
    await eventually(lambda: not service.counters.active, "the end of the request")
    assert len(upstream.requests) == 1
    assert service.counters.failed == 1, "it is counted"


HOW: dict[str, Callable[[Peer], None]] = {"f04_with_a_reset": Peer.slam, "politely": Peer.leave}


@pytest.mark.parametrize("how", HOW)
async def test_f01_the_client_leaves_before_the_first_byte(serve: Serve, how: str) -> None:
    async with Scripted((SILENCE,)) as upstream:
        service = await serve(configuration(upstream.url))
        peer = await service.call(stream=True)
        await eventually(lambda: upstream.requests, "the request")
        HOW[how](peer)
        await left_at_once(service, upstream)


@pytest.mark.parametrize("how", HOW)
async def test_f02_the_client_leaves_in_mid_stream(serve: Serve, how: str) -> None:
    async with Scripted(sse(text("one "), text("two "), text("three"), SILENCE)) as upstream:
        service = await serve(configuration(upstream.url))
        peer = await service.call(stream=True)
        await eventually(lambda: b"three" in peer.heard, "three events")
        HOW[how](peer)
        await left_at_once(service, upstream)


@pytest.mark.parametrize("how", HOW)
async def test_f03_the_client_leaves_while_it_waits_for_a_whole_answer(serve: Serve, how: str) -> None:
    async with Scripted((SILENCE,)) as upstream:
        service = await serve(configuration(upstream.url))
        peer = await service.call()
        await eventually(lambda: upstream.requests, "the request")
        HOW[how](peer)
        await left_at_once(service, upstream)


async def test_f05_the_client_stops_reading(serve: Serve, clock: FakeClock) -> None:
    """The upstream is held back, and let go after a minute."""
    piece = text("x" * 65536)
    async with Scripted(sse(*[piece] * 2000)) as upstream:
        service = await serve(configuration(upstream.url), clock)
        peer = await service.call(stream=True)
        peer.transport.pause_reading()
        await eventually(lambda: upstream.requests, "the request")
        for _ in range(30):
            await asyncio.sleep(0.05)
            await clock.advance(5)
            if upstream.left.is_set():
                break
        await asyncio.wait_for(upstream.left.wait(), SOON)
        await eventually(lambda: not service.counters.active, "the end of the request")
        peer.slam()


async def test_f06_half_a_close_after_the_request(service: Service, upstream: FakeUpstream) -> None:
    """``nc -N`` says so that it has nothing more to ask.  Others leave that way: it may be either."""
    upstream.think(lambda _: Reply("Hi"))
    peer = await service.connect()
    peer.say(request(body=hello(), host=service.host, Connection="close"))
    peer.transport.write_eof()
    await asyncio.wait_for(peer.closed.wait(), SOON)
    assert not peer.heard or b"end_turn" in peer.heard, "all of it or nothing"
    assert (await service.post()).status == 200, "the service lives on"


async def test_f07_a_body_that_trickles_in(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c2o.proxy.body.BODY_WITHIN", 0.3)
    peer = await service.connect()
    whole = request(host=service.host)
    peer.say(whole[:-5])
    assert (await service.get("/health")).status == 200, "others are served"
    await eventually(lambda: peer.heard, "an answer")
    assert peer.heard.startswith(b"HTTP/1.1 408")


BAD = {
    "a hundred megabytes": (b"Content-Length: 104857600\r\n\r\n" + b"x" * 40_000_000, b"HTTP/1.1 413"),
    "a length that is none": (b"Content-Length: many\r\n\r\n", b"HTTP/1.0 400"),
    "two lengths": (b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b"HTTP/1.0 400"),
    "chunks that are none": (b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", b"HTTP/1.0 400"),
}


@pytest.mark.parametrize("what", BAD)
async def test_f08_a_body_that_is_too_large_or_nonsense(service: Service, upstream: FakeUpstream, what: str) -> None:
    said, status = BAD[what]
    peer = await service.connect()
    host = service.host.encode()
    peer.say(b"POST /v1/messages HTTP/1.1\r\nHost: %s\r\nx-api-key: c2o-the-token-of-the-tests\r\n" % host)
    peer.say(b"Content-Type: application/json\r\n" + said)
    await eventually(lambda: b"\r\n\r\n" in peer.heard, "an answer")
    peer.leave()
    assert peer.heard.startswith(status)
    assert not upstream.requests


async def test_f09_fifty_requests_in_one_breath(service: Service) -> None:
    peer = await service.connect()
    one = request("/v1/messages/count_tokens", host=service.host)
    peer.say(one * 49)
    assert (await peer.answer_to(one)).count(b"HTTP/1.1 200") == 50


async def test_f10_a_storm_of_one_and_the_same_request(serve: Serve) -> None:
    async with Scripted((*sse(text("Hi"), finish(), DONE), END)) as upstream:
        service = await serve(configuration(upstream.url))
        answers = await asyncio.gather(*(service.stream() for _ in range(20)))
        assert [text_in(events(each.body)) for each in answers] == ["Hi"] * 20
        assert len(upstream.requests) == 20


async def test_f11_other_paths(service: Service, upstream: FakeUpstream) -> None:
    upstream.think(lambda _: Reply("Hi"))
    assert (await service.ask("HEAD", "/api/hello")).status == 200
    assert (await service.get("/v1/nothing")).error["type"] == "not_found_error"
    assert (await service.post("/v1/messages?beta=true")).status == 200
    assert json.loads((await service.get("/v1/models?beta=true")).body)["data"]
