"""Finding the beginning of a call that is written as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from c2o.translate.tool_text.families import ENDS, FAMILIES, JUNK, Family
from c2o.translate.tool_text.place import Place

HEAD = 3
"""Characters of a beginning by which it is looked for."""

LONGEST = 400
"""Characters that a beginning may have, with the white space in it."""


class Opening(NamedTuple):
    """One spelling of a beginning, around the name."""

    before: str
    after: str
    named: bool
    family: Family

    def look(self, text: str, names: Sequence[str]) -> str | None:
        """The tool that ``text`` begins a call of; empty if its name comes later.

        Raises TooEarly where ``text`` may be the beginning of one, but isn't all of it.
        """
        if not text.startswith(self.before):
            if self.before.startswith(text):
                raise TooEarly
            return None
        if not self.named:
            return ""
        rest, undecided = text[len(self.before) :], False
        for name in names:
            if rest[: len(name)].lower() == name.lower()[: len(rest)]:
                if self._ends(rest, len(name)):
                    return name
                undecided = undecided or self._may_end(rest, len(name))
        if undecided:
            raise TooEarly
        return None

    def _ends(self, rest: str, size: int) -> bool:
        return len(rest) >= size and any(rest[size:].startswith(end) for end in self._behind())

    def _may_end(self, rest: str, size: int) -> bool:
        return any(end.startswith(rest[size:]) for end in self._behind())

    def _behind(self) -> list[str]:
        """What stands behind the name."""
        return [self.after + ahead for ahead in self.family.ahead or ("",)]

    def size(self, name: str) -> int:
        return len(self.before) + len(name) + len(self.after)


class TooEarly(Exception):
    """Too little has come to say."""


class Begun(NamedTuple):
    """A call has begun."""

    family: Family
    name: str
    end: int
    """Where in the text its arguments start."""


def compact(text: str) -> str:
    return "".join(text.split())


def _openings() -> tuple[Opening, ...]:
    found = []
    for family in FAMILIES:
        for begin in family.begins:
            before, name, after = compact(begin).partition("NAME")
            found.append(Opening(before, after, bool(name), family))
    return tuple(found)


OPENINGS = _openings()

BARE = tuple(opening for opening in OPENINGS if opening.family.where == "start" and not opening.before)

_BY_MARK: dict[str, list[Opening]] = {}
for _opening in OPENINGS:
    _BY_MARK.setdefault(_opening.before[:1], []).append(_opening)


def begun(text: str, names: Sequence[str], place: Place) -> Begun | None:
    """The call that ``text`` at this place is the beginning of.  Raises TooEarly where it may become one.

    LONGEST characters are enough.
    """
    start, undecided = compact(text), False
    if not names:
        return None
    for opening in (*_BY_MARK.get(start[:1], ()), *BARE):
        if not place.takes(opening.family.where):
            continue
        try:
            name = opening.look(start, names)
        except TooEarly:
            undecided = True
            continue
        if name is not None:
            return Begun(opening.family, name, _behind(text, opening.size(name)))
    if undecided and len(text) < LONGEST:
        raise TooEarly
    return None


def _behind(text: str, count: int) -> int:
    """Where in ``text`` that many characters have come, white space not counted."""
    marks = re.finditer(r"\S", text)
    for _ in range(count - 1):
        next(marks)
    return next(marks).end()


def _trigger(words: Iterable[str]) -> re.Pattern[str]:
    """Finds the first HEAD characters of any of the words, or fewer at the end of a text."""
    heads = sorted({re.sub(r"\s", "", word)[:HEAD] for word in words})
    each = (f"{re.escape(head[0])}(?:{re.escape(head[1])}(?:{re.escape(head[2])}|\\Z)|\\Z)" for head in heads)
    return re.compile("|".join(each))


TRIGGER = _trigger(
    [
        JUNK,
        *ENDS,
        *(opening.before for opening in OPENINGS if opening.before and opening.family.where != "start"),
    ]
)
"""Where in the middle of a text a call, or the end of a turn, may begin."""
