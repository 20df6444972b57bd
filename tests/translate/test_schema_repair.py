"""Values that a model wrote, mended against the schema that the client declared."""

from __future__ import annotations

import json
from typing import Any

import pytest

from c2o.translate.schema_repair import DROP, mend, mend_object

STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
ARRAY, OBJECT, BOOLEAN = {"type": "array", "items": STRING}, {"type": "object"}, {"type": "boolean"}
DEEP = {"type": "object", "properties": {"n": INTEGER, "list": ARRAY}}
MAYBE = {"anyOf": [STRING, {"type": "null"}]}

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
    # where the schema doesn't say, anything goes
    ({}, None, None),
    ({"enum": ["a"]}, None, None),
    ({"const": 5}, "5", "5"),
    ({"$ref": "#/$defs/A"}, "5", "5"),
    ({"allOf": [INTEGER]}, "5", "5"),
    ({"anyOf": [INTEGER, {"$ref": "#"}]}, "5", "5"),
    ({"oneOf": [INTEGER, ARRAY]}, "5", 5),
    ({"anyOf": [INTEGER, ARRAY]}, None, DROP),
    (True, None, None),
    (None, "5", "5"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "value", "expected"), MENDED)
def test_only_what_the_schema_refuses_is_touched(schema: Any, value: Any, expected: Any) -> None:
    notes: list[str] = []

    found = mend(value, schema, required=False, notes=notes, place="p")

    assert found is DROP if expected is DROP else (type(found), found) == (type(expected), expected)
    changed = found is DROP or json.dumps(found) != json.dumps(value)
    assert bool(notes) == changed
    assert all(note.startswith("p") for note in notes)


def test_a_required_member_is_never_dropped() -> None:
    schema = {"properties": {"a": ARRAY, "b": ARRAY}, "required": ["a"]}

    assert mend_object({"a": None, "b": None}, schema, [], "") == {"a": None}


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
    mend(value, schema, required=False, notes=[], place="p")
    mend_object({"a": value}, schema, [], "")


def test_values_are_not_noted() -> None:
    notes: list[str] = []

    mend_object({"pin": "90210"}, {"properties": {"pin": INTEGER}}, notes, "")

    assert notes == ["pin: string made integer"]
