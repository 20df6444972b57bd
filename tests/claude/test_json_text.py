"""Editing JSON: what isn't edited stays to the byte, and what is added looks like the rest."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2o.claude import json_text
from c2o.claude.json_text import Style

DEFAULT = Style("\n  ", "\n")


def edited(text: str, **changes: str | None) -> str:
    return json_text.edited(text, json_text.scan(text), changes, DEFAULT)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", '{\n  "n": 1\n}'),
        ('{"a":1}', '{"a":1,"n":1}'),
        ('{"a": 1}', '{"a": 1, "n": 1}'),
        ('{ "a" : 1 }', '{ "a" : 1, "n" : 1 }'),
        ('{\n\t"a": [1, 2]\n}\n', '{\n\t"a": [1, 2],\n\t"n": 1\n}\n'),
        (
            '{\r\n    "a": "\\u00e9",\r\n    "b": 1.50\r\n}',
            '{\r\n    "a": "\\u00e9",\r\n    "b": 1.50,\r\n    "n": 1\r\n}',
        ),
        (' {"a": {"n": 2}} ', ' {"a": {"n": 2}, "n": 1} '),
    ],
)
def test_a_new_member_comes_last_and_goes_without_a_trace(before: str, after: str) -> None:
    assert edited(before, n="1") == after
    assert edited(after, n=None) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 1, "b": 2}', '{"b": 2}'),
        ('{\n  "a": 1,\n  "b": 2\n}', '{\n  "b": 2\n}'),
        ('{"a": 1}', "{}"),
        ('{"b": 2}', '{"b": 2}'),
        ("{ }", "{ }"),
    ],
)
def test_a_member_is_taken_away(before: str, after: str) -> None:
    assert edited(before, a=None) == after


def test_a_value_is_replaced_where_it_stands() -> None:
    assert edited('{"a" :  1 , "b":[ ]}', a='"x"') == '{"a" :  "x" , "b":[ ]}'


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(
    st.dictionaries(st.text(), values),
    st.dictionaries(st.text(), st.none() | values),
    st.sampled_from([None, 0, 2, "\t"]),
    st.booleans(),
)
def test_an_edit_means_what_it_says(before, changes, indent, ascii_only):
    text = json.dumps(before, indent=indent, ensure_ascii=ascii_only)
    written = {name: None if value is None else json.dumps(value) for name, value in changes.items()}
    after = json_text.edited(text, json_text.scan(text), written, DEFAULT)
    kept = {name: value for name, value in {**before, **changes}.items() if changes.get(name, True) is not None}
    assert json.loads(after) == kept


@given(st.dictionaries(st.text(), values), st.sampled_from([None, 0, 2, "\t"]))
def test_what_is_added_and_taken_away_again_leaves_no_trace(before, indent):
    text = json.dumps(before, indent=indent)
    new = {f"new {name}": "1" for name in before}
    after = json_text.edited(text, json_text.scan(text), new, DEFAULT)
    assert json_text.edited(after, json_text.scan(after), dict.fromkeys(new), DEFAULT) == text
