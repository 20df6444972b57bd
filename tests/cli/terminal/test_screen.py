"""A block that is drawn anew in its place, and lines that stay."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from c2o import shown
from c2o.cli.output import Line
from c2o.cli.terminal import screen
from c2o.cli.terminal.asking import more, told
from c2o.cli.terminal.screen import Screen
from tests.cli.on_a_terminal import drawn


class Stream(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def sized(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Gives the terminal a size; it takes no colours."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")

    def to(columns: int, rows: int = 24) -> None:
        monkeypatch.setattr(screen, "size", lambda: (columns, rows))

    to(40)
    return to


def test_the_newest_drawing_is_what_is_seen(sized: Callable[[int, int], None]) -> None:
    stream = Stream()
    there = Screen(stream)
    there.draw([["one"], ["two"], ["three"]])
    there.draw([["1"], ["2"]])
    assert drawn(stream.getvalue()) == "1\n2"
    there.clear()
    assert drawn(stream.getvalue()) == ""
    there.keep([["kept"]])
    there.draw([["under it"]])
    assert drawn(stream.getvalue()) == "kept\nunder it"


def test_what_was_kept_can_be_taken_back(sized: Callable[[int, int], None]) -> None:
    stream = Stream()
    there = Screen(stream)
    there.keep([["first"]])
    rows = there.keep([["a question"], ["w " * 40]])
    assert rows == 1 + 3
    there.take_back(rows)
    there.keep([["second"]])
    assert drawn(stream.getvalue()) == "first\nsecond\n"


def test_a_drawing_is_one_write(sized: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream()
    writes: list[str] = []
    monkeypatch.setattr(stream, "write", writes.append)
    Screen(stream).draw([["one"], ["two"]])
    assert len(writes) == 1, "so that nothing flickers"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["no longer than it is"], ["no longer than it is"]),
        (
            told("Test", *["✓ ", "key accepted  ", "✓ ", "streaming  ", "✓ ", "tool call"]),
            ["✓ Test       ✓ key accepted  ✓", "             streaming  ✓ tool call"],
        ),
        (more("a long name  ", "and more of what there is to say"),
         ["             a long name  and more of", "             what there is to say"]),
        ([("✗ ", "red"), "a sentence that goes on for a while and ends"],
         ["✗ a sentence that goes on for a while", "  and ends"]),
        (["  ~ default: one/model → another/model-1"], ["  ~ default: one/model →", "    another/model-1"]),
    ],
)  # fmt: skip
def test_long_lines_are_broken_between_words(
    sized: Callable[[int, int], None], line: Line, expected: list[str]
) -> None:
    stream = Stream()
    assert Screen(stream).keep([line]) == len(expected)
    assert drawn(stream.getvalue()).splitlines() == expected


def test_after_it_got_narrower_the_broken_lines_are_overdrawn(sized: Callable[[int, int], None]) -> None:
    stream = Stream()
    there = Screen(stream)
    there.draw([["x" * 35], ["y" * 35]])
    sized(20, 24)
    before = len(stream.getvalue())
    there.draw([["z"]])
    assert stream.getvalue()[before:].startswith("\x1b[?25l\r\x1b[3A"), "each line of before takes two rows now"


def test_symbols_become_ascii_before_they_are_measured(sized: Callable[[int, int], None]) -> None:
    shown.prepare()
    stream = Stream()
    stream.encoding = "ascii"  # type: ignore[misc]
    Screen(stream).draw([["› " + "…" * 30]])
    assert drawn(stream.getvalue()) == "> " + "..." * 12 + "."
