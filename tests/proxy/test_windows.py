"""What a known context window can't hold is refused here, and an answer's limit is cut to what is left of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from c2o import facts
from c2o.facts import Fact
from c2o.proxy.state import STATE
from c2o.proxy.windows import FRESH, MARGIN, SHORTEST_ANSWER, window_in
from tests.fake_upstream import DONE, FakeUpstream, Reply, finish, role, stream, text, usage, usage_of, whole
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import Answer, Json, events, hello

PROSE = "The quick brown fox jumps over the lazy dog near the old river bank. "
"""15 tokens."""


def prompt(tokens: int, **fields: Any) -> Json:
    return {"messages": [{"role": "user", "content": PROSE * (tokens // 15)}]} | fields


def limited(upstream: FakeUpstream, window: int, **more: Any) -> Json:
    return configuration(upstream.base_url, **more) | {"limits": {"fake/fake-model": {"context_window": window}}}


def unlimited(upstream: FakeUpstream) -> Json:
    """Nothing is configured: the upstream is asked."""
    return configuration(upstream.base_url) | {"limits": {}}


def refusal(answer: Answer) -> tuple[int, int]:
    """The two numbers of the sentence on which Claude Code compacts."""
    assert answer.status == 400, answer.body
    assert answer.json["error"]["type"] == "invalid_request_error"
    words = answer.json["error"]["message"].split()
    assert " ".join(words[:4]) == "prompt is too long:"
    assert (words[5:7], words[8:]) == (["tokens", ">"], ["maximum"])
    return int(words[4]), int(words[7])


async def limit_sent(service: Service, upstream: FakeUpstream, **fields: Any) -> int:
    """The answer's limit as the upstream gets it."""
    upstream.play(Reply("ok"))
    assert (await service.post(body=hello(**fields))).status == 200
    limit: int = upstream.requests[-1].json["max_tokens"]
    return limit


# Refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_prompt_above_the_window_goes_nowhere(serve: Serve, upstream: FakeUpstream, streamed: bool) -> None:
    service = await serve(limited(upstream, 2000))

    tokens, maximum = refusal(await service.post(body=hello(**prompt(3000, stream=streamed))))

    assert (tokens, maximum) == (pytest.approx(3000, rel=0.05), 2000)
    assert upstream.requests == []
    assert service.counters.failed == 1


async def test_a_prompt_within_the_window_is_sent(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(limited(upstream, 2000))
    upstream.play(Reply("ok"))

    assert (await service.post(body=hello(**prompt(1700)))).status == 200


async def test_the_estimate_is_the_calibrated_one(serve: Serve, upstream: FakeUpstream) -> None:
    """The upstream's tokenizer makes more of the same words than o200k_base does."""
    service = await serve(limited(upstream, 2000))
    upstream.play(Reply("ok", usage=usage_of(prompt=1950)))
    assert (await service.post(body=hello(**prompt(1500)))).status == 200
    task = service.app[STATE].counts._learning
    assert task
    await task

    tokens, _ = refusal(await service.post(body=hello(**prompt(1650))))

    assert tokens == pytest.approx(1650 * 1.3, rel=0.03)


async def test_without_a_known_window_nothing_is_refused(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(unlimited(upstream))
    upstream.play(Reply("ok"))

    assert (await service.post(body=hello(**prompt(300_000)))).status == 200


async def test_a_prompt_that_fits_by_its_size_is_not_counted(
    serve: Serve, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most requests do; they must not pay for the few that don't."""
    service = await serve(limited(upstream, 20_000))
    counts = service.app[STATE].counts
    sizes: list[int] = []
    estimated = counts.estimated

    async def counted(setup: Any, route: Any, message: Any, size: int) -> int:
        sizes.append(size)
        return await estimated(setup, route, message, size)

    monkeypatch.setattr(counts, "estimated", counted)
    for tokens in (15, 1000, 4000, 8000):
        await limit_sent(service, upstream, **prompt(tokens))

    assert len(sizes) == 1
    assert sizes[0] > 8000 * 4


# The answer's limit ---------------------------------------------------------------------------------


async def test_an_answer_gets_what_the_prompt_leaves(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(limited(upstream, 20_000))

    limit = await limit_sent(service, upstream, **prompt(15_000, max_tokens=8000))

    assert limit == pytest.approx(20_000 - 15_000 - MARGIN, abs=300)


async def test_the_smaller_of_both_limits_holds(serve: Serve, upstream: FakeUpstream) -> None:
    limits = {"fake/fake-model": {"context_window": 20_000, "max_output_tokens": 2000}}
    service = await serve(configuration(upstream.base_url) | {"limits": limits})

    assert await limit_sent(service, upstream, **prompt(15_000, max_tokens=8000)) == 2000
    assert await limit_sent(service, upstream, **prompt(18_300, max_tokens=8000)) < 1900


async def test_too_little_room_for_an_answer_is_left_to_the_upstream(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(limited(upstream, 20_000))

    limit = await limit_sent(service, upstream, **prompt(20_000 - SHORTEST_ANSWER // 2, max_tokens=8000))

    assert limit == 8000


async def test_an_answer_that_was_cut_so_tells_that_the_window_is_full(serve: Serve, upstream: FakeUpstream) -> None:
    """The client asked for more than there was room for: it was the window that ended the answer."""
    service = await serve(limited(upstream, 20_000))
    upstream.play(stream(role(), text("and so on"), finish("length"), usage(15_000, 4800), DONE))

    found = events((await service.stream(**prompt(15_000, max_tokens=8000))).body)

    assert found[-2].data["delta"]["stop_reason"] == "model_context_window_exceeded"


# What servers say -----------------------------------------------------------------------------------


async def answered(service: Service, upstream: FakeUpstream, tokens: int) -> Answer:
    """Ask, and give the service the time to hear of the window."""
    upstream.play(Reply("ok"))
    answer = await service.post(body=hello(**prompt(tokens)))
    for task in list(service.app[STATE].windows._asking.values()):
        await task
    return answer


async def test_a_server_on_this_machine_is_asked_for_its_window(serve: Serve, upstream: FakeUpstream) -> None:
    upstream.models = [{"id": "other", "max_model_len": 9000}, {"id": "fake-model", "max_model_len": 2000}]
    service = await serve(unlimited(upstream))

    assert (await answered(service, upstream, 3000)).status == 200  # nobody knew by then
    assert refusal(await service.post(body=hello(**prompt(3000))))[1] == 2000
    assert len(upstream.requests) == 1


async def test_a_server_that_was_started_anew_is_asked_again(
    serve: Serve, upstream: FakeUpstream, clock: FakeClock
) -> None:
    upstream.models = [{"id": "fake-model", "meta": {"n_ctx": 2000, "n_ctx_train": 131_072}}]
    service = await serve(unlimited(upstream), clock)
    await answered(service, upstream, 100)
    assert refusal(await service.post(body=hello(**prompt(3000))))[1] == 2000

    upstream.models = [{"id": "fake-model", "meta": {"n_ctx": 8000}}]
    await clock.advance(FRESH)
    await answered(service, upstream, 100)

    assert (await answered(service, upstream, 3000)).status == 200


async def test_the_configuration_has_the_last_word(serve: Serve, upstream: FakeUpstream) -> None:
    upstream.models = [{"id": "fake-model", "max_model_len": 2000}]
    service = await serve(limited(upstream, 8000))

    assert (await answered(service, upstream, 100)).status == 200
    assert (await answered(service, upstream, 3000)).status == 200


async def test_a_server_that_can_count_has_the_last_word(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(limited(upstream, 2000, dialect="vllm"))

    def think(request: Any) -> Any:
        if request.path != "/tokenize":
            return Reply("ok")
        return whole({"count": 1900 if len(request.body) < 14_000 else 2600})

    upstream.think(think)

    assert (await service.post(body=hello(**prompt(2400)))).status == 200
    assert refusal(await service.post(body=hello(**prompt(3600)))) == (2600, 2000)


async def test_a_server_that_was_just_started_anew_is_asked_before_a_refusal(
    serve: Serve, upstream: FakeUpstream
) -> None:
    upstream.models = [{"id": "fake-model", "max_model_len": 2000}]
    service = await serve(unlimited(upstream))
    await answered(service, upstream, 100)
    assert refusal(await service.post(body=hello(**prompt(3000))))[1] == 2000

    upstream.models = [{"id": "fake-model", "max_model_len": 8000}]

    assert (await answered(service, upstream, 3000)).status == 200


async def test_a_server_that_has_gone_is_no_reason_to_refuse(serve: Serve, upstream: FakeUpstream) -> None:
    """Its absence is the better news."""
    upstream.models = [{"id": "fake-model", "max_model_len": 2000}]
    service = await serve(unlimited(upstream))
    await answered(service, upstream, 100)
    upstream.go_away()

    answer = await service.post(body=hello(**prompt(3000)))

    assert answer.status == 502
    assert "connection refused" in answer.json["error"]["message"]


async def test_ollama_tells_the_window_of_a_loaded_model(
    serve: Serve, upstream: FakeUpstream, clock: FakeClock
) -> None:
    service = await serve(unlimited(upstream) | configuration_of_ollama(upstream), clock)
    upstream.loaded = [{"name": "other:8b", "model": "other:8b", "context_length": 1000}]
    upstream.think(lambda request: Reply("ok"))

    async def status(tokens: int) -> int:
        answer = await service.post(body=hello(**prompt(tokens)))
        for task in list(service.app[STATE].windows._asking.values()):
            await task
        await clock.advance(FRESH)
        return answer.status

    assert await status(3000) == 200  # loaded by this very request
    upstream.loaded.append({"name": "fake-model:latest", "model": "fake-model:latest", "context_length": 2000})
    assert await status(100) == 200
    assert await status(3000) == 400

    upstream.loaded.clear()  # unloaded after some minutes without work
    assert await status(100) == 200
    assert await status(3000) == 400


def configuration_of_ollama(upstream: FakeUpstream) -> Json:
    return {"upstreams": configuration(upstream.base_url, dialect="ollama")["upstreams"]}


@pytest.mark.parametrize(
    ("models", "window"),
    [
        ([{"id": "m", "max_model_len": 8192}], 8192),
        ([{"id": "m", "meta": {"n_ctx": 4096, "n_ctx_train": 131_072}}], 4096),
        ([{"id": "/models/file.gguf", "meta": {"n_ctx": 4096}}], 4096),
        ([{"id": "a", "max_model_len": 1}, {"id": "b", "max_model_len": 2}], None),
        ([{"id": "m"}], None),
        ([{"id": "m", "meta": None}], None),
        ([], None),
    ],
)
def test_a_window_in_a_list_of_models(models: list[Json], window: int | None) -> None:
    assert window_in(json.dumps({"data": models}).encode(), "m") == window


async def test_a_window_that_was_learned_counts_and_is_listed(
    serve: Serve, upstream: FakeUpstream, tmp_path: Path
) -> None:
    """Of a server that doesn't tell itself."""
    upstream.models = []
    tables = configuration(upstream.base_url) | {"limits": {}}
    known = [
        Fact(upstream="fake", model="fake-model", base_url=upstream.base_url, fact=fact, learned_at=facts.now())
        for fact in ("context_window:2000", "max_output_tokens:500")
    ]
    facts.write(tmp_path / "learned.toml", known)
    service = await serve(tables, folder=tmp_path)

    (listed,) = (await service.get("/v1/models")).json["data"]
    answer = await service.post(body=hello(messages=[{"role": "user", "content": "word " * 4000}]))

    assert (listed["max_input_tokens"], listed["max_tokens"]) == (2000, 500)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert answer.error["message"].endswith("tokens > 2000 maximum")
    assert upstream.requests == []
