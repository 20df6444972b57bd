"""Something odd at every place of a request that has everything: it is translated, or refused with a sentence.

What escapes here would be a 500, on which clients try ten times more.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from c2o.errors import RequestError
from c2o.proxy.body import decoded
from c2o.translate.chat import ChatTranslator, prewarmed
from c2o.translate.context_edits import edited
from c2o.translate.dialects import DIALECTS
from c2o.translate.prompt_estimate import estimate
from c2o.wire.anthropic import decode_request
from tests.translate.talk import Json, job

MARK = {"type": "ephemeral", "ttl": "1h"}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
TEXT = {"type": "text", "text": "words", "cache_control": MARK}
PLAIN = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "abc"}, "title": "t"}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}
BOTH = {"type": "document", "source": {"type": "content", "content": [TEXT, PICTURE]}, "citations": {"enabled": True}}
FOUND = {"type": "search_result", "source": "https://a.example", "title": "t", "content": [TEXT]}
FETCHED = {"type": "web_fetch_result", "url": "https://a.example", "content": PLAIN}
STATE = {
    "type": "browser_state",
    "tabs": [{"tab_id": 1, "title": "t", "url": "u", "active": True}],
    "state_changes": {},
}
LATER = {"type": "tool_reference", "tool_name": "Later", "name": "Later"}
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"type": "array", "items": {"$ref": "#/$defs/x"}}},
    "required": ["a"],
    "additionalProperties": False,
    "$defs": {"x": {"type": "object", "anyOf": [{"type": "null"}], "enum": [1]}},
}


def served(number: int, name: str, input: Json, result: Any) -> list[Json]:
    """A call of a tool of Anthropic's own, and its result."""
    use = {"type": "server_tool_use", "id": f"srvtoolu_{number}", "name": name, "input": input}
    return [use, {"type": f"{name}_tool_result", "tool_use_id": use["id"], "content": result}]


EVERYTHING: Json = {
    "model": "claude-sonnet-5",
    "max_tokens": 5000,
    "stream": True,
    "system": [TEXT],
    "stop_sequences": ["END"],
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 4,
    "metadata": {"user_id": "u"},
    "thinking": {"type": "enabled", "budget_tokens": 1024, "display": "summarized"},
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": SCHEMA}},
    "context_management": {
        "edits": [
            {"type": "clear_thinking_20251015", "keep": {"type": "thinking_turns", "value": 1}},
            {
                "type": "clear_tool_uses_20250919",
                "trigger": {"type": "input_tokens", "value": 1},
                "keep": {"type": "tool_uses", "value": 0},
                "clear_at_least": {"type": "input_tokens", "value": 0},
                "exclude_tools": ["Later"],
                "clear_tool_inputs": True,
            },
        ]
    },
    "service_tier": "auto",
    "container": {"id": "c"},
    "mcp_servers": [],
    "cache_control": MARK,
    "tool_choice": {"type": "tool", "name": "Bash", "disable_parallel_tool_use": True},
    "tools": [
        {
            "name": "Bash",
            "description": "d",
            "input_schema": SCHEMA,
            "strict": True,
            "input_examples": [{"a": "b"}],
            "allowed_callers": ["direct"],
        },
        {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 100},
        {"type": "computer_20251124", "name": "computer", "display_width_px": 10, "display_height_px": 20},
        {"type": "computer_toolset_20260801", "configs": {"zoom": {"enabled": False, "defer_loading": True}}},
        {"type": "web_search_20250305", "name": "web_search", "allowed_domains": None},
        {"name": "Later", "input_schema": {"type": "object"}, "defer_loading": True},
    ],
    "messages": [
        {"role": "user", "content": [TEXT, PICTURE, PLAIN, PDF, BOTH, FOUND, {"type": "hologram", "of": [1]}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "t", "signature": "c2o1.abcd", "cache_control": MARK},
                {"type": "redacted_thinking", "data": "zzz"},
                *served(1, "web_search", {"query": "q"}, [{"type": "web_search_result", "title": "T", "url": "u"}]),
                *served(2, "web_fetch", {"url": "u"}, FETCHED),
                *served(3, "code_execution", {"code": "c"}, {"stdout": "o", "stderr": "", "return_code": 0}),
                *served(4, "tool_search", {"query": "q"}, {"tool_references": [LATER]}),
                {"type": "mcp_tool_use", "id": "m1", "name": "n", "server_name": "s", "input": {}},
                {"type": "mcp_tool_result", "tool_use_id": "m1", "is_error": False, "content": [TEXT]},
                {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"a": "b"}},
                {"type": "tool_use", "id": "toolu_2", "name": "zoom", "toolset_name": "computer", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "is_error": True,
                    "content": [TEXT, PICTURE, LATER, PLAIN, STATE, FOUND],
                },
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": "plain"},
                TEXT,
            ],
        },
        {
            "role": "system",
            "content": [
                {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "Later"}},
                {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "Later"}},
                TEXT,
            ],
            "output_config": {"effort": "low"},
            "clear_at": "next_user_message",
        },
        {
            "role": "assistant",
            "content": [
                {
                    "type": "compaction",
                    "content": "summary",
                    "tool_changes": [
                        {"type": "tool_addition", "tool": {"definition": {"name": "New", "input_schema": {}}}}
                    ],
                },
                {"type": "fallback", "from": {"model": "a"}},
            ],
        },
        {"role": "user", "content": "last"},
    ],
}

ODD: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, "", "x", "\0", "🎉", "\ud83d", "9" * 50, [], [None], [[]], ["a"], {},
    {"type": None}, {"type": "text"}, [{"type": "text", "text": "y"}], {"a": {"b": []}},
]  # fmt: skip

GONE = object()

Place = tuple[str | int, ...]


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Where something stands inside of a value."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*at, key)
        yield from places(value[key], (*at, key))


def changed(body: Json, place: Place, odd: Any) -> Json:
    body = copy.deepcopy(body)
    inside: Any = body
    for key in place[:-1]:
        inside = inside[key]
    if odd is GONE:
        del inside[place[-1]]
    else:
        inside[place[-1]] = odd
    return body


def translate(body: Json, dialect: str) -> None:
    """What ``POST /v1/messages`` and ``…/count_tokens`` do with a body.  Raises RequestError."""
    surroundings = job(dialect, model="anthropic/claude-sonnet-5")
    message, _ = edited(decoded(json.dumps(body).encode(), decode_request))
    estimate(message).total()
    if message.max_tokens == 0:
        prewarmed(message, surroundings)
    else:
        json.loads(ChatTranslator(message, surroundings).request().body)


def check(cases: Iterable[tuple[Place, Any]], dialect: str) -> None:
    told = []
    for place, odd in cases:
        try:
            translate(changed(EVERYTHING, place, odd), dialect)
        except RequestError as refused:
            told.append((refused.status, bool(str(refused))))
        except Exception as error:
            raise AssertionError(f"{place}: {odd!r}") from error
    assert set(told) == {(400, True)}


def test_a_request_with_everything_is_translated() -> None:
    for dialect in DIALECTS:
        translate(EVERYTHING, dialect)


@pytest.mark.parametrize("dialect", ["generic", "openrouter"])
def test_something_odd_at_every_place(dialect: str) -> None:
    values = [*ODD, GONE]
    check(((place, values[number % len(values)]) for number, place in enumerate(places(EVERYTHING))), dialect)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["generic", "openai", "gemini", "openrouter"])
def test_everything_odd_at_every_place(dialect: str) -> None:
    check(((place, odd) for place in places(EVERYTHING) for odd in [*ODD, GONE]), dialect)
