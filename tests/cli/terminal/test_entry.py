"""A line as it is typed."""

from __future__ import annotations

import pytest

from c2o.cli.terminal.entry import Entry


def typed(*keys: str, hidden: bool = False, text: str = "") -> Entry:
    entry = Entry(text, hidden=hidden)
    for key in keys:
        entry.press(key)
    return entry


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ([*"abc"], "abc"),
        ([*"abc", "backspace"], "ab"),
        ([*"abc", "left", "backspace"], "ac"),
        ([*"abc", "home", "delete"], "bc"),
        ([*"abc", "home", "x"], "xabc"),
        ([*"abc", "left", "left", "end", "x"], "abcx"),
        ([*"abc", "left", "clear"], "c"),
        (["backspace", "delete", "left", "right", "up", "pagedown"], ""),
    ],
)
def test_editing(keys: list[str], text: str) -> None:
    assert typed(*keys).text == text


def test_enter_ends_it() -> None:
    entry = Entry()
    assert [entry.press(key) for key in ("a", "enter")] == [False, True]
    assert entry.text == "a"


def test_a_key_is_shown_as_dots_and_only_its_length() -> None:
    entry = typed(*"sk-secret", hidden=True)
    assert entry.shown(40) == ("•" * 9, 9)
    assert entry.text == "sk-secret"


def test_of_a_long_line_the_place_of_the_cursor_is_seen() -> None:
    entry = typed(*"0123456789")
    assert entry.shown(5) == ("6789", 4)
    entry.press("home")
    assert entry.shown(5) == ("01234", 0)
