"""Numbers: usage in answers and streams, and ``count_tokens``; judged by the official SDKs."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from tests.conformance.conftest import HELLO
from tests.conformance.judges import Judges, PythonSDK
from tests.conformance.proxy import Json, Proxy, configuration
from tests.fake_upstream import DONE, Answer, FakeUpstream, Reply, completion, event, finish, role, stream, text, whole
from tests.translate.test_prompt_estimate import BLOCKS, EMPTY, TOOLS

WAYS = ["sync", "async", "beta", "whole"]
CACHED = {
    "prompt_tokens": 1000,
    "completion_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 900, "cache_write_tokens": 50},
}
PROMPT = {"messages": [{"role": "user", "content": "The quick brown fox jumps over the lazy dog. " * 40}]}
"""About 400 tokens."""


def request(**fields: Any) -> Json:
    return {"model": "generic/model"} | HELLO | fields


def usage_chunk(numbers: Json | None, **more: Any) -> bytes:
    """A chunk without a choice."""
    head: Json = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
    return event(head | ({"usage": numbers} if numbers else {}) | more)


def streamed(*last: bytes) -> Answer:
    return stream(role(), text("Hello "), text("there"), finish("stop"), *last, DONE)


@pytest.fixture
def asked(python: PythonSDK, upstream: FakeUpstream) -> Any:
    """``asked(way, answer)``: the usage that the SDK reads."""

    def ask(way: str, answer: Answer, **fields: Any) -> Json:
        upstream.play(answer)
        numbers: Json = python.ways[way](request(**fields))["usage"]
        return numbers

    return ask


def reply(way: str, usage: Json) -> Answer:
    """The same usage streamed, or in a whole answer."""
    return completion(Reply("Hello", usage=usage)) if way == "whole" else streamed(usage_chunk(usage))


@pytest.mark.parametrize("way", WAYS)
def test_b14_cached_tokens(asked: Any, way: str) -> None:
    numbers = asked(way, reply(way, CACHED))

    assert numbers["input_tokens"] == 50
    assert numbers["cache_read_input_tokens"] == 900
    assert numbers["cache_creation_input_tokens"] == 50
    assert numbers["output_tokens"] == 20


@pytest.mark.parametrize("way", ["beta", "whole"])
def test_b15_reasoning_tokens(asked: Any, way: str) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "completion_tokens_details": {"reasoning_tokens": 7}}

    numbers = asked(way, reply(way, usage))

    assert numbers["output_tokens_details"] == {"thinking_tokens": 7}
    assert numbers["output_tokens"] == 20


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}])
def test_b16_no_usage(asked: Any, way: str, usage: Json | None) -> None:
    if way == "whole":
        choice = {"index": 0, "message": {"role": "assistant", "content": "word " * 100}, "finish_reason": "stop"}
        answer = whole({"choices": [choice]} | ({"usage": usage} if usage else {}))
    else:
        answer = stream(role(), text("word " * 100), finish("stop"), *([usage_chunk(usage)] if usage else []), DONE)

    numbers = asked(way, answer, **PROMPT)

    assert numbers["input_tokens"] == pytest.approx(450, rel=0.25)
    assert numbers["output_tokens"] == pytest.approx(100, rel=0.5)


COUNTED = {"prompt_tokens": 1234, "completion_tokens": 56}


@pytest.mark.parametrize("way", ["sync", "async", "beta"])
def test_c03_usage_on_the_finish_chunk(asked: Any, way: str) -> None:
    last = event({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": COUNTED})

    numbers = asked(way, stream(role(), text("Hello"), last, DONE))

    assert (numbers["input_tokens"], numbers["output_tokens"]) == (1234, 56)


@pytest.mark.parametrize("way", ["sync", "async", "beta"])
def test_c04_usage_on_every_chunk(asked: Any, way: str) -> None:
    def with_usage(word: str, count: int) -> bytes:
        choices = [{"index": 0, "delta": {"content": word}}]
        return event({"id": "c", "choices": choices, "usage": COUNTED | {"completion_tokens": count}})

    words = [with_usage(word, count) for count, word in enumerate(["a", "b", "c"], 1)]

    numbers = asked(way, stream(role(), *words, finish("stop"), DONE))

    assert (numbers["input_tokens"], numbers["output_tokens"]) == (1234, 3)


@pytest.mark.parametrize("way", ["sync", "async", "beta"])
def test_c05_no_usage_chunk(asked: Any, way: str) -> None:
    numbers = asked(way, streamed(), **PROMPT)

    assert type(numbers["input_tokens"]) is type(numbers["output_tokens"]) is int
    assert numbers["input_tokens"] == pytest.approx(450, rel=0.25)
    assert numbers["output_tokens"] >= 1


def test_c41_message_start_has_an_estimate_and_the_message_the_truth(sdk: Anthropic, upstream: FakeUpstream) -> None:
    upstream.play(streamed(usage_chunk(COUNTED)))
    begun = None
    with sdk.messages.stream(**request(**PROMPT)) as answer:
        for each in answer:
            if each.type == "message_start":
                begun = each.message.usage.input_tokens
        message = answer.get_final_message()

    assert begun == pytest.approx(450, rel=0.25)
    assert (message.usage.input_tokens, message.usage.output_tokens) == (1234, 56)


@pytest.mark.parametrize("place", ["x_groq", "choice"])
def test_usage_in_other_places(asked: Any, place: str) -> None:
    """Groq has it in a field of its own, Moonshot in the choice."""
    if place == "x_groq":
        last = usage_chunk(None, x_groq={"id": "req_1", "usage": COUNTED})
    else:
        last = event({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": COUNTED}]})

    numbers = asked("sync", stream(role(), text("Hello"), finish("stop"), last, DONE))

    assert (numbers["input_tokens"], numbers["output_tokens"]) == (1234, 56)


# count_tokens -----------------------------------------------------------------------------------------


def test_d16_count_tokens(sdk: Anthropic, upstream: FakeUpstream) -> None:
    counted = sdk.messages.count_tokens(model="generic/model", **PROMPT)  # type: ignore[arg-type]
    beta = sdk.beta.messages.count_tokens(model="generic/model", **PROMPT)  # type: ignore[arg-type]

    assert counted.input_tokens == beta.input_tokens == pytest.approx(410, rel=0.05)
    assert upstream.requests == []


def test_d16_fifty_counts_at_once(proxy: Proxy) -> None:
    """As many as Claude Code sends for ``/context``, twice."""
    bodies = [{"model": "generic/model", "messages": [{"role": "user", "content": f"{n} " * 2000}]} for n in range(50)]
    proxy.post(bodies[0], "/v1/messages/count_tokens")

    began = time.process_time()  # of both sides, whatever else this machine does
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda body: proxy.post(body, "/v1/messages/count_tokens"), bodies))
    took = time.process_time() - began

    assert all(answer.status == 200 and answer.json["input_tokens"] > 2000 for answer in answers)
    assert took < 1


@pytest.mark.parametrize("role", ["user", "assistant", "system"])
@pytest.mark.parametrize("name", BLOCKS | EMPTY)
def test_d17_count_tokens_with_every_block(sdk: Anthropic, name: str, role: str) -> None:
    content = [(BLOCKS | EMPTY)[name]]
    messages: Any = [{"role": "user", "content": "Hello"}, {"role": role, "content": content}]

    assert sdk.messages.count_tokens(model="deepseek/model", messages=messages).input_tokens > 0


@pytest.mark.parametrize("name", TOOLS)
def test_d17_count_tokens_with_every_tool(sdk: Anthropic, name: str) -> None:
    tools: Any = [TOOLS[name]]

    counted = sdk.messages.count_tokens(model="generic/model", tools=tools, **PROMPT)  # type: ignore[arg-type]

    assert counted.input_tokens > 450


def test_d17_count_tokens_with_every_field(proxy: Proxy) -> None:
    fields = {
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "tool_choice": {"type": "tool", "name": "Nobody"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        "context_management": {"edits": []},
        "compaction": {"type": "of_tomorrow"},
        "billing_policy": {"type": "of_tomorrow"},
        "mcp_servers": [{"type": "url", "url": "https://example.com", "name": "s"}],
        "speed": "fast",
        "metadata": {"user_id": "u"},
    }

    answer = proxy.post({"model": "generic/model"} | PROMPT | fields, "/v1/messages/count_tokens?beta=true")

    assert answer.status == 200
    assert set(answer.json) == {"input_tokens"}
    assert answer.json["input_tokens"] > 400


def test_a_prompt_above_a_known_window_is_refused_in_the_words_that_compact(
    start: Callable[..., Proxy], judges: Judges, upstream: FakeUpstream
) -> None:
    """Nothing goes upstream, where some servers would drop the beginning without a word."""
    limits = {"generic/model": {"context_window": 16_384}}
    proxy = start(configuration(upstream.url) | {"limits": limits})
    long: Any = [{"role": "user", "content": "The quick brown fox jumps over the lazy dog. " * 2500}]

    with pytest.raises(anthropic.BadRequestError, match=r"prompt is too long: 2\d{4} tokens > 16384 maximum"):
        judges.sync(proxy.url).messages.create(model="generic/model", max_tokens=100, messages=long)

    assert upstream.requests == []


EDITS: Json = {"edits": [{"type": "clear_tool_uses_20250919", "trigger": {"type": "tool_uses", "value": 4}}]}


def five_calls() -> list[Json]:
    said: list[Json] = [{"role": "user", "content": "Begin"}]
    for number in range(5):
        use = {"type": "tool_use", "id": f"t{number}", "name": "Read", "input": {}}
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": "word " * 500}
        said += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    return said


@pytest.mark.parametrize("streamed", [True, False])
def test_applied_context_edits_are_told(sdk: Anthropic, upstream: FakeUpstream, streamed: bool) -> None:
    asked: Json = {"model": "generic/model", "max_tokens": 9, "messages": five_calls(), "context_management": EDITS}
    upstream.play(Reply("Hello"))
    if streamed:
        with sdk.beta.messages.stream(**asked) as stream:
            message = stream.get_final_message()
    else:
        message = sdk.beta.messages.create(**asked)

    assert message.context_management
    (applied,) = message.context_management.applied_edits
    assert (applied.type, applied.cleared_tool_uses) == ("clear_tool_uses_20250919", 2)
    assert 400 < applied.cleared_input_tokens < 1400
    assert [result[:5] for result in upstream.requests[0].tool_results] == ["word "]
    assert upstream.requests[0].body.count(b"cleared to save context") == 2


def test_count_tokens_tells_what_context_edits_save(sdk: Anthropic) -> None:
    asked: Json = {"model": "generic/model", "messages": five_calls()}
    all_of_it = sdk.beta.messages.count_tokens(**asked)
    counted = sdk.beta.messages.count_tokens(**asked, context_management=EDITS)

    assert all_of_it.context_management is None
    assert counted.context_management
    assert counted.context_management.original_input_tokens == all_of_it.input_tokens
    assert 800 < all_of_it.input_tokens - counted.input_tokens < 1400
