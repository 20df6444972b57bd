"""A choice from a list, as it is shown and moved through by keys: what is pressed goes in, lines come out.

Knows neither terminal nor keyboard; ``asking`` brings them together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from c2o.cli.output import Line
from c2o.cli.terminal.keys import Key
from c2o.printable import printable

T = TypeVar("T")

SHORT = 9
"""Options that a digit can name; in a longer list all that is typed is looked for."""

INDENT = 3
GAP = 2

LEAST, MOST = 3, 12
"""Options that are shown on the smallest of screens, and on the largest: what was said before stays in sight."""


class Option(NamedTuple, Generic[T]):
    """One thing that can be chosen."""

    value: T
    title: str
    note: str = ""
    style: str = "dim"
    """Of the note."""
    strong: bool = False
    answer: str = ""
    """How it is named once it has been chosen; its title, if there is nothing better."""


Written = Callable[[str], Option[T] | None]
"""An option that what has been typed is by itself, such as an address; None if it is none."""


class Menu(Generic[T]):
    """The state of a choice: what is looked for, and where one is."""

    def __init__(
        self, options: Sequence[Option[T]], *, at: int = 0, written: Written[T] | None = None, leave: str = "back"
    ) -> None:
        self._options = options
        self._written = written
        self._leave = leave
        self._top = 0
        self.typed = ""
        self.at = at if at < len(options) else 0

    @property
    def short(self) -> bool:
        return len(self._options) <= SHORT and self._written is None

    @property
    def found(self) -> list[Option[T]]:
        """The options that have all the words that are looked for."""
        words = self.typed.lower().split()
        found = [each for each in self._options if all(word in _searched(each) for word in words)]
        exact = any(each.title == self.typed.strip() for each in found)
        own = self._written(self.typed.strip()) if self._written and self.typed.strip() and not exact else None
        return [*found, own] if own else found

    @property
    def current(self) -> Option[T] | None:
        found = self.found
        return found[min(self.at, len(found) - 1)] if found else None

    def press(self, key: Key, page: int = 10) -> Option[T] | None:
        """Returns the option, if this key has chosen one."""
        count = len(self.found)
        if key == "enter":
            return self.current
        if key in MOVES or (key in LETTER_MOVES and self.short):
            self.at = MOVES[LETTER_MOVES.get(key, key)](self.at, count, page)
        elif self.short and len(key) == 1:
            return self._numbered(key)
        else:
            self._type(key)
        return None

    def _numbered(self, key: Key) -> Option[T] | None:
        if key in "123456789" and int(key) <= len(self._options):
            self.at = int(key) - 1
            return self.current
        return None

    def _type(self, key: Key) -> None:
        before = self.typed
        if key == "backspace":
            self.typed = self.typed[:-1]
        elif key in ("clear", "escape"):
            self.typed = ""
        elif len(key) == 1 and not (key == "/" and not self.typed):
            self.typed += key
        if self.typed != before:
            self.at = self._top = 0

    # What is shown

    def page(self, height: int) -> int:
        """Options that are shown at once, below the question and above the keys."""
        room = max(LEAST, min(MOST, height - 4))
        return len(self._options) + bool(self._written) if len(self._options) <= room else room - 1

    def lines(self, width: int, height: int) -> list[Line]:
        found, page = self.found, self.page(height)
        self.at = max(0, min(self.at, len(found) - 1))
        self._top = max(0, min(self._top, self.at, len(found) - page), self.at - page + 1)
        column = self._column(width)
        shown = found[self._top : self._top + page]
        lines = [self._line(number, each, column, width) for number, each in enumerate(shown, start=self._top)]
        if not found:
            lines.append([(" " * INDENT + "nothing has that in its name; Backspace takes it away", "dim")])
        if len(self._options) > page:
            lines += [[]] * (page - len(lines))
            lines.append([(" " * INDENT + self._elsewhere(len(found), page), "dim")])
        return [*lines, [(" " * INDENT + self.keys(width), "dim")]]

    def _column(self, width: int) -> int:
        """Wide enough for the titles, unless they leave no room for the notes."""
        title = max((len(each.title) for each in self._options), default=0)
        note = max((len(each.note) for each in self._options), default=0)
        left = width - INDENT - 2 * self.short - GAP - 1
        return min(title, max(left - note, width * 11 // 20))

    def _line(self, number: int, option: Option[T], column: int, width: int) -> Line:
        here = number == self.at
        mark: Line = [(" › ", "bold cyan") if here else " " * INDENT]
        if self.short:
            mark.append((f"{number + 1} ", "dim"))
        title = _fitted(printable(option.title), column)
        style = "bold cyan" if here else "bold" if option.strong else ""
        left = width - INDENT - 2 * self.short - column - GAP - 1
        note = _fitted(printable(option.note), left).rstrip() if option.note and left > len("…") else ""
        return [*mark, (title, style), " " * GAP, (note, option.style)] if note else [*mark, (title.rstrip(), style)]

    def _elsewhere(self, count: int, page: int) -> str:
        above, below = self._top, max(0, count - self._top - page)
        return "   ".join([f"↑ {above} more"] * bool(above) + [f"↓ {below} more"] * bool(below)) or f"{count} found"

    def keys(self, width: int) -> str:
        """What can be pressed, as far as there is room to say it."""
        parts = ["↑↓ move", *([] if self.short else ["type to filter"]), "Enter choose", f"Esc {self._leave}"]
        while len(" · ".join(parts)) > width - INDENT - 1 and len(parts) > 1:
            parts.pop(0)
        return " · ".join(parts)


def _searched(option: Option[T]) -> str:
    return f"{option.title} {option.note}".lower()


def _fitted(text: str, width: int) -> str:
    """Exactly so wide, unless it is made of wide characters."""
    return text.ljust(width) if len(text) <= width else text[: max(width - 1, 0)] + "…"


def _up(at: int, count: int, _: int) -> int:
    return (at - 1) % max(count, 1)


def _down(at: int, count: int, _: int) -> int:
    return (at + 1) % max(count, 1)


MOVES: dict[Key, Callable[[int, int, int], int]] = {
    "up": _up,
    "down": _down,
    "home": lambda *_: 0,
    "end": lambda _, count, __: max(count - 1, 0),
    "pageup": lambda at, _, page: max(at - page, 0),
    "pagedown": lambda at, count, page: max(min(at + page, count - 1), 0),
}
"""From where one is, the number of options and those of a page, to where one goes."""

LETTER_MOVES: dict[Key, Key] = {"j": "down", "k": "up"}
