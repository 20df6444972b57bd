"""A conversation with a person on a terminal: choices, lines, keys; each question becomes one line when it is answered.

``conversation()`` gives the best that the terminal can: choices drawn and moved through by keys, or, where it can't
move its cursor (``TERM=dumb``, no POSIX), numbered lines and typed answers.  It all goes to stderr.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from c2o.cli import output, terminal
from c2o.cli.output import Line, Span
from c2o.cli.terminal.entry import Entry
from c2o.cli.terminal.keys import Key, Keyboard, keyboard
from c2o.cli.terminal.menu import Menu, Option, Written
from c2o.cli.terminal.screen import Screen, size
from c2o.printable import printable

T = TypeVar("T")

LABELS = 10
"""Columns of what a line is about."""


class Back(Exception):
    """The person wants to go back: to the question before, or to that with this name."""

    def __init__(self, to: str = "") -> None:
        super().__init__(to)
        self.to = to


Check = Callable[[str], str]
"""Makes of what was typed what is meant.  Raises ValueError with what is wrong about it."""


class Asking(Protocol):
    """Every question raises Back, and KeyboardInterrupt or EOFError where the person stops."""

    answered: int
    """Questions so far."""
    rows: int
    """Rows of all that has been said so far."""

    def say(self, *lines: Line) -> None:
        """For good, or until it is taken back."""

    def take_back(self, rows: int) -> None:
        """What has been said since there were so many rows."""

    def choose(
        self, label: str, question: str, options: Sequence[Option[T]], *, at: int = 0, written: Written[T] | None = None
    ) -> T:
        """The value of an option; without a label nothing is left of the question."""

    def enter(self, label: str, question: str, default: str = "", check: Check = str) -> str:
        """A line; the default for an empty one, again until ``check`` takes it."""

    def secret(self, question: str) -> str:
        """A key, which is never shown."""


def told(label: str, *spans: Span) -> Line:
    """The line that a question becomes."""
    return [("✓ ", "green"), (f"{label:{LABELS}} ", "dim"), *spans]


def more(*spans: Span) -> Line:
    """Another line of the same."""
    return [" " * (LABELS + 3), *spans]


def asked(label: str, question: str, width: int = sys.maxsize) -> list[Line]:
    """The question, over as many lines as it takes."""
    head: Line = [("? ", "bold cyan"), *([(f"{label:{LABELS}} ", "bold")] if label else [])]
    begins = 2 + (LABELS + 1) * bool(label)
    first, *rest = textwrap.wrap(question, max(width - 1 - begins, 1)) or [""]
    style = "" if label else "bold"
    more: list[Line] = [[" " * begins, (each, style)] for each in rest]
    return [[*head, (first, style)], *more]


class OnScreen:
    """Questions that are drawn, and answered by keys."""

    def __init__(self, keys: Keyboard) -> None:
        self.answered = 0
        self.rows = 0
        self._keys = keys
        self._screen = Screen(sys.stderr)

    def say(self, *lines: Line) -> None:
        self.rows += self._screen.keep(lines)

    def take_back(self, rows: int) -> None:
        self._screen.take_back(self.rows - rows)
        self.rows = rows

    def choose(
        self, label: str, question: str, options: Sequence[Option[T]], *, at: int = 0, written: Written[T] | None = None
    ) -> T:
        menu = Menu(options, at=at, written=written, leave=self._leave)
        with self._cleared():
            option = self._chosen(menu, label, question)
        self._told(label, (option.answer or option.title, "bold"))
        return option.value

    @property
    def _leave(self) -> str:
        """Where Esc leads."""
        return "back" if self.answered else "quit"

    def _chosen(self, menu: Menu[T], label: str, question: str) -> Option[T]:
        while True:
            width, height = size()
            head = _with_typed(asked(label, question, width), menu.typed, width)
            height -= len(head) - 1
            self._screen.draw([*head, *menu.lines(width, height)])
            key = self._read()
            if key == "escape" and not menu.typed:
                raise Back
            if option := menu.press(key, menu.page(height) - 1):
                return option

    def _read(self) -> Key:
        key = self._keys.read()
        if key == "resumed":  # the shell has written below what was drawn
            self._screen.forget()
        return key

    def enter(self, label: str, question: str, default: str = "", check: Check = str) -> str:
        entry, wrong = Entry(), ""
        while True:
            with self._cleared():
                typed = self._typed(entry, label, question, default, wrong).strip() or default
            try:
                value = check(typed)
            except ValueError as error:
                wrong = str(error)
                continue
            self._told(label, (printable(value), "bold"))
            return value

    def secret(self, question: str) -> str:
        with self._cleared():
            key = self._typed(Entry(hidden=True), "", question).strip()
        self.answered += 1
        return key

    def _typed(self, entry: Entry, label: str, question: str, default: str = "", wrong: str = "") -> str:
        while True:
            width, _ = size()
            text, cursor = entry.shown(width - 4)
            shown: Span = text if text or not default else (printable(default)[: width - 4], "dim")
            head = asked(label, question, width)
            head[-1].append((f"   Esc {self._leave}", "dim"))
            if wrong:
                head.append([("  ✗ ", "red"), printable(wrong)])
            self._screen.draw([*head, [("› ", "bold cyan"), shown]], 2 + cursor)
            key = self._read()
            if key == "escape":
                raise Back
            if entry.press(key):
                return entry.text

    def _told(self, label: str, *spans: Span) -> None:
        self.answered += 1
        if label:
            self.say(told(label, *spans))

    @contextmanager
    def _cleared(self) -> Iterator[None]:
        """A question that is answered by what is pressed while it can be seen; however it ends, it is gone."""
        self._keys.forget()
        try:
            yield
        finally:
            self._screen.clear()


def _with_typed(question: list[Line], typed: str, width: int) -> list[Line]:
    """What has been typed behind the question; where there is no room for it, the end of it below."""
    if not typed:
        return question
    *above, last = question
    shown = printable(typed)
    if sum(len(span if isinstance(span, str) else span[0]) for span in last) + len(shown) + 3 <= width:
        return [*above, [*last, "  ", (shown, "cyan")]]
    room = max(width - 3, 1)
    return [*question, ["  ", (shown if len(shown) <= room else f"…{shown[1 - room :]}", "cyan")]]


BACK = "<"


class InLines:
    """Questions that are printed, and answered by a line."""

    SHOWN = 20
    """Options that are printed of a longer list."""

    def __init__(self) -> None:
        self.answered = 0
        self.rows = 0

    def say(self, *lines: Line) -> None:
        for line in lines:
            output.talk(line)

    def take_back(self, rows: int) -> None:
        """What is printed stays."""

    def choose(
        self, label: str, question: str, options: Sequence[Option[T]], *, at: int = 0, written: Written[T] | None = None
    ) -> T:
        self.say(*asked(label, question))
        menu = Menu(options, at=at, written=_unless_a_number(written))
        while True:
            found = menu.found
            self._list(found)
            answer = self._line("Number, or a part of a name", str(at + 1) if found == list(options) else "1")
            if option := _meant(answer, found, menu):
                self.answered += 1
                return option.value
            if not menu.found:
                self.say([("✗ ", "red"), f"nothing has {printable(answer)} in its name"])
                menu.typed = ""

    def _list(self, found: Sequence[Option[T]]) -> None:
        for number, each in enumerate(found[: self.SHOWN], start=1):
            self.say(
                [f" {number:3}  {printable(each.title)}", (f"  {printable(each.note)}" if each.note else "", "dim")]
            )
        if len(found) > self.SHOWN:
            self.say([(f"      … and {len(found) - self.SHOWN} more: type a part of a name", "dim")])

    def enter(self, label: str, question: str, default: str = "", check: Check = str) -> str:
        self.say(*asked(label, question))
        while True:
            try:
                value = check(self._line("It is", default))
            except ValueError as error:
                self.say([("✗ ", "red"), str(error)])
                continue
            self.answered += 1
            return value

    def secret(self, question: str) -> str:
        key = terminal.ask_hidden(question)
        if key == BACK:
            raise Back
        self.answered += 1
        return key

    def _line(self, question: str, default: str) -> str:
        answer = terminal.ask(f"{question} ({BACK} goes back)", default)
        if answer == BACK:
            raise Back
        return answer


def _unless_a_number(written: Written[T] | None) -> Written[T] | None:
    """A number that no option has is a mistake, and no model's name."""
    return written and (lambda typed: None if typed.isdigit() else written(typed))


def _meant(answer: str, found: Sequence[Option[T]], menu: Menu[T]) -> Option[T] | None:
    """The option that an answer names; otherwise the menu looks for it."""
    if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(found):
        return found[int(answer) - 1]
    if exact := next((each for each in found if each.title == answer), None):
        return exact
    menu.typed = answer
    return menu.found[0] if len(menu.found) == 1 else None


def draws() -> bool:
    """Can the terminal move its cursor, and give us single keys?"""
    return os.name == "posix" and os.environ.get("TERM", "dumb") != "dumb" and sys.stdin.isatty()


@contextmanager
def conversation() -> Iterator[Asking]:
    """With the person at the terminal."""
    if not draws():
        yield InLines()
        return
    with keyboard() as keys:
        yield OnScreen(keys)
