"""A tool's schema in the form that an upstream understands.

- ``openai``: the root is an object and nothing else, and lists say of what
  (https://platform.openai.com/docs/guides/function-calling).
- ``inlined``: what ``$ref`` refers to stands in its place.  The templates of many open models show a reference as it
  is, and the model guesses what it means.
- ``openapi``: Gemini's subset of OpenAPI, for which every other keyword is an error
  (https://ai.google.dev/api/caching#Schema).

Arguments are checked against the client's own schema, whatever form the upstream has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from c2o.translate.dialect import Dialect

Schema = dict[str, Any]

DEEPEST = 12
"""References inside of each other that are followed."""

OPENAPI = (
    "type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties", "required",
    "minLength", "maxLength", "pattern", "anyOf", "items", "minimum", "maximum", "propertyOrdering",
)  # fmt: skip
"""The keywords that Gemini knows."""

OPENAPI_FORMATS = ("date-time", "enum", "float", "double", "int32", "int64")

TOLD = ("format", "const", "default", "pattern", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
        "maxLength", "minItems", "maxItems", "uniqueItems")  # fmt: skip
"""Keywords that say something about a value in few words: where they are left out, the description says it."""


def fitted(schema: Raw, dialect: Dialect) -> Raw:
    """The schema for an upstream; byte for byte where there is nothing to change, for its prompt cache."""
    if dialect.schemas == "json_schema" and not dialect.schema_without:
        return schema
    given = msgspec.json.decode(schema)
    changed = _FORMS[dialect.schemas](_each(given, lambda each: _without(each, dialect.schema_without)))
    return schema if changed == given else Raw(msgspec.json.encode(changed))


# Walking --------------------------------------------------------------------------------------------

NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Keywords with a schema for each name.  The names are data, not keywords."""

NESTED = (
    "items", "additionalProperties", "contains", "not", "if", "then", "else", "propertyNames", "unevaluatedProperties",
    "unevaluatedItems", "anyOf", "oneOf", "allOf", "prefixItems",
)  # fmt: skip
"""Keywords with a schema, or a list of them."""


def _inside(schema: Schema, change: Callable[[Any], Any]) -> Schema:
    """A schema with each schema right inside of it changed."""
    changed = dict(schema)
    for keyword, value in schema.items():
        if keyword in NAMED and isinstance(value, dict):
            changed[keyword] = {name: change(each) for name, each in value.items()}
        elif keyword in NESTED:
            changed[keyword] = [change(each) for each in value] if isinstance(value, list) else change(value)
    return changed


def _each(schema: Any, change: Callable[[Schema], Schema]) -> Any:
    """A schema with it and all inside of it changed, the outer ones first."""
    return _inside(change(schema), lambda each: _each(each, change)) if isinstance(schema, dict) else schema


# References -----------------------------------------------------------------------------------------


def _inlined(schema: Any, root: Schema, inside: tuple[str, ...] = ()) -> Any:
    """``inside`` are the references that are being followed: one that leads back to itself ends, as anything."""
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        meant = {} if reference in inside or len(inside) == DEEPEST else _referred(reference, root)
        beside = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        return _inlined({**meant, **beside}, root, (*inside, reference)) if meant else beside
    here = {keyword: value for keyword, value in schema.items() if keyword not in ("$ref", "$defs", "definitions")}
    return _inside(here, lambda each: _inlined(each, root, inside))


def _referred(reference: str, root: Schema) -> Schema:
    """What ``#/$defs/Name`` names; nothing for a reference elsewhere."""
    found: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found if isinstance(found, dict) and reference.startswith("#/") else {}


# The root -------------------------------------------------------------------------------------------


def _plain_root(schema: Schema) -> Schema:
    """An object with the properties of all alternatives, none of which must be there."""
    branches = [each for keyword in ("allOf", "anyOf", "oneOf") for each in _list(schema.get(keyword))]
    merged = {name: value for each in branches for name, value in _dict(_dict(each).get("properties")).items()}
    rest = {keyword: value for keyword, value in schema.items() if keyword not in NOT_AT_ROOT}
    return {**rest, "properties": {**merged, **_dict(rest.get("properties"))}} if merged else rest


def _list(value: Any) -> list[Any]:
    """Clients' schemas may hold anything anywhere."""
    return value if isinstance(value, list) else []


def _dict(value: Any) -> Schema:
    return value if isinstance(value, dict) else {}


NOT_AT_ROOT = ("allOf", "anyOf", "oneOf", "enum", "not", "const")


def _with_items(schema: Schema) -> Schema:
    return {**schema, "items": {}} if schema.get("type") == "array" and "items" not in schema else schema


# Keywords -------------------------------------------------------------------------------------------


def _without(schema: Schema, keywords: Collection[str]) -> Schema:
    """A schema without these keywords; what they say of a value goes into the description."""
    left = {keyword: value for keyword, value in schema.items() if keyword not in keywords}
    said = [f"{keyword}: {_text(schema[keyword])}" for keyword in TOLD if keyword in schema and keyword not in left]
    if said:
        left["description"] = _joined(left, f"({', '.join(said)})")
    return left


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _as_openapi(schema: Schema) -> Schema:
    for change in (_one_type, _words_only, _merged, _alternatives, _known_format, _filled):
        schema = change(schema)
    return _without(schema, [keyword for keyword in schema if keyword not in OPENAPI])


def _one_type(schema: Schema) -> Schema:
    """``["string", "null"]`` is a string that may be null."""
    types = schema.get("type")
    if not isinstance(types, list):
        return schema
    others = [each for each in types if each != "null"]
    nullable = {"nullable": True} if len(others) < len(types) else {}
    if len(others) == 1:
        return {**schema, "type": others[0], **nullable}
    rest = {keyword: value for keyword, value in schema.items() if keyword != "type"}
    return {**rest, **nullable, **({"anyOf": [{"type": each} for each in others]} if others else {"type": "string"})}


def _words_only(schema: Schema) -> Schema:
    """A constant is a choice of one, and choices are words."""
    choices = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(choices, list):
        return schema
    rest = {keyword: value for keyword, value in schema.items() if keyword not in ("const", "enum", "format")}
    words = [each for each in choices if isinstance(each, str) and each]
    if len(words) < len([each for each in choices if each is not None]):
        return {**rest, "description": _joined(rest, f"(one of: {', '.join(map(_text, choices))})")}
    return {**rest, "type": "string", "enum": words, **({"nullable": True} if None in choices else {})}


def _joined(schema: Mapping[str, Any], more: str) -> str:
    """Its description, which may be anything, and more."""
    return f"{_text(schema.get('description', ''))} {more}".strip()


def _merged(schema: Schema) -> Schema:
    """All of several schemas at once, as far as that can be said in one."""
    parts = schema.get("allOf")
    if not isinstance(parts, list):
        return schema
    merged: Schema = {keyword: value for keyword, value in schema.items() if keyword != "allOf"}
    for part in (each for each in parts if isinstance(each, dict)):
        for keyword, value in part.items():
            before = merged.get(keyword)
            if isinstance(before, dict) and isinstance(value, dict):
                merged[keyword] = {**value, **before}
            elif keyword == "required" and isinstance(before, list):
                merged[keyword] = [*before, *(name for name in _list(value) if name not in before)]
            else:
                merged.setdefault(keyword, value)
    return merged


def _alternatives(schema: Schema) -> Schema:
    """``anyOf`` stands alone; a null among the alternatives is a property of the whole."""
    given = schema.get("anyOf", schema.get("oneOf"))
    if not isinstance(given, list):
        return schema
    others = [each for each in given if not (isinstance(each, dict) and each.get("type") == "null")]
    about: Schema = {keyword: schema[keyword] for keyword in ("description", "title", "nullable") if keyword in schema}
    if len(others) < len(given):
        about["nullable"] = True
    if schema.get("type") == "object" and "properties" in schema:
        return {keyword: value for keyword, value in schema.items() if keyword not in ("anyOf", "oneOf")}
    if len(others) == 1 and isinstance(others[0], dict):
        return _as_openapi({**others[0], **about})
    return {"anyOf": others, **about} if others else {"type": "string", **about}


def _known_format(schema: Schema) -> Schema:
    if schema.get("format") in (None, *OPENAPI_FORMATS):
        return schema
    return _without(schema, ("format",))


def _filled(schema: Schema) -> Schema:
    """Gemini: ``properties: should be non-empty for OBJECT type``, and lists must say of what."""
    left = {keyword: value for keyword, value in schema.items() if value or keyword not in ("properties", "items")}
    return {**left, "items": {"type": "string"}} if left.get("type") == "array" and "items" not in left else left


_FORMS: dict[str, Callable[[Schema], Schema]] = {
    "json_schema": lambda schema: schema,
    "openai": lambda schema: _each(_plain_root(schema), _with_items),
    "inlined": lambda schema: _inlined(schema, schema),
    "openapi": lambda schema: _each(_plain_root(_inlined(schema, schema)), _as_openapi),
}
