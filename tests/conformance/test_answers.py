"""B: whole answers of an upstream, as the SDK reads them; and the same answers as a stream of one chunk."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import anthropic
import pytest
from anthropic import Anthropic
from pydantic import BaseModel

from tests.conformance.judges import SIGNED, Beginning, PythonSDK
from tests.conformance.proxy import Json, Proxy
from tests.conformance.stream_cases import THINKING, TOOLS, body, said, thought, used
from tests.fake_upstream import DONE, Answer, FakeUpstream, event, stream, usage_of, whole


class Case(NamedTuple):
    """The upstream's message and finish reason, and what comes of them."""

    message: Json
    finish: str
    content: list[Json]
    stop_reason: str
    request: Json = {}
    dialect: str = "generic"
    more: Json = {}
    """Further fields of the message."""
    usage: Json = usage_of(10, 5)


def calls(*given: Json | str, **more: Any) -> Json:
    """Calls of Bash with these arguments."""
    return {
        "tool_calls": [
            {"index": at, "id": f"call_{at + 1}", "type": "function", "function": {"name": "Bash", "arguments": each}}
            | more
            for at, each in enumerate(given)
        ]
    }


LS = '{"command":"ls"}'
ENCRYPTED = {"reasoning_details": [{"type": "reasoning.encrypted", "data": "gAAAA", "format": "openai-responses-v1"}]}
OMITTED: Json = {"max_tokens": 4000, "thinking": {"type": "adaptive", "display": "omitted"}}
DISABLED: Json = {"thinking": {"type": "disabled"}}
ONE_CALL: Json = TOOLS | {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
REFUSAL = {"stop_details": {"type": "refusal"}}
PARTS = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]

CASES: dict[str, Case] = {
    "b01_text": Case({"content": "ok"}, "stop", [said("ok")], "end_turn", usage=usage_of(10, 2)),
    "b02_call": Case({"content": None} | calls(LS), "tool_calls", [used("call_1", command="ls")], "tool_use", TOOLS),
    "b03_text_and_calls_that_end_with_stop": Case(
        {"content": "I look."} | calls(LS, '{"command":"pwd"}'),
        "stop",
        [said("I look."), used("call_1", command="ls"), used("call_2", command="pwd")],
        "tool_use",
        TOOLS,
    ),
    "b04_limit": Case({"content": "o"}, "length", [said("o")], "max_tokens", {"max_tokens": 5}),
    "b05_window": Case(
        {"content": "o"},
        "length",
        [said("o")],
        "model_context_window_exceeded",
        {"max_tokens": 4000},
        usage=usage_of(10, 300),
    ),
    "b06_content_filter": Case({"content": "o"}, "content_filter", [said("o")], "refusal", more=REFUSAL),
    "b06_content_filter_at_once": Case({"content": None}, "content_filter", [], "refusal", more=REFUSAL),
    "b07_refusal": Case(
        {"content": None, "refusal": "no"},
        "stop",
        [said("no")],
        "refusal",
        more={"stop_details": {"type": "refusal", "explanation": "no"}},
    ),
    "b08_reasoning_content": Case(
        {"content": "ok", "reasoning_content": "r"}, "stop", [thought("r"), said("ok")], "end_turn", THINKING
    ),
    "b09_reasoning": Case(
        {"content": "ok", "reasoning": "r"}, "stop", [thought("r"), said("ok")], "end_turn", THINKING
    ),
    "b10_encrypted_details": Case(
        {"content": "ok"} | ENCRYPTED, "stop", [thought(""), said("ok")], "end_turn", THINKING, "openrouter"
    ),
    "b11_thinking_not_asked_for": Case(
        {"content": "ok", "reasoning_content": "r"}, "stop", [said("ok")], "end_turn", dialect="deepseek"
    ),
    "b12_thinking_disabled": Case(
        {"content": "ok", "reasoning_content": "r"}, "stop", [said("ok")], "end_turn", DISABLED, "deepseek"
    ),
    "b12_thinking_disabled_with_a_call": Case(
        {"content": None, "reasoning_content": "r"} | calls(LS),
        "tool_calls",
        [used("call_1", command="ls")],
        "tool_use",
        DISABLED | TOOLS,
        "deepseek",
    ),
    "b13_thinking_omitted": Case(
        {"content": "ok", "reasoning_content": "r"}, "stop", [thought(""), said("ok")], "end_turn", OMITTED, "deepseek"
    ),
    "b17_no_arguments": Case(calls(""), "tool_calls", [used("call_1")], "tool_use", TOOLS),
    "b18_arguments_as_an_object": Case(
        calls({"command": "ls"}), "tool_calls", [used("call_1", command="ls")], "tool_use", TOOLS
    ),
    "b19_arguments_encoded_twice": Case(
        calls(json.dumps(LS)), "tool_calls", [used("call_1", command="ls")], "tool_use", TOOLS
    ),
    "b20_trailing_comma": Case(
        calls('{"command": "ls",}'), "tool_calls", [used("call_1", command="ls")], "tool_use", TOOLS
    ),
    "b20_missing_bracket": Case(
        calls('{"command": "ls"'), "tool_calls", [used("call_1", command="ls")], "tool_use", TOOLS
    ),
    "b20_cut_off_in_a_string": Case(
        calls('{"timeout": 5, "command": "rm -rf /tm'),
        "tool_calls",
        [used("call_1", timeout=5, __c2o_truncated__=True)],
        "tool_use",
        TOOLS,
    ),
    "b20_cut_off_by_the_limit": Case(
        calls('{"timeout": 5, "command": "ls"'),
        "length",
        [used("call_1", timeout=5, __c2o_truncated__=True)],
        "max_tokens",
        TOOLS | {"max_tokens": 5},
    ),
    "b21_garbage": Case(calls("ls -la"), "tool_calls", [used("call_1", INVALID_JSON="ls -la")], "tool_use", TOOLS),
    "b22_no_id": Case(
        calls(LS, id=None),
        "tool_calls",
        [used("call_1", command="ls") | {"id": Beginning("toolu_")}],
        "tool_use",
        TOOLS,
    ),
    "b22_strange_id": Case(
        calls(LS, id="functions.Bash:0"), "tool_calls", [used("functions.Bash:0", command="ls")], "tool_use", TOOLS
    ),
    "b25_one_call_was_asked_for": Case(
        calls(LS, '{"command":"pwd"}'), "tool_calls", [used("call_1", command="ls")], "tool_use", ONE_CALL
    ),
    "b27_think_tags": Case({"content": "<think>a</think>b"}, "stop", [thought("a"), said("b")], "end_turn", THINKING),
    "b27_no_tags_where_they_are_text": Case(
        {"content": "<think>a</think>b"}, "stop", [said("<think>a</think>b")], "end_turn", THINKING, "tag-less"
    ),
    "b30_parts": Case({"content": PARTS}, "stop", [said("ab")], "end_turn"),
}


def completion(case: Case) -> Answer:
    choice = {"index": 0, "message": {"role": "assistant"} | case.message, "finish_reason": case.finish}
    return whole({"object": "chat.completion", "choices": [choice], "usage": case.usage})


def one_chunk(case: Case) -> Answer:
    choice = {"index": 0, "delta": {"role": "assistant"} | case.message, "finish_reason": case.finish}
    return stream(event({"object": "chat.completion.chunk", "choices": [choice], "usage": case.usage}), DONE)


ANSWERS = {"whole": completion, "sync": one_chunk}


@pytest.mark.parametrize("way", ANSWERS)
@pytest.mark.parametrize("name", CASES)
def test_message(python: PythonSDK, upstream: FakeUpstream, name: str, way: str) -> None:
    case = CASES[name]
    upstream.play(ANSWERS[way](case))
    message = python.ways[way](body(name, case.dialect, case.request))
    numbers = message.pop("usage")
    assert message == {
        "type": "message",
        "role": "assistant",
        "model": f"{case.dialect}/{name}",
        "content": case.content,
        "stop_reason": case.stop_reason,
        **case.more,
    }
    assert (numbers["input_tokens"], numbers["output_tokens"]) == (10, case.usage["completion_tokens"])


def test_b08_the_state_before_a_call_that_needs_it(python: PythonSDK, upstream: FakeUpstream) -> None:
    """Nobody asked for thinking, but the upstream will ask for its reasoning: only the state travels."""
    case = Case({"reasoning_content": "r"} | calls(LS), "tool_calls", [], "tool_use")
    upstream.play(completion(case))
    message = python.whole(body("m", "deepseek", TOOLS))
    assert message["content"] == [
        {"type": "thinking", "thinking": "", "signature": SIGNED},
        used("call_1", command="ls"),
    ]


def test_b22_ids_are_unique_in_a_conversation(python: PythonSDK, upstream: FakeUpstream) -> None:
    """Servers that count from 0 in each answer (Kimi, Gemini) would make Claude Code lose its history."""
    history = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [used("functions.Bash:0", command="ls")]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "functions.Bash:0", "content": "x"}]},
    ]
    same = calls(LS, LS, id="functions.Bash:0")
    upstream.play(completion(Case(same, "tool_calls", [], "tool_use")))
    content = python.whole(body("m", "generic", TOOLS | {"messages": history}))["content"]
    assert len({block["id"] for block in content} | {"functions.Bash:0"}) == 1 + len(content)


NO_ANSWERS: dict[str, Json] = {
    "b26_no_choices": {"choices": [], "usage": usage_of()},
    "b26_null_choices": {"choices": None},
    "b26_without_choices": {"object": "chat.completion"},
    "b26_error": {"error": {"message": "something went wrong", "type": "server_error"}},
    "b26_empty_message": {"choices": [{"index": 0, "message": {"content": ""}, "finish_reason": "stop"}]},
}


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_no_answer(sdk: Anthropic, upstream: FakeUpstream, name: str) -> None:
    upstream.play(whole(NO_ANSWERS[name]))
    with pytest.raises(anthropic.InternalServerError) as raised:
        sdk.messages.create(**body("m", "generic", {}))
    assert (raised.value.status_code, raised.value.type) == (502, "api_error")


class Person(BaseModel):
    name: str
    age: int


@pytest.mark.parametrize("way", ["json-object", "no-json"])
@pytest.mark.parametrize(
    "text", ['{"name":"Ada","age":36}', '```json\n{"name":"Ada","age":36}\n```', '```\n{"name":"Ada","age":36}\n```']
)
def test_b28_json_from_an_upstream_that_only_tries(sdk: Anthropic, upstream: FakeUpstream, text: str, way: str) -> None:
    upstream.play(completion(Case({"content": text}, "stop", [], "end_turn")))
    message = sdk.messages.parse(**body("m", way, {}), output_format=Person)
    assert message.parsed_output == Person(name="Ada", age=36)
    assert json.loads(message.content[0].text) == {"name": "Ada", "age": 36}  # type: ignore[union-attr]


@pytest.mark.parametrize("asked", ["claude-opus-5", "claude-haiku-4-5-20251001[1m]", "generic/model"])
def test_b29_the_model_is_the_one_asked_for(proxy: Proxy, upstream: FakeUpstream, asked: str) -> None:
    upstream.play(completion(CASES["b01_text"]), one_chunk(CASES["b01_text"]))
    request = body("m", "generic", {"model": asked})
    assert proxy.post(request).json["model"] == asked
    begin = proxy.post(request | {"stream": True}).body.split(b"\n")[1]
    assert json.loads(begin.removeprefix(b"data: "))["message"]["model"] == asked
    assert [each.json["model"] for each in upstream.requests] == ["model", "model"]
