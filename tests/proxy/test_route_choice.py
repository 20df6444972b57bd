"""Where a request goes: the kinds with a route of their own, and what can't be seen elsewhere."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.fake_upstream import FakeUpstream, Reply, error, whole
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.talk import Json, hello

PICTURE: Json = {
    "type": "image",
    "source": {
        "type": "base64",
        "media_type": "image/png",
        "data": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    },
}
LOOK: list[Json] = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, PICTURE]}]
LATER: list[Json] = [*LOOK, {"role": "assistant", "content": "A dot."}, {"role": "user", "content": "Of what colour?"}]
SUBAGENT = {"x-claude-code-request-class": "subagent"}
BACKGROUND = {"x-claude-code-request-class": "auxiliary"}
THINK = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}
LONG = "Some more words, to make it long. " * 300

ROUTES: Json = {
    "background": "fake/background",
    "subagent": "fake/subagent",
    "think": "fake/think",
    "image": "fake/image",
    "web_search": "fake/search",
    "long_context": {"model": "fake/long", "above": 2000},
}


def configured(upstream: FakeUpstream, **changes: Any) -> Json:
    """Main and subagents see nothing; ``changes`` are of ``[routes]``."""
    tables = configuration(upstream.base_url, dialect="zai", quirks={"models": {"image": {"vision": True}}})
    tables["models"]["opus"] = "fake/big"
    routes = {kind: route for kind, route in (ROUTES | changes).items() if route is not None}
    return tables | {"routes": routes, "limits": {}}


async def went(service: Service, upstream: FakeUpstream, headers: dict[str, str] = {}, **fields: Any) -> str:
    """The model that got the request."""
    upstream.play(Reply(text="Hi"))
    answer = await service.post(body=hello(**fields), headers=headers)
    assert answer.status == 200, answer.body
    model: str = upstream.requests[-1].json["model"]
    return model


CASES: list[tuple[str, dict[str, str], Json]] = [
    ("fake-model", {}, {}),
    ("fake-model", {}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
    ("big", {}, {"model": "claude-opus-5"}),
    ("background", BACKGROUND, {}),
    ("background", BACKGROUND, THINK),
    ("subagent", SUBAGENT, {}),
    ("subagent", SUBAGENT, THINK),
    ("subagent", SUBAGENT, {"model": "c2o-claude/fake/big"}),
    ("think", {}, THINK),
    ("think", {}, THINK | {"model": "claude-opus-5"}),
    ("think", {}, THINK | {"model": "c2o-claude/fake/fake-model"}),
    ("long", {}, {"system": LONG}),
    ("long", {}, THINK | {"system": LONG}),
    ("long", SUBAGENT, {"system": LONG}),
    ("image", {}, {"messages": LOOK}),
    ("image", SUBAGENT, {"messages": LOOK}),
    ("image", {}, {"messages": LOOK} | THINK),
    ("fake-model", {}, {"messages": LATER}),
    # a model that somebody has picked keeps its conversation
    ("big", {}, THINK | {"model": "c2o-claude/fake/big"}),
    ("big", {}, {"model": "fake/big", "system": LONG}),
    ("image", {}, {"model": "fake/big", "messages": LOOK}),
]


async def test_each_kind_goes_its_way(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configured(upstream))

    found = [await went(service, upstream, headers, **fields) for _, headers, fields in CASES]

    assert found == [expected for expected, _, _ in CASES]


async def test_a_kind_without_a_route_goes_where_its_name_leads(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configured(upstream, subagent=None, image=None, long_context=None))

    assert await went(service, upstream, SUBAGENT, model="claude-opus-5") == "big"
    assert await went(service, upstream, SUBAGENT, **THINK) == "think"
    assert await went(service, upstream, system=LONG) == "fake-model"
    assert await went(service, upstream, messages=LOOK) == "fake-model"
    assert "cannot see images" in upstream.requests[-1].prompt


async def test_an_image_stays_with_a_model_that_sees_it(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configured(upstream, subagent="fake/image", image="fake/other"))

    assert await went(service, upstream, SUBAGENT, messages=LOOK) == "image"


@pytest.mark.parametrize("streamed", [True, False])
async def test_an_image_that_is_refused_goes_on_at_once(serve: Serve, upstream: FakeUpstream, streamed: bool) -> None:
    """Nobody knew that the model sees nothing; from then on it is known."""
    tables = configuration(upstream.base_url) | {"routes": {"image": "fake/image"}}
    service = await serve(tables)
    upstream.play(error(400, "This model does not support image input"), Reply(text="A dot."), Reply(text="A dot."))

    answers = [await service.post(body=hello(messages=LOOK, stream=streamed)) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 200]
    assert not any(b"error" in answer.body for answer in answers)
    assert [request.json["model"] for request in upstream.requests] == ["fake-model", "image", "image"]


async def test_where_nobody_sees_it_the_model_is_told_in_words(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configuration(upstream.base_url) | {"routes": {"image": "fake/image"}})
    refused = error(400, "This model does not support image input")
    upstream.play(refused, refused, Reply(text="I see nothing."))

    answer = await service.post(body=hello(messages=LOOK))

    assert answer.status == 200
    assert [request.json["model"] for request in upstream.requests] == ["fake-model", "image", "image"]
    assert "cannot see images" in upstream.requests[-1].body.decode()


async def test_after_the_turn_the_image_is_told_in_words(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configured(upstream))

    await went(service, upstream, messages=LOOK)
    assert "data:image/png" in upstream.requests[-1].body.decode()

    assert await went(service, upstream, messages=LATER) == "fake-model"
    assert "cannot see images" in upstream.requests[-1].body.decode()
    assert "data:image/png" not in upstream.requests[-1].body.decode()


async def test_the_line_in_the_log_says_why(
    serve: Serve, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    service = await serve(configured(upstream))
    caplog.set_level(logging.INFO, "c2o.journal")

    await went(service, upstream, SUBAGENT)
    await went(service, upstream)
    await went(service, upstream, messages=LOOK)

    said = [record.getMessage() for record in caplog.records if record.name == "c2o.journal"]
    told = [line.partition(" whole")[0].partition(" ")[2] for line in said]
    assert told == [
        "claude-sonnet-5 → fake/subagent subagent",
        "claude-sonnet-5 → fake/fake-model",
        "claude-sonnet-5 → fake/image image",
    ]


async def test_a_count_follows_the_same_route(serve: Serve, upstream: FakeUpstream) -> None:
    """A server on this machine is asked, and sees for which model."""
    tables = configured(upstream)
    tables["upstreams"]["fake"]["quirks"]["count_tokens"] = "vllm"
    service = await serve(tables)
    upstream.think(lambda request: whole({"count": 7}))

    for headers, fields in ((SUBAGENT, {}), (BACKGROUND, {}), ({}, {"system": LONG})):
        body = hello(**fields)
        del body["max_tokens"]
        await service.post("/v1/messages/count_tokens", body, headers=headers)

    asked = [(request.path, request.json["model"]) for request in upstream.requests]
    assert asked == [("/tokenize", "subagent"), ("/tokenize", "background"), ("/tokenize", "long")]
