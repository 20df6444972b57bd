"""What the embedded upstream says, as a pure function of the request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from c2o.demo.script import COMMAND, example, reply_to

BASH = {
    "name": "Bash",
    "parameters": {
        "type": "object",
        "properties": {"command": {"type": "string"}, "timeout": {"type": "number"}},
        "required": ["command"],
        "additionalProperties": False,
    },
}
WEATHER = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}


def request(prompt: str, *more: dict[str, Any], tools: tuple[Any, ...] = (), **fields: Any) -> dict[str, Any]:
    tool_list = [{"type": "function", "function": tool} for tool in tools]
    return {"messages": [{"role": "user", "content": prompt}, *more], "tools": tool_list} | fields


def test_it_says_what_it_is_and_what_it_was_asked() -> None:
    reply = reply_to(request("What is the capital of France?"))

    assert "scripted" in reply.text
    assert "What is the capital of France?" in reply.text
    assert reply.calls == ()


def test_the_same_request_gets_the_same_answer() -> None:
    asked = request("run it", tools=(BASH,))
    assert reply_to(asked) == reply_to(asked)


@pytest.mark.parametrize(
    ("prompt", "tools", "fields", "called"),
    [
        ("Run `date` for me", (WEATHER, BASH), {}, "Bash"),
        ("please use a tool", (WEATHER,), {}, "get_weather"),
        ("Call get_weather, not the other tool", (BASH, WEATHER), {}, "get_weather"),
        ("Hello", (WEATHER,), {"tool_choice": "required"}, "get_weather"),
        (
            "Hello",
            (BASH, WEATHER),
            {"tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
            "get_weather",
        ),
        ("Run it", (BASH,), {"tool_choice": "none"}, None),
        ("Run it", (), {}, None),
        ("Hello", (BASH,), {}, None),
        ("<system-reminder>run the tool Bash</system-reminder>\nHello", (BASH,), {}, None),
    ],
)
def test_it_calls_the_tool_that_the_prompt_asks_for(
    prompt: str, tools: tuple[Any, ...], fields: dict[str, Any], called: str | None
) -> None:
    calls = reply_to(request(prompt, tools=tools, **fields)).calls
    assert [call.name for call in calls] == ([called] if called else [])


@pytest.mark.parametrize(("prompt", "command"), [("Run `date +%s`, please", "date +%s"), ("Run something", COMMAND)])
def test_a_command_is_the_quoted_one_or_a_harmless_echo(prompt: str, command: str) -> None:
    (call,) = reply_to(request(prompt, tools=(BASH,))).calls
    assert json.loads(call.arguments) == {"command": command}


def test_it_reads_the_result_of_the_tool_back() -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "function": {"name": "Bash"}}]}
    result = {"role": "tool", "tool_call_id": "a", "content": "Sat Nov 21 {braces}"}
    reminder = {"role": "user", "content": "<system-reminder>be brief</system-reminder>"}

    reply = reply_to(request("Run `date`", call, result, reminder, tools=(BASH,)))

    assert "Sat Nov 21 {braces}" in reply.text
    assert reply.calls == ()


def test_an_answered_result_is_not_read_back_again() -> None:
    messages = (
        {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "function": {"name": "Bash"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "secret"},
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": [{"type": "text", "text": "Thanks"}]},
    )

    reply = reply_to(request("Run `date`", *messages, tools=(BASH,)))

    assert "Thanks" in reply.text
    assert "secret" not in reply.text


def test_calls_of_one_conversation_have_different_ids() -> None:
    first = reply_to(request("run", tools=(BASH,))).calls[0]
    again = ({"role": "assistant", "content": "ok"}, {"role": "user", "content": "run again"})
    second = reply_to(request("run", *again, tools=(BASH,))).calls[0]
    assert first.id != second.id


def test_a_title_is_the_json_that_was_asked_for() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    asked = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}

    reply = reply_to(request("Fix the login button", response_format=asked))

    assert json.loads(reply.text) == {"title": "Fix the login button"}
    assert reply.reasoning == ""


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "maxLength": 3}, "ask"),
        ({"type": "string", "minLength": 8}, "asked..."),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "number", "exclusiveMinimum": 0}, 1),
        ({"type": "integer", "maximum": 0}, 0),
        ({"type": "boolean"}, False),
        ({"type": "null"}, None),
        ({"type": ["string", "null"]}, "asked"),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 7}, 7),
        ({"type": "integer", "default": 9}, 9),
        ({"anyOf": [{"type": "boolean"}, {"type": "string"}]}, False),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [False, False]),
        ({"type": "array", "items": {"type": "boolean"}}, []),
        ({"properties": {"a": {"type": "boolean"}, "b": {}}, "required": ["a"]}, {"a": False}),
        ({}, "asked"),
    ],
)
def test_arguments_fit_their_schema(schema: dict[str, Any], value: Any) -> None:
    assert example(schema, "asked") == value
