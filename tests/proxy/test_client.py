"""A client that leaves, is slow, or doesn't listen at all."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import psutil
import pytest
from aiohttp import ClientError, ClientSession, web
from aiohttp.test_utils import TestServer

from c2o.proxy.client import ClientLeft, ClientStream
from c2o.proxy.clock import Clock
from c2o.proxy.journal import Entry
from tests.fake_upstream import DONE, Delay, FakeUpstream, Hold, Reply, finish, stream, text, whole
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import Peer, RawServer, eventually, hello, request

NEVER = threading.Event()

LEAVE: dict[str, Callable[[Peer], None]] = {"politely": Peer.leave, "with a reset": Peer.slam}

SOON = 8.0
"""Seconds within which an upstream must have been left.  It takes a millisecond; a busy machine is given time.

Less than the ten after which a sign of life would find out that the client has gone."""


async def left(upstream: FakeUpstream, since: float) -> None:
    """The upstream has been hung up on, at once."""
    assert await asyncio.to_thread(upstream.requests[0].hung_up.wait, 8), "the upstream goes on and on"
    assert time.monotonic() - since < SOON


async def told(service: Service, caplog: pytest.LogCaptureFixture) -> str:
    """The journal's line about the only request, once it is there."""
    await eventually(lambda: not service.counters.active, "the end of the request")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "c2o.journal"]
    assert "the client left" in line
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]
    return line


@pytest.mark.parametrize("how", LEAVE)
@pytest.mark.parametrize("streamed", [True, False])
async def test_leaving_before_the_first_byte(
    service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture, streamed: bool, how: str
) -> None:
    upstream.play(stream(DONE).after(Hold(NEVER)))
    peer = await service.call(stream=streamed)
    await asyncio.to_thread(upstream.wait_for, 1)
    since = time.monotonic()
    LEAVE[how](peer)

    await left(upstream, since)
    assert "out=" not in await told(service, caplog)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("how", LEAVE)
async def test_leaving_in_mid_stream(
    service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    upstream.play(stream(text("one "), text("two "), text("three "), Hold(NEVER)))
    peer = await service.call(stream=True)
    await eventually(lambda: b"three" in peer.heard, "three words")
    since = time.monotonic()
    LEAVE[how](peer)

    await left(upstream, since)
    await told(service, caplog)


@pytest.mark.parametrize("how", LEAVE)
async def test_leaving_while_a_stream_is_busy(
    service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """Somewhere in the middle of reading and writing."""
    upstream.play(stream(*[text("word " * 100)] * 100_000))
    peer = await service.call(stream=True)
    await eventually(lambda: len(peer.heard) > 500_000, "many words")
    since = time.monotonic()
    LEAVE[how](peer)

    await left(upstream, since)
    await told(service, caplog)


@pytest.mark.parametrize("how", LEAVE)
async def test_leaving_in_the_middle_of_a_whole_answer(
    service: Service,
    upstream: FakeUpstream,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    reading = asyncio.Event()
    monkeypatch.setattr(Entry, "heard", lambda _: reading.set())
    upstream.play(stream(b'{"choices": [', Hold(NEVER), headers={"content-type": "application/json"}))
    peer = await service.call()
    await asyncio.wait_for(reading.wait(), 20)
    since = time.monotonic()
    LEAVE[how](peer)

    await left(upstream, since)
    await told(service, caplog)


@pytest.mark.parametrize("how", LEAVE)
async def test_leaving_while_the_body_is_on_its_way(
    service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    peer = await service.connect()
    peer.say(request(host=service.host)[:-10])
    await eventually(lambda: service.counters.active, "the beginning of the request")
    LEAVE[how](peer)

    await told(service, caplog)
    assert upstream.requests == []


@pytest.mark.parametrize("how", LEAVE)
@pytest.mark.parametrize("streamed", [True, False])
async def test_leaving_while_the_upstream_is_dialled(
    serve: Serve, caplog: pytest.LogCaptureFixture, streamed: bool, how: str
) -> None:
    async with RawServer() as silent:
        service = await serve(configuration(silent.url.replace("http:", "https:")))
        peer = await service.call(stream=streamed)
        await eventually(lambda: service.counters.active, "the beginning of the request")
        LEAVE[how](peer)

        await told(service, caplog)


@pytest.mark.parametrize("streamed", [True, False])
async def test_leaving_at_any_moment(
    service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture, streamed: bool
) -> None:
    """Two hundred clients, each with a moment of its own; nothing is left behind, and nothing is called a bug."""
    upstream.think(
        lambda _: stream(text("one "), Delay(0.002), text("two "), Delay(0.002), text("three"), finish(), DONE)
    )

    async def leave_after(seconds: float, how: Callable[[Peer], None]) -> None:
        peer = await service.call(stream=streamed)
        await asyncio.sleep(seconds)
        how(peer)

    for start in range(4):
        moments = [(start * 50 + n) * 0.0001 for n in range(50)]
        await asyncio.gather(*(leave_after(moment, how) for moment in moments for how in LEAVE.values()))
    await eventually(lambda: not service.counters.active, "the end of all requests")
    await eventually(lambda: len(asyncio.all_tasks()) < 20, lambda: f"the end of all tasks: {asyncio.all_tasks()}")

    assert not [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]
    assert service.counters.total <= 400


async def test_leaving_at_once(service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture) -> None:
    """The connection is gone before the request is looked at."""
    upstream.think(lambda _: Reply(text="Hi"))
    for how in (*LEAVE.values(),) * 20:
        how(await service.call(stream=True))
    await asyncio.sleep(0.05)
    await eventually(lambda: not service.counters.active, "the end of all requests")

    assert not [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]
    assert (await service.post()).status == 200


async def test_a_client_that_leaves_takes_nobody_with_it(service: Service, upstream: FakeUpstream) -> None:
    more = threading.Event()
    upstream.think(lambda _: stream(text("one "), Hold(more), text("two"), finish(), DONE))
    peers = [await service.call(stream=True) for _ in range(10)]
    for peer in peers:
        await eventually(lambda peer=peer: b"one" in peer.heard, "the first word")  # type: ignore[misc]
    for peer in peers[::2]:
        peer.slam()
    more.set()

    for peer in peers[1::2]:
        await peer.finished()
        assert peer.events[-1].name == "message_stop"
    assert service.counters.failed == 5


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("last", ["write", "end"])
async def test_words_to_a_client_that_has_just_left(last: str, begun: bool) -> None:
    """Between its leaving and our hearing of it: no bug of ours, and nobody is left waiting."""
    outcome: list[str] = []

    async def speak(request: web.Request) -> web.StreamResponse:
        client = ClientStream(request, Clock(), "req_1")
        if begun:
            await client.write(b"event: ping\n\n")
        assert request.transport
        request.transport.abort()
        try:
            await (client.end() if last == "end" else client.write(b"event: ping\n\n"))
        except ClientLeft as left:
            outcome.append(str(left))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", speak)
    async with TestServer(app) as server, ClientSession() as session:
        with pytest.raises(ClientError):
            await (await session.post(server.make_url("/"))).read()
        await eventually(lambda: outcome, "the outcome")
    assert outcome == ["the client left"]


# ---- slow clients


async def deaf(service: Service, **fields: Any) -> Peer:
    """A client that has asked and doesn't read."""
    peer = await service.call(**fields)
    peer.transport.pause_reading()
    return peer


class Tap(RawServer):
    """An upstream that streams text as fast as it is taken, and counts."""

    def __init__(self) -> None:
        super().__init__(self.flow)
        self.said = 0
        self.ended = asyncio.Event()

    async def flow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        piece = text("word " * 1000)
        try:
            while True:
                writer.write(piece)
                await writer.drain()
                self.said += len(piece)
                await asyncio.sleep(0)
        finally:
            self.ended.set()


@pytest.fixture
async def tap() -> AsyncIterator[Tap]:
    async with Tap() as tap:
        yield tap


async def stands_still(count: Callable[[], int]) -> int:
    """Wait until a number doesn't change any more."""
    before = -1
    while before != count():
        before = count()
        await asyncio.sleep(0.2)
    return before


async def test_a_client_that_does_not_read_holds_the_upstream_back(serve: Serve, tap: Tap) -> None:
    """No more is taken from the upstream than the kernel's buffers hold; ours stay small."""
    service = await serve(configuration(tap.url))
    before_it = psutil.Process().memory_info().rss
    peer = await deaf(service, stream=True)

    assert await stands_still(lambda: tap.said) < 200 * 1024 * 1024
    assert psutil.Process().memory_info().rss - before_it < 16 * 1024 * 1024
    peer.transport.resume_reading()
    before = tap.said
    await eventually(lambda: tap.said > before + 1_000_000, "the stream goes on")
    peer.slam()


async def test_a_client_that_does_not_read_is_not_flooded_with_pings(serve: Serve, tap: Tap, clock: FakeClock) -> None:
    service = await serve(configuration(tap.url, timeouts={"idle": 100_000, "write": 100_000}), clock)
    peer = await deaf(service, stream=True)
    await stands_still(lambda: tap.said)
    await clock.advance(3600)
    peer.transport.resume_reading()
    before = len(peer.heard)
    await eventually(lambda: len(peer.heard) > before + 10_000_000, "the stream goes on")

    assert peer.heard.count(b"event: ping") <= 2
    peer.slam()


async def test_a_client_that_never_reads_is_given_up_on(
    serve: Serve, tap: Tap, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The upstream is let go, and the request ends: nobody waits for ever."""
    service = await serve(configuration(tap.url), clock)
    peer = await deaf(service, stream=True)
    await stands_still(lambda: tap.said)
    await clock.advance(71)

    await asyncio.wait_for(tap.ended.wait(), 20)
    await clock.advance(600)
    await eventually(lambda: not service.counters.active, "the end of the request")
    assert service.counters.failed == 1
    peer.slam()


async def test_a_client_that_does_not_read_a_whole_answer_is_given_up_on(serve: Serve, upstream: FakeUpstream) -> None:
    """Its answer would be kept for as long as it likes."""
    service = await serve(configuration(upstream.base_url, timeouts={"write": 0.5}))
    upstream.play(Reply(text="word " * 4_000_000))
    peer = await deaf(service)
    await eventually(lambda: service.counters.failed, "the end of the request")
    assert not service.counters.active
    peer.slam()


async def test_a_large_answer_comes_whole(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="word " * 400_000))
    answer = await service.post()
    assert (answer.status, answer.json["content"][0]["text"]) == (200, "word " * 400_000)
    assert int(answer.headers["content-length"]) == len(answer.body)


async def test_a_slow_client_gets_everything(service: Service, upstream: FakeUpstream) -> None:
    words = [f"word{n} " for n in range(20_000)]
    upstream.play(stream(*(text("".join(words[n : n + 100])) for n in range(0, 20_000, 100)), finish(), DONE))
    peer = await deaf(service, stream=True)
    while not peer.complete:
        peer.transport.resume_reading()
        await asyncio.sleep(0.001)
        peer.transport.pause_reading()
        await asyncio.sleep(0.001)

    said = "".join(event.data["delta"]["text"] for event in peer.events if event.name == "content_block_delta")
    assert said == "".join(words)


# ---- connections


async def test_a_connection_carries_stream_after_stream(service: Service, upstream: FakeUpstream) -> None:
    upstream.think(lambda sent: Reply(text=sent.prompt))
    peer = await service.connect()
    for number in range(5):
        peer.heard.clear()
        peer.say(
            request(body=hello(stream=True, messages=[{"role": "user", "content": f"n{number}"}]), host=service.host)
        )
        await eventually(lambda: peer.complete, "the end of a stream")
        assert f'"n{number}"' in peer.heard.decode()

    assert not peer.closed.is_set()
    peer.leave()


async def test_half_a_request_costs_nothing(service: Service, upstream: FakeUpstream) -> None:
    peers = [await service.connect() for _ in range(50)]
    for peer in peers:
        peer.say(b"POST /v1/messages HTTP/1.1\r\nHost: ")

    assert (await service.get("/health")).status == 200
    assert service.counters.active == 0
    for peer in peers:
        peer.slam()


async def test_an_expectation_is_met(service: Service, upstream: FakeUpstream) -> None:
    """curl asks before it sends a large body."""
    upstream.play(Reply(text="Hi"))
    head, _, body = request(host=service.host, Expect="100-continue").partition(b"\r\n\r\n")
    peer = await service.connect()
    peer.say(head + b"\r\n\r\n")
    await eventually(lambda: b"100 Continue" in peer.heard, "the word to go on")
    peer.say(body)
    await eventually(lambda: peer.heard.endswith(b"}"), "an answer")

    assert json.loads(peer.heard.rpartition(b"\r\n\r\n")[2])["type"] == "message"
    peer.leave()


async def test_whole_answers_go_out_whole(service: Service, upstream: FakeUpstream) -> None:
    long = "word " * 200_000
    upstream.play(whole({"choices": [{"message": {"content": long}, "finish_reason": "stop"}]}))
    assert (await service.post()).json["content"][0]["text"] == long


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health HTTP/1.1\r\nX-Note: " + b"canary" * 2000 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\n" + b"X-Note: canary\r\n" * 2000 + b"\r\n",
        b"GET /" + b"canary" * 2000 + b" HTTP/1.1\r\n\r\n",
        b"canary\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00canary",
        b"GET /health HTTP/1.1\r\nX-\x00Note: canary\r\n\r\n",
    ],
    ids=["long header", "many headers", "long path", "no HTTP", "TLS", "NUL"],
)
async def test_what_is_no_request_is_refused_in_a_short_line(
    service: Service, caplog: pytest.LogCaptureFixture, head: bytes
) -> None:
    """No traceback, and nothing of what was said."""
    peer = await service.connect()
    peer.say(head)
    await eventually(peer.closed.is_set, "the end of the connection")

    assert peer.heard.split(b" ")[1] == b"400"
    assert "canary" not in caplog.text
    assert len(caplog.text) < 500
