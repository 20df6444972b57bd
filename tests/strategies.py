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


def nearly(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Once in thirty something odd: for what is nested deeply."""
    return st.integers(0, 29).flatmap(lambda number: odd if number == 17 else strategy)


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

# ---- requests as no client should send them

sources = st.fixed_dictionaries(
    {"type": nearly(st.sampled_from(["base64", "url", "text", "content", "file"]))},
    optional={
        "media_type": nearly(st.sampled_from(["image/png", "application/pdf", "text/plain", "x"])),
        "data": nearly(st.sampled_from(["aGVsbG8=", "no base64"])),
        "url": nearly(st.just("https://a.example/x.png")),
        "content": odd,
    },
)

BLOCK_TYPES = [
    *["text", "text", "image", "document", "tool_use", "tool_use", "tool_result", "tool_result", "thinking"],
    *[
        "redacted_thinking",
        "search_result",
        "tool_reference",
        "server_tool_use",
        "web_search_tool_result",
        "compaction",
    ],
    *["mcp_tool_use", "mcp_tool_result", "tool_addition", "tool_removal", "container_upload", "unheard_of"],
]

blocks = st.recursive(
    nearly(some_text.map(lambda text: {"type": "text", "text": text})),
    lambda inner: st.fixed_dictionaries(
        {"type": st.sampled_from(BLOCK_TYPES)},
        optional={
            "text": nearly(some_text),
            "source": nearly(sources),
            "id": nearly(st.sampled_from(["a", "b"])),
            "tool_use_id": nearly(st.sampled_from(["a", "b"])),
            "name": nearly(st.sampled_from(["Bash", "Read"])),
            "input": odd,
            "content": nearly(st.lists(inner, max_size=3)),
            "is_error": nearly(st.none() | st.booleans()),
            "thinking": nearly(some_text),
            "signature": nearly(st.sampled_from(["", "c2o1.", "c2o1.AAAA", "EpUB"])),
            "tool_name": nearly(st.just("Read")),
            "tool": nearly(st.just({"name": "Bash"})),
            "title": nearly(some_text),
        },
    ),
    max_leaves=6,
)

roles = st.sampled_from(["user", "user", "assistant", "system"])

messages = st.fixed_dictionaries({"role": nearly(roles), "content": nearly(some_text | st.lists(blocks, max_size=3))})

steps = st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True).map(
    lambda ids: [assistant("Let me see.", *map(tool_use, ids)), user(*map(tool_result, ids), "and?")]
)
"""A call or two, and the answer to them."""

conversations = st.builds(
    lambda first, step, rest: [first, *step, *rest],
    nearly(st.just(user("go"))),
    st.just([]) | steps,
    st.lists(messages, max_size=3),
)

schemas = st.recursive(
    odd | st.sampled_from(["string", "integer", "array", "object", "null"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "required", "items", "anyOf", "oneOf", "$ref", "command", "timeout"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
"""Schemas as people write them, and as they don't."""

tools = st.fixed_dictionaries(
    {},
    optional={
        "name": nearly(st.sampled_from(["Bash", "Read", "a.b", "x" * 90])),
        "type": nearly(
            st.sampled_from([None, "custom", "custom", "bash_20250124", "web_search_20250305", "unheard_of"])
        ),
        "description": nearly(some_text),
        "input_schema": schemas,
        "defer_loading": nearly(st.booleans()),
        "input_examples": nearly(st.lists(odd, max_size=2)),
    },
)

odd_requests = st.fixed_dictionaries(
    {"model": st.just("claude-sonnet-5"), "messages": conversations},
    optional={
        "max_tokens": nearly(st.just(100)),
        "system": nearly(st.lists(blocks, max_size=2)),
        "stream": nearly(st.booleans()),
        "tools": nearly(st.lists(tools, max_size=3)),
        "tool_choice": nearly(
            st.fixed_dictionaries(
                {"type": nearly(st.sampled_from(["tool", "any", "auto", "none"])), "name": nearly(st.just("Bash"))}
            )
        ),
        "stop_sequences": nearly(st.lists(some_text, max_size=2)),
        "temperature": nearly(st.floats(0, 1)),
        "thinking": nearly(st.sampled_from(THINKING)),
        "output_config": nearly(st.fixed_dictionaries({"effort": nearly(st.sampled_from(["low", "max", "x"]))})),
        "metadata": nearly(st.just({"user_id": "u"})),
    },
).map(lambda fields: {"max_tokens": 100} | fields)
