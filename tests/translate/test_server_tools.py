"""A history that began on Anthropic's own API, in whatever shape it comes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from c2o.errors import RequestError
from c2o.translate.content import text_of
from c2o.translate.conversation import Item
from c2o.translate.media import Media
from c2o.translate.server_tools import TELL, answered
from c2o.wire.anthropic import Block

RESULTS = [*(kind for kind in TELL if kind.endswith("result")), "web_fetch_tool_result", "compaction", "browser_state"]

FIELDS = ["content", "title", "url", "lines", "stdout", "error_code", "tool_references", "tool_name", "text", "type"]

anything = st.recursive(
    st.none() | st.integers(1, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
)


def as_item(**fields: Any) -> Item:
    return Item(msgspec.convert(fields, Block), 3, 1)


def raw(value: Any) -> Raw:
    return Raw(msgspec.json.encode(value))


def told(kind: str, content: Any) -> str:
    block = Block(type=kind, tool_use_id="s1", content=raw(content), tabs=raw(content), state_changes=raw(content))
    try:
        return text_of(Item(block, 3, 1), Media())
    except RequestError as refused:
        assert str(refused).startswith("messages.3.content.1")  # noqa: PT017 - either is right
        return ""


@pytest.mark.parametrize("kind", RESULTS)
@pytest.mark.parametrize("odd", [7, True, "text", [7], [[]], {"text": 7}, {}])
def test_a_result_of_an_odd_shape_is_text_or_refused(kind: str, odd: Any) -> None:
    for content in (odd, [odd], *({field: odd} for field in FIELDS)):
        assert isinstance(told(kind, content), str)


@given(st.sampled_from(RESULTS), anything)
def test_a_result_of_any_shape_is_text_or_refused(kind: str, content: Any) -> None:
    assert isinstance(told(kind, content), str)


def test_calls_without_their_result_are_left_out() -> None:
    search = as_item(type="server_tool_use", id="s1", name="web_search")
    other = as_item(type="mcp_tool_use", id="m1", name="echo")
    found = as_item(type="web_search_tool_result", tool_use_id="s1")
    said = as_item(type="text", text="ok")

    assert answered([search, found, said, other]) == [search, found, said]
    assert answered([said]) == [said]


@pytest.mark.parametrize("kind", ["server_tool_use", "mcp_tool_use"])
def test_a_call_without_anything_is_told(kind: str) -> None:
    assert text_of(as_item(type=kind), Media()) == "[used a tool {}]"
