"""A value that a model wrote, mended against the JSON schema that the client declared.

Claude Code refuses a call whose input doesn't fit (``"allowed_domains": null`` is the famous one), and the
model then tries again, often in the same way.  Only what the schema refuses is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

DROP: Any = object()
"""Stands for a value to leave out."""

Schema = Mapping[str, Any]


def mend(value: Any, schema: object, *, required: bool, notes: list[str], place: str) -> Any:
    """``value`` as the schema wants it, DROP, or itself where nothing helps.  Each repair is noted."""
    if not isinstance(schema, Mapping):
        return value
    allowed = _types(schema)
    if not allowed or _fits(value, allowed):
        return _mend_inside(value, schema, notes, place)
    if not required and value in (None, ""):
        notes.append(f"{place}: {'null' if value is None else 'empty text'} dropped")
        return DROP
    for kind in allowed:
        mended = _COERCE[kind](value) if kind in _COERCE else DROP
        if mended is not DROP:
            notes.append(f"{place}: {_kind(value)} made {kind}")
            return _mend_inside(mended, schema, notes, place)
    return value


def mend_object(value: dict[str, Any], schema: Schema, notes: list[str], place: str) -> dict[str, Any]:
    """The members of an object, mended one by one."""
    required = _list(schema.get("required"))
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    mended = {
        key: mend(
            member, properties.get(key), required=key in required, notes=notes, place=f"{place}.{key}" if place else key
        )
        for key, member in value.items()
    }
    return {key: member for key, member in mended.items() if member is not DROP}


def _mend_inside(value: Any, schema: Schema, notes: list[str], place: str) -> Any:
    if isinstance(value, dict) and isinstance(schema.get("properties"), Mapping):
        return mend_object(value, schema, notes, place)
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        items = (mend(item, schema["items"], required=True, notes=notes, place=f"{place}[]") for item in value)
        return [item for item in items if item is not DROP]
    return value


def _types(schema: Schema) -> list[str]:
    """The types that a schema allows; empty where it doesn't say, which allows all."""
    if any(word in schema for word in ("$ref", "allOf", "not", "const")):
        return []
    if "enum" in schema and "type" not in schema:
        return []
    given = schema.get("type")
    if given is not None:
        kinds = [given] if isinstance(given, str) else _list(given)
        return [kind for kind in kinds if isinstance(kind, str)]
    branches = _list(schema.get("anyOf")) or _list(schema.get("oneOf"))
    found = [_types(branch) if isinstance(branch, Mapping) else [] for branch in branches]
    return [kind for kinds in found for kind in kinds] if all(found) else []


def _list(value: object) -> list[Any]:
    """A list where a schema should have one; people write schemas by hand."""
    return value if isinstance(value, list) else []


def _kind(value: object) -> str:
    return next(kind for kind, test in _TESTS.items() if test(value))


def _fits(value: object, allowed: list[str]) -> bool:
    return any(_TESTS.get(kind, bool)(value) for kind in allowed)


def _is_integer(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)


_TESTS: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _parsed(value: object, kind: str) -> Any:
    """A value that was written as JSON inside a string."""
    if not isinstance(value, str):
        return DROP
    try:
        inner = msgspec.json.decode(value.strip().encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return DROP
    return inner if _TESTS[kind](inner) else DROP


def _to_array(value: object) -> Any:
    parsed = _parsed(value, "array")
    return [value] if parsed is DROP and value is not None else parsed


def _to_string(value: object) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, bool | int | float) else DROP


def _to_boolean(value: object) -> Any:
    return {"true": True, "false": False}.get(value.strip().lower(), DROP) if isinstance(value, str) else DROP


_COERCE: dict[str, Callable[[Any], Any]] = {
    "boolean": _to_boolean,
    "integer": lambda value: _parsed(value, "integer"),
    "number": lambda value: _parsed(value, "number"),
    "string": _to_string,
    "array": _to_array,
    "object": lambda value: _parsed(value, "object"),
}
