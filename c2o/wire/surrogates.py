r"""Halves of characters in JSON: who cuts text by UTF-16 units leaves ``\ud83c`` in one chunk, ``\udf89`` in the next.

JSON's grammar has them, Unicode has not (https://www.rfc-editor.org/rfc/rfc8259#section-8.2), and no decoder that keeps
to UTF-8 takes them.  All of this works on the JSON text, because there is nothing yet to look at.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    rb"\\(?:"
    rb"(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\\)"
)
"""Pairs, halves, and the backslash behind which neither is one; other escapes needn't be looked at."""

_ENDS_IN_HALF = re.compile(rb'(\\u[dD][89abAB][0-9a-fA-F]{2})(?=")')
_BEGINS_WITH_HALF = re.compile(rb'(?<=")(\\u[dD][c-fC-F][0-9a-fA-F]{2})')

REPLACEMENT = rb"\ufffd"


def has_halves(data: bytes) -> bool:
    return b"\\u" in data and any(found["half"] for found in _ESCAPE.finditer(data))


def without_halves(data: bytes) -> bytes:
    """With U+FFFD in the place of each half that has no other."""
    return _ESCAPE.sub(lambda found: REPLACEMENT if found["half"] else found[0], data)


def ends_in_half(data: bytes) -> bool:
    """Does a text in it end in a first half, so that the next chunk may bring the second?"""
    return has_halves(data) and bool(_ENDS_IN_HALF.search(data))


def joined(first: bytes, second: bytes) -> tuple[bytes, bytes]:
    """Two chunks, with the halves that the text of one ends in and that of the other begins with put together."""
    start, end = _ENDS_IN_HALF.search(first), _BEGINS_WITH_HALF.search(second)
    if start is None or end is None:
        return first, second
    return first[: start.start()] + first[start.end() :], second[: end.start()] + start[1] + second[end.start() :]
