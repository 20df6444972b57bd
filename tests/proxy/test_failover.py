"""Fallbacks: another model answers where the first can't, and the client doesn't notice."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from c2o.proxy.prepared import prepared
from c2o.proxy.state import STATE
from c2o.wire.log import Finished
from tests.fake_upstream import (
    BREAK,
    DONE,
    FakeUpstream,
    Hold,
    Reply,
    Request,
    error,
    finish,
    role,
    running_upstream,
    stream,
    text,
    whole,
)
from tests.proxy.conftest import Serve, Service, loaded, with_fallback
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import HELLO, Json, Peer, check_grammar, events, eventually, hello, names, text_in

REFUSED = "http://127.0.0.1:9/v1"


@pytest.fixture
def spare() -> Iterator[FakeUpstream]:
    """Another upstream."""
    with running_upstream() as upstream:
        yield upstream


def tried(caplog: pytest.LogCaptureFixture) -> list[tuple[str | None, list[str]]]:
    """Of each request in the journal: who answered, and who was tried in vain."""
    records = [record.msg for record in caplog.records if isinstance(record.msg, Finished)]
    return [(each.target, [attempt.target for attempt in each.attempts]) for each in records]


GIVES_WAY = {
    "no quota": error(402, "insufficient balance", code="insufficient_quota"),
    "no quota, as 429": error(429, "You exceeded your current quota", code="insufficient_quota"),
    "a refused key": error(401, "Incorrect API key", code="invalid_api_key"),
    "an unknown model": error(404, "model fake-model does not exist", code="model_not_found"),
    "limited": error(429, "Too many requests"),
    "limited for long": error(429, "Too many requests", headers={"retry-after": "300"}),
    "overloaded": error(503, "overloaded"),
    "broken": error(500, "oops"),
    "a page": error(502, "<html><title>Bad gateway</title></html>"),
    "an error in a good answer": stream(b'data: {"error": {"message": "overloaded", "code": 503}}\n\n'),
    "an error after an empty beginning": stream(role(), b'data: {"error": {"message": "overloaded", "code": 503}}\n\n'),
    "broken off at once": stream(BREAK),
}


@pytest.mark.parametrize("failure", GIVES_WAY)
@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "whole"])
async def test_the_client_does_not_notice(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream, failure: str, streamed: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    upstream.play(GIVES_WAY[failure])
    spare.play(Reply("Hi"))
    service = await serve(with_fallback(upstream.base_url, spare.base_url))

    answer = await service.post(body=hello(stream=streamed))

    assert answer.status == 200
    if streamed:
        check_grammar(events(answer.body))
        assert text_in(events(answer.body)) == "Hi"
    else:
        assert answer.json["content"][0]["text"] == "Hi"
    assert "retry-after" not in answer.headers
    assert spare.requests[0].json["model"] == "other-model"
    assert tried(caplog) == [("spare/other-model", ["fake/fake-model"])]
    assert service.counters.failed == 0


@pytest.mark.parametrize("address", [REFUSED, "http://no-such-host.invalid/v1"], ids=["refused", "no such name"])
async def test_a_dead_upstream_is_not_noticed(serve: Serve, spare: FakeUpstream, address: str) -> None:
    spare.think(lambda _: Reply("Hi"))
    service = await serve(with_fallback(address, spare.base_url), FakeClock())

    answers = [await service.stream() for _ in range(8)]

    assert [text_in(events(each.body)) for each in answers] == ["Hi"] * 8
    problems = (await service.get("/c2o/status")).json["problems"]
    assert ["fake/fake-model is asked last for 60 s." in each["hint"] for each in problems] == [True]


ITS_OWN_MISTAKE = {
    "a bad request": error(400, "messages: something is odd"),
    "too long": error(400, "maximum context length is 8192 tokens, however you requested 9000 tokens"),
    "too large": error(413, "too large"),
    "a flagged request": error(400, "flagged", code="content_filter"),
}


@pytest.mark.parametrize("failure", ITS_OWN_MISTAKE)
async def test_a_failure_of_the_request_is_nobody_elses(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream, failure: str
) -> None:
    upstream.play(ITS_OWN_MISTAKE[failure])
    service = await serve(with_fallback(upstream.base_url, spare.base_url))

    assert (await service.post()).status in (400, 413)
    assert not spare.requests


async def test_an_answer_that_has_begun_is_not_begun_anew(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    upstream.play(stream(text("He"), BREAK))
    service = await serve(with_fallback(upstream.base_url, spare.base_url))

    found = events((await service.stream()).body)

    assert (names(found)[-1], text_in(found)) == ("error", "He")
    assert not spare.requests


async def test_whoever_met_half_an_answer_asks_another_next(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    """Claude Code repeats a stream that has failed, as a whole answer; who breaks off each time would never be left."""
    upstream.play(stream(text("He"), BREAK), Reply("first"))
    spare.play(Reply("spare"))
    service = await serve(with_fallback(upstream.base_url, spare.base_url))

    assert names(events((await service.post(body=session("one") | {"stream": True})).body))[-1] == "error"
    said = [(await service.post(body=session(name))).json["content"][0]["text"] for name in ("one", "two")]

    assert said == ["spare", "first"]


async def test_who_is_merely_slow_is_not_asked_twice(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream, clock: FakeClock
) -> None:
    """It may still be at work on the request."""
    service = await serve(with_fallback(upstream.base_url, spare.base_url, timeouts={"first_byte": 30}), clock)
    upstream.think(lambda _: stream(text("late")).after(Hold(threading.Event())))
    asking = asyncio.create_task(service.post())
    await asyncio.to_thread(upstream.wait_for, 1)

    await clock.advance(31)

    assert (await asking).status == 504
    assert not spare.requests


async def test_pings_alone_are_no_answer(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream, clock: FakeClock
) -> None:
    """An upstream that thinks for a minute before it says that it is overloaded; the client is pinged."""
    release = threading.Event()
    upstream.play(error(503, "overloaded").after(Hold(release)))
    spare.play(Reply("Hi"))
    service = await serve(with_fallback(upstream.base_url, spare.base_url), clock)
    peer = await service.call(stream=True)
    await asyncio.to_thread(upstream.wait_for, 1)

    await clock.advance(61)
    release.set()
    await peer.finished()

    check_grammar(peer.events)
    assert names(peer.events)[:2] == ["ping", "ping"]
    assert text_in(peer.events) == "Hi"


async def falls_back_after(
    seconds: int, serve: Serve, upstream: FakeUpstream, spare: FakeUpstream, clock: FakeClock
) -> tuple[Service, Peer, Request]:
    """The service, a client, and what its fallback, which never answers, is asked."""
    release, never = threading.Event(), threading.Event()
    upstream.play(error(503, "overloaded").after(Hold(release)))
    spare.think(lambda _: stream(text("late")).after(Hold(never)))
    service = await serve(with_fallback(upstream.base_url, spare.base_url), clock)
    peer = await service.call(stream=True)
    await asyncio.to_thread(upstream.wait_for, 1)
    await clock.advance(seconds)
    release.set()
    (asked,) = await asyncio.to_thread(spare.wait_for, 1)
    return service, peer, asked


async def test_a_client_that_leaves_after_the_first_is_asked_for_nothing_more(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """It hears pings, and hangs up while the fallback is at work."""
    service, peer, asked = await falls_back_after(11, serve, upstream, spare, clock)

    peer.slam()

    assert await asyncio.to_thread(asked.hung_up.wait, 8)
    await eventually(lambda: service.counters.active == 0, "the end of the request")
    (line,) = [record.msg for record in caplog.records if isinstance(record.msg, Finished)]
    assert (line.target, line.error) == ("spare/other-model", "the client left")


async def test_clients_parse_something_in_time_whoever_is_asked(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream, clock: FakeClock
) -> None:
    """Claude Code's watchdog takes no notice of pings, nor of who is asked."""
    _, peer, _ = await falls_back_after(140, serve, upstream, spare, clock)

    await clock.advance(20)

    assert "message_start" in names(peer.events)


async def test_a_whole_answer_ends_before_its_client_leaves_whoever_is_asked(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream, clock: FakeClock
) -> None:
    """The time that the first took is gone."""
    release, never = threading.Event(), threading.Event()
    upstream.play(error(503, "overloaded").after(Hold(release)))
    spare.think(lambda _: stream(text("late")).after(Hold(never)))
    service = await serve(with_fallback(upstream.base_url, spare.base_url), clock)
    asking = asyncio.create_task(service.post(headers={"X-Stainless-Timeout": "300"}))
    await asyncio.to_thread(upstream.wait_for, 1)
    await clock.advance(200)
    release.set()
    await asyncio.to_thread(spare.wait_for, 1)

    await clock.advance(91)

    answer = await asyncio.wait_for(asking, 20)
    assert (answer.status, answer.headers["x-should-retry"]) == (504, "false")
    assert "was not done after 290 s" in answer.error["message"]


async def test_a_fallback_that_is_still_at_work_is_told(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream, clock: FakeClock
) -> None:
    """Who is told of the first, that was busy, asks again, and has the second at work twice."""
    never = threading.Event()
    upstream.play(error(503, "overloaded"))
    spare.think(lambda _: stream(text("late")).after(Hold(never)))
    tables = with_fallback(upstream.base_url, spare.base_url)
    tables["upstreams"]["spare"]["timeouts"] = {"first_byte": 5}
    service = await serve(tables, clock)
    asking = asyncio.create_task(service.post())
    await asyncio.to_thread(spare.wait_for, 1)

    await clock.advance(6)

    answer = await asyncio.wait_for(asking, 20)
    assert (answer.status, answer.headers["x-should-retry"]) == (504, "false")


async def test_the_answer_says_nothing_of_the_first(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither its limits, nor when it began to speak."""
    release = threading.Event()
    limits = {"x-ratelimit-remaining-requests": "7", "content-type": "text/event-stream"}
    upstream.play(stream(b'data: {"error": {"message": "overloaded", "code": 503}}\n\n', headers=limits))
    spare.play(stream(text("Hi"), finish(), DONE).after(Hold(release)))
    service = await serve(with_fallback(upstream.base_url, spare.base_url), clock)
    asking = asyncio.create_task(service.stream())
    await asyncio.to_thread(spare.wait_for, 1)
    await clock.advance(3)
    release.set()

    answer = await asking

    assert text_in(events(answer.body)) == "Hi"
    assert not [name for name in answer.headers if "ratelimit" in name]
    (line,) = [record.msg for record in caplog.records if isinstance(record.msg, Finished)]
    assert line.first_byte == 3.0


async def test_an_image_that_a_fallback_refuses_goes_to_the_image_route(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    """As one that the first refuses does, whatever the first could have seen."""
    upstream.play(error(500, "oops"))
    spare.play(error(400, "This model does not support image input"))
    with running_upstream() as seeing:
        seeing.play(Reply("A dot."))
        tables = with_fallback(upstream.base_url, spare.base_url, seeing.base_url)
        tables["models"]["default"].pop()
        tables["routes"] = {"image": "more0/m"}
        service = await serve(tables)
        picture = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
        answer = await service.post(
            body=hello(messages=[{"role": "user", "content": [{"type": "image", "source": picture}]}])
        )

    assert answer.json["content"][0]["text"] == "A dot."
    assert len(spare.requests) == 1


async def test_two_at_most_are_tried(serve: Serve, upstream: FakeUpstream, spare: FakeUpstream) -> None:
    upstream.play(error(500, "first"))
    spare.play(error(500, "second"))
    with running_upstream() as third:
        service = await serve(with_fallback(upstream.base_url, spare.base_url, third.base_url))
        answer = await service.post()

        assert (answer.status, len(third.requests)) == (500, 0)
        assert "first" in answer.error["message"]


async def test_of_two_failures_the_one_is_told_that_will_pass(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    upstream.play(error(401, "Incorrect API key", code="invalid_api_key"))
    spare.play(error(429, "Too many requests", headers={"retry-after": "20"}))
    service = await serve(with_fallback(upstream.base_url, spare.base_url))

    answer = await service.post()

    assert (answer.status, answer.headers["retry-after"]) == (429, "20")
    assert "x-should-retry" not in answer.headers


async def test_who_named_a_model_gets_that_one(serve: Serve, upstream: FakeUpstream, spare: FakeUpstream) -> None:
    upstream.play(error(500, "oops"))
    service = await serve(with_fallback(upstream.base_url, spare.base_url))

    assert (await service.post(body=hello(model="fake/fake-model"))).status == 500
    assert not spare.requests


async def test_each_is_asked_in_its_own_words(serve: Serve, upstream: FakeUpstream, spare: FakeUpstream) -> None:
    """The picture that the first would see is a word for the second, which is blind."""
    upstream.play(error(500, "oops"))
    spare.play(Reply("Hi"))
    tables = with_fallback(upstream.base_url, spare.base_url)
    tables["upstreams"]["spare"]["quirks"] = {"vision": False}
    service = await serve(tables)
    picture = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}

    answer = await service.post(
        body=hello(messages=[{"role": "user", "content": [{"type": "image", "source": picture}]}])
    )

    assert answer.status == 200
    assert "image_url" in str(upstream.requests[0].messages)
    assert "image_url" not in str(spare.requests[0].messages)


async def test_a_fallback_that_cannot_hold_the_prompt_is_no_help(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    """ "Prompt is too long" would have the client throw its conversation away, because of a busy minute."""
    upstream.play(error(429, "Too many requests", headers={"retry-after": "20"}))
    tables = with_fallback(upstream.base_url, spare.base_url)
    tables["limits"]["spare/other-model"] = {"context_window": 1000}
    service = await serve(tables)

    answer = await service.post(body=hello(messages=[{"role": "user", "content": "word " * 5000}]))

    assert (answer.status, answer.headers["retry-after"]) == (429, "20")
    assert not spare.requests


BUSY = error(503, "overloaded")
TOO_LONG = error(400, "maximum context length is 1000 tokens, however you requested 5000 tokens")


@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("known", [True, False], ids=["a known window", "by its own word"])
async def test_nor_is_it_when_it_stands_in_for_a_while(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream, known: bool, streamed: bool
) -> None:
    """The client repeats what failed, and whoever stands in is asked first then: his window isn't what it asks for."""
    upstream.play(BUSY, BUSY, Reply("Hi"))
    spare.think(lambda _: TOO_LONG)
    tables = with_fallback(upstream.base_url, spare.base_url)
    if known:
        tables["limits"]["spare/other-model"] = {"context_window": 1000}
    service = await serve(tables)
    asking = hello(stream=streamed, messages=[{"role": "user", "content": "word " * 5000}])

    answers = [await service.post(body=asking | {"max_tokens": 100 + number}) for number in range(3)]

    assert [answer.status for answer in answers] == [529, 529, 200]
    assert [answer.error["type"] for answer in answers[:2]] == ["overloaded_error"] * 2
    assert len(upstream.requests) == 3
    assert len(spare.requests) == (0 if known else 3)


async def test_nor_is_one_that_speaks_anthropic_s_own_api(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    said = {"type": "invalid_request_error", "message": "prompt is too long: 5000 tokens > 1000 maximum"}
    upstream.play(BUSY, Reply("Hi"))
    spare.think(lambda _: whole({"type": "error", "error": said}, 400))
    tables = with_fallback(upstream.base_url, spare.base_url)
    tables["upstreams"]["spare"] |= {"api": "anthropic"}
    service = await serve(tables)

    answers = [await service.post(body=hello(max_tokens=100 + number)) for number in range(2)]

    assert [answer.status for answer in answers] == [529, 200]
    assert len(spare.requests) == 2


async def test_of_several_that_cannot_hold_it_none_keeps_the_model_itself_from_being_asked(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    upstream.play(BUSY, Reply("Hi"))
    spare.think(lambda _: TOO_LONG)
    service = await serve(with_fallback(upstream.base_url, spare.base_url, spare.base_url, spare.base_url))

    answers = [await service.post(body=hello(max_tokens=100 + number)) for number in range(2)]

    assert [answer.status for answer in answers] == [529, 200]


async def test_what_the_model_itself_cannot_hold_is_told_at_once(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    upstream.play(BUSY)
    spare.play(Reply("Hi"), BUSY)
    service = await serve(with_fallback(upstream.base_url, spare.base_url))
    await service.post()
    upstream.play(TOO_LONG)

    answer = await service.post(body=hello(max_tokens=99))

    assert (answer.status, answer.error["message"]) == (400, "prompt is too long: 5000 tokens > 1000 maximum")


# ---- for how long


def session(name: str) -> Json:
    return HELLO | {"metadata": {"user_id": f'{{"session_id": "{name}"}}'}}


async def test_a_limit_is_everybody_s_and_ends(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream, clock: FakeClock
) -> None:
    upstream.play(error(429, "Too many requests", headers={"retry-after": "40"}), Reply("first"))
    spare.think(lambda _: Reply("spare"))
    service = await serve(with_fallback(upstream.base_url, spare.base_url), clock)

    async def heard(name: str) -> str:
        said: str = (await service.post(body=session(name))).json["content"][0]["text"]
        return said

    assert [await heard("one"), await heard("two")] == ["spare", "spare"]
    problem = (await service.get("/c2o/status")).json["problems"][0]
    assert problem["id"] == "model.replaced"
    assert "fake/fake-model is asked last for 40 s" in problem["hint"]
    await clock.advance(41)
    assert await heard("one") == "first"
    assert (await service.get("/c2o/status")).json["problems"] == []
    assert len(upstream.requests) == 2


async def test_a_session_keeps_to_its_fallback_for_a_while(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream, clock: FakeClock
) -> None:
    """Each change of the model costs the prompt cache; others aren't concerned by one broken answer."""
    upstream.play(error(500, "oops"), Reply("first"), Reply("first"))
    spare.think(lambda _: Reply("spare"))
    service = await serve(with_fallback(upstream.base_url, spare.base_url), clock)
    said = [(await service.post(body=session(name))).json["content"][0]["text"] for name in ("one", "one", "two")]
    await clock.advance(61)
    said.append((await service.post(body=session("one"))).json["content"][0]["text"])

    assert said == ["spare", "spare", "first", "first"]


async def test_who_has_no_session_speaks_for_none(serve: Serve, upstream: FakeUpstream, spare: FakeUpstream) -> None:
    upstream.play(error(500, "oops"), Reply("first"))
    spare.think(lambda _: Reply("spare"))
    service = await serve(with_fallback(upstream.base_url, spare.base_url))

    said = [(await service.post(body=body)).json["content"][0]["text"] for body in (HELLO, HELLO, session("one"))]

    assert said == ["spare", "spare", "first"]
    assert (await service.get("/c2o/status")).json["problems"] == []


async def refused_key(serve: Serve, upstream: FakeUpstream, spare: FakeUpstream) -> tuple[Service, Json]:
    spare.think(lambda _: Reply("spare"))
    tables = with_fallback(upstream.base_url, spare.base_url)
    service = await serve(tables)
    tables["upstreams"]["fake"]["api_key"] = "sk-the-right-one"
    return service, tables


async def test_a_new_configuration_is_tried_at_once(serve: Serve, upstream: FakeUpstream, spare: FakeUpstream) -> None:
    """Somebody has just put the right key into it."""
    upstream.play(error(401, "Incorrect API key", code="invalid_api_key"), Reply("first"))
    service, tables = await refused_key(serve, upstream, spare)

    said = [(await service.post()).json["content"][0]["text"]]
    await service.app[STATE].follow(prepared(loaded(tables)))
    said.append((await service.post()).json["content"][0]["text"])

    assert said == ["spare", "first"]


async def test_what_fails_with_the_old_configuration_is_nothing_to_the_new(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    release = threading.Event()
    upstream.play(error(401, "Incorrect API key", code="invalid_api_key").after(Hold(release)), Reply("first"))
    service, tables = await refused_key(serve, upstream, spare)
    asking = asyncio.create_task(service.post())
    await asyncio.to_thread(upstream.wait_for, 1)

    await service.app[STATE].follow(prepared(loaded(tables)))
    release.set()

    assert (await asking).json["content"][0]["text"] == "spare"
    assert (await service.post()).json["content"][0]["text"] == "first"


async def test_a_detour_that_fails_leads_back(serve: Serve, upstream: FakeUpstream, spare: FakeUpstream) -> None:
    upstream.play(error(429, "Too many requests", headers={"retry-after": "40"}), Reply("first"))
    spare.play(Reply("spare"), error(500, "oops"))
    service = await serve(with_fallback(upstream.base_url, spare.base_url))

    assert [(await service.post()).json["content"][0]["text"] for _ in range(2)] == ["spare", "first"]


async def test_it_is_told_in_the_log(
    serve: Serve, upstream: FakeUpstream, spare: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.play(error(401, "Incorrect API key", code="invalid_api_key"))
    spare.play(stream(text("Hi"), finish(), DONE))
    await (await serve(with_fallback(upstream.base_url, spare.base_url))).stream()

    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert any("a fallback is asked, for fake/fake-model failed: fake refused the key" in each for each in told)
