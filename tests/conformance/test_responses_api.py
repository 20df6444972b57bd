"""An upstream that is asked by OpenAI's Responses API, judged by the official SDK through the running service."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from anthropic import RateLimitError

from tests.conformance.judges import Judges, PythonSDK
from tests.conformance.proxy import Json, Proxy
from tests.conformance.test_round_trips import Conversation
from tests.fake_upstream import Answer, FakeUpstream, Request, event, whole

MODEL = "responses/gpt-5.5"
THINKING: dict[str, Json] = {
    "shown": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    "omitted": {"thinking": {"type": "adaptive", "display": "omitted"}},
    "not_asked_for": {},
    "disabled": {"thinking": {"type": "disabled"}},
}
"""A client that wants no thinking must rely on c2o's memory."""


def reasoning(number: int) -> Json:
    summary = [{"type": "summary_text", "text": f"plan {number}"}]
    return {"type": "reasoning", "id": f"rs_{number}", "summary": summary, "encrypted_content": f"ENC{number}"}


def call(number: int) -> Json:
    return {
        "type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}",
        "name": "get_weather", "arguments": '{"location":"Paris"}', "status": "completed",
    }  # fmt: skip


def answer(number: int, *, streamed: bool) -> Answer:
    """Reasoning, and the call that it led to."""
    response = {
        "id": f"resp_{number}", "object": "response", "status": "completed", "error": None,
        "output": [reasoning(number), call(number)], "usage": {"input_tokens": 7, "output_tokens": 3},
    }  # fmt: skip
    if not streamed:
        return whole(response)
    started, text = call(number) | {"arguments": ""}, f"plan {number}"
    events: list[Json] = [
        {"type": "response.created", "response": response | {"status": "in_progress", "output": [], "usage": None}},
        {"type": "response.output_item.added", "output_index": 0, "item": reasoning(number) | {"summary": []}},
        {"type": "response.reasoning_summary_text.delta", "item_id": f"rs_{number}", "summary_index": 0, "delta": text},
        {"type": "response.output_item.done", "output_index": 0, "item": reasoning(number)},
        {"type": "response.output_item.added", "output_index": 1, "item": started},
        {"type": "response.function_call_arguments.delta", "item_id": f"fc_{number}", "delta": call(1)["arguments"]},
        {"type": "response.output_item.done", "output_index": 1, "item": call(number)},
        {"type": "response.completed", "response": response},
    ]
    return Answer(tuple(event(each) for each in events), 200, {"content-type": "text/event-stream"})


class Responses:
    """An upstream that wants each call's reasoning right before it, as it made it."""

    def __init__(self) -> None:
        self.asked: list[Json] = []

    def __call__(self, request: Request) -> Answer:
        assert request.path == "/responses/v1/responses"
        self.asked.append(request.json)
        assert request.json["store"] is False
        calls = [number for number, item in enumerate(request.json["input"]) if item["type"] == "function_call"]
        for count, at in enumerate(calls, 1):
            assert request.json["input"][at - 1] == reasoning(count)
        return answer(len(calls) + 1, streamed=request.json.get("stream", False))


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("thinking", THINKING)
def test_reasoning_comes_back_before_what_it_led_to(
    judges: Judges, proxy: Proxy, upstream: FakeUpstream, thinking: str, streamed: bool
) -> None:
    there = Responses()
    upstream.think(there)
    conversation = Conversation(judges, proxy, MODEL, streamed=streamed, **THINKING[thinking])

    answers = [conversation.turn() for _ in range(3)]

    assert [len(asked["input"]) for asked in there.asked] == [1, 4, 7]
    assert [each.stop_reason for each in answers] == ["tool_use"] * 3
    assert [each.usage.input_tokens for each in answers] == [7, 7, 7]


def test_reasoning_outlives_a_restart(judges: Judges, start: Callable[..., Proxy], upstream: FakeUpstream) -> None:
    there = Responses()
    upstream.think(there)
    conversation = Conversation(judges, start(), MODEL, **THINKING["shown"])
    conversation.turn()

    conversation.proxy = start()
    conversation.turn()

    assert reasoning(1) in there.asked[1]["input"]


def test_the_sdk_reads_each_answer_alike(python: PythonSDK, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: answer(1, streamed=request.json.get("stream", False)))
    tools = [{"name": "get_weather", "input_schema": {"type": "object"}}]
    asked = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}], "tools": tools}

    answers = [way(asked)["content"][-1] for way in python.ways.values()]

    call_made = {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"location": "Paris"}}
    assert all(call_made.items() <= each.items() for each in answers)


def test_a_failure_before_anything_was_said_has_its_status(
    judges: Judges, proxy: Proxy, upstream: FakeUpstream
) -> None:
    """H06, over HTTP."""
    failed = {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow down"}}
    said = event({"type": "response.failed", "response": failed})
    upstream.play(Answer((said,), 200, {"content-type": "text/event-stream"}))

    with pytest.raises(RateLimitError, match="slow down"):
        judges.sync(proxy.url).messages.create(
            model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "Hi"}], stream=True
        )
