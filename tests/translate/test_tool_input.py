"""Tool arguments while they stream: whole pairs, repaired, and nothing that the model didn't say."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from msgspec import Raw

from c2o.translate import tool_input
from c2o.translate.tool_input import Ending, ToolInput, TooMuchInput
from tests import grammar
from tests.examples import for_all
from tests.fake_upstream import DONE, chunk
from tests.strategies import PIECES_OF_INPUT, WELL, cut, reasons, schemas, some_text
from tests.translate.talk import Json, streamed, tool

BASH: Json = {
    "type": "object",
    "properties": {
        "command": {"type": "string"},
        "timeout": {"type": "integer"},
        "domains": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["command"],
}

MARK = {"__c2o_truncated__": True}
"""What makes a client refuse a call: no tool has such a parameter."""


def fed(pieces: Any, ending: Ending = "whole", schema: Json | None = BASH) -> str:
    """The input that these pieces make, as the client gets it."""
    input = ToolInput(Raw(json.dumps(schema).encode()) if schema else None, [].append)
    return "".join([input.feed(piece) for piece in pieces] + [input.close(ending)])


# ---- tables

REPAIRED = {
    # nothing to repair: byte for byte, whatever the spelling
    '{"command": "ls"}': '{"command": "ls"}',
    '{"command":"ls","timeout":5}': '{"command":"ls","timeout":5}',
    '{\n  "command" : "l\\u0073"\n}': '{\n  "command" : "l\\u0073"\n}',
    '{"command": "{\\"a\\": [1, 2}"}': '{"command": "{\\"a\\": [1, 2}"}',
    '{"command": "\\\\"}': '{"command": "\\\\"}',
    '{"unknown": {"a": [1, {"b": null}]}}': '{"unknown": {"a": [1, {"b": null}]}}',
    "  {}": "{}",
    "": "{}",
    " \n": "{}",
    # against the schema
    '{"command": "ls", "domains": null}': '{"command": "ls"}',
    '{"domains": null, "command": "ls"}': '{ "command": "ls"}',
    '{"timeout": null}': "{}",
    '{"timeout": "5"}': '{"timeout":5}',
    '{"timeout": ""}': "{}",
    '{"domains": "[\\"a\\", \\"b\\"]"}': '{"domains":["a","b"]}',
    '{"domains": "a"}': '{"domains":["a"]}',
    '{"command": 5}': '{"command":"5"}',
    '{"command": null}': '{"command": null}',  # required: the client's own error says it best
    '{" command ": "ls"}': '{"command":"ls"}',
    # against JSON
    '{"command": "ls",}': '{"command": "ls"}',
    '{"domains": ["a",]}': '{"domains": ["a"]}',
    '{"domains": ["x,]", ], "command": "ls", }': '{"domains": ["x,]" ], "command": "ls"}',
    '{"command": "ls", /* why */ "timeout": 5}': '{"command": "ls","timeout": 5}',
    '{"command": "ls" // it\'s "why"\n}': '{"command": "ls"}',
    '{"command": "ls", # }\n "domains": ["a"] # b\n} ': '{"command": "ls","domains": ["a"]}',
    "{'command': 'ls \"x\" \\'y\\'', 'b': [True, None]}": '{"command": "ls \\"x\\" \'y\'", "b": [true, null]}',
    '{"command": \'a, {b\', "timeout": "5"}': '{"command":"a, {b","timeout":5}',
    '{"command": "one\ntwo\tthree", "timeout": 5}': '{"command": "one\\ntwo\\tthree", "timeout": 5}',
    '{"command": "it\\\'s"}': '{"command": "it\'s"}',
    '{"timeout": 5,, "command": "ls"}': '{"timeout": 5, "command": "ls"}',
    '{"command": "ls", \'x\': 5} and more': '{"command": "ls","x": 5}',
    '{"command": "ls"}{"command": "ls"}': '{"command": "ls"}',
    '"{\\"command\\":\\"ls\\"}"': '{"command":"ls"}',
    '```json\n{"command": "ls"}\n```': '{"command": "ls"}',
    '```\n{"command": "ls", "timeout": "5"}': '{"command": "ls","timeout":5}',
    '```json {"command": "```\\n"}```': '{"command": "```\\n"}',
    '""': "{}",
    '"\\"{}\\""': "{}",
}
"""What a model writes → what the client gets."""


@pytest.mark.parametrize("said", REPAIRED)
def test_input_is_repaired_where_the_schema_or_json_refuses_it(said: str) -> None:
    assert fed([said]) == REPAIRED[said]


@pytest.mark.parametrize("said", REPAIRED)
def test_repairs_do_not_depend_on_the_cuts(said: str) -> None:
    assert fed(said) == REPAIRED[said]
    assert fed(said[at : at + 7] for at in range(0, len(said), 7)) == REPAIRED[said]


@pytest.mark.parametrize(
    "said",
    [
        "ls -la",
        "[1, 2]",
        "5",
        "null",
        '"ls"',
        '{"command" "ls"}',
        '{"command": "a\\d"}',
        '{"command": "echo "x""}',
        # which of the quotes is the end of the text?
        "{'command': 'echo 'x''}",
        "{'command': 'rm -rf '//tmp/x'\n}",
        '{"command": "rm -rf "//tmp/x"\n}',
        "{'command': 'a' 'b'}",
        "{'command': 'a', 'b'}",
        '{"command": [1 2], /**/}',
        "{'command': 'ls'",
        "{'command': 'l",
    ],
)
def test_what_is_no_object_is_shown_to_the_model_as_invalid(said: str) -> None:
    """Under the key that Anthropic's own documentation uses for it."""
    found = json.loads(fed([said]))

    assert list(found) == ["INVALID_JSON"]
    assert found["INVALID_JSON"] in said


CUT: dict[str, tuple[Json, Json, Json]] = {
    # what came            whole: tool_calls, stop        unsaid               cut: length and the like
    '{"command": "ls"':    ({"command": "ls"},            MARK,                MARK),
    '{"command": "ls",':   ({"command": "ls"},            {"command": "ls"},   {"command": "ls"}),
    '{"command": "rm -rf': (MARK,                         MARK,                MARK),
    '{"command": "a\\':    (MARK,                         MARK,                MARK),
    '{"domains": ["a"':    ({"domains": ["a"]},           MARK,                MARK),
    '{"domains": ["a':     (MARK,                         MARK,                MARK),
    '{"a": {"b": [1':      ({"a": {"b": [1]}},            MARK,                MARK),
    '{"comm':              (MARK,                         MARK,                MARK),
    '{"command":':         (MARK,                         MARK,                MARK),
    "{":                   ({},                           MARK,                MARK),
    "":                    ({},                           {},                  MARK),
    '{"timeout": 5}':      ({"timeout": 5},               {"timeout": 5},      {"timeout": 5}),
    '"{\\"a\\": 5}"':       ({"a": 5},                    {"a": 5},            {"INVALID_JSON": '"{\\"a\\": 5}"'}),
}  # fmt: skip


@pytest.mark.parametrize("said", CUT)
def test_what_was_cut_off_is_marked_and_only_brackets_are_ever_added(said: str) -> None:
    whole, unsaid, cut_off = CUT[said]

    assert json.loads(fed(said, "whole")) == whole
    if said.endswith(","):  # a pair was whole, and more was to come
        unsaid, cut_off = unsaid | MARK, cut_off | MARK
    assert json.loads(fed(said, "unsaid")) == unsaid
    assert json.loads(fed(said, "cut")) == cut_off


def test_a_pair_is_passed_on_as_soon_as_it_is_whole() -> None:
    input = ToolInput(Raw(json.dumps(BASH).encode()), [].append)

    assert input.feed('{"command": "l') == ""
    assert input.feed('s", "time') == '{"command": "ls"'
    assert input.feed('out": 5') == ""
    assert input.feed("}") == ', "timeout": 5}'
    assert input.close() == ""


def test_repairs_are_noted_without_the_values() -> None:
    notes: list[str] = []
    input = ToolInput(Raw(json.dumps(BASH).encode()), notes.append)

    input.feed('{"timeout": "90210", "domains": null}')

    assert any("timeout" in note for note in notes)
    assert any("domains" in note for note in notes)
    assert "90210" not in str(notes)


def test_input_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_input, "LIMIT", 100)
    input = ToolInput(None, [].append)

    input.feed('{"a": "' + "x" * 90)

    with pytest.raises(TooMuchInput):
        input.feed("x" * 10)


def test_nesting_without_end_is_invalid_rather_than_fatal() -> None:
    deep = "[" * 5000

    assert "INVALID_JSON" in fed(['{"a": ' + deep + "]" * 5000 + "}"])
    assert "INVALID_JSON" in fed([deep])
    assert json.loads(fed([json.dumps({"domains": deep})]))


def test_a_large_argument_is_read_in_linear_time() -> None:
    """Two megabytes in small pieces; a scanner that starts over at each piece would take minutes."""
    text = json.dumps({"command": 'x"\\{' * 500_000})

    assert fed(text[at : at + 50] for at in range(0, len(text), 50)) == text


# ---- properties

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(
    st.text(max_size=6).filter(lambda key: key == key.strip()), json_values, min_size=1, max_size=5
)
spelled = st.builds(
    lambda value, all_ascii, indent, separators: json.dumps(
        value, ensure_ascii=all_ascii, indent=indent, separators=separators
    ),
    objects,
    st.booleans(),
    st.none() | st.integers(0, 2),
    st.sampled_from([None, (",", ":"), (" , ", " : ")]),
)
"""Objects as JSON in any spelling."""


@for_all(spelled.flatmap(cut), few=200)
def test_valid_input_passes_byte_for_byte_in_whole_pairs(pieces: list[str]) -> None:
    input = ToolInput(None, [].append)
    so_far = ""
    for piece in pieces:
        so_far += input.feed(piece)
        assert "".join(pieces).startswith(so_far)
        if so_far and not input.complete:
            json.loads(so_far + "}")

    assert input.close("unsaid") == ""
    assert so_far == "".join(pieces)


@for_all(spelled, st.data(), st.sampled_from(["cut", "unsaid"]), few=200)
def test_what_was_not_said_is_never_completed(text: str, data: st.DataObject, ending: Ending) -> None:
    part = text[: data.draw(st.integers(1, len(text)), label="cut")]

    told = json.loads(fed([part], ending, schema=None))

    if part == text:
        assert told == json.loads(text)
        return
    original = list(json.loads(text).items())
    assert told.pop("__c2o_truncated__") is True
    assert list(told.items()) == original[: len(told)]


@for_all(spelled, st.data())
def test_only_brackets_are_ever_added_to_what_was_said(text: str, data: st.DataObject) -> None:
    part = text[: data.draw(st.integers(1, len(text)), label="cut")]

    told = json.loads(fed([part], "whole", schema=None))

    if "__c2o_truncated__" not in told:
        assert told in [json.loads(closed) for closed in closings(part) if parses(closed)]


def closings(part: str) -> Iterator[str]:
    """A text with up to five brackets behind it, with and without a comma at its end."""
    for text in (part, part.rstrip().removesuffix(",")):
        for size in range(6):
            yield from (text + "".join(brackets) for brackets in itertools.product("]}", repeat=size))


def parses(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@for_all(spelled, st.data(), reasons)
def test_the_closed_block_of_a_cut_call_is_marked(text: str, data: st.DataObject, reason: str | None) -> None:
    part = text[: data.draw(st.integers(1, len(text) - 1), label="cut")]
    head = {"index": 0, "id": "a", "function": {"name": "Free", "arguments": part}}

    told = streamed(chunk({"tool_calls": [head]}), chunk({}, reason), DONE, tools=[tool("Free")])

    if reason not in WELL and told.error is None:
        [call] = told.calls
        assert MARK.items() <= call["input"].items()


pieces_of_anything = st.lists(st.sampled_from(PIECES_OF_INPUT) | some_text | spelled, max_size=6)


@for_all(schemas, pieces_of_anything, st.sampled_from(["whole", "unsaid", "cut"]), few=300)
def test_anything_becomes_an_object_whatever_the_schema(schema: Any, pieces: list[str], ending: Ending) -> None:
    text = fed(pieces, ending, schema)

    assert isinstance(grammar.strict_json(text), dict)
