"""The page about dialects says what they are."""

from __future__ import annotations

from tests.dialects.reference import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.dialects.reference"
