"""JSON schemas in few words."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def string(description: str = "") -> Schema:
    return _described({"type": "string"}, description)


def integer(description: str = "") -> Schema:
    return _described({"type": "integer"}, description)


def number(description: str = "") -> Schema:
    return _described({"type": "number"}, description)


def boolean(description: str = "") -> Schema:
    return _described({"type": "boolean"}, description)


def one_of(*words: str, description: str = "") -> Schema:
    return _described({"type": "string", "enum": list(words)}, description)


def array_of(items: Schema, length: int | None = None, description: str = "") -> Schema:
    size = {} if length is None else {"minItems": length, "maxItems": length}
    return _described({"type": "array", "items": items, **size}, description)


def any_of(*schemas: Schema, description: str = "") -> Schema:
    return _described({"anyOf": list(schemas)}, description)


def object_of(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": properties, **needed}


def _described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description} if description else schema
