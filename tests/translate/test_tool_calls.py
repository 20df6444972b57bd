"""Which call a fragment belongs to: every habit of servers that has been reported.

The habits are collected from the issue trackers of clients of OpenAI-compatible servers; each case names where.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests import grammar
from tests.fake_upstream import DONE, chunk, finish, text
from tests.translate.talk import (
    Json,
    assistant,
    request,
    stream,
    streamed,
    tool,
    tool_result,
    tool_use,
    translator,
    user,
)

TOOLS = [tool("F", {"x": {"type": "integer"}}), tool("G", {"y": {"type": "integer"}}), tool("WebFetch")]

Called = tuple[str, str, Json]


def fragment(arguments: Any = ..., *, index: Any = ..., id: Any = ..., name: Any = ...) -> Json:
    """A fragment with only these fields."""
    function = {"name": name, "arguments": arguments}
    found: Json = {
        "index": index,
        "id": id,
        "function": {key: value for key, value in function.items() if value is not ...},
    }
    return {key: value for key, value in found.items() if value is not ...}


def called(*deltas: list[Json], reason: str = "tool_calls", **fields: Any) -> list[Called]:
    """The calls that the client sees."""
    told = streamed(
        *(chunk({"tool_calls": delta}) for delta in deltas), finish(reason), DONE, **({"tools": TOOLS} | fields)
    )
    assert told.error is None, told.error
    return [(call["id"], call["name"], call["input"]) for call in told.calls]


F = fragment
X, Y = {"x": 1}, {"y": 2}
A, B = F("", index=0, id="a", name="F"), F("", index=1, id="b", name="G")

ROUTED: dict[str, tuple[list[list[Json]], list[Called]]] = {
    "OpenAI: the id once, an index with each fragment": (
        [[A], [F('{"x"', index=0)], [F(": 1}", index=0)]],
        [("a", "F", X)],
    ),
    "OpenAI: two calls, one after the other": (
        [[A], [F('{"x": 1}', index=0)], [B], [F('{"y": 2}', index=1)]],
        [("a", "F", X), ("b", "G", Y)],
    ),
    "interleaved": (
        [[A, B], [F('{"x": ', index=0), F('{"y": ', index=1)], [F("2}", index=1)], [F("1}", index=0)]],
        [("a", "F", X), ("b", "G", Y)],
    ),
    "interleaved, heads first": (
        [[A], [B], [F('{"x": 1}', index=0), F('{"y": 2}', index=1)]],
        [("a", "F", X), ("b", "G", Y)],
    ),
    "the arguments of the second call first": (
        [[A], [B], [F('{"y": 2}', index=1)], [F('{"x": 1}', index=0)]],
        [("a", "F", X), ("b", "G", Y)],
    ),
    "Gemini: no index": (
        [[F('{"x": 1}', id="a", name="F")], [F('{"y": 2}', id="b", name="G")]],
        [("a", "F", X), ("b", "G", Y)],
    ),
    "no index, and a tail": ([[F('{"x": ', id="a", name="F")], [F("1}")]], [("a", "F", X)]),
    "Ollama: index 0 for all": (
        [[F('{"x": 1}', index=0, id="a", name="F")], [F('{"y": 2}', index=0, id="b", name="G")]],
        [("a", "F", X), ("b", "G", Y)],
    ),
    "index 0 for all in one chunk": (
        [[F('{"x": 1}', index=0, id="a", name="F"), F('{"x": 1}', index=0, id="b", name="F")]],
        [("a", "F", X), ("b", "F", X)],
    ),
    "DeepSeek behind a gateway: the tail of the second call counts on": (
        [[F('{"x": 1}', index=0, id="a", name="F")], [F('{"y": ', index=0, id="b", name="G")], [F("2}", index=1)]],
        [("a", "F", X), ("b", "G", Y)],
    ),
    "Nebius, Cerebras: the tail of the only call counts on": (
        [[F('{"x"', index=0, id="a", name="F")], [F(": ", index=1)], [F("1}", index=2)]],
        [("a", "F", X)],
    ),
    "Anthropic behind a gateway: the index starts at 1": (
        [[F("", index=1, id="a", name="F")], [F('{"x": 1}', index=1)]],
        [("a", "F", X)],
    ),
    "Ollama, gpt-oss: the id comes late": (
        [[F(index=0, name="F")], [F('{"x": 1}', index=0, id="a")]],
        [("a", "F", X)],
    ),
    "the id comes with the head only, the name after it": (
        [[F(index=0, id="a")], [F("", index=0, name="F")], [F('{"x": 1}', index=0)]],
        [("a", "F", X)],
    ),
    "SGLang: arguments before the name": (
        [[F('{"x": ', index=0, id="a")], [F("1}", index=0)], [F(index=0, name="F")]],
        [("a", "F", X)],
    ),
    "arguments before and after the name": (
        [[F('{"x": ', index=0, id="a")], [F(index=0, name="F")], [F("1}", index=0)]],
        [("a", "F", X)],
    ),
    "the name in pieces": (
        [[F("", index=0, id="a", name="Web")], [F("", index=0, name="Fetch")], [F("{}", index=0)]],
        [("a", "WebFetch", {})],
    ),
    "the name again with each fragment": (
        [[F('{"x"', index=0, id="a", name="F")], [F(": 1}", index=0, name="F")], [F("", index=0, name="F")]],
        [("a", "F", X)],
    ),
    "the name again before the arguments": (
        [[A], [F("", index=0, name="F")], [F('{"x": 1}', index=0)]],
        [("a", "F", X)],
    ),
    "the id again with each fragment": (
        [[F('{"x"', index=0, id="a", name="F")], [F(": 1}", index=0, id="a")]],
        [("a", "F", X)],
    ),
    "the id again, without an index": ([[F('{"x"', id="a", name="F")], [F(": 1}", id="a")]], [("a", "F", X)]),
    "DashScope: empty ids later": (
        [[A], [F('{"x": 1}', index=0, id="")], [F("", index=0, id="")]],
        [("a", "F", X)],
    ),
    "Mistral: empty names later": (
        [[A], [F('{"x": 1}', index=0, name="")]],
        [("a", "F", X)],
    ),
    "arguments as an object": ([[F({"x": 1}, index=0, id="a", name="F")]], [("a", "F", X)]),
    "arguments as null, then empty": ([[F(None, index=0, id="a", name="F")], [F("", index=0)]], [("a", "F", {})]),
    "no arguments": ([[F(index=0, id="a", name="F")]], [("a", "F", {})]),
    "no function": ([[{"index": 0, "id": "a"}], [F('{"x": 1}', index=0, name="F")]], [("a", "F", X)]),
    "one id for all calls": (
        [[F('{"x": 1}', index=0, id="a", name="F"), F('{"y": 2}', index=1, id="a", name="G")]],
        [("a", "F", X), ("a-2", "G", Y)],
    ),
    "one id for all calls, heads first": (
        [[A, F("", index=1, id="a", name="F")], [F('{"x": 1}', index=0)], [F('{"x": 2}', index=1)]],
        [("a", "F", X), ("a-2", "F", {"x": 2})],
    ),
    "no ids and index 0 for all": (
        [[F('{"x": 1}', index=0, id="", name="F"), F('{"y": 2}', index=0, id="", name="G")]],
        [("toolu_recorded0", "F", X), ("toolu_recorded1", "G", Y)],
    ),
    "neither ids nor indexes": (
        [[F('{"x": 1}', name="F")], [F('{"x": 2}', name="F")]],
        [("toolu_recorded0", "F", X), ("toolu_recorded1", "F", {"x": 2})],
    ),
    "the word null as id": ([[F('{"x": 1}', index=0, id="null", name="F")]], [("toolu_recorded0", "F", X)]),
    "no id": ([[F('{"x": 1}', index=0, name="F")]], [("toolu_recorded0", "F", X)]),
    "Kimi: dots and a colon": ([[F("{}", index=0, id="functions.F:0", name="F")]], [("functions.F:0", "F", {})]),
}  # fmt: skip


@pytest.mark.parametrize("habit", ROUTED)
def test_fragments_find_their_call(habit: str) -> None:
    deltas, calls = ROUTED[habit]

    assert called(*deltas) == calls


@pytest.mark.parametrize("habit", ROUTED)
def test_the_first_call_is_kept_where_the_client_wants_one(habit: str) -> None:
    deltas, calls = ROUTED[habit]

    assert called(*deltas, tool_choice={"type": "any", "disable_parallel_tool_use": True}) == calls[:1]


@pytest.mark.parametrize("reason", ["tool_calls", "stop", "function_call", "", "eos", "tool_use"])
def test_a_call_makes_the_stop_reason_whatever_the_upstream_says(reason: str) -> None:
    head = fragment('{"x": 1}', index=0, id="a", name="F")

    assert streamed(chunk({"tool_calls": [head]}), finish(reason), DONE, tools=TOOLS).stop_reason == "tool_use"


def test_one_call_too_many_is_noted_once() -> None:
    of = translator(request(stream=True, tools=TOOLS, tool_choice={"type": "auto", "disable_parallel_tool_use": True}))
    heads = [fragment("{}", index=n, id=f"c{n}", name="F") for n in range(3)]

    stream(of, [chunk({"tool_calls": heads}), finish("tool_calls"), DONE])

    assert len([note for note in of.outcome.repairs if "more than one" in note]) == 1


# ---- ids


def test_an_id_of_the_conversation_is_not_used_again() -> None:
    """Claude Code destroys its history over a repeated id."""
    history = [
        user("a"),
        assistant(tool_use("call_0"), tool_use("call_0-2")),
        user(tool_result("call_0"), tool_result("call_0-2")),
    ]

    [(id, _, _)] = called([fragment("{}", index=0, id="call_0", name="F")], messages=history)

    assert id == "call_0-3"


def test_ids_do_not_depend_on_the_order_of_requests() -> None:
    """Stateless: the same answer gets the same ids, whatever was answered before."""
    deltas = [
        fragment("{}", index=0, name="F"),
        fragment("{}", index=1, id="x", name="F"),
        fragment("{}", index=2, id="x", name="G"),
    ]

    assert called(deltas) == called(deltas)
    assert len({id for id, _, _ in called(deltas)}) == 3


# ---- names that never come


def test_the_only_tool_is_meant_where_no_name_comes() -> None:
    assert called([fragment('{"x": 1}', index=0, id="a")], tools=TOOLS[:1]) == [("a", "F", X)]


def test_a_call_that_could_be_any_tool_is_an_error() -> None:
    told = streamed(
        text("Let me."),
        chunk({"tool_calls": [fragment("{}", index=0, id="a")]}),
        finish("tool_calls"),
        DONE,
        tools=TOOLS,
    )

    assert told.error == {"type": "api_error", "message": "the upstream called a tool without naming it"}
    assert told.calls == []


# ---- their place in the answer


def test_blocks_come_one_after_another_in_order() -> None:
    told = streamed(
        chunk({"reasoning_content": "plan"}),
        text("Both."),
        chunk(
            {
                "tool_calls": [
                    fragment('{"x": ', index=0, id="a", name="F"),
                    fragment('{"y": 2}', index=1, id="b", name="G"),
                ]
            }
        ),
        text("Done."),
        chunk({"tool_calls": [fragment("1}", index=0)]}),
        finish("tool_calls"),
        DONE,
        tools=TOOLS,
        thinking={"type": "adaptive"},
    )

    assert [block["type"] for block in told.content] == ["thinking", "text", "tool_use", "tool_use", "text"]
    assert [call["input"] for call in told.calls] == [X, Y]


# ---- several objects in one call's arguments


def test_objects_behind_the_first_are_calls_of_their_own() -> None:
    """Behind one that all calls were put into, as Ollama and others do with small models."""
    said = '{"x": 1} {"x": 2}\n{"x": "3"}'

    assert called([fragment(said, index=0, id="a", name="F")]) == [
        ("a", "F", X),
        ("toolu_recorded1", "F", {"x": 2}),
        ("toolu_recorded2", "F", {"x": 3}),
    ]


@pytest.mark.parametrize("said", ['{"x": 1}{"x": 1}', '{"x": 1} {"x": 1}\n{"x": 1}', '{"x": 1}} ', '{"x": 1} ok'])
def test_an_object_that_only_comes_again_is_taken_once(said: str) -> None:
    of = translator(request(stream=True, tools=TOOLS))

    told = grammar.read(
        stream(of, [chunk({"tool_calls": [fragment(said, index=0, id="a", name="F")]}), finish("tool_calls"), DONE])
    )

    assert [call["input"] for call in told.calls] == [X]
    assert of.outcome.repairs


def test_a_second_object_that_was_cut_off_is_marked() -> None:
    found = called([fragment('{"x": 1}{"x": 2', index=0, id="a", name="F")], reason="length")

    assert [input for _, _, input in found] == [X, {"__c2o_truncated__": True}]


def test_objects_without_end_are_not_calls_without_end() -> None:
    assert len(called([fragment('{"x": 1}{"x": 2}' * 5000, index=0, id="a", name="F")])) <= 51


def test_a_second_object_is_none_where_the_client_wants_one_call() -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": True}

    assert called([fragment('{"x": 1}{"x": 2}', index=0, id="a", name="F")], tool_choice=choice) == [("a", "F", X)]


# ---- many


@pytest.mark.parametrize("ids", [True, False], ids=["one id for all", "ids of their own"])
def test_thousands_of_calls_take_no_longer_each_than_one(ids: bool) -> None:
    heads = [fragment("{}", index=n, id="a" if ids else f"c{n}", name="F") for n in range(8000)]
    began = time.process_time()

    found = called(*([head] for head in heads))

    assert len({id for id, _, _ in found}) == 8000
    assert time.process_time() - began < 15
