"""That none of the faults is forgotten."""

from __future__ import annotations

import re
from pathlib import Path


def test_each_fault_has_its_test() -> None:
    texts = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]
    found = {int(number) for text in texts for number in re.findall(r"\b(?:test_)?f(\d\d)_", text)}
    assert found == set(range(1, 49))
