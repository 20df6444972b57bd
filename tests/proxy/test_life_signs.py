"""Half an hour of silence, in no time: what is said meanwhile, in which order, and when we give up."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from typing import Any

import pytest

from c2o.proxy.life_signs import Watch
from tests.fake_upstream import (
    BREAK,
    CUT,
    DONE,
    Answer,
    FakeUpstream,
    Hold,
    Reply,
    error,
    finish,
    role,
    stream,
    text,
    usage,
    whole,
)
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.fake_clock import FakeClock, settle
from tests.proxy.talk import (
    Event,
    Peer,
    RawServer,
    check_grammar,
    eventually,
    hello,
    is_no_op,
    names,
    request,
    text_in,
    unchunked,
)

NEVER = threading.Event()
BANNER = 20.0
"""Seconds of silence after which Claude Code tells its user that it waits."""
WATCHDOG = 300.0
"""Seconds without a parsed event after which it drops the stream."""


def said_in_time(peer: Peer) -> list[Event]:
    return peer.events if b"\r\n\r\n" in peer.heard else []


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One for every piece of an answer that the service has."""
    pieces: list[object] = []
    hear = Watch.heard

    def note(watch: Watch, events: int | None = None) -> None:
        hear(watch, events)
        pieces.append(events)

    monkeypatch.setattr(Watch, "heard", note)
    return pieces


async def another_piece(heard: list[object], before: int) -> None:
    await eventually(lambda: len(heard) > before, "another piece")


async def silent_call(service: Service, upstream: FakeUpstream, **fields: Any) -> Peer:
    """A call on which the upstream works, and says nothing."""
    before = len(upstream.requests)
    peer = await service.call(stream=True, **fields)
    await asyncio.to_thread(upstream.wait_for, before + 1)
    await settle()
    return peer


class Schedule:
    """When which event came, by the fake clock."""

    def __init__(self, peer: Peer, clock: FakeClock) -> None:
        self.peer, self.clock = peer, clock
        self.began = clock.now()
        self.heard: list[tuple[float, Event]] = []

    async def pass_(self, seconds: float, step: float = 1.0) -> None:
        for _ in range(round(seconds / step)):
            await self.clock.advance(step)
            self.note()

    def note(self) -> None:
        new = said_in_time(self.peer)[len(self.heard) :]
        self.heard += [(self.clock.now() - self.began, event) for event in new]

    def gaps(self, *names: str) -> float:
        """The longest time without one of these events."""
        times = [at for at, event in self.heard if not names or event.name in names]
        return max(after - before for before, after in itertools.pairwise([0.0, *times, self.clock.now() - self.began]))


async def test_nothing_is_said_before_ten_seconds(timed: Service, upstream: FakeUpstream, clock: FakeClock) -> None:
    """Until then a failure can be an honest HTTP status."""
    upstream.play(stream(DONE).after(Hold(NEVER)))
    peer = await silent_call(timed, upstream)
    await clock.advance(9.9)
    assert peer.heard == b""

    await clock.advance(0.2)
    await eventually(lambda: peer.heard, "the beginning")
    assert names(peer.events) == ["message_start", "ping"]
    assert peer.heard.startswith(b"HTTP/1.1 200 OK\r\n")
    peer.leave()


async def test_half_an_hour_of_silence_then_an_answer(timed: Service, upstream: FakeUpstream, clock: FakeClock) -> None:
    """One request upstream, and the client had no reason to give up."""
    more = threading.Event()
    upstream.play(stream(role(), text("At "), text("last."), finish(), usage(12, 3), DONE).after(Hold(more)))
    peer = await silent_call(timed, upstream)
    schedule = Schedule(peer, clock)
    await schedule.pass_(1800)
    more.set()
    await peer.finished()
    schedule.note()

    found = peer.events
    check_grammar(found)
    assert (text_in(found), found[-2].data["usage"]["output_tokens"]) == ("At last.", 3)
    assert schedule.gaps() <= 11
    assert schedule.gaps() < BANNER
    assert schedule.gaps("message_start", "message_delta") <= 240 < WATCHDOG
    assert names(found)[:2] == ["message_start", "ping"]
    assert 160 <= names(found).count("ping") <= 180
    assert len(upstream.requests) == 1


async def test_life_signs_go_on_in_mid_stream(timed: Service, upstream: FakeUpstream, clock: FakeClock) -> None:
    more = threading.Event()
    upstream.play(stream(text("Let me "), Hold(more), text("think."), finish(), DONE))
    peer = await silent_call(timed, upstream)
    await eventually(lambda: b"Let me" in peer.heard, "the first words")
    schedule = Schedule(peer, clock)
    await schedule.pass_(800)
    more.set()
    await peer.finished()

    check_grammar(peer.events)
    assert text_in(peer.events) == "Let me think."
    assert schedule.gaps() <= 11
    assert schedule.gaps("content_block_delta", "message_delta") <= 240
    assert all(event.data["usage"]["input_tokens"] for event in peer.events if event.name == "message_delta")


async def test_an_upstream_that_only_comments_gets_us_to_ping(
    timed: Service, upstream: FakeUpstream, clock: FakeClock, heard: list[object]
) -> None:
    """OpenRouter sends comments while it waits; to our client they are nothing, and a sign of life of theirs."""
    steps = [threading.Event() for _ in range(90)]
    pieces = [piece for step in steps for piece in (b": OPENROUTER PROCESSING\n\n", Hold(step))]
    upstream.play(stream(*pieces, text("Hi"), finish(), DONE))
    peer = await silent_call(timed, upstream)
    schedule = Schedule(peer, clock)
    await another_piece(heard, 0)
    for step in steps:
        before = len(heard)
        await schedule.pass_(20, step=5)
        step.set()
        await another_piece(heard, before)
    await peer.finished()

    check_grammar(peer.events)
    assert text_in(peer.events) == "Hi"
    assert schedule.gaps() <= 15
    assert schedule.gaps("message_start", "message_delta") <= 240


async def test_a_lively_upstream_needs_no_signs(timed: Service, upstream: FakeUpstream, clock: FakeClock) -> None:
    steps = [threading.Event() for _ in range(20)]
    upstream.play(stream(*(piece for step in steps for piece in (text("word "), Hold(step))), finish(), DONE))
    peer = await silent_call(timed, upstream)
    for number, step in enumerate(steps, 1):
        await eventually(lambda number=number: peer.heard.count(b"word") == number, "a word")  # type: ignore[misc]
        await clock.advance(9)
        step.set()
    await peer.finished()

    check_grammar(peer.events)
    assert "ping" not in names(peer.events)
    assert not any(is_no_op(event) for event in peer.events)


@pytest.mark.parametrize("turns", range(0, 60, 3))
async def test_the_order_holds_when_both_speak_at_once(
    timed: Service, upstream: FakeUpstream, clock: FakeClock, turns: int
) -> None:
    """The answer begins at the very moment of the first sign, or some turns of the event loop around it."""
    more = threading.Event()
    upstream.play(stream(text("Hi"), text(" you"), finish(), usage(), DONE).after(Hold(more)))
    peer = await silent_call(timed, upstream)
    more.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    await asyncio.gather(clock.advance(10), clock.advance(150))
    await peer.finished()

    check_grammar(peer.events)
    assert text_in(peer.events) == "Hi you"
    assert names(peer.events).count("message_start") == 1


async def test_many_at_once_keep_their_order(timed: Service, upstream: FakeUpstream, clock: FakeClock) -> None:
    """Thirty streams with pieces and signs in all sorts of moments."""
    steps = [threading.Event() for _ in range(12)]
    pieces = [piece for step in steps for piece in (Hold(step), text("a "), text("b "))]
    upstream.think(lambda _: stream(*pieces, finish(), DONE))
    peers = [await timed.call(stream=True) for _ in range(30)]
    await asyncio.to_thread(upstream.wait_for, 30)
    for number, step in enumerate(steps):
        step.set()
        for _ in range(number):
            await asyncio.sleep(0)
        await clock.advance(10 + number % 3 * 70)

    for peer in peers:
        await peer.finished()
        check_grammar(peer.events)
        assert text_in(peer.events) == "a b " * 12


# ---- failures, early and late


@pytest.mark.parametrize(
    "played", [error(429, "slow down"), error(401, "no such key"), error(500, "CUDA")], ids=["429", "401", "500"]
)
async def test_an_error_within_ten_seconds_has_its_status(
    timed: Service, upstream: FakeUpstream, clock: FakeClock, played: Answer
) -> None:
    more = threading.Event()
    upstream.play(played.after(Hold(more)))
    peer = await silent_call(timed, upstream)
    await clock.advance(9)
    more.set()
    await eventually(lambda: peer.heard.endswith(b"}"), "an answer")

    assert peer.heard.startswith(f"HTTP/1.1 {played.status} ".encode())
    peer.leave()


@pytest.mark.parametrize(
    ("played", "type"),
    [
        (error(429, "slow down"), "rate_limit_error"),
        (error(401, "no such key"), "authentication_error"),
        (error(400, "maximum context length is 1000 tokens, you sent 2000 tokens"), "invalid_request_error"),
        (error(500, "CUDA error"), "api_error"),
        (error(503, "busy"), "overloaded_error"),
        (whole(b"", 302, {"location": "http://127.0.0.1:1/"}), "api_error"),
        (stream(BREAK), "api_error"),
        (stream(CUT), "api_error"),
        (stream(DONE), "api_error"),
        (whole(b"<html>Log in</html>"), "api_error"),
        (whole({"error": {"message": "it broke"}}), "api_error"),
    ],
    ids=["429", "401", "too long", "500", "503", "302", "reset", "closed", "empty", "page", "error in a 200"],
)
async def test_an_error_after_the_beginning_is_an_event(
    timed: Service, upstream: FakeUpstream, clock: FakeClock, played: Answer, type: str
) -> None:
    more = threading.Event()
    upstream.play(played.after(Hold(more)))
    peer = await silent_call(timed, upstream)
    await clock.advance(35)
    more.set()
    await peer.finished()

    check_grammar(peer.events)
    assert names(peer.events) == ["message_start", "ping", "ping", "ping", "error"]
    assert peer.events[-1].data["error"]["type"] == type
    assert peer.complete
    assert peer.heard.count(b"HTTP/1.1") == 1
    assert (timed.counters.failed, timed.counters.active) == (1, 0)


async def test_an_overflow_after_the_beginning_keeps_its_words(
    timed: Service, upstream: FakeUpstream, clock: FakeClock
) -> None:
    """Claude Code compacts on these words, in an event as well."""
    more = threading.Event()
    upstream.play(
        error(400, "maximum context length is 1000 tokens. However, you requested 2000 tokens").after(Hold(more))
    )
    peer = await silent_call(timed, upstream)
    await clock.advance(15)
    more.set()
    await peer.finished()

    assert peer.events[-1].data["error"]["message"] == "prompt is too long: 2000 tokens > 1000 maximum"


# ---- giving up


@pytest.fixture
async def impatient(serve: Serve, upstream: FakeUpstream, clock: FakeClock) -> Service:
    return await serve(configuration(upstream.base_url, timeouts={"first_byte": 7, "idle": 30}), clock)


async def gone(upstream: FakeUpstream) -> bool:
    return await asyncio.to_thread(upstream.requests[-1].hung_up.wait, 8)


@pytest.mark.parametrize("streamed", [True, False])
async def test_the_first_byte_is_waited_for_within_its_limit(
    impatient: Service, upstream: FakeUpstream, clock: FakeClock, streamed: bool
) -> None:
    upstream.play(stream(DONE).after(Hold(NEVER)))
    asking = asyncio.create_task(impatient.post(body=hello(stream=streamed)))
    await asyncio.to_thread(upstream.wait_for, 1)
    await clock.advance(6.9)
    assert not asking.done()

    await clock.advance(0.2)
    answer = await asyncio.wait_for(asking, 20)
    assert (answer.status, answer.error["type"], answer.headers["x-should-retry"]) == (504, "timeout_error", "false")
    assert "[upstreams.fake.timeouts]" in answer.error["message"]
    assert await gone(upstream)
    assert (impatient.counters.failed, impatient.counters.active) == (1, 0)


async def test_the_first_byte_s_limit_after_the_beginning_is_an_event(
    serve: Serve, upstream: FakeUpstream, clock: FakeClock
) -> None:
    service = await serve(configuration(upstream.base_url, timeouts={"first_byte": 25}), clock)
    upstream.play(stream(DONE).after(Hold(NEVER)))
    peer = await silent_call(service, upstream)
    await clock.advance(26)
    await peer.finished()

    assert names(peer.events) == ["message_start", "ping", "ping", "error"]
    assert peer.events[-1].data["error"]["type"] == "timeout_error"
    assert await gone(upstream)


async def test_a_stall_in_mid_stream_ends_with_an_event(
    impatient: Service, upstream: FakeUpstream, clock: FakeClock
) -> None:
    upstream.play(stream(text("Hi"), Hold(NEVER)))
    peer = await silent_call(impatient, upstream)
    await eventually(lambda: b"Hi" in peer.heard, "the first word")
    await clock.advance(29)
    assert names(peer.events)[-1] == "ping"

    await clock.advance(2)
    await peer.finished()
    check_grammar(peer.events)
    assert peer.events[-1].name == "error"
    assert await gone(upstream)
    assert clock.pending == 0


async def test_a_stall_in_a_whole_answer_ends_with_504(
    impatient: Service, upstream: FakeUpstream, clock: FakeClock, heard: list[object]
) -> None:
    upstream.play(stream(b'{"choices"', Hold(NEVER), headers={"content-type": "application/json"}))
    asking = asyncio.create_task(impatient.post())
    await another_piece(heard, 0)
    for _ in range(4):
        await clock.advance(10)

    answer = await asyncio.wait_for(asking, 20)
    assert (answer.status, answer.error["type"]) == (504, "timeout_error")
    assert "idle in [upstreams.fake.timeouts]" in answer.error["message"]
    assert await gone(upstream)


@pytest.mark.parametrize(("place", "first_byte"), [("127.0.0.1", 3600), ("upstream.test", 600)])
async def test_a_local_upstream_is_given_more_time(
    serve: Serve, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, place: str, first_byte: float
) -> None:
    """A local model may think for an hour; a service in the cloud that says nothing for ten minutes is gone."""
    loop = asyncio.get_running_loop()
    lookup = loop.getaddrinfo
    monkeypatch.setattr(loop, "getaddrinfo", lambda host, *args, **more: lookup("127.0.0.1", *args, **more))
    async with RawServer() as silent:
        service = await serve(configuration(silent.url.replace("127.0.0.1", place)), clock)
        peer = await service.call(stream=True)
        await eventually(lambda: silent.connections, "the connection")
        await settle()
        await clock.advance(first_byte - 1)
        assert names(peer.events)[-1] == "ping"

        await clock.advance(2)
        await peer.finished()
        assert peer.events[-1].data["error"]["type"] == "timeout_error"


async def test_comments_are_no_answer_for_ever(
    serve: Serve, upstream: FakeUpstream, clock: FakeClock, heard: list[object]
) -> None:
    service = await serve(configuration(upstream.base_url, timeouts={"first_byte": 60, "idle": 30}), clock)
    steps = [threading.Event() for _ in range(20)]
    comments = [piece for step in steps for piece in (Hold(step), b": PROCESSING\n\n")]
    upstream.play(stream(text("Hi"), *comments, Hold(NEVER)))
    peer = await silent_call(service, upstream)
    await eventually(lambda: b"Hi" in peer.heard, "the first word")
    for step in steps[:6]:
        assert "error" not in names(peer.events)
        before = len(heard)
        step.set()
        await another_piece(heard, before)
        await clock.advance(10)
    await clock.advance(1)
    await peer.finished()

    check_grammar(peer.events)
    assert peer.events[-1].data["error"]["type"] == "timeout_error"
    assert "nothing but signs of life for 60 s" in peer.events[-1].data["error"]["message"]
    assert await gone(upstream)


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_lively_answer_that_never_ends_is_ended(
    serve: Serve, upstream: FakeUpstream, clock: FakeClock, streamed: bool, heard: list[object]
) -> None:
    service = await serve(configuration(upstream.base_url, timeouts={"total": 40}), clock)
    steps = [threading.Event() for _ in range(9)]
    words = [piece for step in steps for piece in (text("word ") if streamed else b" ", Hold(step))]
    upstream.play(stream(*words) if streamed else Answer(tuple(words), 200, {"content-type": "application/json"}))
    peer = await silent_call(service, upstream) if streamed else await whole_call(service, upstream, None)
    await another_piece(heard, 0)
    for step in steps[:3]:
        before = len(heard)
        await clock.advance(10)
        step.set()
        await another_piece(heard, before)
    await clock.advance(10)
    await eventually(lambda: b"timeout_error" in peer.heard, "the end")

    assert b"was not done after 40 s" in peer.heard
    assert b"total in [upstreams.fake.timeouts]" in peer.heard
    assert await gone(upstream)
    peer.leave()


# ---- whole answers


async def whole_call(service: Service, upstream: FakeUpstream, timeout: str | None) -> Peer:
    peer = await service.connect()
    given = request(host=service.host)
    peer.say(given.replace(b"\r\n", f"\r\nX-Stainless-Timeout: {timeout}\r\n".encode(), 1) if timeout else given)
    await asyncio.to_thread(upstream.wait_for, 1)
    await settle()
    return peer


@pytest.mark.parametrize(("timeout", "given_up"), [("300", 290), ("30", 27), ("5.5", 4.95), ("1", 0.9)])
async def test_a_whole_answer_ends_before_the_client_does(
    timed: Service, upstream: FakeUpstream, clock: FakeClock, timeout: str, given_up: float
) -> None:
    """Claude Code gives a whole answer 300 s and then sends the request again: it shall hear why."""
    upstream.play(stream(DONE).after(Hold(NEVER)))
    peer = await whole_call(timed, upstream, timeout)
    await clock.advance(given_up - 0.05)
    assert peer.heard == b""

    await clock.advance(0.1)
    await eventually(lambda: peer.heard.endswith(b"}"), "an answer")
    assert peer.heard.startswith(b"HTTP/1.1 504 ")
    assert b"x-should-retry: false" in peer.heard.lower()
    assert b"API_TIMEOUT_MS" in peer.heard
    assert await gone(upstream)
    peer.leave()


@pytest.mark.parametrize("timeout", ["None", "0", "NOT_GIVEN", "-5", "1e9", "9" * 5000, "inf"])
async def test_a_limit_that_is_none_limits_nothing(
    timed: Service, upstream: FakeUpstream, clock: FakeClock, timeout: str
) -> None:
    more = threading.Event()
    upstream.play(whole({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}).after(Hold(more)))
    peer = await whole_call(timed, upstream, timeout)
    await clock.advance(200)
    more.set()
    await eventually(lambda: peer.heard.endswith(b"}"), "an answer")
    assert peer.heard.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("timeout", [None, "3600"])
async def test_a_patient_client_gets_white_space_before_a_whole_answer(
    timed: Service, upstream: FakeUpstream, clock: FakeClock, timeout: str | None
) -> None:
    more = threading.Event()
    upstream.play(whole({"choices": [{"message": {"content": "At last."}, "finish_reason": "stop"}]}).after(Hold(more)))
    peer = await whole_call(timed, upstream, timeout)
    await clock.advance(239)
    assert peer.heard == b""
    await clock.advance(1500)
    more.set()
    await eventually(lambda: peer.complete, "the end")

    head, _, body = bytes(peer.heard).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"application/json" in head
    said = unchunked(body)
    assert json.loads(said)["content"] == [{"type": "text", "text": "At last."}]
    assert 120 < len(said) - len(said.lstrip()) < 160
    assert len(upstream.requests) == 1
    peer.leave()


@pytest.mark.parametrize(
    ("played", "type"),
    [
        (error(429, "slow down"), "rate_limit_error"),
        (whole(b"", 302, {"location": "http://127.0.0.1:1/"}), "api_error"),
        (stream(BREAK), "api_error"),
        (whole(b"<html>Log in</html>"), "api_error"),
        (stream(b'{"choices": [', BREAK), "api_error"),
        (stream().after(BREAK), "api_error"),
    ],
    ids=["429", "302", "reset", "page", "half", "no head"],
)
async def test_an_error_after_white_space_is_an_anthropic_error_all_the_same(
    timed: Service, upstream: FakeUpstream, clock: FakeClock, played: Answer, type: str
) -> None:
    """The status has been said; what is left is the body, and the framing must hold."""
    more = threading.Event()
    upstream.play(Answer.after(played, Hold(more), *getattr(played, "first", ())))
    peer = await whole_call(timed, upstream, None)
    await clock.advance(300)
    more.set()
    await eventually(lambda: peer.complete, lambda: f"the end: {peer.heard!r}")

    body = json.loads(unchunked(bytes(peer.heard).partition(b"\r\n\r\n")[2]))
    assert (body["type"], body["error"]["type"]) == ("error", type)
    assert body["request_id"].encode() in peer.heard.partition(b"\r\n\r\n")[0]
    assert peer.heard.count(b"HTTP/1.1") == 1
    assert (timed.counters.failed, timed.counters.active) == (1, 0)
    peer.leave()


async def test_the_limit_after_white_space_is_an_anthropic_error_all_the_same(
    timed: Service, upstream: FakeUpstream, clock: FakeClock
) -> None:
    upstream.play(stream(DONE).after(Hold(NEVER)))
    peer = await whole_call(timed, upstream, "600")
    await clock.advance(591)
    await eventually(lambda: peer.complete, lambda: f"the end: {peer.heard!r}")

    body = json.loads(unchunked(bytes(peer.heard).partition(b"\r\n\r\n")[2]))
    assert body["error"]["type"] == "timeout_error"
    assert await gone(upstream)
    peer.leave()


# ---- leaving, while signs are given


@pytest.mark.parametrize("how", ["leave", "slam"])
async def test_leaving_while_signs_are_given(
    timed: Service, upstream: FakeUpstream, clock: FakeClock, how: str
) -> None:
    upstream.play(stream(DONE).after(Hold(NEVER)))
    peer = await silent_call(timed, upstream)
    await clock.advance(25)
    getattr(peer, how)()
    await asyncio.gather(clock.advance(10), clock.advance(10))

    assert await gone(upstream)
    await eventually(lambda: not timed.counters.active, "the end")
    assert clock.pending == 0


async def test_no_timer_is_left_behind(timed: Service, upstream: FakeUpstream, clock: FakeClock) -> None:
    upstream.play(Reply(text="Hi"), Reply(text="Hi"), error(500, "x"), error(500, "x"), stream(text("Hi"), CUT))
    for streamed in (True, False, True, False, True):
        await timed.post(body=hello(stream=streamed))
    assert clock.pending == 0
