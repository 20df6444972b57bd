"""Parts of a request that nobody has heard of, whatever their fields look like."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from c2o.translate import content, context_edits
from c2o.wire.anthropic import ContextEdit, MessagesRequest, decode_content, decode_request
from c2o.wire.tolerance import BLOCKS, EDITS

Json = dict[str, Any]

HELLO: Json = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}

ODD: list[Any] = [None, True, 7, 1.5, "word", [], [None], [[]], {}, {"type": "text"}, {"a": {"b": [1]}}]


def read(**fields: Any) -> MessagesRequest:
    return decode_request(json.dumps(HELLO | fields).encode())


def said(*blocks: Json, role: str = "user") -> Json:
    return {"messages": [{"role": role, "content": list(blocks)}]}


FIELDS = [
    field.name for field in msgspec.structs.fields(read(**said({"type": "text", "text": ""})).messages[0].content[0])
]


@pytest.mark.parametrize("field", [name for name in FIELDS if name != "type"])
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_a_block_of_tomorrow_may_reuse_any_name(field: str, value: Any) -> None:
    text = {"type": "text", "text": "a"}
    found = read(**said(text, {"type": "hologram", field: value}, text)).messages[0].content
    assert [block.type for block in found] == ["text", "hologram", "text"]


def test_its_words_are_kept() -> None:
    block = read(**said({"type": "hologram", "text": "words", "source": 5})).messages[0].content[0]
    assert block.text == "words"


def test_a_block_inside_of_a_result() -> None:
    inside = [{"type": "hologram", "title": {"of": "it"}}, {"type": "text", "text": "a"}]
    found = decode_content(Raw(json.dumps(inside).encode()))
    assert [block.type for block in found or []] == ["hologram", "text"]


def test_an_instruction_in_the_system_prompt() -> None:
    found = read(system=[{"type": "hologram", "id": 5}]).system
    assert [block.type for block in found or []] == ["hologram"]


@pytest.mark.parametrize("field", [field.name for field in msgspec.structs.fields(ContextEdit) if field.name != "type"])
def test_an_edit_of_tomorrow(field: str) -> None:
    found = read(context_management={"edits": [{"type": "fold_20270101", field: {"x": [1]}}]}).context_management
    assert [edit.type for edit in found.edits] == ["fold_20270101"]


def test_a_server_tool_of_tomorrow() -> None:
    tool = {"type": "web_search_20270101", "name": "web_search", "configs": ["a"], "max_characters": "many"}
    assert [each.name for each in read(tools=[tool]).tools or []] == ["web_search"]


def test_a_system_message_may_say_nothing_but_how_hard_to_think() -> None:
    found = read(messages=[*HELLO["messages"], {"role": "system", "output_config": {"effort": "low"}}]).messages
    assert (found[1].content, found[1].output_config.effort) == ([], "low")


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        (said({"type": "hologram", "id": 5}, {"type": "text", "text": 5}), "messages[0].content[1].text"),
        (said({"type": "image", "source": []}), "messages[0].content[0].source"),
        (said({"type": ["hologram"]}), "messages[0].content[0].type"),
        ({"messages": [{"role": "user"}]}, "messages[0]"),
        ({"messages": [{"role": "system"}]}, "messages[0]"),
        ({"messages": {}}, "messages"),
        ({"messages": [7]}, "messages[0]"),
        ({"tools": [{"name": 5}]}, "tools[0].name"),
        ({"tools": [{"type": "bash_20250124", "configs": 5}]}, "tools[0].configs"),
        ({"context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": []}]}}, "edits[0].keep"),
        ({"context_management": []}, "context_management"),
        ({"system": 5}, "system"),
    ],
)
def test_what_is_known_must_be_right(fields: Json, place: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        read(**fields)
    assert f"{place}`" in str(refused.value)


def test_what_is_no_json_behind_a_mistake_is_no_json() -> None:
    with pytest.raises(msgspec.DecodeError, match="malformed"):
        decode_request(b'{"messages": 5, nonsense')


def test_what_is_carried_stays_as_the_client_wrote_it() -> None:
    body = (
        b'{"model":"m","messages":[{"role":"user","content":[{"type":"hologram","id":1},'
        b'{"type":"tool_use","input":{"b": 1.0,\n"a":"\\u00e9"}}]}]}'
    )
    block = decode_request(body).messages[0].content[1]
    assert bytes(block.input) == b'{"b": 1.0,\n"a":"\\u00e9"}'


def test_the_tables_name_what_is_handled() -> None:
    """A type that is missing here would lose its fields silently when another part of the request is odd."""
    handled = {"text", "image", "document", "tool_use", "tool_result", *content.OPAQUE}
    assert handled | content._TELL.keys() | content._TELL_INSIDE.keys() == BLOCKS
    assert context_edits._EDITS.keys() == EDITS
