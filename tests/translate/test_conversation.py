"""The rules of a conversation, in Anthropic's own words: Claude Code acts on them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from c2o.errors import RequestError
from tests.translate.talk import Json, assistant, request, sent, tool_result, tool_use, translator, user


def upstream(*messages: Json, **fields: Any) -> list[Json]:
    """The messages that go upstream."""
    found: list[Json] = sent(request(messages=list(messages)), **fields)["messages"]
    return found


def refusal(*messages: Any) -> str:
    with pytest.raises(RequestError) as raised:
        translator(request(messages=list(messages)))
    assert (raised.value.status, raised.value.type) == (400, "invalid_request_error")
    return str(raised.value)


def call(id: str, arguments: str = '{"command": "ls"}') -> Json:
    return {"id": id, "type": "function", "function": {"name": "Bash", "arguments": arguments}}


# ---- what is refused

CALL = assistant(tool_use("t1"))

REFUSED: dict[str, tuple[list[Any], str]] = {
    "nothing": ([], "messages: at least one message is required"),
    "an unknown role": ([{"role": "tool", "content": "x"}], "messages.0.role: 'tool' must be one of user, assistant"),
    "empty content": ([{"role": "user", "content": []}], "messages.0: user messages must have non-empty content"),
    "empty text": ([user("")], "messages.0: text content blocks must be non-empty"),
    "an empty text": ([{"role": "user", "content": ""}], "messages.0: text content blocks must be non-empty"),
    "only empty words of the assistant": ([assistant("")], "messages: text content blocks must be non-empty"),
    "no text": ([user({"type": "text"})], "messages.0.content.0.text: Field required"),
    "system first": ([{"role": "system", "content": "x"}, user("a")], "messages.0.role: a system message can't be"),
    "no result": (
        [user("a"), CALL, user("b")],
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t1",
    ),
    "one result of two": (
        [user("a"), assistant(tool_use("t1"), tool_use("t2")), user(tool_result("t2"))],
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t1",
    ),
    "a call at the end": ([user("a"), CALL], "`tool_use` ids were found without `tool_result` blocks"),
    "system between call and result": (
        [user("a"), CALL, {"role": "system", "content": "x"}, user(tool_result("t1"))],
        "`tool_use` ids were found without `tool_result` blocks immediately after: t1",
    ),
    "a result without a call": (
        [user("a", tool_result("t9"))],
        "messages.0.content.1: unexpected `tool_use_id` found in `tool_result` blocks: t9",
    ),
    "a result of an earlier call": (
        [user("a"), CALL, user(tool_result("t1")), assistant("b"), user(tool_result("t1"))],
        "messages.4.content.0: unexpected `tool_use_id` found in `tool_result` blocks: t1",
    ),
    "a result by the assistant": (
        [user("a"), assistant(tool_result("t1")), user("b")],
        "messages.1.content.0: unexpected `tool_use_id` found in `tool_result` blocks: t1",
    ),
    "two results for one call": (
        [user("a"), CALL, user(tool_result("t1"), tool_result("t1"))],
        "messages.2.content.1: each tool_use must have a single result.",
    ),
    "one id in one turn": (
        [user("a"), assistant(tool_use("t1"), tool_use("t1")), user(tool_result("t1"))],
        "messages.1.content.1: `tool_use` ids must be unique: t1",
    ),
    "one id in two turns": (
        [user("a"), CALL, user(tool_result("t1")), CALL, user(tool_result("t1"))],
        "messages.3.content.0: `tool_use` ids must be unique: t1",
    ),
    "calls without ids": ([user({"type": "tool_use"}, {"type": "tool_use"})], "`tool_use` ids must be unique"),
    "a call without a name": (
        [user("a"), assistant({"type": "tool_use", "id": "t1", "input": {}}), user(tool_result("t1"))],
        "messages.1.content.0: a tool_use block needs an id and a name",
    ),
    "the assistant's words last": (
        [user("a"), assistant("Sure:")],
        "This model does not support assistant message prefill.",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_anthropic_refuses_is_refused_in_its_words(what: str) -> None:
    messages, words = REFUSED[what]

    assert words in refusal(*messages)


# ---- what goes upstream


def test_consecutive_messages_of_one_role_are_one() -> None:
    assert upstream(user("a"), user("b", "c"), assistant("d"), assistant("e"), user("f")) == [
        {"role": "user", "content": "a\n\nb\n\nc"},
        {"role": "assistant", "content": "d\n\ne"},
        {"role": "user", "content": "f"},
    ]


def test_results_come_in_the_order_of_their_calls_and_before_anything_else() -> None:
    """OpenAI wants each call answered before anything else is said; some templates pair them by position."""
    messages = upstream(
        user("go"),
        assistant("Reading.", tool_use("t1"), tool_use("t2")),
        user("first this", tool_result("t2", "two"), "then that"),
        user(tool_result("t1", "one")),
    )

    assert messages[1:] == [
        {"role": "assistant", "content": "Reading.", "tool_calls": [call("t1"), call("t2")]},
        {"role": "tool", "tool_call_id": "t1", "content": "one"},
        {"role": "tool", "tool_call_id": "t2", "content": "two"},
        {"role": "user", "content": "first this\n\nthen that"},
    ]


def test_text_after_a_call_moves_before_it() -> None:
    messages = upstream(user("a"), assistant("b", tool_use("t1"), "c"), user(tool_result("t1")))

    assert messages[1] == {"role": "assistant", "content": "b\n\nc", "tool_calls": [call("t1")]}


def test_calls_alone_have_null_content() -> None:
    assert upstream(user("a"), CALL, user(tool_result("t1")))[1] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [call("t1")],
    }


INPUTS: dict[str, tuple[Any, str]] = {
    "an object": ({"command": "ls"}, '{"command": "ls"}'),
    "nothing": ({}, "{}"),
    "text, for arguments that the client couldn't read": ("ls", '{"input":"ls"}'),
    "a list": ([1], '{"input":[1]}'),
}


@pytest.mark.parametrize("what", INPUTS)
def test_the_input_of_a_call_is_an_object(what: str) -> None:
    given, arguments = INPUTS[what]

    [called] = upstream(user("a"), assistant(tool_use("t1", input=given)), user(tool_result("t1")))[1]["tool_calls"]

    assert called["function"]["arguments"] == arguments


def test_a_call_without_input_has_an_empty_object() -> None:
    block = {"type": "tool_use", "id": "t1", "name": "Bash"}

    [called] = upstream(user("a"), assistant(block), user(tool_result("t1")))[1]["tool_calls"]

    assert called["function"]["arguments"] == "{}"


def test_empty_words_are_left_out() -> None:
    assert upstream(user("a", ""), assistant(""), user("b")) == [{"role": "user", "content": "a\n\nb"}]
    assert upstream(user(" "))[0]["content"] == " "


def test_thinking_is_not_repeated_to_an_upstream_that_does_not_read_it() -> None:
    thought = {"type": "thinking", "thinking": "secret plan", "signature": "EpUB"}
    hidden = {"type": "redacted_thinking", "data": "x"}

    assert upstream(user("a"), assistant(thought, hidden, "b"), user("c"))[1] == {"role": "assistant", "content": "b"}


# ---- system messages in mid-conversation

REMINDER = {"role": "system", "content": [{"type": "text", "text": "The file has changed."}]}


def test_a_system_message_becomes_a_reminder_where_templates_want_it_first() -> None:
    messages = upstream(user("a"), CALL, user(tool_result("t1"), "b"), REMINDER, assistant("c"), user("d"), REMINDER)

    told = "<system-reminder>\nThe file has changed.\n</system-reminder>"
    assert messages[2:] == [
        {"role": "tool", "tool_call_id": "t1", "content": "done"},
        {"role": "user", "content": f"b\n\n{told}"},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": f"d\n\n{told}"},
    ]


def test_a_reminder_right_after_results_is_a_message_of_its_own() -> None:
    messages = upstream(user("a"), CALL, user(tool_result("t1")), REMINDER, user("b"))

    assert messages[2:] == [
        {"role": "tool", "tool_call_id": "t1", "content": "done"},
        {"role": "user", "content": "<system-reminder>\nThe file has changed.\n</system-reminder>\n\nb"},
    ]


def test_a_system_message_stays_where_the_upstream_takes_it() -> None:
    messages = upstream(user("a"), CALL, user(tool_result("t1")), REMINDER, REMINDER, dialect="openai")

    assert messages[-1] == {"role": "system", "content": "The file has changed.\n\nThe file has changed."}
    assert messages[-2]["role"] == "tool"


# ---- repair_history


def test_a_careless_history_is_mended_on_request() -> None:
    of = translator(
        request(messages=[
            user(tool_result("lost", "x"), "a"),
            assistant(tool_use("t1"), tool_use("t2")),
            user(tool_result("t2", "two"), tool_result("t2", "again"), "b"),
            assistant(tool_use("t3")),
            assistant("c"),
        ]),
        repair_history=True,
    )  # fmt: skip

    messages = json.loads(of.request().body)["messages"]
    assert [(message["role"], message.get("tool_call_id"), message.get("content")) for message in messages] == [
        ("user", None, "a"),
        ("assistant", None, None),
        ("tool", "t1", "[no result]"),
        ("tool", "t2", "two"),
        ("user", None, "b"),
        ("assistant", None, "c"),
        ("tool", "t3", "[no result]"),
    ]
    assert len(of.outcome.warnings) == 4
