"""A request keeps to its end the configuration with which it began; the next one begins with the new."""

from __future__ import annotations

import asyncio
import threading

from c2o.proxy.prepared import prepared
from c2o.proxy.state import STATE
from tests.fake_upstream import DONE, FakeUpstream, Hold, Reply, finish, stream, text, whole
from tests.proxy.conftest import Serve, Service, configuration, loaded
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import KEY, Json, eventually, text_in

OTHER_KEY = "sk-another-key-of-the-upstream-4711"


async def follow(service: Service, tables: Json) -> None:
    await service.app[STATE].follow(prepared(loaded(tables)))


async def test_requests_go_where_the_new_configuration_says(service: Service, upstream: FakeUpstream) -> None:
    tables = configuration(upstream.base_url) | {"models": {"default": "fake/another-model"}}
    upstream.play(Reply("ok"), Reply("ok"))

    await service.post()
    await follow(service, tables)
    await service.post()

    assert [request.json["model"] for request in upstream.requests] == ["fake-model", "another-model"]


async def test_a_stream_ends_where_it_began_though_its_upstream_is_gone_from_the_configuration(
    service: Service, upstream: FakeUpstream
) -> None:
    go_on, state = threading.Event(), service.app[STATE]
    before = state.setup
    upstream.play(stream(text("Hello"), Hold(go_on), text(f" {KEY} {OTHER_KEY}"), finish(), DONE))
    peer = await service.call(stream=True)
    await eventually(lambda: b"Hello" in peer.heard, "the first words")
    tables = configuration(upstream.base_url, api_key=OTHER_KEY)
    tables["upstreams"] = {"other": tables["upstreams"]["fake"]}
    tables["models"], tables["limits"] = {"default": "other/other-model"}, {}

    await follow(service, tables)

    assert before.upstreams.opened
    assert state.redacted(f"{KEY} {OTHER_KEY}") == "*** ***"
    go_on.set()
    await peer.finished()
    assert text_in(peer.events).startswith("Hello ")
    await eventually(lambda: not before.upstreams.opened, "the end of its connections")


async def test_what_has_just_failed_is_asked_again_with_another_configuration(
    service: Service, upstream: FakeUpstream
) -> None:
    unknown = whole({"error": {"message": "The model does not exist", "code": "model_not_found"}}, 404)
    upstream.play(unknown, Reply("ok"))

    assert (await service.post()).status == 400
    assert (await service.post()).status == 400
    await follow(service, configuration(upstream.base_url))

    assert (await service.post()).status == 200
    assert len(upstream.requests) == 2


async def test_a_place_in_the_queue_is_kept_and_a_new_limit_holds_at_once(
    serve: Serve, upstream: FakeUpstream, clock: FakeClock
) -> None:
    service = await serve(configuration(upstream.base_url, requests_per_minute=1), clock)
    upstream.play(Reply("1"), Reply("2"), Reply("3"))
    await service.post()
    waiting = asyncio.create_task(service.post())
    pace = service.app[STATE].setup.pacing.paces["fake"]
    await eventually(lambda: pace.waiting == 1, "a request in the queue")

    await follow(service, configuration(upstream.base_url, requests_per_minute=2))

    assert (await waiting).status == 200
    third = asyncio.create_task(service.post())
    await eventually(lambda: pace.waiting == 1, "another one: the two of this minute count")
    await clock.advance(61)
    assert (await third).status == 200
