"""Several keys for one upstream: who is asked with which, and what becomes of one that is refused."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from c2o.wire.log import Finished
from tests.fake_upstream import Answer, FakeUpstream, Hold, Reply, completion, error
from tests.fake_upstream import Request as Received
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import HELLO, Json

KEYS = ["sk-one-0123456789abcdef", "sk-two-0123456789abcdef", "sk-three-0123456789abcdef"]

NAMES = ["one", "two", "three"]

REFUSED = error(401, "Incorrect API key provided", code="invalid_api_key")


def session(name: str) -> Json:
    return HELLO | {"metadata": {"user_id": name}}


def used(upstream: FakeUpstream) -> list[int]:
    """With which keys it was asked, from 1."""
    return [KEYS.index(request.headers["authorization"].removeprefix("Bearer ")) + 1 for request in upstream.requests]


def refusing(upstream: FakeUpstream, **said: Answer) -> None:
    """``one=…``: what is said to that key; the others work."""

    def answer(request: Received) -> Answer | Reply:
        name = request.headers["authorization"].split("-")[1]
        return said.get(name, Reply("Hi"))

    upstream.think(answer)


@pytest.fixture
async def service(serve: Serve, upstream: FakeUpstream, clock: FakeClock) -> Service:
    return await serve(configuration(upstream.base_url, api_key=KEYS), clock)


async def statuses(service: Service, count: int, **more: Any) -> list[int]:
    return [(await service.post(**more)).status for _ in range(count)]


async def test_they_take_turns(service: Service, upstream: FakeUpstream) -> None:
    refusing(upstream)

    assert await statuses(service, 6) == [200] * 6
    assert sorted(used(upstream)) == [1, 1, 2, 2, 3, 3]


async def test_a_session_keeps_its_key(service: Service, upstream: FakeUpstream) -> None:
    """The upstream's prompt cache may be the account's."""
    refusing(upstream)
    for name in ("a", "b", "c", "d", "a", "b", "c", "d"):
        await service.post(body=session(name))

    assert used(upstream)[:4] == used(upstream)[4:]
    assert len(set(used(upstream))) > 1


RESTS = {
    "refused": (REFUSED, 600),
    "out of quota": (error(429, "You exceeded your current quota", code="insufficient_quota"), 600),
    "limited": (error(429, "Too many requests"), 30),
    "limited for a time": (error(429, "Too many requests", headers={"retry-after": "90"}), 90),
    "limited for a moment": (error(429, "Too many requests", headers={"retry-after": "5"}), 5),
}


@pytest.mark.parametrize("why", RESTS)
async def test_a_key_that_is_refused_rests(
    service: Service, upstream: FakeUpstream, clock: FakeClock, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The next is asked with at once, and the client doesn't notice."""
    answer, seconds = RESTS[why]
    refusing(upstream, one=answer)

    assert await statuses(service, 9) == [200] * 9
    assert used(upstream).count(1) == 1
    await clock.advance(seconds + 1)
    await statuses(service, 3)
    assert used(upstream).count(1) == 2

    assert any(record.msg.attempts for record in caplog.records if isinstance(record.msg, Finished))
    assert not any(key in caplog.text for key in KEYS)


async def test_which_one_rests_is_shown(service: Service, upstream: FakeUpstream) -> None:
    refusing(upstream, two=REFUSED)
    await statuses(service, 3)

    shown = (await service.get("/c2o/status")).json

    assert [problem["id"] for problem in shown["problems"]] == ["upstream.key_rests"]
    assert "key 2 of 3 (the configuration file)" in shown["problems"][0]["hint"]
    assert "10 min" in shown["problems"][0]["hint"]


async def test_all_refused_are_asked_once_each(service: Service, upstream: FakeUpstream, clock: FakeClock) -> None:
    refusing(upstream, one=REFUSED, two=REFUSED, three=REFUSED)

    answers = [await service.post(body=session(str(number))) for number in range(10)]

    assert [(each.status, each.headers["x-should-retry"]) for each in answers] == [(401, "false")] * 10
    assert all("refused the key from key" in each.error["message"] for each in answers)
    assert sorted(used(upstream)) == [1, 2, 3]
    await clock.advance(31)
    refusing(upstream)
    assert (await service.post()).status == 200, "somebody has topped the account up"


async def test_a_limited_key_gives_more_hope_than_a_refused_one(service: Service, upstream: FakeUpstream) -> None:
    limited = error(429, "Too many requests", headers={"retry-after": "40"})
    refusing(upstream, one=limited, two=REFUSED, three=REFUSED)

    answer = await service.post()

    assert (answer.status, answer.headers["retry-after"]) == (429, "40")
    assert sorted(used(upstream)) == [1, 2, 3]
    assert service.counters.failed == 1


async def test_a_limited_key_that_rests_gives_more_hope_too(service: Service, upstream: FakeUpstream) -> None:
    """Who is told of a refused key stops for good, though in a minute there is one that works."""
    refusing(upstream, one=error(429, "Too many requests", headers={"retry-after": "40"}))
    await statuses(service, 3)
    refusing(upstream, two=REFUSED, three=REFUSED)

    answer = await service.post()

    assert (answer.status, answer.headers["retry-after"]) == (429, "40")
    assert "x-should-retry" not in answer.headers
    assert used(upstream)[-2:] in ([2, 3], [3, 2])


async def test_limited_keys_say_no_more_than_the_upstream_does(service: Service, upstream: FakeUpstream) -> None:
    """How long a key rests without a word from there is our guess: clients have their own."""
    limited = error(429, "Too many requests")
    refusing(upstream, one=limited, two=limited, three=limited)

    answer = await service.post()

    assert (answer.status, "retry-after" in answer.headers) == (429, False)


async def test_who_has_waited_for_a_turn_asks_with_a_key_that_works(
    serve: Serve, upstream: FakeUpstream, clock: FakeClock
) -> None:
    """Which key would be next is settled when the turn has come: by then others have been refused."""
    service = await serve(configuration(upstream.base_url, api_key=KEYS, max_concurrency=1), clock)
    refusing(upstream, one=REFUSED)

    answers = await asyncio.gather(*(service.post() for _ in range(9)))

    assert [each.status for each in answers] == [200] * 9
    assert used(upstream).count(1) == 1


async def test_an_answer_from_before_does_not_wake_a_key(
    service: Service, upstream: FakeUpstream, clock: FakeClock
) -> None:
    """It was asked for when the key wasn't limited yet, and says nothing of now."""
    release = threading.Event()
    upstream.think(lambda _: completion(Reply("Hi")).after(Hold(release)))
    asking = asyncio.create_task(service.post())
    await asyncio.to_thread(upstream.wait_for, 1)
    first = used(upstream)[0]
    refusing(upstream, **{NAMES[first - 1]: error(429, "Too many requests")})
    await clock.advance(1)
    await statuses(service, 3)
    release.set()
    assert (await asking).status == 200

    await statuses(service, 6)

    assert used(upstream).count(first) == 2


async def test_a_single_key_never_rests(serve: Serve, upstream: FakeUpstream) -> None:
    upstream.play(REFUSED, Reply("Hi"))
    service = await serve(configuration(upstream.base_url, api_key=KEYS[:1]))

    assert await statuses(service, 2) == [401, 200]


async def test_another_key_is_no_cure_for_a_bad_request(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(error(400, "messages: odd"), error(500, "oops"))

    assert await statuses(service, 2) == [400, 500]
