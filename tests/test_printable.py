"""Text from elsewhere, made harmless."""

from __future__ import annotations

import pytest

from c2o.printable import printable, printable_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ünïcode, 日本語 ✓", "plain, ünïcode, 日本語 ✓"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("one\r\ntwo", r"one\r\ntwo"),
        ("nul\0 bell\a del\x7f", r"nul\x00 bell\x07 del\x7f"),
        ("\x9b31m", r"\x9b31m"),
        ("user\u202etxt.exe", r"user\u202etxt.exe"),
        ("line\u2028end", r"line\u2028end"),
    ],
)
def test_control_characters_are_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_lines_can_be_kept() -> None:
    assert printable_lines("one\ntwo\x1b[1m") == "one\ntwo\\x1b[1m"
