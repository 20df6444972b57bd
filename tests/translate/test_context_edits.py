"""What a client wants left out of its history: judged by what the upstream gets to see."""

from __future__ import annotations

import json
from typing import Any

import pytest

from c2o.errors import RequestError
from c2o.translate.context_edits import edited
from tests.translate.talk import Json, decoded, request, translator

LONG = "x" * 4000
"""About a thousand tokens."""


def call(number: int, tool: str = "Read") -> list[Json]:
    """A call and its result."""
    use = {"type": "tool_use", "id": f"t{number}", "name": tool, "input": {"path": f"/{number}"}}
    thought = {"type": "thinking", "thinking": f"thought {number}", "signature": ""}
    result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": f"{number} {LONG}"}
    return [{"role": "assistant", "content": [thought, use]}, {"role": "user", "content": [result]}]


def conversation(count: int, tool: str = "Read") -> list[Json]:
    return [{"role": "user", "content": "Begin"}, *(said for number in range(count) for said in call(number, tool))]


def after(messages: list[Json], **edit: Any) -> tuple[list[Any], list[Json]]:
    """The messages that are left, and what was applied."""
    done = edited(decoded(request(messages=messages, context_management={"edits": [edit]})))
    applied = [json.loads(json.dumps({**_fields(each), "type": each.__struct_config__.tag})) for each in done.applied]
    return done.request.messages, applied


def _fields(applied: Any) -> Json:
    return {name: getattr(applied, name) for name in applied.__struct_fields__}


def results(messages: list[Any]) -> list[str]:
    blocks = [block for message in messages if isinstance(message.content, list) for block in message.content]
    return [json.loads(bytes(block.content))[:1] for block in blocks if block.type == "tool_result"]


def inputs(messages: list[Any]) -> list[Json]:
    blocks = [block for message in messages if isinstance(message.content, list) for block in message.content]
    return [json.loads(bytes(block.input)) for block in blocks if block.type == "tool_use"]


TOOLS = "clear_tool_uses_20250919"
THINKING = "clear_thinking_20251015"


def uses(count: int) -> Json:
    return {"type": "tool_uses", "value": count}


def tokens(count: int) -> Json:
    return {"type": "input_tokens", "value": count}


def test_old_results_are_cleared_and_the_last_three_kept() -> None:
    messages, (applied,) = after(conversation(5), type=TOOLS, trigger=uses(4))

    assert results(messages) == ["[", "[", "2", "3", "4"]
    assert (applied["type"], applied["cleared_tool_uses"]) == (TOOLS, 2)
    assert 1900 < applied["cleared_input_tokens"] < 2100
    assert inputs(messages) == [{"path": f"/{number}"} for number in range(5)]


@pytest.mark.parametrize(
    ("edit", "cleared"),
    [
        ({"trigger": uses(5)}, 0),
        ({"trigger": tokens(4000)}, 2),
        ({"trigger": tokens(7000)}, 0),
        ({}, 0),
        ({"trigger": uses(0), "keep": uses(1)}, 4),
        ({"trigger": uses(0), "keep": uses(0)}, 5),
        ({"trigger": uses(0), "clear_at_least": tokens(1500)}, 2),
        ({"trigger": uses(0), "clear_at_least": tokens(5000)}, 0),
        ({"trigger": uses(0), "exclude_tools": ["Read"]}, 0),
    ],
)
def test_what_is_cleared_when(edit: Json, cleared: int) -> None:
    messages, applied = after(conversation(5), type=TOOLS, **edit)
    assert results(messages).count("[") == cleared
    assert [each["cleared_tool_uses"] for each in applied] == [cleared] * bool(cleared)


@pytest.mark.parametrize(
    ("wanted", "left"), [(True, {}), (["Read"], {}), (["Bash"], {"path": "/0"}), (False, {"path": "/0"})]
)
def test_inputs_are_cleared_where_that_is_wanted(wanted: Any, left: Json) -> None:
    messages, _ = after(conversation(4), type=TOOLS, trigger=uses(0), clear_tool_inputs=wanted)
    assert inputs(messages) == [left, *({"path": f"/{number}"} for number in range(1, 4))]


def test_a_call_that_waits_for_its_result_is_left_alone() -> None:
    messages, applied = after(conversation(2)[:-1], type=TOOLS, trigger=uses(0), keep=uses(0), clear_tool_inputs=True)
    assert inputs(messages) == [{}, {"path": "/1"}]
    assert applied[0]["cleared_tool_uses"] == 1


def thoughts(messages: list[Any]) -> list[str]:
    blocks = [block for message in messages if isinstance(message.content, list) for block in message.content]
    return [block.thinking for block in blocks if block.type == "thinking"]


def three_turns() -> list[Json]:
    """The first with two calls, the others with a thought and words."""
    said = [{"type": "thinking", "thinking": "later", "signature": ""}, {"type": "text", "text": "Done."}]
    again: list[Json] = [{"role": "user", "content": "Go on"}, {"role": "assistant", "content": said}]
    return [*conversation(2), {"role": "assistant", "content": said}, *again, *again, {"role": "user", "content": "?"}]


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (None, ["later"]),
        ({"type": "thinking_turns", "value": 2}, ["later", "later"]),
        ({"type": "thinking_turns", "value": 3}, ["thought 0", "thought 1", "later", "later", "later"]),
        ("all", ["thought 0", "thought 1", "later", "later", "later"]),
        ({"type": "all"}, ["thought 0", "thought 1", "later", "later", "later"]),
    ],
)
def test_thinking_of_old_turns_is_cleared(keep: Any, left: list[str]) -> None:
    """A turn that calls tools is one, however many messages it has: its thoughts stay together."""
    messages, applied = after(three_turns(), type=THINKING, keep=keep)
    assert thoughts(messages) == left
    cleared = {5: 0, 2: 1, 1: 2}[len(left)]
    assert [each["cleared_thinking_turns"] for each in applied] == [cleared] * bool(cleared)


def test_a_message_of_thoughts_alone_keeps_its_number() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": ""}
    turns: list[Json] = [{"role": "user", "content": "A"}, {"role": "assistant", "content": [thought]}]
    messages, _ = after([*turns, *turns, {"role": "user", "content": "C"}], type=THINKING)
    assert [len(message.content) for message in messages] == [1, 0, 1, 1, 1]


def test_edits_that_nobody_knows_change_nothing() -> None:
    messages, applied = after(conversation(9), type="compact_20260112", trigger=uses(0), of_tomorrow={"a": 1})
    assert (results(messages).count("["), applied) == (0, [])


def test_a_system_message_that_holds_until_the_next_user_message() -> None:
    once = {"role": "system", "content": "Be quick", "clear_at": "next_user_message"}
    always = {"role": "system", "content": "Be kind", "clear_at": "never"}
    said: list[Json] = [{"role": "user", "content": "A"}, once, always, {"role": "assistant", "content": "B"}]

    def left(messages: list[Json]) -> list[str]:
        found = edited(decoded(request(messages=messages))).request.messages
        return [str(message.content or "-") for message in found]

    assert left(said) == ["A", "Be quick", "Be kind", "B"]
    assert left([*said, {"role": "user", "content": "C"}, once]) == ["A", "-", "Be kind", "B", "C", "Be quick"]


def test_only_the_words_of_a_passed_system_message_go() -> None:
    """https://github.com/anthropics/anthropic-sdk-python says: how long its *text* stays in front of the model."""
    addition = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "Later"}}
    passed = {
        "role": "system",
        "clear_at": "next_user_message",
        "output_config": {"effort": "low"},
        "content": [{"type": "text", "text": "Be quick"}, addition],
    }
    later = [{"role": "assistant", "content": "B"}, {"role": "user", "content": "C"}]
    tools = [
        {"name": "Now", "input_schema": {"type": "object"}},
        {"name": "Later", "input_schema": {"type": "object"}, "defer_loading": True},
    ]
    body = edited(decoded(request(messages=[{"role": "user", "content": "A"}, passed, *later], tools=tools))).request

    chat = json.loads(translator(body).request().body)

    assert "Be quick" not in str(chat["messages"])
    assert [tool["function"]["name"] for tool in chat["tools"]] == ["Now", "Later"]
    assert body.messages[1].output_config is not None


def test_errors_name_the_places_that_the_client_knows() -> None:
    """Claude Code strips the block that an error names: left-out messages before it must not shift its number."""
    passed = {"role": "system", "content": "Be quick", "clear_at": "next_user_message"}
    picture = {"type": "image", "source": {"type": "file", "file_id": "f"}}
    said: list[Json] = [
        {"role": "user", "content": "A"},
        passed,
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": ""}]},
        {"role": "user", "content": "B"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": ""}]},
        {"role": "user", "content": [picture]},
    ]
    edit = {"type": THINKING, "keep": {"type": "thinking_turns", "value": 1}}
    body = edited(decoded(request(messages=said, context_management={"edits": [edit]}))).request

    with pytest.raises(RequestError, match=r"messages\.5\.content\.0\.image"):
        translator(body)


@pytest.mark.parametrize(("count", "cleared"), [(60, 0), (150, 147)])
def test_without_a_trigger_a_hundred_thousand_tokens_are_one(count: int, cleared: int) -> None:
    """Each result is about a thousand tokens.  https://platform.claude.com/docs/en/build-with-claude/context-editing"""
    _, applied = after(conversation(count), type=TOOLS)
    assert [each["cleared_tool_uses"] for each in applied] == [cleared] * bool(cleared)
