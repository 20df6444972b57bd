"""Tools' schemas in the forms that upstreams understand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from msgspec import Raw

from c2o.translate.dialect import Dialect
from c2o.translate.schema_forms import OPENAPI, OPENAPI_FORMATS, fitted
from tests.examples import for_all

Json = dict[str, Any]

FORMS = ("openai", "inlined", "openapi")


def form(schema: Any, name: str, *without: str) -> Any:
    dialect = Dialect(schemas=name, schema_without=without)  # type: ignore[arg-type]
    return json.loads(bytes(fitted(Raw(json.dumps(schema).encode()), dialect)))


def object_of(**properties: Any) -> Json:
    return {"type": "object", "properties": properties}


OPENAPI_CASES: dict[str, tuple[Json, Json]] = {
    "one type or null": ({"type": ["integer", "null"]}, {"type": "integer", "nullable": True}),
    "several types": (
        {"type": ["integer", "string"], "description": "d"},
        {"anyOf": [{"type": "integer"}, {"type": "string"}], "description": "d"},
    ),
    "a null among alternatives": (
        {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "d"},
        {"type": "string", "nullable": True, "description": "d"},
    ),
    "alternatives": (
        {"oneOf": [{"type": "string", "format": "uri"}, {"type": "integer"}], "default": 1},
        {"anyOf": [{"type": "string", "description": "(format: uri)"}, {"type": "integer"}]},
    ),
    "numbers to choose from": (
        {"type": "integer", "enum": [1, 2]},
        {"type": "integer", "description": "(one of: 1, 2)"},
    ),
    "words to choose from, or none": (
        {"enum": ["a", "b", None]},
        {"type": "string", "enum": ["a", "b"], "nullable": True},
    ),
    "all of several": (
        {"allOf": [object_of(a={"type": "string"}), {"required": ["a"]}, object_of(b={"type": "string"})]},
        {**object_of(a={"type": "string"}, b={"type": "string"}), "required": ["a"]},
    ),
    "a list of what": ({"type": "array"}, {"type": "array", "items": {"type": "string"}}),
    "nothing in it": ({"type": "object", "properties": {}}, {"type": "object"}),
    "a known format": ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
    "a property that is called like a keyword": (
        object_of(const={"type": "string"}, additionalProperties={"type": "string"}),
        object_of(const={"type": "string"}, additionalProperties={"type": "string"}),
    ),
}


@pytest.mark.parametrize("case", OPENAPI_CASES)
def test_openapi(case: str) -> None:
    schema, expected = OPENAPI_CASES[case]

    assert form(object_of(it=schema), "openapi") == object_of(it=expected)


def test_references_are_followed() -> None:
    definitions = {"A": {"type": "string"}, "B": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}}
    schema = object_of(b={"$ref": "#/$defs/B", "description": "d"}, l={"type": "array", "items": {"$ref": "#/$defs/A"}})

    assert form({**schema, "$defs": definitions}, "inlined") == object_of(
        b={"type": "object", "properties": {"a": {"type": "string"}}, "description": "d"},
        l={"type": "array", "items": {"type": "string"}},
    )


def test_references_to_themselves_end() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#/$defs/T"}, "right": {"$ref": "#/$defs/T"}}}

    found = form({**object_of(t={"$ref": "#/$defs/T"}), "$defs": {"T": tree}}, "inlined")

    assert "$ref" not in json.dumps(found)
    assert len(json.dumps(found)) < 1_000


@pytest.mark.parametrize("reference", ["#/$defs/Gone", "https://elsewhere.example/x", "#", "#/type", 7])
def test_references_to_nothing_say_nothing(reference: object) -> None:
    assert (
        form(object_of(a={"$ref": reference, "description": "d"}), "inlined")["properties"]["a"]["description"] == "d"
    )


def test_keywords_that_are_refused_become_words() -> None:
    schema = object_of(a={"type": "integer", "multipleOf": 5, "description": "How many."})

    assert form(schema, "json_schema", "multipleOf") == object_of(
        a={"type": "integer", "description": "How many. (multipleOf: 5)"}
    )


@pytest.mark.parametrize("name", FORMS)
def test_what_needs_no_change_stays_byte_for_byte(name: str) -> None:
    """The upstream's prompt cache begins with the tools."""
    schema = Raw(b'{ "type":"object",  "properties":{"a":{"type":"string"}} }')

    assert fitted(schema, Dialect(schemas=name)) == schema  # type: ignore[arg-type]


WORDS = [
    "type", "properties", "items", "anyOf", "oneOf", "allOf", "enum", "const", "required", "$ref", "$defs", "format",
    "description", "not", "additionalProperties", "nullable", "a",
]  # fmt: skip
VALUES = ["object", "array", "string", "#/$defs/a", ["string", "null"]]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS), inside | st.sampled_from(VALUES), max_size=4)
    ),
    max_leaves=20,
)


@for_all(st.dictionaries(st.sampled_from(["type", "properties", "anyOf", "allOf", "$defs", "required"]), ANY_JSON))
def test_nothing_that_a_client_may_write_breaks_it(schema: Json) -> None:
    for name in FORMS:
        form(schema, name)
    assert not set(keywords(form(schema, "openapi"))) - set(OPENAPI)


def keywords(schema: Any) -> Iterator[str]:
    """Of a schema and those inside of it, as far as they are schemas at all."""
    if not isinstance(schema, dict):
        return
    yield from schema
    assert schema.get("format") in (None, *OPENAPI_FORMATS) or not isinstance(schema.get("format"), str)
    for name in ("properties",):
        for each in schema[name].values() if isinstance(schema.get(name), dict) else ():
            yield from keywords(each)
    for name in ("items", "anyOf"):
        inside = schema.get(name)
        for each in inside if isinstance(inside, list) else [inside]:
            yield from keywords(each)


@pytest.mark.parametrize("description", [True, None, 3, ["x"], {}])
@pytest.mark.parametrize("name", FORMS)
def test_a_description_that_is_no_text_does_no_harm(name: str, description: Any) -> None:
    odd = object_of(at={"type": "string", "format": "odd", "description": description})
    assert "at" in form(odd, name, "format")["properties"]
