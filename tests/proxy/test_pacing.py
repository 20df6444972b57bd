"""Requests wait for their turn, in order and with signs of life, and nobody who has left keeps a place."""

from __future__ import annotations

import asyncio
import threading

import pytest

from c2o.proxy.life_signs import QUEUE
from c2o.proxy.pacing import MOST_WAITING, Pace
from c2o.proxy.state import STATE
from tests.fake_upstream import FakeUpstream, Hold, Reply, completion, error
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.fake_clock import FakeClock, settle
from tests.proxy.talk import Peer, check_grammar, eventually, names, text_in


async def paced(serve: Serve, upstream: FakeUpstream, clock: FakeClock, **limits: int) -> Service:
    return await serve(configuration(upstream.base_url, **limits), clock)


def held(text: str) -> tuple[Hold, threading.Event]:
    event = threading.Event()
    return Hold(event), event


async def queued(service: Service, number: int) -> None:
    pace = service.app[STATE].setup.pacing.paces["fake"]
    await eventually(lambda: pace.waiting == number, f"{number} requests in the queue")


def asked(upstream: FakeUpstream) -> list[str]:
    return [request.prompt for request in upstream.requests]


def say(text: str, **more: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": text}], **more}


async def test_one_at_a_time_and_in_order(serve: Serve, upstream: FakeUpstream, clock: FakeClock) -> None:
    service = await paced(serve, upstream, clock, max_concurrency=1)
    hold, go_on = held("first")
    upstream.play(completion(Reply("1")).after(hold), Reply("2"), Reply("3"))
    peers: list[Peer] = []
    for number, text in enumerate("abc"):
        peers.append(await service.call(**say(text)))
        await queued(service, number)
    await asyncio.to_thread(upstream.wait_for, 1)
    assert asked(upstream) == ["a"]

    go_on.set()

    for peer in peers:
        await eventually(lambda peer=peer: b'"stop_reason":"end_turn"' in peer.heard, "an answer")
    assert asked(upstream) == ["a", "b", "c"]


async def test_a_stream_is_kept_alive_while_it_waits(serve: Serve, upstream: FakeUpstream, clock: FakeClock) -> None:
    service = await paced(serve, upstream, clock, requests_per_minute=1)
    upstream.play(Reply("1"), Reply("2"))
    await service.post()
    peer = await service.call(stream=True)
    await queued(service, 1)

    await clock.advance(59)
    await eventually(lambda: peer.heard.count(b"event: ping") >= 4, "pings")
    assert len(upstream.requests) == 1

    await clock.advance(1.5)
    await peer.finished()
    check_grammar(peer.events)
    assert text_in(peer.events) == "2"


async def test_a_minute_has_as_many_as_were_allowed(serve: Serve, upstream: FakeUpstream, clock: FakeClock) -> None:
    service = await paced(serve, upstream, clock, requests_per_minute=2)
    upstream.play(*[Reply("ok")] * 5)
    answers = [asyncio.create_task(service.post()) for _ in range(5)]
    await queued(service, 3)
    for minute, (started, left) in enumerate([(2, 3), (4, 1), (5, 0)]):
        await clock.advance(60.1 if minute else 0)
        await queued(service, left)
        await asyncio.to_thread(upstream.wait_for, started)
    assert [(await answer).status for answer in answers] == [200] * 5


async def test_who_leaves_gives_up_the_place(serve: Serve, upstream: FakeUpstream, clock: FakeClock) -> None:
    service = await paced(serve, upstream, clock, max_concurrency=1)
    hold, go_on = held("a")
    upstream.play(completion(Reply("1")).after(hold), Reply("3"))
    first = await service.call(**say("a"))
    await asyncio.to_thread(upstream.wait_for, 1)
    leaving = await service.call(**say("b", stream=True))
    await queued(service, 1)
    last = await service.call(**say("c"))
    await queued(service, 2)

    leaving.slam()
    await queued(service, 1)
    go_on.set()

    await eventually(lambda: b"end_turn" in last.heard and b"end_turn" in first.heard, "both answers")
    assert asked(upstream) == ["a", "c"]


async def test_who_leaves_in_the_middle_of_an_answer_does_too(
    serve: Serve, upstream: FakeUpstream, clock: FakeClock
) -> None:
    service = await paced(serve, upstream, clock, max_concurrency=1)
    hold, go_on = held("a")
    upstream.play(completion(Reply("1")).after(hold), Reply("2"))
    first = await service.call(**say("a"))
    await asyncio.to_thread(upstream.wait_for, 1)
    second = asyncio.create_task(service.post(body=say("b", model="m", max_tokens=9)))
    await queued(service, 1)

    first.slam()

    assert (await second).status == 200
    go_on.set()


async def test_waiting_ends_too(serve: Serve, upstream: FakeUpstream, clock: FakeClock) -> None:
    service = await paced(serve, upstream, clock, max_concurrency=1)
    hold, go_on = held("a")
    upstream.play(completion(Reply("1")).after(hold))
    first = await service.call(**say("a"))
    await asyncio.to_thread(upstream.wait_for, 1)
    waiting = await service.call(**say("b", stream=True))
    await queued(service, 1)

    await clock.advance(QUEUE + 1)

    await waiting.finished()
    assert names(waiting.events)[-1] == "error"
    assert "max_concurrency" in waiting.events[-1].data["error"]["message"]
    go_on.set()
    await eventually(lambda: bool(first.heard), "the end of the first")


async def test_an_answer_s_time_runs_from_its_turn_on(serve: Serve, upstream: FakeUpstream, clock: FakeClock) -> None:
    tables = configuration(upstream.base_url, requests_per_minute=1, timeouts={"first_byte": 5})
    service = await serve(tables, clock)
    hold, go_on = held("b")
    upstream.play(Reply("1"), completion(Reply("2")).after(hold))
    await service.post()
    second = asyncio.create_task(service.post())
    await queued(service, 1)
    await clock.advance(60.1)
    await asyncio.to_thread(upstream.wait_for, 2)

    await clock.advance(6)

    answer = await second
    assert (answer.status, answer.error["type"]) == (504, "timeout_error")
    assert "first_byte" in answer.error["message"]
    go_on.set()


async def test_too_many_are_refused_at_once(serve: Serve, upstream: FakeUpstream, clock: FakeClock) -> None:
    service = await paced(serve, upstream, clock, max_concurrency=1)
    pace = service.app[STATE].setup.pacing.paces["fake"]
    assert pace.take_now()
    waiting = [asyncio.create_task(pace.take()) for _ in range(MOST_WAITING)]
    await settle()

    answer = await service.post()

    assert (answer.status, answer.error["type"]) == (529, "overloaded_error")
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert pace.waiting == 0


# ---- bursts of 429


async def test_a_short_wait_is_waited_for_here(timed: Service, upstream: FakeUpstream, clock: FakeClock) -> None:
    upstream.play(error(429, "Too many requests", headers={"retry-after": "3"}), Reply("Hi"), Reply("Hi"))
    refused = asyncio.create_task(timed.post())
    await queued(timed, 1)
    other = asyncio.create_task(timed.post())
    await queued(timed, 2)
    assert len(upstream.requests) == 1

    await clock.advance(3.1)

    assert [(await each).status for each in (refused, other)] == [200, 200]


async def test_it_is_tried_once_only(timed: Service, upstream: FakeUpstream, clock: FakeClock) -> None:
    slow_down = error(429, "Too many requests", headers={"retry-after": "3"})
    upstream.play(slow_down, slow_down)
    refused = asyncio.create_task(timed.post())
    await queued(timed, 1)

    await clock.advance(3.1)

    answer = await refused
    assert (answer.status, answer.headers["retry-after"]) == (429, "3")


@pytest.mark.parametrize("headers", [{}, {"retry-after": "11"}, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}])
async def test_a_long_wait_is_the_client_s(timed: Service, upstream: FakeUpstream, headers: dict[str, str]) -> None:
    upstream.play(error(429, "Too many requests", headers=headers))

    assert (await timed.post()).status == 429


# ---- the pace alone


async def test_one_who_leaves_just_when_the_turn_comes_passes_it_on(clock: FakeClock) -> None:
    pace = Pace(clock, at_once=1, per_minute=None)
    assert pace.take_now()
    leaving, staying = asyncio.create_task(pace.take()), asyncio.create_task(pace.take())
    await settle()

    pace.release()
    leaving.cancel()
    await settle()

    assert leaving.cancelled()
    assert staying.done()
    assert not pace.take_now()
