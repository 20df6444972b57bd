"""A body that isn't a Messages request: the 400 names the place as Anthropic writes it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from c2o.translate.invalid import not_a_request
from c2o.wire.anthropic import decode_request
from tests.translate.talk import request, user


def told(body: bytes) -> str:
    with pytest.raises(msgspec.DecodeError) as raised:
        decode_request(body)
    refused = not_a_request(raised.value)
    assert (refused.status, refused.type) == (400, "invalid_request_error")
    return str(refused)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no model": ({"model": None}, "model: Field required"),
    "no messages": ({"messages": None}, "messages: Field required"),
    "max_tokens": ({"max_tokens": "many"}, "max_tokens: Expected `int`"),
    "messages": ({"messages": {}}, "messages: Expected `array`, got `object`"),
    "a message": ({"messages": ["hi"]}, "messages.0: Expected `object`, got `str`"),
    "no role": ({"messages": [{"content": "hi"}]}, "messages.0.role: Field required"),
    "content": (
        {"messages": [user("a"), {"role": "user", "content": 5}]},
        "messages.1.content: Expected `str | array`",
    ),
    "a block": ({"messages": [user("a", 5)]}, "messages.0.content.1: Expected `object`, got `int`"),  # type: ignore[arg-type]
    "a type": ({"messages": [user({"text": "a"})]}, "messages.0.content.0.type: Field required"),
    "a text": (
        {"messages": [user("a"), user({"type": "text", "text": 5})]},
        "messages.1.content.0.text: Expected `str`",
    ),
    "a source": ({"messages": [user({"type": "image", "source": {"type": 5}})]}, "messages.0.content.0.source.type"),
    "tools": ({"tools": [{"name": "a"}, {"name": 5}]}, "tools.1.name: Expected `str`, got `int`"),
    "tool_choice": ({"tool_choice": {}}, "tool_choice.type: Field required"),
    "stop": ({"stop_sequences": ["a", 5]}, "stop_sequences.1: Expected `str`, got `int`"),
    "system": ({"system": [{"text": "a"}]}, "system.0.type: Field required"),
    "thinking": ({"thinking": {"type": "enabled", "budget_tokens": "9"}}, "thinking.budget_tokens: Expected `int"),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_place_is_named(what: str) -> None:
    fields, place = WRONG[what]

    assert told(json.dumps(request(**fields)).encode()).startswith(place)


@pytest.mark.parametrize("body", [b"", b"{", b'{"model": "m",}', b"hello"])
def test_what_is_no_json_is_said_to_be_none(body: bytes) -> None:
    assert told(body).startswith("The request body is not valid JSON: ")


@pytest.mark.parametrize("body", [b"[]", b"null", b"5"])
def test_what_is_no_object(body: bytes) -> None:
    assert told(body).startswith("Expected `object`")
