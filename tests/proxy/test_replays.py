"""Requests that go out a second time: a failing upstream isn't asked twice by everybody at once."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest

from c2o.proxy.replays import LEAST, Replays
from c2o.wire.log import Finished
from tests.fake_upstream import FakeUpstream, Reply
from tests.proxy.conftest import Serve, configuration, with_fallback
from tests.proxy.talk import RawServer, events, text_in

AGENTS = 40


@pytest.mark.parametrize(("running", "replays"), [(1, 3), (15, 3), (20, 4), (100, 20)])
def test_a_share_of_what_is_under_way(running: int, replays: int) -> None:
    counted = Replays()
    with ExitStack() as requests:
        for _ in range(running):
            requests.enter_context(counted.request())
        granted = 0
        while counted.granted:
            requests.enter_context(counted.replay())
            granted += 1
        assert granted == replays
    assert counted.granted


async def test_of_many_agents_few_knock_twice_at_a_closed_door(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async with RawServer() as closed:
        pass
    service = await serve(configuration(closed.url))

    answers = await asyncio.gather(*(service.stream() for _ in range(AGENTS)))

    assert {answer.status for answer in answers} <= {502, 503}
    finished = [record.msg for record in caplog.records if isinstance(record.msg, Finished)]
    assert len(finished) == AGENTS
    assert LEAST <= sum(len(each.attempts) for each in finished) <= AGENTS * 0.2


async def test_a_fallback_is_for_all_of_them(serve: Serve, upstream: FakeUpstream) -> None:
    upstream.think(lambda _: Reply("Hi"))
    async with RawServer() as closed:
        pass
    service = await serve(with_fallback(closed.url, upstream.base_url))

    answers = await asyncio.gather(*(service.stream() for _ in range(AGENTS)))

    assert {text_in(events(answer.body)) for answer in answers} == {"Hi"}
    assert len(upstream.requests) == AGENTS
