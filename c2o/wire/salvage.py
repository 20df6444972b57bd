"""What an upstream sent, as a type: a field of a shape that nobody expects is left out rather than losing the rest."""

from __future__ import annotations

from types import NoneType
from typing import Any, TypeVar, get_args, get_origin

import msgspec

T = TypeVar("T")


def decoded(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """One struct.  Raises msgspec.DecodeError where ``data`` isn't a JSON object."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        value = msgspec.json.decode(data)
    if not isinstance(value, dict):
        raise msgspec.DecodeError("not a JSON object")
    found: T = _as(decoder.type, value)
    return found


def _as(type: Any, value: dict[str, Any]) -> Any:
    """``value`` as the struct ``type``, without the fields that don't fit."""
    return type(**{field.name: _fitting(field.type, value.get(field.name)) for field in msgspec.structs.fields(type)})


def _fitting(type: Any, value: object) -> Any:
    try:
        return msgspec.convert(value, type, strict=False)
    except msgspec.ValidationError:
        return next((_salvage(part, value) for part in get_args(type) if part is not NoneType), None)


def _salvage(type: Any, value: object) -> Any:
    """What fits of ``value``: an object without its wrong fields, a list without its wrong items."""
    if isinstance(value, dict) and hasattr(type, "__struct_fields__"):
        return _as(type, value)
    if isinstance(value, list) and get_origin(type) is list:
        return [item for each in value if (item := _salvage(get_args(type)[0], each)) is not None]
    return None
