"""A body that isn't a Messages request, explained with the place as Anthropic writes it."""

from __future__ import annotations

import re

import msgspec

from c2o.errors import RequestError

_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_MISSING = re.compile(r"Object missing required field `(?P<field>\w+)`")


def not_a_request(error: Exception) -> RequestError:
    """The 400 for a body that msgspec refused: ``messages.3.content.0.text: Expected `str`, got `int```."""
    if not isinstance(error, msgspec.ValidationError):
        return RequestError(f"The request body is not valid JSON: {error}")
    text = str(error)
    found = _PLACE.search(text)
    path = _dotted(found["path"]) if found else []
    text = _PLACE.sub("", text)
    if missing := _MISSING.fullmatch(text):
        path, text = [*path, missing["field"]], "Field required"
    return RequestError(f"{'.'.join(path)}: {text}" if path else text)


def _dotted(path: str) -> list[str]:
    """``.messages[3].content`` → messages, 3, content."""
    return re.findall(r"\w+", path)
