"""A value that a model wrote, mended against the JSON schema that the client declared.

Claude Code refuses a call whose input doesn't fit (``"allowed_domains": null`` is the famous one), and the
model then tries again, often in the same way.  Only what the schema refuses is touched, and only if the
schema takes what it becomes; so input that fits is never changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from c2o.translate import loose_json

DROP: Any = object()
"""Stands for a value to leave out."""

AROUND_A_KEY = " \t\r\n\"'`"
"""What models put around a key by mistake."""

DEEPEST = 8
"""Schemas inside of schemas for one and the same value; they may refer to themselves."""

Schema = Mapping[str, Any]
Note = Callable[[str], None]


class Mender:
    """Mends values against one tool's schema; its ``$defs`` are what references mean."""

    def __init__(self, schema: Schema, note: Note, *, wraps: bool = True) -> None:
        self._root = schema
        self._note = note
        self._wraps = wraps
        """Whether a single value may become a list."""

    def members(self, value: dict[str, Any], *, taken: frozenset[str] = frozenset()) -> dict[str, Any]:
        """The top-level members of an input.  ``taken``: the keys of its other members."""
        for shape in self._shapes(self._root, value, 0):
            value = self._object(value, shape, "", taken)
        return value

    def value(self, value: Any, schema: object, *, required: bool, place: str) -> Any:
        """``value`` as the schema wants it, DROP, or itself where nothing helps.  Each repair is noted."""
        if self._accepts(schema, value):
            return self._inside(value, schema, place)
        if not required and (empty := _EMPTY.get(_word(value))):
            self._note(f"{place}: {empty} dropped")
            return DROP
        for candidate in self._candidates(value, schema, place):
            if self._accepts(schema, candidate):
                self._note(f"{place}: {_kind(value)} made {_kind(candidate)}")
                return self._inside(candidate, schema, place)
        return self._inside(value, schema, place)

    # What a schema says of a value, without looking inside of it ------------------------------------

    def _accepts(self, schema: object, value: Any, depth: int = 0) -> bool:
        """Whether a place takes the value; what it consists of is another place's matter."""
        schema = self._resolved(schema)
        if not isinstance(schema, Mapping):
            return schema is not False
        if depth > DEEPEST:
            return True
        if not all(test(schema[word], value) for word, test in _TESTS.items() if word in schema):
            return False
        every, *some = (_list(schema.get(word)) for word in ("allOf", "anyOf", "oneOf"))
        return all(self._accepts(each, value, depth + 1) for each in every) and all(
            any(self._accepts(each, value, depth + 1) for each in branches) for branches in some if branches
        )

    def _shapes(self, schema: object, value: Any, depth: int) -> Iterator[Schema]:
        """The schemas that describe what is inside of ``value``; none of a union that leaves a choice."""
        schema = self._resolved(schema)
        if not isinstance(schema, Mapping) or depth > DEEPEST:
            return
        if not schema.keys().isdisjoint(("properties", "additionalProperties", "items")):
            yield schema
        for each in _list(schema.get("allOf")):
            yield from self._shapes(each, value, depth + 1)
        for word in ("anyOf", "oneOf"):
            fitting = [each for each in _list(schema.get(word)) if self._accepts(each, value)]
            if len(fitting) == 1:
                yield from self._shapes(fitting[0], value, depth + 1)

    def _resolved(self, schema: object) -> object:
        """The schema that a reference means, with what stands beside it."""
        for _ in range(DEEPEST):
            if not isinstance(schema, Mapping) or not isinstance(reference := schema.get("$ref"), str):
                return schema
            beside = {word: said for word, said in schema.items() if word != "$ref"}
            target = self._target(reference)
            schema = {**target, **beside} if isinstance(target, Mapping) else beside
        return {}

    def _target(self, reference: str) -> object:
        """https://datatracker.ietf.org/doc/html/rfc6901, within the tool's own schema."""
        found: object = self._root
        first, *steps = reference.split("/")
        for step in steps:
            key = step.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, Mapping) else None
        return found if first == "#" else None

    # What is inside ------------------------------------------------------------------------------------

    def _inside(self, value: Any, schema: object, place: str) -> Any:
        for shape in self._shapes(schema, value, 0):
            if isinstance(value, dict):
                value = self._object(value, shape, f"{place}.", frozenset())
            elif isinstance(value, list) and "prefixItems" not in shape:
                value = [self.value(each, shape.get("items"), required=True, place=f"{place}[]") for each in value]
        return value

    def _object(self, value: dict[str, Any], shape: Schema, place: str, taken: frozenset[str]) -> dict[str, Any]:
        properties = shape.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        others = None if "patternProperties" in shape else shape.get("additionalProperties")
        required = _list(shape.get("required"))
        mended: dict[str, Any] = {}
        for said, member in value.items():
            key = self._key(said, properties, taken | value.keys())
            known = key in properties
            where = f"{place}{key}" if known else f"{place}*"  # a key that the model chose may be anybody's words
            schema = properties[key] if known else others or None
            mended[key] = self.value(member, schema, required=not known or key in required, place=where)
        return {key: member for key, member in mended.items() if member is not DROP}

    def _key(self, key: str, properties: Schema, taken: frozenset[str]) -> str:
        plain = key.strip(AROUND_A_KEY)
        if key in properties or plain not in properties or plain in taken:
            return key
        self._note(f"{plain}: characters around the key removed")
        return plain

    # What a value may have been meant to be ---------------------------------------------------------------

    def _candidates(self, value: Any, schema: object, place: str) -> Iterator[Any]:
        if isinstance(value, str):
            yield from _parsed(value)
        elif isinstance(value, bool | int | float):
            yield msgspec.json.encode(value).decode()
        if self._wraps and _word(value) not in _EMPTY and not isinstance(value, list):
            yield from self._wrapped(value, schema, place)

    def _wrapped(self, value: Any, schema: object, place: str) -> Iterator[list[Any]]:
        """``value`` as the only item of a list, if it makes a good one."""
        shape = next(self._shapes(schema, [value], 0), {})
        trial = Mender(self._root, _unsaid, wraps=False)
        item = trial.value(value, shape.get("items"), required=True, place=place)
        if self._accepts(shape.get("items"), item):
            yield [value]


def _unsaid(_: str) -> None:
    """A trial is not noted."""


# Keywords ------------------------------------------------------------------------------------------------


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


KINDS: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and value == int(value),
    "number": _is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _has_type(types: object, value: Any) -> bool:
    """A type that nobody knows takes everything; people write schemas by hand."""
    kinds = types if isinstance(types, list) else [types]
    return any(not isinstance(kind, str) or kind not in KINDS or KINDS[kind](value) for kind in kinds) or not kinds


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON has it: ``true`` isn't 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _in_enum(values: object, value: Any) -> bool:
    return not isinstance(values, list) or any(_same(each, value) for each in values)


def _long_enough(least: object, value: Any) -> bool:
    return not isinstance(value, str) or not isinstance(least, int | float) or len(value) >= least


def _takes_nothing(pattern: object, value: Any) -> bool:
    """Patterns are tried on empty text alone: a stranger's pattern can take forever on a long one."""
    if value != "" or not isinstance(pattern, str):
        return True
    try:
        return re.search(pattern, "") is not None
    except re.error:
        return True


NEVER_EMPTY = ("uri", "uuid", "email", "date", "time", "date-time", "hostname", "ipv4", "ipv6")
"""Formats (https://json-schema.org/understanding-json-schema/reference/type#format) that empty text hasn't."""

_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "type": _has_type,
    "enum": _in_enum,
    "const": _same,
    "minLength": _long_enough,
    "pattern": _takes_nothing,
    "format": lambda name, value: value != "" or name not in NEVER_EMPTY,
}
"""The keywords that are looked at; whatever else a schema says takes everything."""

# Values --------------------------------------------------------------------------------------------------

_EMPTY = {"": "empty text", "null": "null", "none": "null"}
"""What means that nothing is given, in lower case."""

_BOOLEANS = {"true": True, "false": False}


def _word(value: Any) -> str:
    """A value as one word, if it is one."""
    if value is None:
        return "null"
    return value.strip().lower() if isinstance(value, str) else "something"


def _parsed(text: str) -> Iterator[Any]:
    """What was written as JSON inside a string, or nearly."""
    if (word := _word(text)) in _BOOLEANS:
        yield _BOOLEANS[word]
    reading = loose_json.read(text)
    if reading is None or reading.rest.strip():
        return
    try:
        yield msgspec.json.decode(reading.json.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return


def _list(value: object) -> list[Any]:
    """A list where a schema should have one; people write schemas by hand."""
    return value if isinstance(value, list) else []


def _kind(value: object) -> str:
    return next(kind for kind, test in KINDS.items() if test(value))
