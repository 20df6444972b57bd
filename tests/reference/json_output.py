"""The page about what ``--json`` prints, made from the structs that are printed."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, inspect, structs

import c2o.cli
from tests.reference import docstrings

HEAD = """\
<!-- Made from the structs in c2o by: python -m tests.reference -->

# What `--json` prints

One object on stdout, its `schema` first. A field may be added under the same number; for anything else the number
changes. What went wrong is a `c2o.error/1`, and the exit code says it too. `?` marks a field that may be null.
"""


def page() -> str:
    return "\n".join([HEAD, *(line for struct in printed() for line in _schema(struct))]) + "\n"


def printed() -> list[type[Struct]]:
    """All structs with a schema of ours, in the order of their schemas."""
    for module in pkgutil.walk_packages(c2o.cli.__path__, "c2o.cli."):
        importlib.import_module(module.name)
    found = {_name(each): each for each in _all(Struct) if _name(each) and _is_shown(each)}
    return [found[name] for name in sorted(found)]


def _is_shown(struct: type[Struct]) -> bool:
    """By a command: not what the service answers, and not of a test."""
    return struct.__module__.startswith("c2o.") and ".proxy." not in struct.__module__


def _all(struct: type[Struct]) -> Iterator[type[Struct]]:
    for each in struct.__subclasses__():
        yield each
        yield from _all(each)


def _name(struct: type[Struct]) -> str:
    defaults = {field.name: field.default for field in structs.fields(struct)}
    name = defaults.get("schema", "")
    return name if isinstance(name, str) and name.startswith("c2o.") else ""


def _schema(struct: type[Struct]) -> Iterator[str]:
    yield f"## `{_name(struct)}`\n"
    yield from _fields(struct, {struct})


def _fields(struct: type[Struct], seen: set[type]) -> Iterator[str]:
    said, inside = docstrings.of(struct), dict[str, type[Struct]]()
    yield "| field | type | |\n|---|---|---|"
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        if field.encode_name != "schema":
            yield f"| `{field.encode_name}` | {_type(field.type, inside)} | {said.get(field.name, '')} |"
    yield ""
    for name, each in inside.items():
        if each not in seen:
            yield f"`{name}`:\n"
            yield from _fields(each, seen | {each})


PLAIN: dict[type, str] = {
    inspect.StrType: "text", inspect.IntType: "number", inspect.FloatType: "number", inspect.BoolType: "true or false",
    inspect.AnyType: "anything", inspect.NoneType: "null", inspect.RawType: "anything",
}  # fmt: skip


def _type(info: Any, inside: dict[str, type[Struct]]) -> str:
    if isinstance(info, inspect.StructType):
        inside[info.cls.__name__] = info.cls
        return f"`{info.cls.__name__}`"
    if isinstance(info, inspect.UnionType):
        kinds = [each for each in info.types if not isinstance(each, inspect.NoneType)]
        return " or ".join(dict.fromkeys(_type(each, inside) for each in kinds)) + ("?" if info.includes_none else "")
    if isinstance(info, inspect.LiteralType):
        return " or ".join(f"`{msgspec.json.encode(each).decode()}`" for each in info.values)
    if isinstance(info, inspect.DictType):
        return f"table of {_type(info.value_type, inside)}"
    if isinstance(info, inspect.CollectionType | inspect.VarTupleType):
        return f"list of {_type(info.item_type, inside)}"
    return PLAIN.get(type(info), "text")
