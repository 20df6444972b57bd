"""Values that a model wrote, mended against the schema that the client declared."""

from __future__ import annotations

import json
from typing import Any

import pytest

from c2o.translate.schema_repair import DROP, Mender

STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
ARRAY, OBJECT, BOOLEAN = {"type": "array", "items": STRING}, {"type": "object"}, {"type": "boolean"}
DEEP = {"type": "object", "properties": {"n": INTEGER, "list": ARRAY}}
MAYBE = {"anyOf": [STRING, {"type": "null"}]}

SHARED = {
    "properties": {"a": {"$ref": "#/$defs/a~1b"}},
    "$defs": {"a/b": {"type": "object", "properties": {"n": INTEGER, "next": {"$ref": "#/$defs/a~1b"}}}},
}

MENDED: list[tuple[Any, Any, Any]] = [
    # schema, what the model wrote, what the client gets for an optional member
    (ARRAY, None, DROP),
    (ARRAY, "", DROP),
    (INTEGER, None, DROP),
    (INTEGER, "", DROP),
    (OBJECT, None, DROP),
    (STRING, None, DROP),
    (STRING, "", ""),  # it fits
    (MAYBE, None, None),
    ({"type": ["string", "null"]}, None, None),
    (INTEGER, "5", 5),
    (INTEGER, " 5 ", 5),
    (INTEGER, 5.0, 5.0),  # a whole number, by JSON schema's own rule
    (INTEGER, 5.5, 5.5),  # nothing helps: the client's own words say it best
    (INTEGER, "five", "five"),
    (INTEGER, True, True),
    (NUMBER, "5.5", 5.5),
    (NUMBER, 5, 5),
    (BOOLEAN, "true", True),
    (BOOLEAN, "False", False),
    (BOOLEAN, "yes", "yes"),
    (STRING, 5, "5"),
    (STRING, 5.5, "5.5"),
    (STRING, True, "true"),
    (STRING, {"a": 1}, {"a": 1}),
    (ARRAY, '["a", "b"]', ["a", "b"]),
    (ARRAY, "a", ["a"]),
    (ARRAY, [1, "a"], ["1", "a"]),
    (ARRAY, ["a", None], ["a", None]),
    (OBJECT, '{"a": 1}', {"a": 1}),
    (OBJECT, "a", "a"),
    ({"type": "array", "items": DEEP}, [{"n": "1", "x": None}], [{"n": 1, "x": None}]),
    ({"type": "object", "properties": {"a": DEEP}}, {"a": {"list": None}}, {"a": {}}),
    # values, not types
    ({"enum": ["a"]}, None, DROP),
    ({"type": "string", "enum": ["a"]}, "", DROP),
    ({"type": "string", "enum": ["a", ""]}, "", ""),
    ({"type": "string", "minLength": 1}, "", DROP),
    ({"type": "string", "pattern": "^x"}, "", DROP),
    ({"type": "string", "pattern": "x*"}, "", ""),
    ({"type": "string", "pattern": "["}, "", ""),  # a pattern that can't be read
    ({"type": "string", "format": "uri"}, "", DROP),
    ({"anyOf": [{"type": "string", "enum": ["a"]}, {"const": "b"}]}, "", DROP),
    ({"const": 5}, "5", 5),
    ({"enum": [1, 2]}, "2", 2),
    ({"enum": [1]}, True, True),
    ({"type": "string", "enum": ["5"]}, 5, "5"),
    ({"type": "string", "enum": ["6"]}, 5, 5),
    # words for nothing
    (INTEGER, "null", DROP),
    (ARRAY, "None", DROP),
    (STRING, "null", "null"),
    # nearly JSON, inside of a string
    (ARRAY, "['a', 'b']", ["a", "b"]),
    (ARRAY, '["a", ]', ["a"]),
    (OBJECT, "{'a': True}", {"a": True}),
    # one value for many, where it makes a good one
    ({"type": "array"}, 5, [5]),
    ({"type": "array", "items": INTEGER}, "5", [5]),
    ({"type": "array", "items": DEEP}, {"n": "5"}, [{"n": 5}]),
    ({"type": "array", "items": DEEP}, "five", "five"),
    ({"type": "array", "items": {"$ref": "#"}}, 5, 5),
    # references
    (SHARED, {"a": '{"n": "5"}'}, {"a": {"n": 5}}),
    (SHARED, {"a": {"next": {"next": {"n": "5"}}}}, {"a": {"next": {"next": {"n": 5}}}}),
    ({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, None, None),
    ({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}, "5", "5"),
    ({"$ref": "#"}, "5", "5"),
    # members that have no name in the schema
    ({"type": "object", "additionalProperties": INTEGER}, {"x": "5", "y": None}, {"x": 5, "y": None}),
    ({"type": "object", "additionalProperties": False}, {"x": None}, {"x": None}),
    # a choice that is left open
    ({"anyOf": [DEEP, {"type": "object", "properties": {"n": STRING}}]}, {"n": 5}, {"n": 5}),
    ({"anyOf": [DEEP, {"type": "null"}]}, {"n": "5"}, {"n": 5}),
    # where the schema doesn't say, anything goes
    ({}, None, None),
    ({"$ref": "#/$defs/A"}, "5", "5"),
    ({"allOf": [INTEGER]}, "5", 5),
    ({"anyOf": [INTEGER, {"$ref": "#"}]}, "5", "5"),
    ({"oneOf": [INTEGER, ARRAY]}, "5", 5),
    ({"anyOf": [INTEGER, ARRAY]}, None, DROP),
    (True, None, None),
    (None, "5", "5"),
]  # fmt: skip


def mended(value: Any, schema: Any, notes: list[str]) -> Any:
    """An optional member that is all of its schema."""
    root = schema if isinstance(schema, dict) else {}
    return Mender(root, notes.append).value(value, schema, required=False, place="p")


@pytest.mark.parametrize(("schema", "value", "expected"), MENDED)
def test_only_what_the_schema_refuses_is_touched(schema: Any, value: Any, expected: Any) -> None:
    notes: list[str] = []

    found = Mender(schema if isinstance(schema, dict) else {}, notes.append).value(
        value, schema, required=False, place="p"
    )

    assert found is DROP if expected is DROP else (type(found), found) == (type(expected), expected)
    changed = found is DROP or json.dumps(found) != json.dumps(value)
    assert bool(notes) == changed
    assert all(note.startswith("p") for note in notes)


def test_a_required_member_is_never_dropped() -> None:
    schema = {"properties": {"a": ARRAY, "b": ARRAY}, "required": ["a"]}

    assert Mender(schema, [].append).members({"a": None, "b": None}) == {"a": None}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 5},
        {"type": [5, {}]},
        {"type": "object", "required": True, "properties": {"a": INTEGER}},
        {"type": "object", "required": None, "properties": None},
        {"type": "object", "properties": {"a": None, "b": 5}},
        {"anyOf": True},
        {"oneOf": {"type": "string"}},
        {"items": 5, "type": "array"},
        {"type": "unheard of"},
    ],
)
@pytest.mark.parametrize("value", [None, "x", {"a": "1", "b": None}, [1]])
def test_schemas_written_by_hand_do_no_harm(schema: Any, value: Any) -> None:
    Mender(schema, [].append).value(value, schema, required=False, place="p")
    Mender(schema, [].append).members({"a": value})


@pytest.mark.parametrize("dressed", [" a", "a\n", '"a"', "'a'", "`a`"])
def test_what_stands_around_a_key_is_removed(dressed: str) -> None:
    schema = {"properties": {"a": STRING, "b": DEEP}}
    notes: list[str] = []

    assert Mender(schema, notes.append).members({dressed: "x"}) == {"a": "x"}
    assert Mender(schema, notes.append).members({dressed: "x"}, taken=frozenset({"a"})) == {dressed: "x"}
    assert Mender(schema, notes.append).members({dressed: "x", "a": "y"}) == {dressed: "x", "a": "y"}
    assert notes == ["a: characters around the key removed"]


def test_values_are_not_noted() -> None:
    notes: list[str] = []

    Mender({"properties": {"pin": INTEGER}}, notes.append).members({"pin": "90210"})

    assert notes == ["pin: string made integer"]


def test_keys_that_the_model_chose_are_not_noted() -> None:
    notes: list[str] = []
    schema = {"properties": {"by_name": {"additionalProperties": INTEGER}}}

    assert Mender(schema, notes.append).members({"by_name": {"Ada": "5"}}) == {"by_name": {"Ada": 5}}
    assert notes == ["by_name.*: string made integer"]
