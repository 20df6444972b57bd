"""Editing JSON as text: members of an object are set and taken away, and every other byte stays as it is.

Settings are other people's files.  To parse and write them anew would lose their layout, escapes and numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(parse_int=float)


class Member(NamedTuple):
    """One ``"name": value``, by its places in the text."""

    name: str
    start: int
    value: int
    """Where its value begins."""
    end: int


class Object(NamedTuple):
    """An object in a text: from its ``{`` to behind its ``}``."""

    start: int
    end: int
    members: list[Member]

    def get(self, name: str) -> Member | None:
        return next((member for member in self.members if member.name == name), None)


def parsed(text: str) -> dict[str, Any]:
    """As strictly as Claude Code does.  Raises ValueError, in words that read after the file's name."""
    if not text.strip():
        raise ValueError("is empty")
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_int=float)  # an int may have too many digits
    except json.JSONDecodeError as error:
        raise ValueError(_what_is_wrong(text, error)) from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object, but " + ("an array" if isinstance(value, list) else "a single value"))
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"is not valid JSON: it has {name}")


def _what_is_wrong(text: str, error: json.JSONDecodeError) -> str:
    """In the words of whoever wrote it: what editors accept and JSON doesn't."""
    rest = text[error.pos :].lstrip()
    start = len(text) - len(rest)
    line = line_of(text, start)
    if not rest:
        return "ends in the middle"
    if rest.startswith(("//", "/*")):
        return f"has a comment (line {line})"
    if rest.lstrip(", \t\r\n").startswith(("}", "]")) and "," in (text[:start].rstrip()[-1:], rest[0]):
        return f"has a comma after the last entry (before line {line}, column {error.colno})"
    return f"is not valid JSON (line {error.lineno}, column {error.colno})"


def line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def scan(text: str, at: int = 0) -> Object:
    """The object at ``at``, spaces aside.  ``text`` must be valid there."""
    start = _past_space(text, at)
    members = list(_members(text, start + 1))
    end = _past_space(text, members[-1].end if members else start + 1)
    return Object(start, end + 1, members)


def _members(text: str, at: int) -> Iterator[Member]:
    at = _past_space(text, at)
    while text[at] != "}":
        start = _past_space(text, at + 1) if text[at] == "," else at
        name, after = _DECODER.raw_decode(text, start)
        value = _past_space(text, _past_space(text, after) + 1)
        _, end = _DECODER.raw_decode(text, value)
        yield Member(name, start, value, end)
        at = _past_space(text, end)


def _past_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def values(text: str, found: Object) -> dict[str, str]:
    """The members' values as they are written."""
    return {member.name: text[member.value : member.end] for member in found.members}


class Style(NamedTuple):
    """How an object is laid out."""

    pad: str
    """Before each member: a line's end and an indent, or spaces."""
    tail: str
    """Before the ``}``."""
    colon: str = ": "

    def deeper(self) -> Style:
        """Of an object that is a value in this one."""
        unit = self.pad[len(self.tail) :] if self.pad.startswith(self.tail) else ""
        return self._replace(pad=self.pad + unit, tail=self.pad) if "\n" in self.pad else self._replace(tail="")


def style(text: str, found: Object, default: Style) -> Style:
    if not found.members:
        return default
    first, last = found.members[0], found.members[-1]
    written = text[first.start : first.value].partition(json.dumps(first.name, ensure_ascii=False))[2]
    return Style(text[found.start + 1 : first.start], text[last.end : found.end - 1], written or default.colon)


def edited(text: str, found: Object, changes: Mapping[str, str | None], default: Style) -> str:
    """``text`` with members of one of its objects set to values as they are to be written, or (None) taken away.

    New members come last, laid out like those that are there; in an empty object by ``default``.
    """
    look = style(text, found, default)
    kept = [member for member in found.members if changes.get(member.name, "") is not None]
    parts = [
        _lead(text, found, member, first=not at) + _member(text, member, changes) for at, member in enumerate(kept)
    ]
    there = {member.name for member in found.members}
    new = [f"{json.dumps(name)}{look.colon}{value}" for name, value in changes.items() if value and name not in there]
    between = "," + (look.pad or (" " if look.colon.endswith(" ") else ""))
    parts += [(between if at or kept else look.pad) + each for at, each in enumerate(new)]
    inside = "".join(parts) + look.tail if parts else ""
    if not changes or (not parts and not found.members):
        return text
    return f"{text[: found.start]}{{{inside}}}{text[found.end :]}"


def _lead(text: str, found: Object, member: Member, *, first: bool) -> str:
    """What stands before a member that stays: spaces, and a comma if another one is before it."""
    at = found.members.index(member)
    if first or at == 0:
        return text[found.start + 1 : found.members[0].start]
    return text[found.members[at - 1].end : member.start]


def _member(text: str, member: Member, changes: Mapping[str, str | None]) -> str:
    value = changes.get(member.name) or text[member.value : member.end]
    return text[member.start : member.value] + value


def rendered(members: Mapping[str, str], look: Style) -> str:
    """An object, written out."""
    if not members:
        return "{}"
    between = "," + (look.pad or " ")
    return (
        "{" + look.pad + between.join(f"{json.dumps(n)}{look.colon}{v}" for n, v in members.items()) + look.tail + "}"
    )
