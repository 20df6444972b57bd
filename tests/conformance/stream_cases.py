"""C: upstream streams, and the message that every client must make of each.

A case is told once, and judged by both SDKs, streamed and whole.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.conformance.judges import SIGNED, Beginning
from tests.conformance.proxy import Json
from tests.fake_upstream import (
    CUT,
    DONE,
    Piece,
    arguments,
    chunk,
    event,
    finish,
    reasoning,
    role,
    text,
    tool_call,
    usage,
)

THINKING: Json = {"max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 1024}}

BASH: Json = {
    "name": "Bash",
    "input_schema": {
        "type": "object",
        "properties": {"command": {"type": "string"}, "timeout": {"type": "integer"}},
        "required": ["command"],
    },
}
WRITE: Json = {"name": "Write", "input_schema": {"type": "object", "properties": {"content": {"type": "string"}}}}
LIST: Json = {"name": "List", "input_schema": {"type": "object", "properties": {}}}
TOOLS: Json = {"tools": [BASH, WRITE, LIST]}


class Case(NamedTuple):
    """What the upstream streams, and what comes of it."""

    pieces: tuple[Piece, ...]
    content: list[Json]
    stop_reason: str = "end_turn"
    request: Json = {}
    """Fields of the client's request."""
    dialect: str = "generic"
    more: Json = {}
    """Further fields of the message."""
    usage: Json | None = {"input_tokens": 10, "output_tokens": 5}
    """None where it is an estimate."""


class Failure(NamedTuple):
    """What the upstream streams, and the error that must come of it."""

    pieces: tuple[Piece, ...]
    type: str
    words: str


def said(text: str) -> Json:
    return {"type": "text", "text": text}


def thought(text: str) -> Json:
    return {"type": "thinking", "thinking": text, "signature": SIGNED}


def used(id: str, name: str = "Bash", **input: Any) -> Json:
    return {"type": "tool_use", "id": id, "name": name, "input": input}


END = (finish(), usage(), DONE)
CALLS_END = (finish("tool_calls"), usage(), DONE)


def part(index: int | None = 0, id: str | None = None, name: str | None = None, given: Any = None) -> bytes:
    """A piece of a call, with exactly these fields."""
    function = {key: value for key, value in (("name", name), ("arguments", given)) if value is not None}
    fields = (("index", index), ("id", id), ("function", function or None))
    return chunk({"tool_calls": [{key: value for key, value in fields if value is not None}]})


def google(signature: str) -> Json:
    return {"extra_content": {"google": {"thought_signature": signature}}}


def split(data: bytes, *places: int) -> list[bytes]:
    """The same bytes in several writes."""
    return [data[start:end] for start, end in zip((0, *places), (*places, len(data)), strict=True)]


BIG = "x" * (2 * 1024 * 1024)
SNOWMAN = text("☃ 雪")
REFUSED = {"stop_details": {"type": "refusal", "explanation": "I won't."}}

AZURE = event({"choices": [], "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]})
MESSY = (
    b": a comment\r\n\r\n"
    + role().replace(b"\n", b"\r\n").replace(b"data: ", b"data:")
    + b"event: message\r\nid: 1\r\nretry: 10\r\n"
    + text("a").replace(b"\n", b"\r\n")
    + b'data: {"choices": [{"index": 0,\r\ndata: "delta": {"content": "b"}}]}\r\n\r\n'
    + b": keep-alive\n\n"
)

CASES: dict[str, Case] = {
    "c01_text": Case(
        (role(), text("He"), text("llo"), finish(), usage(3, 2), DONE),
        [said("Hello")],
        usage={"input_tokens": 3, "output_tokens": 2},
    ),
    "c02_without_done": Case(
        (role(), text("He"), text("llo"), finish(), usage(3, 2)),
        [said("Hello")],
        usage={"input_tokens": 3, "output_tokens": 2},
    ),
    "c06_reasoning_then_text": Case(
        (role(), reasoning("I "), reasoning("see."), text("Yes."), *END),
        [thought("I see."), said("Yes.")],
        request=THINKING,
    ),
    "c07_reasoning_then_call": Case(
        (role(), reasoning("Look."), tool_call(0, "call_1", "Bash", '{"command":"ls"}'), *CALLS_END),
        [thought("Look."), used("call_1", command="ls")],
        "tool_use",
        THINKING | TOOLS,
    ),
    "c08_text_between_reasoning": Case(
        (role(), text("a"), reasoning("b"), text("c"), *END), [said("a"), thought("b"), said("c")], request=THINKING
    ),
    "c09_arguments_in_three_pieces": Case(
        (
            tool_call(0, "call_1", "Bash"),
            arguments(0, '{"comma'),
            arguments(0, 'nd":"ls -l'),
            arguments(0, 'a","timeout":5}'),
            *CALLS_END,
        ),
        [used("call_1", command="ls -la", timeout=5)],
        "tool_use",
        TOOLS,
    ),
    "c10_two_calls_by_index": Case(
        (
            tool_call(0, "call_1", "Bash", '{"command":"a"}'),
            tool_call(1, "call_2", "Bash", '{"command":"b"}'),
            *CALLS_END,
        ),
        [used("call_1", command="a"), used("call_2", command="b")],
        "tool_use",
        TOOLS,
    ),
    "c11_two_calls_at_index_0": Case(
        (
            tool_call(0, "call_1", "Bash", '{"command":"a"}'),
            tool_call(0, "call_2", "Bash", '{"command":"b"}'),
            *CALLS_END,
        ),
        [used("call_1", command="a"), used("call_2", command="b")],
        "tool_use",
        TOOLS,
    ),
    "c12_two_calls_interleaved": Case(
        (
            tool_call(0, "call_1", "Bash"),
            tool_call(1, "call_2", "Write"),
            arguments(0, '{"comm'),
            arguments(1, '{"content"'),
            arguments(0, 'and":"a"}'),
            arguments(1, ':"b"}'),
            *CALLS_END,
        ),
        [used("call_1", command="a"), used("call_2", "Write", content="b")],
        "tool_use",
        TOOLS,
    ),
    "c13_id_first_and_name_later": Case(
        (part(id="call_1"), part(name="Bash"), part(given='{"command":"ls"}'), *CALLS_END),
        [used("call_1", command="ls")],
        "tool_use",
        TOOLS,
    ),
    "c14_name_in_each_chunk": Case(
        (
            part(id="call_1", name="Bash", given='{"command":'),
            part(id="call_1", name="Bash", given='"ls"'),
            part(id="call_1", name="Bash", given="}"),
            *CALLS_END,
        ),
        [used("call_1", command="ls")],
        "tool_use",
        TOOLS,
    ),
    "c15_arguments_as_an_object": Case(
        (part(id="call_1", name="Bash", given={"command": "ls", "timeout": 5}), *CALLS_END),
        [used("call_1", command="ls", timeout=5)],
        "tool_use",
        TOOLS,
    ),
    "c16_no_arguments": Case((part(id="call_1", name="List"), *CALLS_END), [used("call_1", "List")], "tool_use", TOOLS),
    "c17_malformed_arguments": Case(
        (tool_call(0, "call_1", "Bash", '{"command": ls}'), *CALLS_END),
        [used("call_1", INVALID_JSON='"command": ls')],
        "tool_use",
        TOOLS,
    ),
    "c17_arguments_that_are_no_object": Case(
        (tool_call(0, "call_1", "Bash", "ls -la"), *CALLS_END),
        [used("call_1", INVALID_JSON="ls -la")],
        "tool_use",
        TOOLS,
    ),
    "c18_cut_off_in_a_value": Case(
        (tool_call(0, "call_1", "Bash", '{"timeout": 5, "command": "rm -rf /tmp/x'), finish("length"), usage(), DONE),
        [used("call_1", timeout=5, __c2o_truncated__=True)],
        "max_tokens",
        TOOLS | {"max_tokens": 5},
    ),
    "c18_cut_off_at_once": Case(
        (tool_call(0, "call_1", "Bash", '{"comm'), finish("length"), usage(), DONE),
        [used("call_1", __c2o_truncated__=True)],
        "max_tokens",
        TOOLS | {"max_tokens": 5},
    ),
    "c19_text_after_a_call": Case(
        (tool_call(0, "call_1", "Bash", '{"command":"ls"}'), text("There."), *CALLS_END),
        [used("call_1", command="ls"), said("There.")],
        "tool_use",
        TOOLS,
    ),
    "c20_signature_with_a_call": Case(
        (
            role(),
            text("Let me see."),
            chunk(
                {
                    "tool_calls": [
                        {"index": 0, "id": "call_1", "function": {"name": "Bash", "arguments": '{"command":"ls"}'}}
                        | google("sig-one")
                    ]
                }
            ),
            *CALLS_END,
        ),
        [said("Let me see."), thought(""), used("call_1", command="ls")],
        "tool_use",
        THINKING | TOOLS,
        "gemini",
    ),
    "c21_details_after_the_text": Case(
        (
            role(),
            text("Yes."),
            chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "gAAAA", "index": 0}]}),
            *END,
        ),
        [said("Yes.")],
        request=THINKING,
        dialect="openrouter",
    ),
    "c22_empty_chunks": Case(
        (AZURE, chunk({}), chunk(None), role(), text("Yes."), chunk({"content": None}), *END), [said("Yes.")]
    ),
    "c24_done_without_finish": Case((role(), text("Yes."), usage(), DONE), [said("Yes.")]),
    "c29_stop_sequence": Case(
        (role(), text("One E"), text("ND two"), *END),
        [said("One ")],
        "stop_sequence",
        {"stop_sequences": ["STOP", "END"]},
        more={"stop_sequence": "END"},
        usage=None,
    ),
    "c30_only_the_beginning_of_one": Case(
        (role(), text("One E"), *END), [said("One E")], request={"stop_sequences": ["END"]}
    ),
    "c30_a_beginning_that_goes_on_otherwise": Case(
        (role(), text("One E"), text("N"), text("e"), *END), [said("One ENe")], request={"stop_sequences": ["END"]}
    ),
    "c31_refusal": Case(
        (role(), chunk({"refusal": "I "}), chunk({"refusal": "won't."}), *END),
        [said("I won't.")],
        "refusal",
        more=REFUSED,
    ),
    "c32_empty_text": Case(
        (role(), text(""), tool_call(0, "call_1", "Bash", '{"command":"ls"}'), text(""), *CALLS_END),
        [used("call_1", command="ls")],
        "tool_use",
        TOOLS,
    ),
    "c33_characters_cut_in_two": Case(
        (role(), *split(SNOWMAN, SNOWMAN.index("☃".encode()) + 1, SNOWMAN.index("雪".encode()) + 2), *END),
        [said("☃ 雪")],
    ),
    "c34_two_megabytes_of_input": Case(
        (
            tool_call(0, "call_1", "Write", '{"content":"'),
            *(arguments(0, BIG[at : at + 65536]) for at in range(0, len(BIG), 65536)),
            arguments(0, '"}'),
            *CALLS_END,
        ),
        [used("call_1", "Write", content=BIG)],
        "tool_use",
        TOOLS,
    ),
    "c35_all_ways_to_write_events": Case((MESSY, *(piece.replace(b"\n", b"\r\n") for piece in END)), [said("ab")]),
    "c37_calls_that_did_not_come": Case((role(), text("Yes."), *CALLS_END), [said("Yes.")]),
    "c38_function_call": Case(
        (
            chunk({"function_call": {"name": "Bash", "arguments": '{"comm'}}),
            chunk({"function_call": {"arguments": 'and":"ls"}'}}),
            finish("function_call"),
            usage(),
            DONE,
        ),
        [{"type": "tool_use", "id": Beginning("toolu_"), "name": "Bash", "input": {"command": "ls"}}],
        "tool_use",
        TOOLS,
    ),
    "c39_two_choices": Case(
        (
            role(),
            event({"choices": [{"index": 1, "delta": {"content": "No."}}]}),
            text("Yes."),
            event({"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]}),
            *END,
        ),
        [said("Yes.")],
    ),
    "c40_tag_cut_in_two": Case(
        (role(), text("<th"), text("ink>I see.</thi"), text("nk>Yes."), *END),
        [thought("I see."), said("Yes.")],
        request=THINKING,
    ),
    "c40_no_tag_after_all": Case((role(), text("<th"), text("ree>"), *END), [said("<three>")], request=THINKING),
}

FAILURES: dict[str, Failure] = {
    "c23_nothing_at_all": Failure((role(), *END), "api_error", "empty answer"),
    "c25_end_without_finish": Failure((role(), text("Yes")), "api_error", "before the answer was finished"),
    "c25_cut_connection": Failure((role(), text("Yes"), CUT), "api_error", "broke off"),
    "c26_error_in_the_stream": Failure(
        (role(), text("Yes"), event({"error": {"message": "slow down", "code": 429}})), "rate_limit_error", "slow down"
    ),
    "c26_overloaded_in_the_stream": Failure(
        (role(), text("Yes"), event({"error": {"message": "overloaded", "type": "server_error"}})),
        "overloaded_error",
        "overloaded",
    ),
}


def body(case: str, dialect: str, request: Json) -> Json:
    """The client's request; its model's name tells the upstream which case it is."""
    return {"model": f"{dialect}/{case}", "max_tokens": 1000, "messages": [{"role": "user", "content": "go"}]} | request
