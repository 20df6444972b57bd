"""``count_tokens``: exact from a server on this machine, estimated and corrected elsewhere, and never a paid call."""

from __future__ import annotations

import time
from typing import Any

import pytest

from c2o.proxy import counting
from c2o.proxy.counting import ANSWER_WITHIN, COUNTS, LEARN_AT_FIRST, LEARN_EVERY, SILENT_FOR
from c2o.proxy.state import STATE
from tests.fake_upstream import Answer, Delay, FakeUpstream, Reply, Request, error, usage_of, whole
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import Json, events, hello
from tests.translate.test_media_tokens import b64, png

COUNT = "/v1/messages/count_tokens"
PROSE = "The quick brown fox jumps over the lazy dog near the old river bank. "
TOOL = {"name": "Bash", "description": "Runs a command.", "input_schema": {"type": "object", "properties": {}}}
NONE = {"prompt_tokens": 0}

IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": b64(png(280, 280))}}


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a busy machine nothing is to be concluded about a server."""
    monkeypatch.setattr(counting, "ANSWER_WITHIN", 20.0)


def prompt(text: str = PROSE * 20, **fields: Any) -> Json:
    """A request as Claude Code sends it to be counted: without a limit for the answer."""
    return {"model": "claude-sonnet-5", "messages": [{"role": "user", "content": text}]} | fields


async def counted(service: Service, body: Json | None = None) -> int:
    answer = await service.post(COUNT, body or prompt())
    assert answer.status == 200, answer.body
    assert list(answer.json) == ["input_tokens"]
    tokens: int = answer.json["input_tokens"]
    return tokens


def vllm(request: Request) -> Answer:
    return whole({"count": 1234, "max_model_len": 4096, "tokens": list(range(1234))})


def llamacpp(request: Request) -> Answer:
    if request.path == "/apply-template":
        return whole({"prompt": "<|im_start|>templated"})
    assert request.json == {"content": "<|im_start|>templated", "add_special": True, "parse_special": True}
    return whole({"tokens": [1, 2, 3, 4, 5]})


# Exact ----------------------------------------------------------------------------------------------


async def test_vllm_counts_the_conversation(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configuration(upstream.base_url, dialect="vllm"))
    upstream.think(vllm)

    assert await counted(service, prompt("Hello", system="Be brief.", tools=[TOOL])) == 1234

    (asked,) = upstream.requests
    assert (asked.method, asked.path) == ("POST", "/tokenize")
    assert asked.headers["authorization"].startswith("Bearer ")
    assert asked.json["model"] == "fake-model"
    assert [message["role"] for message in asked.json["messages"]] == ["system", "user"]
    assert asked.json["tools"][0]["function"]["name"] == "Bash"
    assert set(asked.json) == {"model", "messages", "tools"}


async def test_llamacpp_counts_the_conversation(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configuration(upstream.base_url, dialect="llamacpp"))
    upstream.think(llamacpp)

    assert await counted(service) == 5
    assert [request.path for request in upstream.requests] == ["/apply-template", "/tokenize"]


async def test_a_quirk_is_enough(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configuration(upstream.base_url, dialect="generic", quirks={"count_tokens": "vllm"}))
    upstream.think(vllm)

    assert await counted(service) == 1234


async def test_the_same_body_is_asked_for_once(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configuration(upstream.base_url, dialect="vllm"))
    upstream.think(vllm)

    for _ in range(3):
        assert await counted(service) == 1234
    assert len(upstream.requests) == 1

    await counted(service, prompt("Something else"))
    assert len(upstream.requests) == 2


async def test_only_so_many_counts_are_remembered(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configuration(upstream.base_url, dialect="vllm"))
    upstream.think(vllm)
    exact = service.app[STATE].counts._exact
    exact.update({str(number).encode(): number for number in range(COUNTS)})

    await counted(service)

    assert len(exact) == COUNTS
    assert b"0" not in exact


REFUSALS = {
    "404": error(404, "no such route"),
    "500": error(500, "broken"),
    "not-json": whole(b"<html>"),
    "another-shape": whole({"error": "sorry"}),
    "a-redirect": Answer((b"",), 302, {"location": "/elsewhere"}),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("dialect", ["vllm", "llamacpp"])
async def test_a_server_that_cannot_count(serve: Serve, upstream: FakeUpstream, dialect: str, refusal: Answer) -> None:
    service = await serve(configuration(upstream.base_url, dialect=dialect))
    upstream.play(refusal)

    assert 250 < await counted(service) < 350


async def test_a_server_that_is_slow_is_left_alone_for_a_while(
    serve: Serve, upstream: FakeUpstream, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "ANSWER_WITHIN", ANSWER_WITHIN)
    service = await serve(configuration(upstream.base_url, dialect="vllm"), clock)
    upstream.play(vllm_after(Delay(60)))

    began = time.monotonic()
    assert 250 < await counted(service) < 350
    assert ANSWER_WITHIN <= time.monotonic() - began < 30

    assert 250 < await counted(service) < 350
    assert len(upstream.requests) == 1

    await clock.advance(SILENT_FOR)
    monkeypatch.setattr(counting, "ANSWER_WITHIN", 20.0)
    upstream.think(vllm)
    assert await counted(service) == 1234


def vllm_after(delay: Delay) -> Answer:
    return whole({"count": 1234}).after(delay)


async def test_a_server_that_is_gone(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configuration(upstream.base_url, dialect="vllm"))
    upstream.go_away()

    assert 250 < await counted(service) < 350


UNASKED = {
    "an-image": prompt(messages=[{"role": "user", "content": [{"type": "text", "text": PROSE * 20}, IMAGE]}]),
    "no-form-upstream": prompt(
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": PROSE * 20},
                    {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
                ],
            }
        ]
    ),
}


@pytest.mark.parametrize("body", UNASKED.values(), ids=UNASKED)
async def test_what_a_tokenizer_cannot_count_is_estimated(serve: Serve, upstream: FakeUpstream, body: Json) -> None:
    service = await serve(configuration(upstream.base_url, dialect="vllm"))

    assert await counted(service, body) > 350
    assert upstream.requests == []


async def test_a_call_without_its_result_is_counted(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configuration(upstream.base_url, dialect="vllm"))
    upstream.think(vllm)
    call = {"type": "tool_use", "id": "a", "name": "Bash", "input": {}}

    body = prompt(messages=[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": [call]}])

    assert await counted(service, body) == 1234


async def test_a_server_elsewhere_is_never_asked(serve: Serve) -> None:
    service = await serve(configuration("http://192.0.2.1/v1", dialect="vllm"))  # nobody's address (RFC 5737)

    began = time.monotonic()
    assert 250 < await counted(service) < 350
    assert time.monotonic() - began < counting.ANSWER_WITHIN / 2


# Estimated ------------------------------------------------------------------------------------------


async def test_other_upstreams_are_never_asked(service: Service, upstream: FakeUpstream) -> None:
    assert 250 < await counted(service) < 350
    assert upstream.requests == []


async def test_a_large_request_is_estimated_too(service: Service) -> None:
    assert await counted(service, prompt(PROSE * 4000)) == pytest.approx(200 * await counted(service), rel=0.05)


async def test_a_model_that_nobody_serves_has_tokens_all_the_same(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configuration(upstream.base_url) | {"models": {"known": "fake/fake-model"}})

    assert 250 < await counted(service, prompt(model="unknown")) < 350


# Learned --------------------------------------------------------------------------------------------


async def answered(service: Service, upstream: FakeUpstream, tokens: int, body: Json | None = None) -> None:
    """An answer for whose prompt the upstream counts so many tokens."""
    upstream.play(Reply("ok", usage=usage_of(prompt=tokens)))
    answer = await service.post(body=hello(**(body or prompt())))
    assert answer.status == 200, answer.body
    await learned(service)


async def learned(service: Service) -> None:
    """Wait until the service has learned what it is at."""
    if task := service.app[STATE].counts._learning:
        await task


async def test_one_answer_corrects_the_next_count(service: Service, upstream: FakeUpstream) -> None:
    before = await counted(service)

    await answered(service, upstream, round(before * 1.3))

    assert await counted(service) == pytest.approx(before * 1.3, rel=0.01)


async def test_it_corrects_what_a_stream_begins_with(service: Service, upstream: FakeUpstream) -> None:
    async def begun() -> int:
        upstream.play(Reply("ok", usage=usage_of(prompt=450)))
        found = events((await service.stream(**prompt())).body)
        assert found[-2].data["usage"]["input_tokens"] == 450
        tokens: int = found[0].data["message"]["usage"]["input_tokens"]
        return tokens

    assert await begun() == pytest.approx(400, rel=0.2)  # four bytes to a token
    assert await begun() == pytest.approx(450, abs=1)


async def test_it_corrects_the_estimate_where_none_is_reported(service: Service, upstream: FakeUpstream) -> None:
    async def told() -> int:
        upstream.play(Reply("ok", usage=NONE))
        tokens: int = (await service.post(body=hello(**prompt()))).json["usage"]["input_tokens"]
        return tokens

    before = await told()
    await answered(service, upstream, round(before * 1.5))

    assert await told() == pytest.approx(before * 1.5, abs=2)


async def test_cached_tokens_count_as_the_prompt_that_they_are(service: Service, upstream: FakeUpstream) -> None:
    before = await counted(service)
    upstream.play(Reply("ok", usage=usage_of(prompt=round(before * 1.2), cached=before)))
    await service.post(body=hello(**prompt()))
    await learned(service)

    assert await counted(service) == pytest.approx(before * 1.2, rel=0.01)


async def test_models_are_learned_apart(service: Service, upstream: FakeUpstream) -> None:
    before = await counted(service)

    await answered(service, upstream, before * 2, prompt(model="fake/another"))

    assert await counted(service) == before
    assert await counted(service, prompt(model="fake/another")) == pytest.approx(before * 2, rel=0.01)


async def test_images_teach_nothing(service: Service, upstream: FakeUpstream) -> None:
    """What an image costs differs from model to model; it says nothing about text."""
    before = await counted(service)
    body = prompt(messages=[{"role": "user", "content": [{"type": "text", "text": PROSE * 20}, IMAGE]}])

    await answered(service, upstream, before * 2, body)

    assert await counted(service) == before


@pytest.mark.parametrize("answer", [error(500, "broken"), Reply("ok", usage=NONE)], ids=["an-error", "no-usage"])
async def test_answers_without_numbers_teach_nothing(service: Service, upstream: FakeUpstream, answer: Any) -> None:
    before = await counted(service)
    upstream.play(answer)

    await service.post(body=hello(**prompt()))

    assert service.app[STATE].counts._learning is None
    assert await counted(service) == before


async def test_after_ten_answers_only_some_are_learned_from(
    serve: Serve, upstream: FakeUpstream, clock: FakeClock
) -> None:
    """Estimating by text takes time; the number by size is learned from every answer."""
    service = await serve(configuration(upstream.base_url), clock)
    factors = service.app[STATE].calibration.of
    for number in range(1, LEARN_AT_FIRST + 4):
        await answered(service, upstream, 400)
        assert factors("fake/fake-model").by_size.answers == number

    assert factors("fake/fake-model").by_text.answers == LEARN_AT_FIRST

    await clock.advance(LEARN_EVERY)
    for _ in range(3):
        await answered(service, upstream, 400)
    assert factors("fake/fake-model").by_text.answers == LEARN_AT_FIRST + 1
