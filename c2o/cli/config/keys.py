"""Keys of the configuration as people write them, and their values: read, typed and shown by the file's own types."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Struct

from c2o.config import TABLES, Config, Targets, Upstream, quoted, texts
from c2o.config_mistakes import path_of, tables_in, unknown
from c2o.env_proxy import ENV
from c2o.errors import UsageError
from c2o.redaction import HARMLESS_HEADERS, without_what_looks_like_a_key
from c2o.secret import Keys, Secret, is_reference
from c2o.translate.dialect import Dialect

Place = tuple[str, ...]
"""The names that lead to a value."""

Header = NewType("Header", str)
"""Text that may hold a key."""

ONE_OR_MORE = (Keys, Targets)
"""One text, or a list of them."""

PRECISELY: dict[tuple[type, str], Any] = {
    (Upstream, "quirks"): Dialect,
    (Upstream, "headers"): dict[str, Header],
    (Upstream, "proxy"): Header,
}
"""What fields hold, where the file's types don't say it."""


def place_of(text: str, there: Mapping[str, Any]) -> Place:
    """The place that ``limits."nim/m".context_window`` names, or the same without quotes: shells eat them.

    ``there`` is what the file holds, to tell a dot in a name from one between names.  Raises UsageError for what no
    configuration can hold.
    """
    place = _as_toml(text) if '"' in text or "'" in text else _split(text, Config, there)
    type_at(place)
    return place


def type_at(place: Place) -> Any:
    """What may stand there.  Raises UsageError with the nearest key if there is no such place."""
    type: Any = Config
    for depth, name in enumerate(place):
        known = _fields(type)
        if known is not None and name not in known:
            above = f"{written(place[:depth])}: " if depth else ""
            raise UsageError(f"{above}{quoted(name)}: {unknown('key', name, known)}")
        type = _inside(type, name)
        if type is None:
            raise UsageError(f"{written(place[:depth])} has no keys: it is one value.")
    return type


def written(place: Place) -> str:
    """As TOML has it."""
    return ".".join(quoted(name) for name in place)


def find(tables: Any, place: Place) -> Any:
    """What the file holds there; UNSET if nothing."""
    for name in place:
        if not isinstance(tables, dict) or name not in tables:
            return UNSET
        tables = tables[name]
    return tables


def default(place: Place) -> Any:
    """What counts where the file says nothing; UNSET if nothing does."""
    table = type_at(place[:-1])
    if not _is_struct(table) or table is Dialect:  # what a quirk overrides is the family's
        return UNSET
    field = next(each for each in msgspec.structs.fields(table) if each.name == place[-1])
    value = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    simple = value is not None and value is not msgspec.NODEFAULT and not isinstance(value, Struct)
    return value if simple else UNSET


def typed(text: str, type: Any) -> Any:
    """A value as somebody typed it.  What doesn't fit the type stays text, for the configuration to refuse."""
    if is_text(type) and text[:1] not in ('"', "'") and not (type in ONE_OR_MORE and text[:1] == "["):
        return text
    try:
        return tables_in(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        if text[:1] in ("[", "{"):
            raise UsageError(f'{text} is not TOML: {error}. A list: ["a", "b"]; a table: {{ a = 1 }}') from None
        return text


def is_text(type: Any) -> bool:
    return type in (str, Secret, Header, *ONE_OR_MORE) or get_origin(type) is Literal


def shown(value: Any, type: Any) -> Any:
    """A value as it may be seen: without secrets."""
    if isinstance(value, dict):
        return {name: shown(inside, _inside(type, name)) for name, inside in value.items()}
    if isinstance(value, list | tuple):
        return [shown(each, type if type in ONE_OR_MORE else Any) for each in value]
    if not isinstance(value, str):
        return value
    return _hint(value) if type in (Secret, Keys, Header) else without_what_looks_like_a_key(value)


def are_references(text: str) -> bool:
    """Does a typed value, a list perhaps, say where secrets are, instead of being any?"""
    sources = texts(typed(text, Keys))
    return bool(sources) and all(map(is_reference, sources))


def _hint(source: str) -> str:
    if source.startswith("command:"):
        return "command:…"  # it may name an account, or worse
    return source if is_reference(source) or source == ENV else Secret(source).hint()


def _as_toml(text: str) -> Place:
    try:
        return path_of(text)
    except tomllib.TOMLDecodeError:
        raise UsageError(
            f"{text} is no key. Names are separated by dots, and quoted where they have other characters: "
            """'limits."nim/some-model".context_window'"""
        ) from None


def _split(text: str, type: Any, there: Any) -> Place:
    if not text:
        return ()
    name, rest = _first_name(text, type, there)
    return (name, *_split(rest, _inside(type, name), find(there, (name,))))


def _first_name(text: str, type: Any, there: Any) -> tuple[str, str]:
    """Names of upstreams and models may have dots: the longest counts that is there, or that leads to a known key."""
    parts = text.split(".")
    cuts = [(".".join(parts[:count]), ".".join(parts[count:])) for count in range(1, len(parts) + 1)]
    inside = _inside(type, "") if get_origin(type) is dict else None
    if is_text(inside):
        return cuts[-1]
    keys = _fields(inside)
    if keys is None:
        return cuts[0]
    fit = (cut for cut in reversed(cuts) if cut[1].partition(".")[0] in keys or find(there, cut[:1]) is not UNSET)
    return next(fit, cuts[max(0, len(cuts) - 2)])


def _fields(type: Any) -> dict[str, Any] | None:
    """The keys of a table of ours; None for anything else."""
    if not _is_struct(type):
        return None
    hints = get_type_hints(type)
    names = TABLES if type is Config else type.__struct_fields__
    return {name: PRECISELY.get((type, name)) or _plain(hints[name]) for name in names}


def _inside(type: Any, name: str) -> Any:
    """What a key of a table holds; None if this is no table or has no such key."""
    if (known := _fields(type)) is not None:
        return known.get(name)
    if get_origin(type) in (dict, Mapping):
        inside = _plain(get_args(type)[1])
        return str if inside is Header and name.lower() in HARMLESS_HEADERS else inside
    return Any if type is Any else None


def _plain(hint: Any) -> Any:
    """Without ``| None``."""
    if get_origin(hint) in (Union, UnionType):
        kinds = [each for each in get_args(hint) if each is not type(None)]
        return kinds[0] if len(kinds) == 1 else Any
    return hint


def _is_struct(type: Any) -> bool:
    return isinstance(type, msgspec.StructMeta)
