"""Answers that must be JSON: what an upstream wraps around them goes, and what they aren't is noted."""

from __future__ import annotations

import pytest

from c2o.translate.structured import Structured

NOTE = "the answer is not the JSON that was asked for"


def through(text: str, size: int) -> tuple[str, list[str]]:
    """What comes out of a filter that is fed in pieces of this size, and what it notes."""
    notes: list[str] = []
    each = Structured(notes)
    pieces = [each.feed(text[start : start + size]) for start in range(0, len(text), size)]
    return "".join([*pieces, each.close()]), notes


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("said", "shown", "notes"),
    [
        ('{"a": 1}', '{"a": 1}', []),
        (' \n{"a": "```"}\n', ' \n{"a": "```"}\n', []),
        ('```json\n{"a": 1}\n```', '{"a": 1}', []),
        ("```\n[1]\n```\n", "[1]", []),
        ("Sure! Here it is: {}", "Sure! Here it is: {}", [NOTE]),
        ('{"a": 1', '{"a": 1', [NOTE]),
        ('```json\n{"a": ', '{"a":', [NOTE]),
        ("`code`", "`code`", [NOTE]),
        ("\ud800", "\ud800", [NOTE]),
        ("", "", []),
    ],
)
def test_an_answer_that_must_be_json(said: str, shown: str, notes: list[str], size: int) -> None:
    assert through(said, size) == (shown, notes)


def test_what_is_no_fence_passes_at_once() -> None:
    each = Structured([])
    assert [each.feed(piece) for piece in ("  ", '{"a"', ": 1}")] == ["", '  {"a"', ": 1}"]
