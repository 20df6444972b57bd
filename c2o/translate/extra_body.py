"""What a configuration adds to the body of each request, for what no dialect knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw


def with_extra(body: bytes, extra: Mapping[str, Any]) -> bytes:
    """The JSON object ``body`` with more fields, which win.

    Objects are merged, field by field; None takes a field out.  All else stays byte for byte.
    """
    return msgspec.json.encode(_merged(body, extra)) if extra else body


def _merged(body: bytes | Raw, extra: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Raw])
    for name, value in extra.items():
        if value is None:
            fields.pop(name, None)
        elif isinstance(value, Mapping):
            fields[name] = _merged(_object(fields.get(name)), value)
        else:
            fields[name] = value
    return fields


def _object(value: Raw | None) -> bytes | Raw:
    """The object that is there; an empty one where there is none, or something else."""
    return value if value is not None and bytes(value).startswith(b"{") else b"{}"
