"""The page about dialects says what they are."""

from __future__ import annotations

from c2o.translate.dialects import DIALECTS
from tests.dialects.reference import PAGE, page
from tests.test_recordings import RECORDINGS


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.dialects.reference"


def test_every_dialect_has_a_recording() -> None:
    """A quirk without one is a rumour."""
    assert set(DIALECTS) <= {folder.name for folder in RECORDINGS.iterdir()}
