"""JSON edited as bytes: what isn't named stays, byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2o.wire.json_bytes import Edit, edited, elements, members, without

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
LAYOUTS = st.sampled_from([{}, {"separators": (",", ":")}, {"indent": 2}, {"ensure_ascii": False}, {"indent": "\t"}])


def texts(values: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return st.builds(
        lambda value, layout: json.dumps(value, **layout).encode("utf-8", "surrogatepass"), values, LAYOUTS
    )


@given(texts(st.dictionaries(st.text(max_size=3), VALUES)))
def test_members_are_what_a_parser_finds(data: bytes) -> None:
    found = {each.name: json.loads(data[each.value : each.end]) for each in members(data, 0)}

    assert found == json.loads(data)


@given(texts(st.lists(VALUES)))
def test_elements_are_what_a_parser_finds(data: bytes) -> None:
    assert [json.loads(data[span.start : span.end]) for span in elements(data, 0)] == json.loads(data)


@given(texts(st.lists(VALUES)), st.sets(st.integers(0, 5)))
def test_elements_are_taken_away_with_their_commas(data: bytes, unwanted: set[int]) -> None:
    spans = list(elements(data, 0))
    starts = {span.start for index, span in enumerate(spans) if index in unwanted}

    kept = edited(data, without(spans, lambda span: span.start in starts))

    assert json.loads(kept) == [value for index, value in enumerate(json.loads(data)) if index not in unwanted]


def test_a_name_may_be_there_twice_and_escaped() -> None:
    data = rb'{"model":"a","m\u006fdel" : "b"}'

    assert [(each.name, data[each.value : each.end]) for each in members(data, 0)] == [
        ("model", b'"a"'),
        ("model", b'"b"'),
    ]


@pytest.mark.parametrize("data", [b"[1]", b'"{"', b"7"])
def test_what_is_no_object_has_no_members(data: bytes) -> None:
    assert list(members(data, 0)) == []


def test_edits_are_made_in_the_order_of_their_places() -> None:
    assert edited(b"abcdef", [Edit(4, 5, b"E"), Edit(0, 1), Edit(6, 6, b"!")]) == b"bcdEf!"
