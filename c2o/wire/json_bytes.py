"""Editing JSON as bytes: values are replaced, members and elements taken away, and every other byte stays.

What is read here has been decoded before, so it is known to be JSON.  Strategy: one expression finds strings and
brackets at the speed of C; nothing inside of them is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

import msgspec

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]]', re.DOTALL)
_SCALAR = re.compile(rb"[^,\]}\s]*+")
_SPACE = re.compile(rb"[ \t\r\n]*+")

_OPENING, _CLOSING = b"{[", b"}]"


class Span(NamedTuple):
    """A value's place."""

    start: int
    end: int


class Member(NamedTuple):
    """``"name": value``, by its places."""

    name: str
    start: int
    value: int
    """Where its value begins."""
    end: int


class Edit(NamedTuple):
    start: int
    end: int
    text: bytes = b""


def object_at_start(data: bytes) -> int:
    """Where a document that is an object has its ``{``."""
    return _after_space(data, 0)


def is_object(data: bytes, at: int) -> bool:
    return data[at : at + 1] == b"{"


def members(data: bytes, at: int) -> Iterator[Member]:
    """The members of the object whose ``{`` is at ``at``; none where there is no object."""
    if not is_object(data, at):
        return
    at = _after_space(data, at + 1)
    while data[at] not in _CLOSING:
        behind_name = _matched(_STRING, data, at)
        value = _after_space(data, _after_space(data, behind_name) + 1)
        end = _end(data, value)
        yield Member(msgspec.json.decode(data[at:behind_name], type=str), at, value, end)
        at = _next(data, end)


def elements(data: bytes, at: int) -> Iterator[Span]:
    """The elements of the array whose ``[`` is at ``at``; none where there is no array."""
    if data[at : at + 1] != b"[":
        return
    at = _after_space(data, at + 1)
    while data[at] not in _CLOSING:
        end = _end(data, at)
        yield Span(at, end)
        at = _next(data, end)


Item = TypeVar("Item", Span, Member)


def without(items: Iterable[Item], unwanted: Callable[[Item], bool]) -> list[Edit]:
    """What takes the unwanted items out of their object or array, each with one comma."""
    all_items = list(items)
    doomed = [unwanted(item) for item in all_items]
    if all(doomed):
        return [Edit(all_items[0].start, all_items[-1].end)] if all_items else []
    last_kept = max(index for index, gone in enumerate(doomed) if not gone)
    return [
        Edit(all_items[index].start, all_items[index + 1].start)
        if index < last_kept
        else Edit(all_items[index - 1].end, all_items[index].end)
        for index, gone in enumerate(doomed)
        if gone
    ]


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """``data`` with edits that don't overlap."""
    pieces: list[bytes] = []
    at = 0
    for edit in sorted(edits):
        pieces += (data[at : edit.start], edit.text)
        at = edit.end
    return b"".join([*pieces, data[at:]]) if pieces else data


def _end(data: bytes, at: int) -> int:
    """Where the value that begins at ``at`` ends."""
    if data[at] == ord('"'):
        return _matched(_STRING, data, at)
    if data[at] not in _OPENING:
        return _matched(_SCALAR, data, at)
    depth = 0
    for token in _TOKEN.finditer(data, at):
        first = data[token.start()]
        if first in _OPENING:
            depth += 1
        elif first in _CLOSING:
            depth -= 1
            if not depth:
                return token.end()
    raise ValueError("not JSON")


def _next(data: bytes, end: int) -> int:
    """Behind a value and its comma: the next one, or the closing bracket."""
    at = _after_space(data, end)
    return _after_space(data, at + 1) if data[at] == ord(",") else at


def _after_space(data: bytes, at: int) -> int:
    return _matched(_SPACE, data, at)


def _matched(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    match = pattern.match(data, at)
    if match is None:
        raise ValueError("not JSON")
    return match.end()
