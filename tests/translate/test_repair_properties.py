"""What holds for the repair of any arguments against any schema."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import assume
from hypothesis import strategies as st
from msgspec import Raw

from c2o.translate.tool_input import INVALID, Ending, ToolInput
from tests import grammar
from tests.examples import for_all
from tests.fake_upstream import DONE, arguments, finish, tool_call
from tests.strategies import cut
from tests.translate.talk import Json, request, stream, translator
from tests.translate.test_argument_faults import FAULTS, RECORDED, fitting

MARK = "__c2o_truncated__"

# ---- schemas, and values that fit them

words = st.text(st.sampled_from("ab \n\"'{}[],:/#\\`é🎉"), max_size=6) | st.sampled_from(
    ["", "5", "null", "true", "[]"]
)
names = st.sampled_from(["a", "b", "c", "a b", "é", "null"])

LEAVES: list[Json] = [
    {},
    {"type": "string"},
    {"type": "string", "minLength": 1},
    {"type": "string", "enum": ["x", "", "5"]},
    {"type": "integer"},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "null"},
    {"type": ["string", "null"]},
    {"enum": [1, "1", None, True]},
    {"const": "only"},
    {"$ref": "#/$defs/list"},
]


def around(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Schemas made of schemas."""
    return (
        st.builds(lambda items: {"type": "array", "items": items}, inner)
        | st.builds(lambda one, other: {"anyOf": [one, other]}, inner, inner)
        | st.builds(lambda one: {"allOf": [one]}, inner)
        | objects(inner)
    )


def objects(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.builds(
        lambda properties, required, others: {
            "type": "object",
            "properties": properties,
            "required": sorted(required & properties.keys()),
            "additionalProperties": others,
        },
        st.dictionaries(names, inner, max_size=4),
        st.sets(names),
        st.booleans() | inner,
    )


schemas = objects(st.recursive(st.sampled_from(LEAVES), around, max_leaves=5)).map(
    lambda schema: schema | {"$defs": {"list": {"type": "array", "items": {"type": "integer"}}}}
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 99) | st.just(1.5) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=4,
)

by_type: dict[str, st.SearchStrategy[Any]] = {
    "string": words,
    "integer": st.integers(-3, 99) | st.just(2.0) | st.just(12345678901234567890123),
    "number": st.just(1.5) | st.integers(0, 3),
    "boolean": st.booleans(),
    "null": st.none(),
}


def values(schema: Any, root: Json) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - a table
    """Values that mostly fit."""
    match schema:
        case {"$ref": _}:
            return values(root["$defs"]["list"], root)
        case {"enum": choices}:
            return st.sampled_from(choices)
        case {"const": value}:
            return st.just(value)
        case {"anyOf": branches} | {"allOf": branches}:
            return st.one_of([values(branch, root) for branch in branches])
        case {"type": "array"}:
            return st.lists(values(schema["items"], root), max_size=3)
        case {"type": "object"}:
            return fields(schema, root)
        case {"type": [*kinds]}:
            return st.one_of([by_type[kind] for kind in kinds])
        case {"type": kind}:
            return by_type[kind]
    return anything


def fields(schema: Json, root: Json) -> st.SearchStrategy[Json]:
    others = schema["additionalProperties"]
    known = {name: values(each, root) for name, each in schema["properties"].items()}
    needed = {name: known[name] for name in schema["required"]}
    more = st.dictionaries(names.map(lambda name: name + "+"), values(others, root), max_size=1 if others else 0)
    optional = {name: each for name, each in known.items() if name not in needed}
    return st.builds(lambda one, other: {**one, **other}, st.fixed_dictionaries(needed, optional=optional), more)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Json, Json]:
    """A schema, and an input that mostly fits."""
    schema = draw(schemas)
    return schema, draw(values(schema, schema))


spellings = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}])


def repaired(schema: Json, pieces: list[str], ending: Ending = "whole") -> tuple[str, list[str]]:
    notes: list[str] = []
    input = ToolInput(Raw(json.dumps(schema).encode()), notes.append)
    return "".join([input.feed(piece) for piece in pieces] + [input.close(ending)]), notes


# ---- what fits, and what doesn't


@for_all(cases(), spellings, st.data(), few=250)
def test_what_fits_stays_as_it_is(case: tuple[Json, Json], spelling: Json, data: st.DataObject) -> None:
    schema, value = case
    assume(jsonschema.Draft202012Validator(schema).is_valid(value))
    said = json.dumps(value, **spelling)

    assert repaired(schema, data.draw(cut(said))) == (said, [])


@for_all(cases(), st.dictionaries(names, anything, max_size=2), spellings, st.data(), few=250)
def test_what_does_not_fit_costs_no_other_member(
    case: tuple[Json, Json], wrong: Json, spelling: Json, data: st.DataObject
) -> None:
    schema, value = case
    value = value | wrong
    validator = jsonschema.Draft202012Validator(schema)

    text, notes = repaired(schema, data.draw(cut(json.dumps(value, **spelling))))

    told = grammar.strict_json(text)
    for name, member in value.items():
        place = schema["properties"].get(name, schema["additionalProperties"])
        if validator.evolve(schema=place | {"$defs": schema["$defs"]} if isinstance(place, dict) else place).is_valid(
            member
        ):
            assert told[name] == member
    if told != value:
        assert notes


# ---- what was cut off

CUT = [
    pytest.param(name, value, id=name)
    for name in ("Bash", "WebSearch", "TaskUpdate", "AskUserQuestion")
    for value in [fitting(RECORDED["2.1.197"][name])]
]


def answer(name: str, said: str, *end: bytes) -> grammar.Message:
    tools = [{"name": name, "input_schema": RECORDED["2.1.197"][name]}]
    pieces = [tool_call(0, "call_1", name), arguments(0, said), *end]
    return grammar.read(stream(translator(request(stream=True, tools=tools)), pieces))


@pytest.mark.parametrize(("name", "value"), CUT)
@pytest.mark.parametrize("indent", [None, 1])
def test_every_prefix_that_ran_out_of_tokens_is_refused(name: str, value: Json, indent: int | None) -> None:
    whole = json.dumps(value, indent=indent)
    for size in range(1, len(whole)):
        [call] = answer(name, whole[:size], finish("length"), DONE).calls

        assert call["input"].pop(MARK) is True
        assert list(call["input"].items()) == list(value.items())[: len(call["input"])]


@pytest.mark.parametrize(("name", "value"), CUT)
def test_every_prefix_of_a_broken_stream_stays_open(name: str, value: Json) -> None:
    whole = json.dumps(value)
    for size in range(1, len(whole)):
        told = answer(name, whole[:size])

        assert told.error is not None
        assert (told.calls, told.stop_reason) == ([], None)
        assert told.open is not None
        assert whole.startswith(told.open.get("partial_json", ""))


@pytest.mark.parametrize(("name", "value"), CUT)
def test_every_prefix_that_was_called_whole_gets_brackets_at_most(name: str, value: Json) -> None:
    whole = json.dumps(value)
    for size in range(1, len(whole)):
        [call] = answer(name, whole[:size], finish("tool_calls"), DONE).calls

        if call["input"].pop(MARK, False):
            assert list(call["input"].items()) == list(value.items())[: len(call["input"])]
        else:
            assert call["input"] == json.loads(whole[:size].rstrip(", ") + brackets(whole[:size]))


def brackets(prefix: str) -> str:
    """Those that a prefix leaves open, by looking at each of its characters.  Its strings hold no brackets."""
    assert prefix.count('"') % 2 == 0, "the end is inside of a string"
    opened: list[str] = []
    for letter in prefix:
        if letter in "{[":
            opened.append("}" if letter == "{" else "]")
        elif letter in "}]":
            opened.pop()
    return "".join(reversed(opened))


@pytest.mark.parametrize("reason", ["length", "tool_calls", "stop"])
@pytest.mark.parametrize("fault", ["code fence", "encoded twice", "comments", "single quotes", "trailing comma"])
def test_no_prefix_of_what_needs_repair_is_completed(fault: str, reason: str) -> None:
    """Either all of it came, or the client refuses the call."""
    schema = RECORDED["2.1.197"]["WebSearch"]
    for whole, meant in FAULTS[fault](schema, fitting(schema)):
        for size in range(1, len(whole)):
            [call] = answer("WebSearch", whole[:size], finish(reason), DONE).calls

            input = call["input"]
            if {MARK, INVALID} & input.keys():
                continue
            if fault in ("code fence", "encoded twice"):
                assert input == meant
            assert list(input) == list(meant)[: len(input)]
            assert all(member in (meant[name], []) for name, member in input.items())  # [] for [ and a bracket
