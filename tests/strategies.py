"""What upstreams may send, for property tests: mostly sense, with everything in it that has been seen to go wrong."""

from __future__ import annotations

import itertools
import json
from typing import Any

from hypothesis import strategies as st

from tests.fake_upstream import DONE, event, finish
from tests.translate.talk import assistant, decoded, request, tool, tool_result, tool_use, user

TOOLS = [
    tool("Bash", {"command": {"type": "string"}, "timeout": {"type": "integer"}}, ("command",)),
    tool("Read", {"file_path": {"type": "string"}, "pages": {"type": "array", "items": {"type": "integer"}}}),
]

USED_ID = "call_used"
"""The id of a call in the history of all requests here."""

some_text = st.text(st.sampled_from('ab \n{}[]"\\:,<>/thinkEND🎉é'), max_size=12) | st.sampled_from(
    ["<think>", "</think>", "EN", "END", "<th", "ink>", "\n\n", "hello"]
)

odd = st.none() | st.booleans() | st.integers(-2, 3) | st.just({}) | st.just([]) | st.just([None]) | some_text
"""What stands where something else should."""


def sometimes(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Three times out of four, else something odd."""
    return st.one_of(strategy, strategy, strategy, odd)


# ---- tool calls

PIECES_OF_INPUT = (
    r"""
{ | } | [1 | ] | " | , | \ | {"command" | : "ls |  -la" | {"command": "ls"} | {} | null | "timeout": null
{"command": "rm -rf /tmp/x" | , "timeout": "5" | "{\"command\":\"ls\"}"
""".strip()
    .replace("\n", "|")
    .split("|")
)

pieces_of_input = st.sampled_from(["", "```json\n{}\n```", *PIECES_OF_INPUT, *map(str.strip, PIECES_OF_INPUT)])

functions = st.fixed_dictionaries(
    {},
    optional={
        "name": sometimes(st.sampled_from(["", "Bash", "bash", "Read", "Re", "ad"])),
        "arguments": pieces_of_input | some_text | st.just({"command": "ls"}) | odd,
    },
)

fragments = st.fixed_dictionaries(
    {},
    optional={
        "index": sometimes(st.integers(0, 2)),
        "id": sometimes(st.sampled_from(["", "a", "b", USED_ID, "null"])),
        "type": st.just("function"),
        "function": functions,
    },
)

# ---- chunks

deltas = st.fixed_dictionaries(
    {},
    optional={
        "role": st.just("assistant"),
        "content": sometimes(some_text),
        "reasoning_content": sometimes(some_text),
        "reasoning": sometimes(some_text),
        "reasoning_details": sometimes(st.lists(st.fixed_dictionaries({}, optional={"text": odd, "index": odd}))),
        "refusal": st.sampled_from([None, None, "", "no"]) | odd,
        "tool_calls": sometimes(st.lists(fragments, max_size=3)),
        "function_call": st.none() | functions,
    },
)

numbers = sometimes(st.integers(0, 5000))

usages = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": numbers,
        "completion_tokens": numbers,
        "total_tokens": numbers,
        "prompt_tokens_details": st.none() | st.fixed_dictionaries({"cached_tokens": sometimes(st.integers(0, 9000))}),
        "completion_tokens_details": odd,
    },
)

WELL = ("stop", "tool_calls", "function_call")
"""Finish reasons that say that all is there."""

reasons = st.sampled_from([None, None, None, *WELL, "length", "content_filter", "error", "abort", "", "whatever"])

more = st.sampled_from([{}, {}, {}, {"choices": []}, {"choices": None}, {"x_groq": {"usage": {"prompt_tokens": 3}}}])

chunks = st.builds(
    lambda delta, reason, usage, more: event(
        {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], "usage": usage} | more
    ),
    deltas,
    reasons,
    usages,
    more,
)

errors = st.sampled_from([{"message": "overloaded", "code": 503}, "out of memory", {"code": 401}, [1], {"code": "429"}])

JUNK = rb"""
: keep-alive|data: ping|data: {"choices":|data: []|data: null|data: 5|event: x\ndata: {}|retry: 5|data: {\ndata: }
<html>|[1]|{"a":1}|data|data:|id: 7
"""

junk = st.sampled_from(
    [line.replace(rb"\n", b"\n") + b"\n\n" for line in JUNK.strip().replace(b"\n", b"|").split(b"|")]
)

# ---- answers

usual = st.lists(chunks, max_size=8)

unusual = st.lists(
    st.one_of(
        chunks,
        chunks,
        chunks,
        errors.map(lambda error: event({"error": error})),
        junk,
        st.binary(max_size=30),
        st.sampled_from([DONE, b"data: \xff\xfe\n\n"]),
    ),
    max_size=8,
)

endings = st.sampled_from([b"", finish("stop"), finish("tool_calls") + DONE, finish("length") + DONE, DONE])

answers = st.builds(lambda said, end: b"".join(said) + end, usual | unusual, endings)
"""The bytes of a stream."""

bodies = answers | st.recursive(odd, st.lists).map(lambda value: json.dumps(value).encode())
"""The bytes of an answer of any kind."""


@st.composite
def cut(draw: st.DrawFn, data: Any) -> list[Any]:
    """Bytes or text in up to seven pieces of any size."""
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    return [data[begin:end] for begin, end in itertools.pairwise([0, *places, len(data)])]


cut_answers = answers.flatmap(cut)

# ---- requests

CONVERSATION = [user("go"), assistant(tool_use(USED_ID)), user(tool_result(USED_ID))]

THINKING = [{"type": "adaptive"}, {"type": "disabled"}, {"type": "adaptive", "display": "omitted"}]

requests = st.fixed_dictionaries(
    {"messages": st.just(CONVERSATION), "stream": st.just(True)},
    optional={
        "tools": st.just(TOOLS),
        "tool_choice": st.just({"type": "any", "disable_parallel_tool_use": True}),
        "thinking": st.sampled_from(THINKING),
        "stop_sequences": st.sampled_from([["END"], ["E", "END", "ND"], ["\n\nE", "END"]]),
        "output_config": st.just({"format": {"type": "json_schema", "schema": {"type": "object"}}}),
    },
).map(lambda fields: decoded(request(**fields)))

dialects = st.sampled_from(["generic", "openai", "deepseek", "openrouter", "gemini", "mistral"])
